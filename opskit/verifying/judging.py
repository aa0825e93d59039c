"""Build a report again from its file alone, and say whether the file tells the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from opskit import __version__
from opskit.core.clock import DAY
from opskit.core.errors import DataError, ExitCode
from opskit.core.text import clean
from opskit.outside.database import Database, uncollected
from opskit.outside.typed import from_json
from opskit.records.archive import Archive
from opskit.report import differing
from opskit.report.built import Built
from opskit.report.differing import Difference
from opskit.report.document import View
from opskit.report.figures.catalogue import NAMES
from opskit.report.inputs import Inputs
from opskit.report.pages import teams
from opskit.report.reader import Reader, drawn
from opskit.report.render import json
from opskit.reporting import built
from opskit.verifying import paper
from opskit.verifying.holding import held
from opskit.verifying.reading import Claim, Damaged, File, read

# So many differences are counted one by one.
_COUNTED = 10_000
# A cell of a ribbon is made for each service and day.
_MOST_CELLS = 3_000_000

_NOT_ITS_ID = "its id is not the hash of what it carries: the evidence in it was changed, or the id"


class Outcome(StrEnum):
    """What came of looking at a file."""

    SAME = "same"
    DIFFERS = "differs"
    UNDECIDED = "cannot be decided"

    @property
    def code(self) -> ExitCode:
        """Return the exit code that says so."""
        codes = {Outcome.SAME: ExitCode.OK, Outcome.DIFFERS: ExitCode.FINDINGS}
        return codes.get(self, ExitCode.UNDETERMINED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of looking at a file: what differs, the first of it first, and what else to say.

    `report` is the report of what the file carries; None where none can be built.
    """

    file: str
    form: str
    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    said: tuple[str, ...] = ()
    report: Built | None = None
    reader: Reader | None = None


@uncollected()
def verify(path: Path) -> Verdict:
    """Build the report that a file carries the inputs of, and compare the two.

    Raises:
        ConfigError: the file cannot be read, or what its form needs is not installed.
        DataError: it is no report.
        OutsideError: it is larger than anything that is looked at.
    """
    file = read(path)
    try:
        claim = file.claim()
    except Damaged as error:
        return _broken(file, error.message)
    try:
        again = _rebuilt(claim.embedded, file.name)
    except DataError as error:
        return _unbuildable(file, claim, error.message)
    reader, differences = _compared(file, claim, again)
    if isinstance(differences, str):
        why = (differences, "its words are the same; the same report as HTML or JSON is decided")
        return Verdict(file.name, file.form.name, Outcome.UNDECIDED, (), why, again, reader)
    if not differences:
        return Verdict(file.name, file.form.name, Outcome.SAME, (), (), again, reader)
    if _as_here(again.inputs):
        said = (_NOT_ITS_ID,) if _id_differs(differences, again.report.id) else ()
        return Verdict(file.name, file.form.name, Outcome.DIFFERS, differences, said, again, reader)
    return _by_another(file, again, reader, differences)


def against(verdict: Verdict, database: Database, archive: Archive, *, named: bool) -> Verdict:
    """Return a verdict with what a ledger and its archive say to the report, too.

    Where nobody `named` that ledger, it may be another one than the report is of.

    Raises:
        OpskitError: the database cannot be read.
    """
    if verdict.report is None:
        return verdict
    found = held(verdict.report, database, archive)
    if found.foreign and not named:
        same = verdict.outcome is Outcome.SAME
        said = (*verdict.said, *found.said, "--ledger insists on it, --offline leaves it out")
        return replace(verdict, outcome=Outcome.UNDECIDED if same else verdict.outcome, said=said)
    return replace(
        verdict,
        outcome=Outcome.DIFFERS if found.differences else verdict.outcome,
        differences=(*verdict.differences, *found.differences),
        said=(*verdict.said, *found.said),
    )


