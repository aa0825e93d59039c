"""How each host was left by a job, where an export of its own says so: counted, each host once.

Sources: the API guide of AWX, "Job Host Summaries" (`job`, `changed`, `dark`, `failures`, `ok`);
ARA's own model of a host (`playbook`, `changed`, `unreachable`, `failed`, `ok`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from opskit.core.errors import DataError
from opskit.core.text import clean, plural
from opskit.history.fields import texts
from opskit.history.model import Job, Raw, Read, Told
from opskit.history.sheets import Sheet
from opskit.outside.files import open_file

_JOBS = ("job", "playbook", "playbook.id", "summary_fields.job.id")
# Of a host that several are true of, the first counts, as in AWX's own counts.
_LEFT = (
    ("unreachable", ("dark", "unreachable")),
    ("failed", ("failures", "failed")),
    ("changed", ("changed",)),
    ("ok", ("ok",)),
)
NO_HOST = "no host of a job"


def with_hosts(read: Read, path: Path) -> Read:
    """Return jobs with the hosts that another export of the same system tells of.

    Raises:
        ConfigError: it is not there.
        DataError: it is neither CSV nor JSON, or tells of none of the jobs.
    """
    told = Told()
    with open_file(path) as stream:
        sheet = Sheet(stream, clean(path.name), ("results",), told)
        left = _left_by_job(sheet, told)
    rows = tuple(
        replace(row, hosts=left[row.key]) if isinstance(row, Job) and row.key in left else row
        for row in read.rows
    )
    known = sum(row.key in left for row in read.rows)
    if read.rows and not known:
        message = f"{sheet.name} tells of no host of a job in {read.file}"
        raise DataError(message, hint="--hosts takes job_host_summaries of AWX, or hosts of ARA")
    for reason, places in told.places.items():
        read.left_out.places.setdefault(reason, []).extend(places)
    read.left_out.counts.update(told.counts)
    note = f"the hosts of {plural(known, 'job')} are from {sheet.name}"
    return replace(read, rows=rows, notes=(*read.notes, note, *sheet.notes))


def _left_by_job(sheet: Sheet, told: Told) -> Mapping[str, Mapping[str, int]]:
    found: dict[str, Counter[str]] = {}
    seen: set[tuple[str, str]] = set()
    for raw in sheet.rows():
        job = next((text for path in _JOBS for text in texts(raw, path)), "")
        host = next((text for path in ("host_name", "name", "id") for text in texts(raw, path)), "")
        how = _how(raw)
        if not job or not host or not how:
            told.leave_out(NO_HOST, raw.place)
        elif (job, host) not in seen:
            seen.add((job, host))
            found.setdefault(job, Counter())[how] += 1
    return {job: dict(sorted(counts.items())) for job, counts in found.items()}


def _how(raw: Raw) -> str:
    """Return how a host was left; nothing where no task of a job ran on it."""
    return next(
        (ours for ours, theirs in _LEFT if any(_number(raw, name) > 0 for name in theirs)), ""
    )


def _number(raw: Raw, name: str) -> int:
    text = next(iter(texts(raw, name)), "")
    return int(text) if text.isascii() and text.isdigit() else 0
