"""Keeping rows: however often and in whatever order they come, each holds once."""

from __future__ import annotations

import csv
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.core.clock import DAY, HOUR, SECOND, FrozenClock, Instant
from opskit.core.errors import OpskitError
from opskit.core.interval import Interval
from opskit.history.evidence import HistoryEvidence
from opskit.history.fields import Reading
from opskit.history.keeping import Imports
from opskit.history.kinds import KINDS
from opskit.history.model import Incident, Read, Told
from opskit.history.reading import Bounds, read_file
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Ledger, entries, verify

START = Instant(1_767_225_600 * SECOND)
ALL = Interval(START, Instant(START + 100 * DAY))


def incident(key: int, hours: int, as_of: int) -> Incident:
    """Return an incident that lasted so long, as it stood then."""
    began = Instant(START + key * DAY)
    ended = Instant(began + hours * HOUR) if hours else None
    stood = Instant(START + as_of * DAY)
    return Incident(f"Q{key}", "shop", "", began, began, None, ended, visible=True, as_of=stood)


def read(rows: list[Incident]) -> Read:
    """Return rows as a file that holds all of the time."""
    latest = {row.key: row for row in sorted(rows, key=lambda one: one.as_of or 0)}
    return Read("pagerduty", "a.csv", "0" * 64, tuple(latest.values()), Told(), ALL)


def lengths(database: Database) -> dict[str, int | None]:
    """Return how long each incident lasted, by what holds."""
    found = HistoryEvidence(database).evidence(ALL)
    return {one.name: one.lasted for one in found.desk.incidents} if found.desk else {}


ROWS = st.lists(st.builds(incident, st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a database once, for copies of it."""
    path = tmp_path_factory.mktemp("empty") / "opskit.db"
    Database.open(sqlite_url(path)).close()
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(files=st.lists(ROWS.filter(bool), min_size=1, max_size=4))
def test_the_same_again_changes_nothing(
    empty: Path, tmp_path_factory: pytest.TempPathFactory, files: list[list[Incident]]
) -> None:
    directory = tmp_path_factory.mktemp("keeping")
    shutil.copy(empty, directory / "opskit.db")
    database = Database(sqlite_url(directory / "opskit.db"))
    try:
        imports = Imports(database, Ledger(FrozenClock(START), "tests"))
        for rows in files:
            imports.keep(read(rows))
        held = lengths(database)
        counts = imports.keep(read(files[-1])).counts
        assert (counts["new"], counts["changed"]) == (0, 0)
        assert lengths(database) == held
        # Undoing all of them leaves nothing, and the chain whole.
        for one in imports.list():
            imports.undo(one.id)
        assert lengths(database) == {}
        assert verify(database).broken_at is None
    finally:
        database.close()


def test_two_imports_at_once_bring_each_row_once(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "opskit.db")
    Database.open(url).close()
    rows = read([incident(key, 1, 0) for key in range(90)])
    together, faults = threading.Barrier(2), []

    def bring() -> None:
        database = Database(url)
        try:
            together.wait()
            Imports(database, Ledger(FrozenClock(START), "tests")).keep(rows)
        except OpskitError as error:
            faults.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=bring) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database = Database(url)
    with database.read() as connection:
        kinds = [one.kind for one in entries(connection)]
    assert faults == []
    assert kinds.count("incident.imported") == 90
    assert len(lengths(database)) == 90
    assert verify(database).broken_at is None
    database.close()


def test_an_import_that_broke_off_is_run_again(database: Database, clock: FrozenClock) -> None:
    imports = Imports(database, Ledger(clock, "tests"))
    rows = read([incident(key, 1, 0) for key in range(3)])
    imports._begin(rows)
    assert [one.state for one in imports.list()] == ["unfinished"]
    assert lengths(database) == {}
    assert imports.keep(rows).counts["new"] == 3
    assert len(lengths(database)) == 3


def test_thousands_of_rows_are_read_and_only_examples_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "service_name", "created_on", "resolved_on"])
        for number in range(3_000):
            day = 1 + number % 28
            writer.writerow(
                [f"Q{number}", f"s{number % 500}", f"2026-02-{day:02}T01:00:00Z",
                 f"2026-02-{day:02}T0{number % 3}:30:00Z"]
            )  # fmt: skip
    found = read_file(file, KINDS["pagerduty"], Reading(Instant(START + 90 * DAY)), Bounds())
    early = len(range(0, 3_000, 3))
    assert len(found.rows) == 3_000 - early
    assert found.left_out.counts == {"it ends before it starts": early}
    assert found.left_out.places["it ends before it starts"] == ["line 2", "line 5", "line 8"]
