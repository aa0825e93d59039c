"""`alerts new`: a drafted rule, its test and its section of the runbook, written."""

from __future__ import annotations

from pathlib import Path

from opskit.alerts.drafts import Draft
from opskit.core.errors import Refused
from opskit.outside.files import translated, write_atomically

_RUNBOOK = "README.md"


def lay_out(directory: Path, draft: Draft) -> tuple[Path, ...]:
    """Write a draft below `alerts/`; return the files it is in.

    Raises:
        Refused: one of its files, or its section of the runbook, is there already; nothing is
            written then.
    """
    files = {
        directory / f"{draft.stem}.yaml": draft.rules,
        directory / "tests" / f"{draft.stem}_test.yaml": draft.tests,
    }
    runbook = directory / _RUNBOOK
    heading = draft.runbook.splitlines()[0]
    with translated(runbook):
        before = runbook.read_text(encoding="utf-8") if runbook.exists() else "# Runbook\n"
    there = [str(path) for path in files if path.exists()]
    there += [f"{heading!r} in {runbook}"] if heading in before.splitlines() else []
    if there:
        raise Refused(
            f"there is {', '.join(there)} already", hint="nothing was written; take another name"
        )
    for path, text in files.items():
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    write_atomically(runbook, f"{before.rstrip()}\n\n{draft.runbook}".encode())
    return (*files, runbook)
