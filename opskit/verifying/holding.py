"""What a report's file says, held against a ledger: its entries, its seal, and its id.

A file that is the same as its own evidence gives can still be made up, evidence and all. The
ledger it names then does not have its entries, or the archive not its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from opskit.core.text import clean
from opskit.issuing import name_of
from opskit.outside.database import Database
from opskit.records.archive import Archive, Month
from opskit.records.ledger import GENESIS, entries, verify
from opskit.report.built import Built
from opskit.report.differing import Difference
from opskit.report.inputs import EvidenceRow, Seal


@dataclass(frozen=True, slots=True)
class Held:
    """What a ledger has to say to a report: where they differ, and what it cannot tell.

    `foreign` says that it knows nothing of it at all: neither its seal nor any of its entries.
    """

    differences: tuple[Difference, ...]
    said: tuple[str, ...] = ()
    foreign: bool = False


def held(built: Built, database: Database, archive: Archive) -> Held:
    """Hold a report against a ledger and its archive.

    Raises:
        OpskitError: the database cannot be read.
    """
    broken, unlike = tuple(_chain(built.inputs.seal, database)), tuple(_entries(built, database))
    found = [*broken, *unlike]
    issued = archive.known(built.report.id)
    if issued is not None:
        name = f"version {issued.version} of {issued.month.name}"
        return Held(tuple(found), (f"issued as {name}: ledger entry {issued.seq}",))
    versions = _versions(built, archive)
    if versions:
        listed = ", ".join(f"version {number}: {known}" for number, known in versions.items())
        found.append(Difference("the id", built.report.id, listed, source="the archive"))
        return Held(tuple(found), ("no report of this id was ever issued here",))
    foreign = bool(broken) and len(unlike) == len(built.inputs.entries)
    return Held(tuple(found), (_FOREIGN if foreign else _NEVER,), foreign)


_NEVER = (
    "it was never issued here, so the archive cannot tell whether its evidence was changed; "
    "its entries and its seal were looked up"
)

_FOREIGN = "the ledger here has neither its seal nor its entries: it is of another one, or made up"


def _chain(seal: Seal, database: Database) -> Iterator[Difference]:
    """Yield that the ledger broke, or does not have the entry that the report was sealed with."""
    if seal.hash != GENESIS:
        chain = verify(database, expected=seal.hash)
        if chain.broken_at is not None:
            yield _unlike(f"the chain, entry {chain.broken_at}", seal.hash, chain.reason)


def _entries(built: Built, database: Database) -> Iterator[Difference]:
    """Yield each entry that the ledger does not have as the report says."""
    rows = built.inputs.entries
    if not rows:
        return
    first, last = min(one.seq for one in rows), max(one.seq for one in rows)
    wanted: Mapping[int, EvidenceRow] = {one.seq: one for one in rows}
    seen = set()
    with database.read() as connection:
        for entry in entries(connection, first=first, last=last):
            one = wanted.get(entry.seq)
            if one is None:
                continue
            seen.add(entry.seq)
            if (one.at, one.kind, one.hash) != (entry.at, entry.kind, entry.hash):
                told = (f"{clean(row.kind)} {row.hash}" for row in (one, entry))
                yield _unlike(f"ledger entry {entry.seq}", *told)
    for one in rows:
        if one.seq not in seen:
            yield _unlike(f"ledger entry {one.seq}", f"{clean(one.kind)} {one.hash}", "")


def _unlike(place: str, says: str, gives: str) -> Difference:
    return Difference(place, says, gives, source="the ledger")


def _versions(built: Built, archive: Archive) -> Mapping[int, str]:
    """Return what was issued for the month of a report, by version."""
    ground = built.inputs.ground
    name = name_of(ground.period, ZoneInfo(ground.zone))
    if not name:
        return {}
    month = Month(name, ground.zone, ground.period)
    return {one.version: one.id for one in archive.issued() if one.month == month}
