"""ARA Records Ansible: playbooks as `/api/v1/playbooks` lists them.

The list says how a playbook went, and not how it left each host: `--hosts` brings that.

Source: ARA's own model of a playbook (`started`, `ended`, `status`, `name`, `path`, `arguments`).
"""

from __future__ import annotations

from opskit.history.fields import Reading, texts
from opskit.history.kinds.kind import Kind, job
from opskit.history.model import Job, Raw, Unusable

_ENDED = {"completed": "finished", "failed": "finished", "expired": "lost"}


def row(raw: Raw, reading: Reading) -> Job:
    """Return one playbook."""
    state = _ENDED.get(str(raw.values.get("status")))
    if state is None:
        raise Unusable("it has not ended")
    named = next((text for path in ("name", "path") for text in texts(raw, path)), "")
    check = "true" in texts(raw, "arguments.check")
    task = named.rpartition("/")[2]
    return job(raw, reading, task=task, state=state, check=check, hosts={})


ARA = Kind(
    name="ara",
    paths={"id": ("id",), "started": ("started",), "resolved": ("ended",), "updated": ("updated",)},
    row=row,
    envelopes=("results",),
)
