"""The report of the invented year as files, one of each form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opskit.demo.year.inputs import made_up
from opskit.outside.files import translated, write_atomically
from opskit.report.reader import Reader, drawn
from opskit.report.render.forms import FORMS, Form, form
from opskit.reporting import built


@dataclass(frozen=True, slots=True)
class Shown:
    """A file that was written, and what it is."""

    path: Path
    title: str


def show(directory: Path, names: Sequence[str]) -> tuple[Shown, ...]:
    """Write the report into a directory, in the forms named or else in all that can be drawn.

    Raises:
        ConfigError: there is no such form, it needs what is not installed, or the directory cannot
            be written to.
        OutsideError: there is no space left.
    """
    chosen = [form(name) for name in names] or [one for one in FORMS.values() if one.ready]
    return tuple(_written(directory, chosen))


def left_out(names: Sequence[str]) -> tuple[str, ...]:
    """Return the titles of forms that cannot be drawn here, where none was asked for by name."""
    return () if names else tuple(one.title for one in FORMS.values() if not one.ready)


def _written(directory: Path, chosen: Sequence[Form]) -> Iterator[Shown]:
    report = built(made_up())
    with translated(directory):
        directory.mkdir(parents=True, exist_ok=True)
    for one in chosen:
        path = directory / _name(one)
        write_atomically(path, drawn(report, one, Reader(one.view)))
        yield Shown(path, one.title)


def _name(one: Form) -> str:
    """Return a form's file; where two end alike, the second says which it is."""
    alike = next(other for other in FORMS.values() if other.suffix == one.suffix)
    return f"report{one.suffix}" if alike is one else f"report-{one.name}{one.suffix}"
