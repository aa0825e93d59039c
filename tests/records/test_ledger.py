"""The ledger: dense under many writers, and whatever is done to it afterwards shows."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import assume, example, given, settings, strategies as st

from opskit.core.clock import FrozenClock, Instant
from opskit.core.errors import Conflict, OpskitError
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import (
    GENESIS,
    LEDGER,
    LEDGER_HEAD,
    Entry,
    Head,
    Ledger,
    canonical,
    entries,
    entry_hash,
    head,
    verify,
)
from tests.outside import databases, isolated
from tests.rig.postgres import Postgres

NOON = Instant(1_790_856_000_000_000)
LENGTH = 200


def recomputed(entry: Entry) -> str:
    """Return an entry's hash as the module's description says, without the module."""
    fields = (
        entry.prev_hash,
        str(entry.seq),
        str(entry.at),
        entry.actor,
        entry.kind,
        entry.subject,
        entry.data,
    )
    return hashlib.sha256("\n".join(fields).encode("utf-8")).hexdigest()


def append(database: Database, *subjects: str, at: int = NOON) -> None:
    ledger = Ledger(FrozenClock(Instant(at)), "person:alice")
    with database.write() as connection:
        for subject in subjects:
            ledger.append(connection, "thing.happened", subject, {"n": len(subject)})


def read(database: Database) -> list[Entry]:
    with database.read() as connection:
        return list(entries(connection))


def change(database: Database, *statements: sa.Executable) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(statement)


# Appending


def test_an_empty_ledger_has_a_head_of_zeros(database: Database) -> None:
    with database.read() as connection:
        assert head(connection) == Head(0, "0" * 64)
    assert verify(database).broken_at is None
    assert verify(database).checked == 0


def test_an_entry_is_what_was_written(database: Database) -> None:
    ledger = Ledger(FrozenClock(NOON), "person:alice")
    with database.write() as connection:
        entry = ledger.append(connection, "run.finished", "r1", {"b": [1, None], "a": "ü"})
    assert (entry.seq, entry.at, entry.actor) == (1, NOON, "person:alice")
    assert (entry.kind, entry.subject, entry.prev_hash) == ("run.finished", "r1", GENESIS)
    assert entry.data == '{"a":"\\u00fc","b":[1,null]}'
    assert read(database) == [entry]
    assert list(entry.as_json()) == [
        *("seq", "at", "actor", "kind", "subject", "data", "prev_hash", "hash")
    ]


def test_entries_follow_each_other_and_the_head_is_the_last(database: Database) -> None:
    append(database, "a", "b")
    append(database, "c")
    written = read(database)
    assert [entry.seq for entry in written] == [1, 2, 3]
    assert [entry.prev_hash for entry in written] == [GENESIS, *(e.hash for e in written[:-1])]
    with database.read() as connection:
        assert head(connection) == Head(3, written[-1].hash)
    assert verify(database).head == Head(3, written[-1].hash)
    assert verify(database).checked == 3


def test_a_part_of_the_ledger_may_be_read(database: Database) -> None:
    append(database, *"abcdef")
    with database.read() as connection:
        assert [entry.subject for entry in entries(connection, first=3, last=5)] == list("cde")
        assert [entry.subject for entry in entries(connection, first=5)] == list("ef")
        assert list(entries(connection, first=7)) == []


def test_evidence_and_state_stand_or_fall_together(database: Database) -> None:
    append(database, "a")

    def fail() -> None:
        with database.write() as connection:
            Ledger(FrozenClock(NOON), "x").append(connection, "thing.happened", "b", {})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    append(database, "c")
    assert [(entry.seq, entry.subject) for entry in read(database)] == [(1, "a"), (2, "c")]
    assert verify(database).broken_at is None


@pytest.mark.parametrize("heads", [0, 2])
def test_a_ledger_without_its_one_head_takes_no_entry(database: Database, heads: int) -> None:
    if heads:
        change(database, sa.insert(LEDGER_HEAD).values(id=2, seq=0, hash=GENESIS))
    else:
        change(database, sa.delete(LEDGER_HEAD))
    with pytest.raises(OpskitError, match="ledger"):
        append(database, "a")
    assert read(database) == []


# Anybody can recompute it


DATA = st.dictionaries(
    st.text(max_size=5),
    st.none() | st.booleans() | st.integers() | st.text(st.characters()) | st.lists(st.integers()),
    max_size=4,
)


@given(
    st.tuples(
        st.text("0123456789abcdef", min_size=64, max_size=64),
        st.integers(1),
        st.integers(),
        st.text(),
        st.text(),
        st.text(),
        DATA.map(canonical),
    )
)
def test_the_hash_is_the_documented_one(fields: tuple[str, int, int, str, str, str, str]) -> None:
    previous, seq, at, actor, kind, subject, data = fields
    entry = Entry(seq, Instant(at), actor, kind, subject, data, previous, "")
    assert entry_hash(fields) == recomputed(entry)


def test_sha256sum_agrees(database: Database) -> None:
    append(database, "web1", "ü☃")
    for entry in read(database):
        text = (
            f"{entry.prev_hash}\n{entry.seq}\n{entry.at}\n{entry.actor}\n"
            f"{entry.kind}\n{entry.subject}\n{entry.data}"
        )
        done = subprocess.run(["sha256sum"], input=text.encode(), capture_output=True, check=True)
        assert done.stdout.decode().split()[0] == entry.hash


@given(DATA)
def test_equal_data_is_equal_text_in_one_line(data: dict[str, object]) -> None:
    text = canonical(data)
    assert text == canonical(dict(reversed(data.items())))
    assert json.loads(text) == data
    assert text.isascii()
    assert "\n" not in text


BREAKING = ("\n", "\r\n", "\x00", "\x1b[2J", "\u2028", "\u202e", "\ud800")


def test_no_field_can_hold_what_breaks_the_text(database: Database) -> None:
    for bad in BREAKING:
        ledger = Ledger(FrozenClock(NOON), f"person:{bad}")
        with database.write() as connection:
            ledger.append(connection, f"thing{bad}.happened", f"web{bad}1", {bad: f"x{bad}y"})
    for entry in read(database):
        for text in (entry.actor, entry.kind, entry.subject, entry.data):
            assert text.isprintable()
        assert recomputed(entry) == entry.hash
    assert verify(database).broken_at is None


# Several writers


@dataclass
class Intruder(FrozenClock):
    """A clock that shows the moment between reading the head and moving it."""

    happens: Callable[[], object] = object

    def now(self) -> Instant:
        happens, self.happens = self.happens, object
        happens()
        return self.at


def test_an_entry_that_would_follow_an_old_head_is_refused(database: Database) -> None:
    append(database, "a")

    def race() -> None:
        with database.write() as connection:
            other = Ledger(FrozenClock(NOON), "person:bob")
            between = Intruder(NOON, happens=lambda: other.append(connection, "k", "first", {}))
            Ledger(between, "person:alice").append(connection, "k", "second", {})

    with pytest.raises(Conflict, match="another process wrote to the ledger just now") as caught:
        race()
    assert caught.value.retryable
    assert [entry.subject for entry in read(database)] == ["a"]
    assert verify(database).broken_at is None


@pytest.mark.timeout(30)
def test_who_reads_the_head_does_not_wait_for_who_writes(
    database: Database, second: Database
) -> None:
    append(database, "a")
    with database.write() as connection:
        Ledger(FrozenClock(NOON), "person:alice").append(connection, "k", "b", {})
        with second.read() as reading:
            if second.dialect == "postgresql":
                reading.exec_driver_sql("SET LOCAL lock_timeout = 1000")
            assert head(reading).seq == 1
    with second.read() as reading:
        assert head(reading).seq == 2


APPENDER = """
import sys
from opskit.core.clock import SystemClock
from opskit.outside.database import Database
from opskit.records.ledger import Ledger

