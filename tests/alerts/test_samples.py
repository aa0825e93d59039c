"""History of the metrics page: whatever was shown at a pass is read back for it, gaps stay gaps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.alerts.promql.evaluation import instant
from opskit.alerts.promql.parsing import parsed
from opskit.alerts.promql.series import NAME, Labels, Memory, Sample
from opskit.alerts.store.samples import Writer, prune, read, stretches
from opskit.alerts.store.tables import PASSES, SAMPLES, SERIES
from opskit.outside.database import Database, sqlite_url
from tests.outside import databases
from tests.rig.postgres import Postgres

STEP = 30_000
START = 1_790_000_000_000
LOOKBACK = 300_000
A = Labels.of({NAME: "a", "host": "web1"})
B = Labels.of({NAME: "b", "host": 'quoted "x"\\'})
C = Labels.of({NAME: "a", "host": "web2"})
SERIES_OF_TESTS = (A, B, C)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        opened = Database.open(sqlite_url(tmp_path / "opskit.db"))
        yield opened
        opened.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = databases.create(server)
    opened = Database.open(databases.url(server, name))
    yield opened
    opened.close()
    databases.drop(server, name)


def shown(storage: Memory, at: int) -> dict[Labels, float]:
    """Return what rules see at an instant."""
    found = instant(parsed('{__name__=~".+"}'), storage, at)
    assert isinstance(found, list)
    return {one.labels: one.value for one in found if isinstance(one, Sample)}


def passes(database: Database, writer: Writer, *pages: dict[Labels, float]) -> int:
    """Show these pages one after the other, and return when the last was."""
    for index, page in enumerate(pages):
        with database.write() as connection:
            assert writer.write(connection, START + index * STEP, STEP, page)
    return START + (len(pages) - 1) * STEP


def history(database: Database, start: int = START, end: int = START + 86_400_000) -> Memory:
    with database.read() as connection:
        return read(connection, None, start, end)


def rows(database: Database, table: sa.Table) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_only_what_changes_is_written(database: Database) -> None:
    last = passes(
        database, Writer(), {A: 1.0, B: 2.0}, {A: 1.0, B: 2.0}, {A: 3.0, B: 2.0}, {B: 2.0}
    )

    assert rows(database, SAMPLES) == 4
    found = history(database)
    assert shown(found, last - STEP) == {A: 3.0, B: 2.0}
    assert shown(found, last) == {B: 2.0}
    count = instant(parsed("count_over_time(b[1h])"), found, last)
    assert [one.value for one in count] == [4.0]  # type: ignore[union-attr]


def test_what_comes_back_goes_on_as_the_same_series(database: Database) -> None:
    last = passes(database, Writer(), {A: 1.0}, {}, {A: 1.0}, {A: math.nan}, {A: math.inf})

    assert rows(database, SERIES) == 1
    seen = [shown(history(database), START + index * STEP) for index in range(5)]
    assert seen == [{A: 1.0}, {}, {A: 1.0}, {}, {A: math.inf}]
    assert last == START + 4 * STEP


def test_a_stop_is_a_gap_after_which_a_series_is_stale(database: Database) -> None:
    writer = Writer()
    passes(database, writer, {A: 1.0}, {A: 1.0})
    again = START + 3_600_000
    with database.write() as connection:
        Writer().write(connection, again, STEP, {A: 1.0})

    found = history(database)
    assert shown(found, START + STEP + LOOKBACK - 1) == {A: 1.0}
    assert shown(found, START + STEP + LOOKBACK) == {}
    assert shown(found, again) == {A: 1.0}
    with database.read() as connection:
        assert [one[:2] for one in stretches(connection, START, again)] == [
            (START, START + STEP),
            (again, again),
        ]


def test_a_part_that_could_not_be_read_goes_on_as_long_as_rules_would_see_it(
    database: Database,
) -> None:
    writer = Writer()
    with database.write() as connection:
        for index in range(20):
            page = {A: 1.0, B: 2.0} if index == 0 else {B: 2.0}
            writer.write(connection, START + index * STEP, STEP, page, lambda name: name == "a")

    found = history(database)
    assert shown(found, START + LOOKBACK - STEP) == {A: 1.0, B: 2.0}
    assert shown(found, START + LOOKBACK) == {B: 2.0}


def test_a_transaction_that_fails_is_written_the_next_time(database: Database) -> None:
    writer = Writer()
    passes(database, writer, {A: 1.0})
    with pytest.raises(RuntimeError), database.write() as connection:  # noqa: PT012
        writer.write(connection, START + STEP, STEP, {A: 2.0, B: 1.0})
        raise RuntimeError
    with database.write() as connection:
        writer.write(connection, START + 2 * STEP, STEP, {A: 2.0, B: 1.0})

    assert shown(history(database), START + 2 * STEP) == {A: 2.0, B: 1.0}


def test_a_clock_that_was_set_back_writes_no_second_history(database: Database) -> None:
    writer = Writer()
    last = passes(database, writer, {A: 1.0}, {A: 2.0})
    with database.write() as connection:
        assert not writer.write(connection, START, STEP, {A: 9.0})

    assert shown(history(database), last) == {A: 2.0}


def test_old_history_goes_and_what_it_showed_last_stays(database: Database) -> None:
    writer = Writer()
    pages = [{A: 1.0, B: float(index), **({C: 5.0} if index < 4 else {})} for index in range(10)]
    last = passes(database, writer, *pages)
    border = START + 6 * STEP + 1
    with database.write() as connection:
        assert prune(connection, border) == 8

    found = history(database)
    assert shown(found, border - 1) == {}
    seen = [shown(found, moment) for moment in (border, *range(border - 1 + STEP, last + 1, STEP))]
    assert seen == [{A: 1.0, B: float(index)} for index in (6, 7, 8, 9)]
    assert rows(database, SERIES) == 2
    with database.write() as connection:
        writer.write(connection, last + STEP, STEP, {A: 1.0, C: 6.0})
    assert shown(history(database), last + STEP) == {A: 1.0, C: 6.0}

    with database.write() as connection:
        prune(connection, last + 9 * STEP)
    assert rows(database, PASSES) == 0
    assert rows(database, SAMPLES) == 2


def test_only_the_metrics_asked_for_are_read(database: Database) -> None:
    passes(database, Writer(), {A: 1.0, B: 2.0, C: 3.0})
    with database.read() as connection:
        assert shown(read(connection, {"a"}, START, START), START) == {A: 1.0, C: 3.0}


PAGE = st.dictionaries(st.sampled_from(SERIES_OF_TESTS), st.sampled_from((0.0, 1.0, -2.5)))
# What a page showed, how many ms after the one before, and whether opskit began anew before it.
TURNS = st.lists(
    st.tuples(
        PAGE, st.sampled_from((STEP, STEP, STEP + 400, STEP - 700, 70_000, 900_000)), st.booleans()
    ),
    min_size=1,
    max_size=15,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=TURNS, cut=st.integers(0, 14))
def test_each_pass_is_read_as_it_was_shown(
    database: Database, turns: list[tuple[dict[Labels, float], int, bool]], cut: int
) -> None:
    writer, at, seen = Writer(), START, {}
    with database.write() as connection:
        for table in (SAMPLES, SERIES, PASSES):
            connection.execute(sa.delete(table))
        for page, later, anew in turns:
            at += later
            writer = Writer() if anew else writer
            writer.write(connection, at, STEP, page)
            seen[at] = page
        whole = read(connection, None, START, at)
        instants = list(seen)
        begin = instants[min(cut, len(instants) - 1)]
        part = read(connection, None, begin, at)
        prune(connection, begin)
        pruned = read(connection, None, START, at)

    assert {one: shown(whole, one) for one in seen} == seen
    kept = {one: page for one, page in seen.items() if one >= begin}
    assert {one: shown(part, one) for one in kept} == kept
    assert {one: shown(pruned, one) for one in kept} == kept
