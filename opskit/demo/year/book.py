"""The ledger of the invented year: told in any order, chained in the order it happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import TypeVar

from opskit.core.clock import Instant
from opskit.core.evidence import Evidence, ServiceEvidence
from opskit.core.evidence.rows import UNRECORDED
from opskit.records.ledger import GENESIS, canonical, entry_hash
from opskit.report.inputs import EvidenceRow

T = TypeVar("T")


class Book:
    """Takes notes and hands out a number for each; `closed` says which entry each has become."""

    def __init__(self) -> None:
        self._notes: list[tuple[Instant, int, str, str, str, str]] = []

    def note(self, at: Instant, actor: str, kind: str, subject: str, /, **data: object) -> int:
        """Write down that something happened; return the number of the note."""
        number = len(self._notes) + 1
        self._notes.append((at, number, actor, kind, subject, canonical(data)))
        return number

    def closed(self) -> tuple[Mapping[int, int], tuple[EvidenceRow, ...]]:
        """Return the entry number of each note, and the chain."""
        numbers: dict[int, int] = {}
        chain: list[EvidenceRow] = []
        previous = GENESIS
        for seq, (at, number, actor, kind, subject, data) in enumerate(sorted(self._notes), 1):
            previous = entry_hash((previous, seq, at, actor, kind, subject, data))
            chain.append(EvidenceRow(seq, at, kind, previous))
            numbers[number] = seq
        return numbers, tuple(chain)


def numbered(evidence: Evidence, numbers: Mapping[int, int]) -> Evidence:
    """Return the evidence with the numbers of entries in place of those of notes."""
    return replace(
        evidence,
        services=tuple(_service(one, numbers) for one in evidence.services),
        drifts=_rows(evidence.drifts, numbers),
        runs=_rows(evidence.runs, numbers),
        hosts=_rows(evidence.hosts, numbers),
        access=_group(evidence.access, numbers),
        warnings=_group(evidence.warnings, numbers),
        desk=_group(evidence.desk, numbers),
        word=_group(evidence.word, numbers),
    )


def _service(one: ServiceEvidence, numbers: Mapping[int, int]) -> ServiceEvidence:
    timeline = _rows(one.timeline, numbers)
    return replace(one, timeline=timeline, refs=_refs(one.refs, numbers))


def _group(group: T, numbers: Mapping[int, int]) -> T:
    if group is None:
        return group
    names = {one.name for one in fields(group)} - {UNRECORDED}  # type: ignore[arg-type]  # the same
    rows = {name: _rows(getattr(group, name), numbers) for name in names}
    return replace(group, **rows)  # type: ignore[type-var]  # the same


def _rows(rows: Iterable[T], numbers: Mapping[int, int]) -> tuple[T, ...]:
    return tuple(
        replace(row, refs=_refs(row.refs, numbers))  # type: ignore[attr-defined,type-var]  # rows
        for row in rows
    )


def _refs(refs: Iterable[int], numbers: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(sorted({numbers[ref] for ref in refs}))
