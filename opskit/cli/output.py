"""Where results go: tables for people, exact forms for machines. The only importer of rich.

Results are written to stdout, everything else to stderr. Data is never taken for markup.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.core.text import clean, clean_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console as Console  # noqa: PLC0414  # the one door, for types
    from rich.text import Text

FORMAT_VERSION = 1

# A column that may be folded is still readable at this width.
_FOLDED = 12
# Spare columns make room until a folded one has this width.
_ROOM = 24

_STYLES = {
    "compliant": "green", "up": "green", "ok": "green", "met": "green", "finished": "green",
    "drifted": "yellow", "degraded": "yellow", "warning": "yellow", "suspect": "yellow",
    "medium": "yellow", "maintenance": "blue",
    "failed": "bold red", "down": "bold red", "unreachable": "red", "problem": "bold red",
    "missed": "bold red", "high": "red", "broken": "bold red", "lost": "red",
    "not evaluated": "magenta", "unknown": "magenta", "cannot say": "magenta",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `fold` may be broken over lines, others are kept whole.

    `spare` may be left out, and is named then, where the terminal is too narrow for all of them.
    """

    title: str
    fold: bool = False
    right: bool = False
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """How the caller wants the result: the format, and a file instead of stdout."""

    format: str
    path: Path | None = None

    @property
    def for_people(self) -> bool:
        """Return whether a person reads it."""
        return self.format == "table"

    def emit(self, text: str) -> None:
        """Write a finished text."""
        text = text if text.endswith("\n") else text + "\n"
        if self.path is None:
            click.echo(text, nl=False)
            return
        self.emit_bytes(text.encode("utf-8", "backslashreplace"))

    def emit_bytes(self, data: bytes) -> None:
        """Write a finished file, byte by byte as it is."""
        if self.path is None:
            click.echo(data, nl=False)
            return
        from opskit.outside.files import write_atomically  # noqa: PLC0415  # only with a file

        target = self.path.resolve() if self.path.is_symlink() else self.path
        if target.exists() and not target.is_file():
            target.write_bytes(data)  # a pipe or a device is written to, not replaced
        else:
            write_atomically(target, data)
        note(f"written to {self.path}")

    def emit_data(self, data: Mapping[str, Any]) -> None:
        """Write data as JSON or YAML, with the version of its form."""
        versioned = {"format_version": FORMAT_VERSION, **data}
        if self.format == "yaml":
            import yaml  # noqa: PLC0415  # only for YAML

            plain = json.loads(json.dumps(versioned))
            # Escaped as in JSON: YAML would take marks that turn the line around as they are.
            self.emit(yaml.safe_dump(plain, sort_keys=False))
        else:
            self.emit(json.dumps(versioned, indent=2))

    def emit_documents(
        self, documents: Sequence[Mapping[str, Any]], comments: Sequence[str] = ()
    ) -> None:
        """Write YAML documents of a form that somebody else has laid down, under comments."""
        import yaml  # noqa: PLC0415  # only for YAML

        class Dumper(yaml.SafeDumper):
            """Quotes what YAML 1.2 takes for a number and 1.1 for text: a service called 1e3."""

        def text(dumper: Dumper, value: str) -> yaml.Node:
            style = '"' if value[:1] in set("+-.0123456789") else None
            return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

        Dumper.add_representer(str, text)
        plain = json.loads(json.dumps(list(documents)))
        dumped = yaml.dump_all(plain, Dumper=Dumper, sort_keys=False, explicit_start=True)
        self.emit("".join(f"# {clean(one)}\n" for one in comments) + dumped)

    def emit_printed(self, show: Callable[[Console], None]) -> None:
        """Write what `show` prints: to the terminal, or as plain text to a file."""
        if self.path is None:
            show(console())
            return
        import io  # noqa: PLC0415  # only with a file

        buffer = io.StringIO()
        show(console(buffer))
        self.emit(buffer.getvalue())


def width() -> int:
    """Return how wide a table may be: the terminal, or a page where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def console(stream: Any = None, *, stderr: bool = False) -> Console:  # noqa: ANN401  # a text stream
    """Return a rich console that takes data as data."""
    from rich.console import Console  # noqa: PLC0415  # 50 ms that only tables pay

    return Console(
        file=stream, stderr=stderr, width=width(), markup=False, highlight=False, emoji=False
    )


def show_table(to: Console, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a header; words with a meaning are colored where colors are.

    Where the terminal is too narrow for that and nothing can be spared, each row becomes a block of
    lines: a table that lost a column unsaid would say something else.
    """
    from rich.table import Table  # noqa: PLC0415

    cells = [[_cell(text) for text in row] for row in rows]
    kept = _kept(columns, cells, to.width)
    spared = [one.title for index, one in enumerate(columns) if index not in kept]
    columns = [columns[index] for index in kept]
    cells = [[row[index] for index in kept] for row in cells]
    if _least_width(columns, cells, _FOLDED) > to.width:
        _show_blocks(to, columns, cells)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=not column.fold,
        )
    for row in cells:
        table.add_row(*row)
    to.print(table)
    if spared:
        to.print(_cell(f"a wider terminal also shows: {', '.join(spared)}"))


