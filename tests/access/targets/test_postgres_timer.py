"""Where there is pg_cron, its jobs end a grant without opskit.

The extension is not installed where these tests run: its catalogue and its two functions stand in
for it, and what a job's command does is done on a real server, as the extension's worker would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from opskit.access.databases.model import DatabaseState, Job
from opskit.access.model import PostgresRights
from opskit.access.targets.kinds import EnforcedBy, Placement, Presence
from opskit.access.targets.postgres_timer import statements, timers
from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, FrozenClock, Instant
from tests.access.databases import plain
from tests.access.databases.place import Place, order, placed
from tests.rig import postgres as postgresql
from tests.rig.plugin import require

# The shape of pg_cron 1.4's table and functions.
STAND_IN = (
    "CREATE SCHEMA cron",
    (
        "CREATE TABLE cron.job (jobid serial, schedule text, command text,"
        " active bool DEFAULT true, username name DEFAULT current_user, jobname text,"
        " UNIQUE (jobname, username))"
    ),
    (
        "CREATE FUNCTION cron.schedule(text, text, text) RETURNS bigint LANGUAGE sql AS"
        " $$ INSERT INTO cron.job (jobname, schedule, command) VALUES ($1, $2, $3)"
        " ON CONFLICT (jobname, username) DO UPDATE SET schedule = $2, command = $3"
        " RETURNING jobid $$"
    ),
    (
        "CREATE FUNCTION cron.unschedule(text) RETURNS bool LANGUAGE sql AS"
        " $$ DELETE FROM cron.job WHERE jobname = $1; SELECT true $$"
    ),
)
AS_EXTENSION = (
    "SET allow_system_table_mods = on",
    (
        "INSERT INTO pg_extension SELECT 900000, 'pg_cron', 10, n.oid, false, '1.4'"
        " FROM pg_namespace n WHERE n.nspname = 'pg_catalog'"
    ),
    "ALTER EXTENSION pg_cron ADD TABLE cron.job",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    require(postgresql.available())
    with placed(tmp_path_factory.mktemp("place")) as here:
        here.run(*STAND_IN)
        yield here


def test_a_schema_that_is_only_called_cron_is_not_asked(place: Place) -> None:
    """Anybody who may create one could have an administrator run their functions."""
    state = place.kind().observe(["shop-db"], {})["shop-db"].state
    assert isinstance(state, DatabaseState)
    assert state.jobs is None


def test_a_job_takes_what_it_is_there_to_take(place: Place) -> None:
    place.run(*AS_EXTENSION)
    grant = place.placement("g1", "alice")
    answer = place.kind().carry_out([order(grant)])["shop-db"]
    assert answer.failed == ""
    login, membership = answer.sight.standings["g1"].parts
    assert login.enforced_by is EnforcedBy.ACCOUNT  # which is stronger
    assert membership.enforced_by is EnforcedBy.TIMER
    end = -(-grant.until // MINUTE) * MINUTE + MINUTE
    assert (membership.fence_until, answer.sight.standings["g1"].fence_until) == (end, end)
    commands = [text for (text,) in place.ask("SELECT command FROM cron.job ORDER BY jobname")]
    assert len(commands) == 2
    with place.connect("alice", place.password("alice")) as session:
        session.execute("SET ROLE readers")
        place.run(*commands)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert place.ask("SELECT 1 FROM cron.job") == []
    seen = place.kind().observe(["shop-db"], {"shop-db": [grant]})["shop-db"]
    assert seen.standings["g1"].presence is Presence.ABSENT


def test_jobs_follow_the_grants_in_force(place: Place) -> None:
    first = place.placement("g2", "bob", until=Instant(place.clock.now() + HOUR))
    second = place.placement("g3", "bob", "writers", until=Instant(place.clock.now() + 2 * HOUR))
    names = "SELECT jobname FROM cron.job ORDER BY 1"
    place.kind().carry_out([order(first, second)])
    assert place.ask(names) == [
        ("opskit bob",),
        ("opskit bob in readers",),
        ("opskit bob in writers",),
    ]
    place.kind().carry_out([order(first, absent=(second,))])
    assert place.ask(names) == [("opskit bob",), ("opskit bob in readers",)]
    place.kind().carry_out([order(absent=(first,))])
    assert place.ask(names) == []


NOW = Instant(FrozenClock(Instant(1_790_000_000 * SECOND)).now())  # 2026-09-21T14:13:20Z


def given(until: int, grant: str = "g1") -> Placement:
    rights = PostgresRights(member_of=("readers",))
    return Placement(grant, "alice", "alice", rights, Instant(until))


def with_cron(*jobs: Job) -> DatabaseState:
    return replace(plain.state({"roles": ["readers", "alice login"]}), jobs=jobs)


@pytest.mark.parametrize(
    ("until", "schedule"),
    [
        (NOW + HOUR, "14 15 21 9 *"),
        (NOW + 40 * SECOND, "14 14 21 9 *"),
        (NOW - 15 * SECOND, "14 14 21 9 *"),  # the minute it ended in is not over
        (NOW + 200 * DAY, "14 14 9 4 *"),
        (NOW - HOUR, None),  # a job for it would come in a year
        (NOW + 400 * DAY, None),  # and for this one too early
    ],
)
def test_a_job_comes_with_the_first_minute_after_the_end(until: int, schedule: str | None) -> None:
    found = [one.job.schedule for one in timers(with_cron(), [given(until)], NOW).values()]
    assert found == ([] if schedule is None else [schedule])


def test_without_pg_cron_there_is_no_timer() -> None:
    assert timers(plain.state({"roles": ["alice login"]}), [given(NOW + HOUR)], NOW) == {}


def test_the_later_of_two_ends_counts_and_a_job_that_is_right_stays() -> None:
    both = [given(NOW + HOUR), given(NOW + 2 * HOUR, "g2")]
    (timer,) = timers(with_cron(), both, NOW).values()
    assert timer.job.schedule == "14 16 21 9 *"
    wanted = {timer.job.name: timer}
    assert list(statements(with_cron(timer.job), wanted)) == []
    other = Job("opskit it's old", "* * * * *", "SELECT 1")
    changed = replace(timer.job, schedule="0 0 1 1 *")
    assert [one.partition("(")[0] for one in statements(with_cron(changed), wanted)] == [
        "SELECT cron.schedule"
    ]
    assert list(statements(with_cron(other, timer.job), wanted)) == [
        "SELECT cron.unschedule('opskit it''s old')"
    ]
