"""The archive of issued reports, on both databases: one version each, kept as it was told."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import sqlalchemy as sa

from opskit.core.clock import FrozenClock, Instant
from opskit.core.errors import Conflict, OpskitError, OutsideError
from opskit.core.interval import Interval
from opskit.outside.database import Database
from opskit.records.archive import ARCHIVE, Archive, Draft, Month
from opskit.records.ledger import GENESIS, Head, Ledger, entries, verify

OCTOBER = Month("2026-10", "UTC", Interval(Instant(1_000), Instant(2_000)))
SEPTEMBER = Month("2026-09", "UTC", Interval(Instant(500), Instant(1_000)))


def archive(database: Database, at: int = 5_000) -> Archive:
    return Archive(database, Ledger(FrozenClock(Instant(at)), "cli:test"))


def draft(inputs: bytes = b"inputs", version: int = 1) -> Draft:
    return Draft(version, hashlib.sha256(inputs).hexdigest(), Head(0, GENESIS), inputs, b"told")


def written(database: Database) -> list[str]:
    with database.read() as connection:
        return [one.kind for one in entries(connection)]


def test_what_was_issued_comes_back_as_it_was(database: Database) -> None:
    kept = archive(database)
    issued = kept.issue(OCTOBER, draft())

    assert kept.issued() == (issued,)
    assert (issued.version, issued.issued_at, issued.seq) == (1, 5_000, 1)
    assert kept.last(OCTOBER) == kept.version(OCTOBER, 1) == kept.known(draft().id) == issued
    assert (kept.inputs(issued), kept.told(issued)) == (b"inputs", b"told")


def test_the_ledger_says_what_was_issued(database: Database) -> None:
    archive(database).issue(OCTOBER, draft())
    with database.read() as connection:
        [entry] = entries(connection)

    assert (entry.kind, entry.subject) == ("report.issued", "2026-10")
    assert json.loads(entry.data) == {
        "id": draft().id, "version": 1, "zone": "UTC", "start": 1_000, "end": 2_000,
        "seal_seq": 0, "seal_hash": GENESIS,
    }  # fmt: skip
    assert verify(database).broken_at is None


def test_what_was_never_issued_is_not_there(database: Database) -> None:
    kept = archive(database)
    kept.issue(OCTOBER, draft())

    assert kept.last(SEPTEMBER) is None
    assert kept.last(replace(OCTOBER, zone="Europe/Amsterdam")) is None
    assert kept.version(OCTOBER, 2) is None
    assert kept.known("0" * 64) is None


def test_months_come_newest_first_and_versions_last_first(database: Database) -> None:
    kept = archive(database)
    for month, one in ((OCTOBER, draft()), (SEPTEMBER, draft(b"a")), (OCTOBER, draft(b"b", 2))):
        kept.issue(month, one)

    listed = [(one.month.name, one.version) for one in kept.issued()]
    assert listed == [("2026-10", 2), ("2026-10", 1), ("2026-09", 1)]
    assert kept.last(OCTOBER) == kept.version(OCTOBER, 2)


def test_a_version_is_issued_once_and_the_second_try_leaves_no_trace(database: Database) -> None:
    kept = archive(database)
    first = kept.issue(OCTOBER, draft())
    with pytest.raises(Conflict):
        kept.issue(OCTOBER, draft(b"other"))

    assert kept.issued() == (first,)
    assert kept.inputs(first) == b"inputs"
    assert written(database) == ["report.issued"]


def test_of_many_at_once_one_issues(database: Database) -> None:
    start = Barrier(4)

    def issue(number: int) -> bool:
        start.wait()
        try:
            archive(database).issue(OCTOBER, draft(str(number).encode()))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(issue, range(4)))

    assert sum(done) == len(archive(database).issued()) == 1
    assert written(database) == ["report.issued"]
    assert verify(database).broken_at is None


def test_one_that_is_cut_off_between_ledger_and_table_has_done_neither(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Archive, "_enter", cut_off)
    with pytest.raises(KeyboardInterrupt):
        archive(database).issue(OCTOBER, draft())

    assert (written(database), archive(database).issued()) == ([], ())


@pytest.mark.parametrize(
    "inputs", [b"", b"no zlib", draft().inputs], ids=["empty", "garbage", "plain"]
)
def test_what_was_changed_in_the_archive_is_not_given_out(
    database: Database, inputs: bytes
) -> None:
    kept = archive(database)
    issued = kept.issue(OCTOBER, draft())
    with database.write() as connection:
        connection.execute(sa.update(ARCHIVE).values(inputs=inputs))

    with pytest.raises(OutsideError, match="version 1 of 2026-10 is not in the archive"):
        kept.inputs(issued)


def test_other_inputs_under_the_same_id_are_not_given_out(database: Database) -> None:
    kept = archive(database)
    one, other = kept.issue(OCTOBER, draft()), kept.issue(SEPTEMBER, draft(b"other"))
    with database.write() as connection:
        swapped = sa.select(ARCHIVE.c.inputs).where(ARCHIVE.c.id == other.id).scalar_subquery()
        connection.execute(sa.update(ARCHIVE).where(ARCHIVE.c.id == one.id).values(inputs=swapped))

    with pytest.raises(OpskitError):
        kept.inputs(one)
    assert kept.inputs(other) == b"other"