def _kept(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> list[int]:
    """Return the columns to show: the last spare ones go until what is folded has some room."""
    kept = list(range(len(columns)))
    for index in reversed(kept.copy()):
        shown = [columns[one] for one in kept]
        if _least_width(shown, [[row[one] for one in kept] for row in rows], _ROOM) <= width:
            break
        if columns[index].spare:
            kept.remove(index)
    # Where even that does not fit, blocks show all of them.
    shown = [columns[one] for one in kept]
    fits = _least_width(shown, [[row[one] for one in kept] for row in rows], _FOLDED) <= width
    return kept if fits else list(range(len(columns)))


def _least_width(columns: Sequence[Column], rows: Sequence[Sequence[Text]], folded: int) -> int:
    """Return the width under which a column would have to be cut, or folded below `folded`."""
    total = 2 * (len(columns) - 1)
    for index, column in enumerate(columns):
        longest = max([len(column.title), *(row[index].cell_len for row in rows)])
        total += min(longest, folded) if column.fold else longest
    return total


def _cell(text: str) -> Text:
    from rich.text import Text  # noqa: PLC0415

    return Text(clean_block(text), style=_STYLES.get(text, ""))


def _show_blocks(to: Console, columns: Sequence[Column], rows: Iterable[Sequence[Text]]) -> None:
    indent = max(len(column.title) for column in columns) + 2
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            if cell.plain:
                to.print(_cell(column.title.ljust(indent)), cell, sep="", overflow="fold")
        to.print()


def show_heading(to: Console, text: str) -> None:
    """Print a line that starts a part."""
    from rich.text import Text  # noqa: PLC0415

    to.print()
    to.print(Text(clean(text), style="bold"))


def show_facts(to: Console, facts: Iterable[tuple[str, str]]) -> None:
    """Print names, each with what is said of it beside it, broken to fit the terminal."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, said in facts:
        grid.add_row(Text(f"{clean(name)}:"), Text(clean(said)))
    to.print(grid)


def show_text(to: Console, text: str, style: str = "") -> None:
    """Print text as it is, cleaned."""
    from rich.text import Text  # noqa: PLC0415

    to.print(Text(clean_block(text), style=style), soft_wrap=True)


def note(text: str) -> None:
    """Tell the person at the terminal something that is not the result."""
    click.echo(clean(text), err=True)


def interactive() -> bool:
    """Return whether somebody can be asked."""
    # Either is None where the caller closed it: opskit ... <&-
    return all(one is not None and one.isatty() for one in (sys.stdin, sys.stderr))


@contextmanager
def working(label: str) -> Iterator[None]:
    """Say what takes a while and has no steps to count: as long as it does, or in a line."""
    if not sys.stderr.isatty():
        note(f"{label} ...")
        yield
        return
    from rich import progress  # noqa: PLC0415

    with progress.Progress(
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description}", markup=False),
        progress.TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    ) as shown:
        shown.add_task(clean(label), total=None)
        yield


class Progress:
    """Progress of long work, on stderr: a bar on a terminal, plain lines elsewhere."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Any = None
        self._task: Any = None
        self._done = 0
        self._total = 0
        self._told = 0

    @contextmanager
    def shown(self) -> Iterator[Progress]:
        """Show it while the work goes on."""
        if not sys.stderr.isatty():
            note(f"{self._label} ...")
            yield self
            return
        from rich import progress  # noqa: PLC0415

        with progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=30),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=console(stderr=True),
            transient=True,
        ) as self._bar:
            self._task = self._bar.add_task(self._label, total=None)
            yield self

    def expect(self, count: int) -> None:
        """Say that `count` more steps are to come."""
        self._total += count
        if self._bar is not None:
            self._bar.update(self._task, total=self._total)

    def step(self) -> None:
        """Say that a step is done."""
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        elif self._total and self._done * 4 // self._total > self._told:
            self._told = self._done * 4 // self._total
            note(f"{self._label}: {self._done} of {self._total}")