database = Database.open(sys.argv[1])
ledger = Ledger(SystemClock(), f"person:{sys.argv[2]}")
print("ready", flush=True)
sys.stdin.readline()
for n in range(40):
    with database.write() as connection:
        ledger.append(connection, "thing.happened", str(n), {})
database.close()
"""


def test_several_processes_write_one_dense_chain(database: Database, url: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", APPENDER, url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=isolated.CHECKOUT,
        )
        for name in ("alice", "bob", "charlie")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    said = [writer.communicate(b"go\n", timeout=120)[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], said
    written = read(database)
    assert [entry.seq for entry in written] == list(range(1, 121))
    assert verify(database).broken_at is None
    for name in ("alice", "bob", "charlie"):
        own = [entry.subject for entry in written if entry.actor == f"person:{name}"]
        assert own == [str(n) for n in range(40)]


# Tampering


class Chain:
    """A ledger of LENGTH entries that can be put back as it was."""

    def __init__(self, database: Database) -> None:
        self.database = database
        append(database, *(f"host{number}" for number in range(LENGTH)))
        self.written = tuple(read(database))
        with database.write() as connection:
            for table in ("ledger", "ledger_head"):
                connection.exec_driver_sql(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")

    def restore(self) -> None:
        with self.database.write() as connection:
            for table in ("ledger", "ledger_head"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
                connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM kept_{table}")

    def broken_after(self, *statements: sa.Executable, expected: str = "") -> int | None:
        self.restore()
        change(self.database, *statements)
        found = verify(self.database, expected=expected)
        assert bool(found.reason) is (found.broken_at is not None)
        return found.broken_at


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def chain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("chain") / "opskit.db"
        shutil.copyfile(request.getfixturevalue("migrated_file"), path)
        database = Database.open(sqlite_url(path))
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = databases.create(server, like=request.getfixturevalue("migrated_database"))
        database = Database.open(databases.url(server, name))
    yield Chain(database)
    database.close()


def row(seq: int) -> sa.ColumnElement[bool]:
    return LEDGER.c.seq == seq


SEQ = st.integers(1, LENGTH)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
FIELDS = st.one_of(
    st.tuples(st.just("at"), st.integers(0, 2**62)),
    st.tuples(
        st.sampled_from(["actor", "kind", "subject", "data"]), st.text("ab\n {}", max_size=4)
    ),
    st.tuples(st.sampled_from(["prev_hash", "hash"]), HASHES),
)
TAMPERING = settings(max_examples=30)


@given(seq=SEQ, field=FIELDS)
@TAMPERING
def test_a_changed_entry_is_the_first_that_does_not_hold(
    chain: Chain, seq: int, field: tuple[str, object]
) -> None:
    name, value = field
    assume(value != getattr(chain.written[seq - 1], name))
    assert chain.broken_after(sa.update(LEDGER).where(row(seq)).values({name: value})) == seq


@given(seq=SEQ)
@TAMPERING
@example(seq=1)
@example(seq=LENGTH)
def test_an_entry_that_is_gone_is_missed(chain: Chain, seq: int) -> None:
    assert chain.broken_after(sa.delete(LEDGER).where(row(seq))) == seq


@given(seqs=st.tuples(SEQ, SEQ).filter(lambda pair: pair[0] < pair[1]))
@TAMPERING
def test_two_entries_that_changed_places_are_noticed(chain: Chain, seqs: tuple[int, int]) -> None:
    one, other = seqs
    move = sa.update(LEDGER)
    assert (
        chain.broken_after(
            move.where(row(one)).values(seq=LENGTH + 1),
            move.where(row(other)).values(seq=one),
            move.where(row(LENGTH + 1)).values(seq=other),
        )
        == one
    )


@given(seq=SEQ)
@TAMPERING
@example(seq=LENGTH)
def test_an_entry_that_was_rewritten_with_its_hash_breaks_the_chain_behind_it(
    chain: Chain, seq: int
) -> None:
    old = chain.written[seq - 1]
    fields = (old.prev_hash, old.seq, old.at, "person:mallory", old.kind, old.subject, old.data)
    forged = sa.update(LEDGER).where(row(seq))
    found = chain.broken_after(forged.values(actor="person:mallory", hash=entry_hash(fields)))
    assert found == min(seq + 1, LENGTH)


@given(kept=st.integers(0, LENGTH - 1))
@TAMPERING
@example(kept=0)
@example(kept=LENGTH - 1)
def test_an_end_that_was_cut_off_is_noticed(chain: Chain, kept: int) -> None:
    assert chain.broken_after(sa.delete(LEDGER).where(LEDGER.c.seq > kept)) == kept + 1


@given(kept=st.integers(0, LENGTH - 1))
@TAMPERING
@example(kept=0)
def test_an_end_cut_off_together_with_the_head_shows_against_a_kept_head(
    chain: Chain, kept: int
) -> None:
    last = chain.written[kept - 1].hash if kept else GENESIS
    cut = (
        sa.delete(LEDGER).where(LEDGER.c.seq > kept),
        sa.update(LEDGER_HEAD).values(seq=kept, hash=last),
    )
    assert chain.broken_after(*cut, expected=chain.written[-1].hash) == kept + 1
    # A chain alone cannot show it.
    assert chain.broken_after(*cut) is None


@given(first=SEQ)
@settings(max_examples=8)
def test_a_chain_that_was_rewritten_shows_against_a_kept_head(chain: Chain, first: int) -> None:
    previous = chain.written[first - 2].hash if first > 1 else GENESIS
    forged: list[sa.Executable] = []
    for old in chain.written[first - 1 :]:
        fields = (previous, old.seq, old.at, "person:mallory", old.kind, old.subject, old.data)
        digest = entry_hash(fields)
        values = {"actor": "person:mallory", "prev_hash": previous, "hash": digest}
        forged.append(sa.update(LEDGER).where(row(old.seq)).values(values))
        previous = digest
    forged.append(sa.update(LEDGER_HEAD).values(hash=previous))
    assert chain.broken_after(*forged, expected=chain.written[-1].hash) is not None


def test_an_entry_added_behind_the_head_is_noticed(chain: Chain) -> None:
    last = chain.written[-1]
    fields = (last.hash, LENGTH + 1, int(NOON), "person:mallory", "k", "s", "{}")
    names = ("prev_hash", "seq", "at", "actor", "kind", "subject", "data")
    forged = {**dict(zip(names, fields, strict=True)), "hash": entry_hash(fields)}
    assert chain.broken_after(sa.insert(LEDGER).values(forged)) == LENGTH + 1


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(sa.update(LEDGER_HEAD).values(hash="f" * 64), id="another hash"),
        pytest.param(sa.update(LEDGER_HEAD).values(seq=LENGTH - 1), id="a lower number"),
        pytest.param(sa.update(LEDGER_HEAD).values(seq=LENGTH + 1), id="a higher number"),
        pytest.param(sa.delete(LEDGER_HEAD), id="none"),
        pytest.param(sa.insert(LEDGER_HEAD).values(id=2, seq=7, hash="f" * 64), id="two"),
    ],
)
def test_a_head_that_was_tampered_with_is_noticed(chain: Chain, statement: sa.Executable) -> None:
    assert chain.broken_after(statement) is not None


def test_everything_gone_is_noticed(chain: Chain) -> None:
    assert chain.broken_after(sa.delete(LEDGER)) == 1
    gone = (sa.delete(LEDGER), sa.delete(LEDGER_HEAD))
    assert chain.broken_after(*gone) is not None
    assert chain.broken_after(*gone, expected=chain.written[-1].hash) is not None


@given(seq=SEQ)
@TAMPERING
def test_a_head_that_was_kept_earlier_is_still_one_of_the_chain(chain: Chain, seq: int) -> None:
    assert chain.broken_after(expected=chain.written[seq - 1].hash) is None


def test_the_head_of_the_empty_ledger_was_once_the_head(chain: Chain) -> None:
    assert chain.broken_after(expected=GENESIS) is None


@pytest.mark.parametrize("expected", ["f" * 64, "nonsense"])
def test_a_head_that_never_was_is_noticed(chain: Chain, expected: str) -> None:
    assert chain.broken_after(expected=expected) is not None


@pytest.mark.parametrize("kind", ["sqlite"])
def test_values_of_another_kind_are_noticed_where_sqlite_lets_them_in(database: Database) -> None:
    append(database, *"abcde")
    for number, tampering in enumerate(
        ("at = 'noon'", "at = at + 0.5", "actor = x'ff'", "data = x'7b7d'", "kind = 5"), 1
    ):
        with database.write() as connection:
            connection.exec_driver_sql(f"UPDATE ledger SET {tampering} WHERE seq = {6 - number}")
        assert verify(database).broken_at == 6 - number


@pytest.mark.parametrize("kind", ["sqlite"])
def test_text_that_is_no_utf_8_is_not_taken_for_evidence(database: Database) -> None:
    append(database, *"abc")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE ledger SET actor = CAST(x'ff' AS TEXT) WHERE seq = 2")
    try:
        broken_at = verify(database).broken_at
    except OpskitError:
        broken_at = 2
    assert broken_at == 2


@given(position=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@settings(max_examples=25)
def test_a_damaged_file_is_never_taken_for_the_evidence(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, position: float, flip: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged" / "opskit.db"
    path.parent.mkdir(exist_ok=True)
    for old in path.parent.iterdir():
        old.unlink()
    shutil.copyfile(migrated_file, path)
    database = Database.open(sqlite_url(path))
    append(database, *(f"host{number}" for number in range(20)))
    before = read(database)
    database.close()
    raw = bytearray(path.read_bytes())
    raw[int(position * len(raw))] ^= flip
    path.write_bytes(raw)
    assert read_or_refused(path) in (before, None)


def read_or_refused(path: Path) -> list[Entry] | None:
    """Return the entries of a file that opskit takes for whole."""
    database: Database | None = None
    try:
        database = Database.open(sqlite_url(path))
        if verify(database).broken_at is not None or database.integrity() != "ok":
            return None
        return read(database)
    except OpskitError:
        return None
    finally:
        if database is not None:
            database.close()
