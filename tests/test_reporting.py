"""A month that is over reads the same whenever its report is built, until evidence of it comes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from opskit import reporting
from opskit.access import reviews
from opskit.access.deciding import Word, decide
from opskit.access.ending import give_back, review_emergency
from opskit.access.requesting import extend, request, withdraw
from opskit.access.settling import settle, start_now
from opskit.access.store.grants import Grant
from opskit.core.clock import DAY, HOUR, MINUTE, Duration, FrozenClock, Instant, from_datetime
from opskit.core.interval import Interval
from opskit.monitor.catalogue import Catalogue
from opskit.outside.config import Config, Settings
from opskit.outside.database import Database
from opskit.records.ledger import LEDGER, Ledger, verify
from opskit.report.built import Built
from opskit.reporting import Reporting
from tests.access.world import Obedient, World, ask, registry


def instant(month: int, day: int) -> Instant:
    return from_datetime(datetime(2026, month, day, tzinfo=UTC))


OCTOBER = Interval(instant(10, 1), instant(11, 1))


def october(world: World, tmp_path: Path) -> Built:
    config = Config(tmp_path, Settings(), {})
    return Reporting(config, world.database, world.clock, None).report(OCTOBER)


def granted(world: World, **values: object) -> Grant:
    one = request(world.as_("alice"), ask(**values)).request  # type: ignore[arg-type]  # its fields
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(world.as_("bob"), grant)
    return grant


@pytest.fixture
def world(database: Database, clock: FrozenClock) -> World:
    return World(database, clock, Obedient(clock), registry())


@pytest.fixture
def busy(world: World, clock: FrozenClock) -> World:
    """Let a day of October leave everything half done: open, waiting, not gone, not reviewed."""
    world.kind.fences = False
    granted(world)
    world.kind.unreachable.add("web2")
    clock.advance(3 * HOUR)
    settle(world.as_("bob"))
    # What reaches over the end of the month.
    clock.advance(OCTOBER.end - clock.now() - HOUR)
    request(world.as_("alice"), ask(reason="one that waits over the end"))
    granted(world, duration=8 * HOUR, reason="one that is held over the end")
    request(
        world.as_("alice"),
        ask(role="web-admin", break_glass=True, duration=HOUR, reason="the shop is down"),
    )
    reviews.open_(world.as_("charlie"))
    clock.advance(HOUR + MINUTE)
    return world


def november(world: World, clock: FrozenClock) -> None:
    """Let November finish what October left, and begin things of its own."""
    world.kind.unreachable.clear()
    withdraw(world.as_("alice"), 2)
    extend(world.as_("alice"), 2, Duration(HOUR), "it takes longer than I thought")
    settle(world.as_("bob"))
    clock.advance(HOUR)
    reviews.decide(world.as_("bob"), 1, 2, "keep", "on call")
    give_back(world.as_("alice"), 2)
    review_emergency(world.as_("bob"), 3, "two restarts, as told")
    clock.advance(DAY)
    granted(world, reason="something of November")
    clock.advance(20 * DAY)
    settle(world.as_("bob"))


def test_what_november_does_is_no_part_of_october(
    busy: World, clock: FrozenClock, tmp_path: Path
) -> None:
    before = october(busy, tmp_path)
    november(busy, clock)
    after = october(busy, tmp_path)
    assert after.embedded == before.embedded
    assert after.report.id == before.report.id
    assert after.report.seal.seq < verify(busy.database).head.seq
    found = after.inputs.ground.evidence.access
    assert found is not None
    assert all((found.requests, found.grants, found.revocations, found.emergencies, found.reviews))


def test_late_evidence_of_october_makes_another_report(
    busy: World, clock: FrozenClock, tmp_path: Path
) -> None:
    before = october(busy, tmp_path)
    with busy.database.write() as connection:
        # As a look does that finds out that a place was rid of it before anybody saw that.
        connection.execute(
            sa.text("UPDATE access_places SET absent_at = :at WHERE place = 'web2'"),
            {"at": OCTOBER.end - 2 * HOUR},
        )
    clock.advance(DAY)
    assert october(busy, tmp_path).report.id != before.report.id


def test_a_report_tells_where_its_evidence_comes_from(
    busy: World, clock: FrozenClock, tmp_path: Path
) -> None:
    (source,) = october(busy, tmp_path).inputs.sources
    assert (source.name, source.kind) == ("access asked for and given", "recorded")
    assert source.covers == Interval(from_datetime(datetime(2026, 10, 1, 12, tzinfo=UTC)),
                                     OCTOBER.end)  # fmt: skip
    assert source.rows > 5


@pytest.fixture
def long(database: Database, clock: FrozenClock) -> Database:
    """Write more to the ledger than a report carries, over the end of the month."""
    ledger = Ledger(clock, "person:x")
    with database.write() as connection:
        for _ in range(3):
            ledger.append(connection, "test.done", "x", {})
        clock.advance(40 * DAY)
        for _ in range(3):
            ledger.append(connection, "test.done", "x", {})
    return database


def sealed(database: Database, clock: FrozenClock, root: Path) -> Built:
    return Reporting(Config(root, Settings(), {}), database, clock, None).report(OCTOBER)


def test_the_seal_is_the_last_entry_of_the_month(
    long: Database, clock: FrozenClock, tmp_path: Path
) -> None:
    seal = sealed(long, clock, tmp_path).inputs.seal
    assert (seal.seq, seal.broken) == (3, "")


@pytest.mark.parametrize(
    ("entry", "broken"),
    [(2, "entry 2 does not hold: its content is not what was written"), (5, "")],
    ids=["of the month", "after it"],
)
def test_a_changed_entry_is_named_where_it_matters(
    long: Database, clock: FrozenClock, tmp_path: Path, entry: int, broken: str
) -> None:
    with long.write() as connection:
        connection.execute(sa.update(LEDGER).where(LEDGER.c.seq == entry).values(actor="other"))
    found = sealed(long, clock, tmp_path)
    assert found.inputs.seal.broken == broken
    assert bool(found.report.front.refused) is bool(broken)


def test_entries_of_the_month_that_were_cut_off_are_missed(
    long: Database, clock: FrozenClock, tmp_path: Path
) -> None:
    with long.write() as connection:
        connection.execute(sa.delete(LEDGER).where(LEDGER.c.seq >= 3))
    found = sealed(long, clock, tmp_path)
    assert found.inputs.seal.broken.startswith("entry 3 does not hold: the head says entry 6")
    assert found.report.front.refused


def test_a_service_that_a_person_owns_is_their_team_s(
    database: Database, clock: FrozenClock, tmp_path: Path
) -> None:
    people = "people: {ann: {name: Ann, team: web}, bob: {name: Bob}}"
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "people.yaml").write_text(people + "\n")
    probes = [{"kind": "tcp", "address": "shop.example:80"}]
    owned = {name: {"owner": name, "probes": probes} for name in ("ann", "bob", "ops")}
    catalogue = Catalogue.model_validate({"services": owned})
    with database.write() as connection:
        Ledger(clock, "person:x").append(connection, "test.done", "x", {})
    clock.advance(DAY)
    config = Config(tmp_path, Settings(), {})
    found = Reporting(config, database, clock, catalogue).inputs(OCTOBER)
    assert [one.owner for one in found.ground.evidence.services] == ["web", "team not known", "ops"]


def test_entries_behind_page_1_are_carried_first(
    busy: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = october(busy, tmp_path)
    monkeypatch.setattr(reporting, "MOST_ENTRIES", 3)
    few = october(busy, tmp_path)
    front = whole.report.front
    refs = [*(one.refs for one in front.tiles), *(one.refs for one in front.wins)]
    behind = [ref for some in refs for ref in some]
    assert len(whole.inputs.entries) > 3
    assert {one.seq for one in few.inputs.entries} == set(list(dict.fromkeys(behind))[:3])
