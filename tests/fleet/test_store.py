"""The fleet's tables on both kinds of database, and rows that were there before they grew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from opskit.core.clock import DAY, Duration, FrozenClock, Instant
from opskit.core.errors import Refused
from opskit.core.hosts import Verdict
from opskit.core.transcript import Outcome
from opskit.core.waivers import Grounds
from opskit.fleet import history
from opskit.fleet.memory import Rollout
from opskit.fleet.model import Fidelity, Moved
from opskit.fleet.store import episodes, rollouts, runs
from opskit.fleet.waive import in_force, settle, waive
from opskit.outside.database import MIGRATIONS, Database, sqlite_url
from tests.fleet.stories import CHANGED, OK, A, B, Fleet, batch, every
from tests.fleet.transcripts import transcript
from tests.outside import databases
from tests.rig.postgres import Postgres

RUN = """INSERT INTO fleet_runs (id, mode, state, standard, actor, started_at, finished_at,
    owner_node, owner_pid, owner_started, started_seq, finished_seq)
    VALUES ('check-old', 'check', 'finished', 'site.yml', 'person:a', 5, 6, 'n', 1, 1.0, 1, 2)"""
HOST = "INSERT INTO fleet_hosts VALUES ('check-old', 'web9', 'drifted', '', 1, 0)"
EPISODE = """INSERT INTO fleet_episodes (host, path, task, item, control, severity, last_good_at,
    detected_at, detected_seq) VALUES ('web9', 'site.yml', 'A', '', 'OPS-1', 'high', 4, 6, 2)"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def grown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Return a database of the first revision with a row in each table, brought up to date."""
    url, name, server = sqlite_url(tmp_path_factory.mktemp("old") / "opskit.db"), "", None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        assert isinstance(server, Postgres)
        name = databases.create(server)
        url = databases.url(server, name)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with closing(Database(url)) as old, old.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in (RUN, HOST, EPISODE):
            connection.exec_driver_sql(statement)
    with closing(Database.open(url)) as database:
        yield database
    if server is not None:
        databases.drop(server, name)


def test_rows_of_the_first_revision_are_kept(grown: Database) -> None:
    with grown.read() as connection:
        row = runs.run_named(connection, "check-old")
        (episode,) = episodes.of_host(connection, "web9")
        assert runs.records_of(connection, "check-old") is None
    assert row is not None
    assert (row.started_at, row.finished_at, row.verdicts) == (5, 6, {Verdict.DRIFTED: 1})
    assert (row.problem, row.provenance.tags, row.provenance.standard) == ("", (), "")
    assert (episode.last_good_at, episode.fixed_at, episode.moved) == (4, None, Moved.FIRST_SEEN)


def test_a_fleet_s_life_is_kept_alike_on_both(
    grown: Database, tmp_path: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet(grown, tmp_path, clock, monkeypatch)
    place = fleet.place
    fleet.check({**every(["web1"], OK), "web9": {A: OK}})
    plan = fleet.plan(every(["web1"], CHANGED))
    before, _, after = batch("web1")
    cut = transcript({"web1": {A: CHANGED, B: Outcome.UNREACHABLE}})
    fleet.apply(plan, before, cut, after)
    assert [str(one.debt) for one in fleet.owed()] == ["'B' was cut off"]
    assert len(settle(place, "web1", "by hand")) == 1
    assert history.task_fidelity(place) == (Fidelity("/ops/site.yml", "A", hit=1),)
    rollout = history.last_rollout(place, plan.id)
    assert rollout is not None
    assert (rollout.state, rollout.failed) == ("finished", frozenset({"web1"}))
    run = fleet.check(every(["web1"], CHANGED))
    end = Instant(clock.now() + DAY)
    waiver = waive(place, run.drift[0].id, "web*", Grounds("why", "team:web", end))
    assert in_force(place) == (waiver,)
    told = history.host_history(place, "web1", 99)
    assert [one.moved for one in told.episodes] == [Moved.HOST, Moved.HOST]
    shown, _ = history.show(place, run.id)
    assert (shown.drift, shown.provenance) == (run.drift, run.provenance)
    clock.advance(DAY)
    assert history.prune(place, Duration(DAY)) == 5
    with pytest.raises(Refused, match="not kept"):
        history.show(place, plan.id.replace("plan", "check"))
    assert history.show(place, run.id)[0].id == run.id


def test_the_newest_rollout_of_a_plan_is_found(grown: Database) -> None:
    made = [
        Rollout(f"r-{at}", plan, "started", Instant(at), frozenset({"b", "a"}), frozenset())
        for at, plan in ((2**52, "plan-x"), (2**52 + 1, "plan-y"), (2**52 + 2, "plan-x"))
    ]
    with grown.write() as connection:
        for one in made:
            rollouts.save(connection, one)
        assert rollouts.newest(connection, "plan-x") == made[2]
        assert rollouts.newest(connection, "plan-y") == made[1]
        assert rollouts.newest(connection, "plan-z") is None
        connection.execute(sa.delete(rollouts.ROLLOUTS))
