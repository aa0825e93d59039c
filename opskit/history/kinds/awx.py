"""AWX and Ansible Automation Controller: jobs as `/api/v2/jobs/` lists them, or one as it stands.

`host_status_counts` counts each host once, by how it was left; the list of jobs may lack it, the
job itself has it, and `--hosts` brings it.

Source: the API guide of AWX, "Jobs" (`job_type`, `status`, `started`, `finished`,
`host_status_counts`, `summary_fields.job_template`).
"""

from __future__ import annotations

from collections.abc import Mapping

from opskit.history.fields import Reading, texts
from opskit.history.kinds.kind import Kind, job
from opskit.history.model import Job, Raw, Unusable

_ENDED = {
    "successful": "finished",
    "failed": "finished",
    "error": "broken",
    "canceled": "interrupted",
}
_HOSTS = {"ok": "ok", "changed": "changed", "failures": "failed", "dark": "unreachable"}
_NAMES = ("summary_fields.job_template.name", "name")


def row(raw: Raw, reading: Reading) -> Job:
    """Return one job."""
    if raw.values.get("type", "job") != "job":
        raise Unusable("no job of a playbook")
    state = _ENDED.get(str(raw.values.get("status")))
    if state is None:
        raise Unusable("it has not ended")
    task = next((text for path in _NAMES for text in texts(raw, path)), "")
    return job(
        raw, reading, task=task, state=state, check=raw.values.get("job_type") == "check",
        hosts=_hosts(raw.values.get("host_status_counts")),
    )  # fmt: skip


def _hosts(counts: object) -> dict[str, int]:
    if not isinstance(counts, Mapping):
        return {}
    found = {ours: counts.get(theirs) for theirs, ours in _HOSTS.items()}
    return {
        name: number for name, number in found.items() if isinstance(number, int) and number > 0
    }


AWX = Kind(
    name="awx",
    paths={
        "id": ("id",),
        "started": ("started",),
        "resolved": ("finished",),
        "updated": ("modified",),
    },
    row=row,
    envelopes=("results",),
)