def _id_differs(differences: Iterable[Difference], report_id: str) -> bool:
    return any(report_id in one.gives and report_id not in one.says for one in differences)


def report_of(path: Path) -> Built:
    """Return the report of what a file carries, whatever the file says.

    Raises:
        ConfigError: the file cannot be read.
        DataError: it is no report, or none can be built of what it carries.
        OutsideError: it is larger than anything that is looked at.
    """
    file = read(path)
    return _rebuilt(file.claim().embedded, file.name)


def _rebuilt(embedded: bytes, name: str) -> Built:
    """Return the report of inputs that a stranger may have written.

    Raises:
        DataError: there is none.
    """
    inputs = from_json(embedded, Inputs, name=f"what {name} carries")
    ground = inputs.ground
    if len(ground.evidence.services) * (ground.period.length // DAY) > _MOST_CELLS:
        raise DataError(f"what {name} carries is of more services and days than any report")
    try:
        return built(inputs)
    except Exception as error:  # what a stranger wrote can be wrong in any way
        message = f"no report can be built of what {name} carries ({type(error).__name__})"
        raise DataError(message) from error


def _broken(file: File, why: str) -> Verdict:
    return Verdict(
        file.name, file.form.name, Outcome.DIFFERS, (Difference("what it carries", why, ""),)
    )


def _unbuildable(file: File, claim: Claim, why: str) -> Verdict:
    version = _version_of(claim.embedded)
    if version in ("", __version__):
        return _broken(file, why)
    said = f"opskit {version} made it, and {__version__} cannot read what it carries: {why}"
    return Verdict(file.name, file.form.name, Outcome.UNDECIDED, (), (said, _with(version)))


def _version_of(embedded: bytes) -> str:
    try:
        found = json.read(b'{"inputs":' + embedded + b"}", name="it")["inputs"]
    except DataError:
        return ""
    return str(found.get("opskit_version", ""))[:40]


def _with(version: str) -> str:
    return f"to decide it, verify it with opskit {version}"


def _compared(
    file: File, claim: Claim, again: Built
) -> tuple[Reader, tuple[Difference, ...] | str]:
    """Return whom the file was drawn for, and what differs from what is drawn again.

    Words instead say why nothing can be said of bytes: another program drew the same text.
    """
    own = tuple(_of_itself(claim))
    shown = file.reading.shown(file.data)
    drafts: list[tuple[int, Reader, bytes]] = []
    for reader in _readers(file, claim, again):
        given = drawn(again, file.form, reader)
        if file.reading.shown(given) == shown:
            return reader, own
        drafts.append((abs(len(given) - len(file.data)), reader, given))
    # Where the file does not say whom it is for: the pages that are as long as these, or nearly.
    _, reader, given = min(drafts, key=lambda draft: draft[0])
    another = "" if own else _drawn_by_another(file, given)
    if another:
        return reader, another
    return reader, (*own, *islice(_differences(file, given, again), _COUNTED))


def _drawn_by_another(file: File, given: bytes) -> str:
    """Return which other program drew a PDF whose every word is as it should be; empty if none."""
    if not file.form.name.startswith("pdf"):
        return ""
    theirs, ours = paper.drawn_by(file.data), paper.drawn_by(given)
    if theirs == ours or list(paper.words(file.data)) != list(paper.words(given)):
        return ""
    return f"{clean(theirs)[:40] or 'a program that gives no name'} drew it, {ours} is here"


def _readers(file: File, claim: Claim, again: Built) -> Iterable[Reader]:
    """Return whom a file may have been drawn for, likely ones first."""
    if claim.reader is not None:
        return (claim.reader,)
    if file.form.name == "json":
        return (Reader(View.WHOLE),)
    views = dict.fromkeys((file.form.view, *View))
    known = (Reader(View.TEAM, one) for one in teams(again))
    return (*(Reader(one) for one in views if one is not View.TEAM), *known)


def _of_itself(claim: Claim) -> Iterator[Difference]:
    """Yield where what a file carries and what it says of that differ."""
    found = hashlib.sha256(claim.embedded).hexdigest()
    if claim.id and claim.id != found:
        yield Difference("the id of what it carries", claim.id, found)


def _differences(file: File, given: bytes, again: Built) -> Iterator[Difference]:
    found = _by_form(file, given, again)
    first = next(found, None)
    if first is None:
        at = next(
            (
                at
                for at, (one, other) in enumerate(zip(file.data, given, strict=False))
                if one != other
            ),
            min(len(file.data), len(given)),
        )
        yield Difference(f"byte {at + 1}, in no word that can be read", "other bytes", "its own")
        return
    yield first
    yield from found


def _by_form(file: File, given: bytes, again: Built) -> Iterator[Difference]:
    if file.form.name == "json":
        says, gives = (json.read(one, name=file.name) for one in (file.data, given))
        yield from differing.of_json(says, gives)
        return
    words = file.reading.words
    yield from differing.of_words(list(words(file.data)), list(words(given)), again.report)


def _as_here(inputs: Inputs) -> bool:
    """Return whether the opskit here has the methods that made a report."""
    return inputs.opskit_version == __version__ and inputs.methods in ((), NAMES)


def _by_another(
    file: File, again: Built, reader: Reader, differences: tuple[Difference, ...]
) -> Verdict:
    """Say what can be said of a report that another opskit made: which values are the same."""
    inputs = again.inputs
    theirs, ours = _by_number(inputs.methods), _by_number(NAMES)
    changed = (
        {
            number: (theirs.get(number, "none"), ours.get(number, "none"))
            for number in sorted({*theirs, *ours})
            if theirs.get(number) != ours.get(number)
        }
        if theirs
        else {}
    )
    wrong = tuple(
        one for one in differences if one.figure and one.method.partition(".")[0] not in changed
    )
    said = (
        f"opskit {inputs.opskit_version} made it, this is {__version__}",
        _changed(changed) if theirs else "it does not say which methods made it",
        _equal(differences, again),
        _with(inputs.opskit_version),
    )
    outcome = Outcome.DIFFERS if wrong and theirs else Outcome.UNDECIDED
    kept = wrong if outcome is Outcome.DIFFERS else differences
    return Verdict(file.name, file.form.name, outcome, kept, said, again, reader)


def _by_number(names: Iterable[str]) -> Mapping[str, str]:
    return {name.partition(".")[0]: name for name in names}


def _changed(changed: Mapping[str, tuple[str, str]]) -> str:
    if not changed:
        return "no method changed between them; how pages are drawn did"
    listed = ", ".join(f"{theirs} then, {ours} now" for theirs, ours in changed.values())
    return f"methods that changed: {listed}"


def _equal(differences: Iterable[Difference], again: Built) -> str:
    off = {one.figure for one in differences if one.figure}
    figures = [one.id for one in again.report.figures]
    same = sum(one not in off for one in figures)
    return f"{same} of {len(figures)} figures have the same value by both"


def as_json(verdict: Verdict, shown: int) -> dict[str, Any]:
    """Return a verdict for programs, with the first `shown` of its differences."""
    report = verdict.report.report if verdict.report else None
    return {
        "file": verdict.file,
        "form": verdict.form,
        "outcome": verdict.outcome.value,
        "id": report.id if report else None,
        "title": report.title if report else None,
        "version": report.version if report else None,
        "opskit_version": report.opskit_version if report else None,
        "view": verdict.reader.view.value if verdict.reader else None,
        "team": verdict.reader.team if verdict.reader else None,
        "differences": [
            {
                "place": one.place,
                "figure": one.figure,
                "method": one.method,
                "file_says": one.says,
                "evidence_gives": one.gives,
            }
            for one in verdict.differences[:shown]
        ],
        "more": max(0, len(verdict.differences) - shown),
        "said": list(verdict.said),
    }
