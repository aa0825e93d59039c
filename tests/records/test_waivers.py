"""Waivers on both kinds of database: granted, renewed, ended, and each in the ledger."""

from __future__ import annotations

import json

import pytest

from opskit.core.clock import DAY, FrozenClock, Instant
from opskit.core.errors import ConfigError, Refused
from opskit.core.waivers import Grounds, Waiver
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, entries
from opskit.records.waivers import Waivers, in_force, one


@pytest.fixture
def waivers(clock: FrozenClock) -> Waivers:
    return Waivers(clock, Ledger(clock, "person:tester"))


def grounds(clock: FrozenClock, reason: str = "the vendor wants it", days: int = 30) -> Grounds:
    return Grounds(reason, "team:web", Instant(clock.now() + days * DAY))


def granted(database: Database, waivers: Waivers, about: Grounds, hosts: str = "web*") -> Waiver:
    with database.write() as connection:
        return waivers.grant(
            connection, hosts=hosts, subject="Port \x1b[2J", fingerprint="D-1", grounds=about
        )


def kinds(database: Database) -> list[str]:
    with database.read() as connection:
        return [entry.kind for entry in entries(connection) if entry.kind.startswith("waiver.")]


def test_a_waiver_says_what_where_why_who_and_until_when(
    database: Database, waivers: Waivers, clock: FrozenClock
) -> None:
    made = granted(database, waivers, grounds(clock))
    with database.read() as connection:
        assert (one(connection, made.id), in_force(connection)) == (made, (made,))
        (entry,) = [e for e in entries(connection) if e.kind == "waiver.granted"]
    assert (made.hosts, made.subject, made.fingerprint) == ("web*", r"Port \x1b[2J", "D-1")
    assert (made.reason, made.owner, made.granted_by) == (
        "the vendor wants it", "team:web", "person:tester",
    )  # fmt: skip
    assert (made.granted_at, made.granted_seq, made.renewals) == (clock.now(), entry.seq, 0)
    assert json.loads(entry.data)["expires_at"] == made.expires_at


def test_a_renewal_is_counted_and_moves_the_end(
    database: Database, waivers: Waivers, clock: FrozenClock
) -> None:
    made = granted(database, waivers, grounds(clock))
    for times in (1, 2):
        clock.advance(60 * DAY)  # also after it was over
        later = grounds(clock, "still waiting")
        with database.write() as connection:
            renewed = waivers.renew(connection, made.id, later)
        assert (renewed.renewals, renewed.expires_at) == (times, later.expires_at)
        assert renewed.reason == "still waiting"
    assert kinds(database) == ["waiver.granted", "waiver.renewed", "waiver.renewed"]


def test_one_that_was_ended_is_over_for_good(
    database: Database, waivers: Waivers, clock: FrozenClock
) -> None:
    made = granted(database, waivers, grounds(clock))
    with database.write() as connection:
        assert waivers.end(connection, made.id, "fixed").ended_at == clock.now()
        assert in_force(connection) == ()
    with database.write() as connection:
        with pytest.raises(Refused, match=f"W-{made.id} ended"):
            waivers.end(connection, made.id, "twice")
        with pytest.raises(Refused, match=f"W-{made.id} ended"):
            waivers.renew(connection, made.id, grounds(clock))
    assert kinds(database) == ["waiver.granted", "waiver.ended"]


def test_one_that_is_over_stays_in_force_until_somebody_ends_it(
    database: Database, waivers: Waivers, clock: FrozenClock
) -> None:
    made = granted(database, waivers, grounds(clock, days=1))
    clock.advance(2 * DAY)
    with database.read() as connection:
        assert in_force(connection) == (made,)
    assert not made.fits("web1", "D-1", clock.now())


@pytest.mark.parametrize(
    ("reason", "owner", "days", "error"),
    [
        ("", "team:web", 1, "needs a reason"),
        ("  ", "team:web", 1, "needs a reason"),
        ("why", " ", 1, "needs a reason"),
        ("why", "team:web", 0, "the end is past"),
        ("why", "team:web", -1, "the end is past"),
    ],
)
def test_a_waiver_without_grounds_is_refused_and_leaves_nothing(
    database: Database,
    waivers: Waivers,
    clock: FrozenClock,
    reason: str,
    owner: str,
    days: int,
    error: str,
) -> None:
    bad = Grounds(reason, owner, Instant(clock.now() + days * DAY))
    with pytest.raises(ConfigError, match=error):
        granted(database, waivers, bad)
    assert kinds(database) == []


def test_one_that_never_was_is_unknown(database: Database) -> None:
    with pytest.raises(ConfigError, match="no waiver W-999"), database.read() as connection:
        one(connection, 999)


@pytest.mark.parametrize(
    ("hosts", "host", "fingerprint", "later", "fits"),
    [
        ("web*", "web1", "D-1", 0, True),
        ("web*", "db1", "D-1", 0, False),
        ("web*", "web1", "D-2", 0, False),
        ("web*", "web1", "D-1", 30 * DAY - 1, True),
        ("web*", "web1", "D-1", 30 * DAY, False),
        ("*", "anything", "D-1", 0, True),
        ("WEB1", "web1", "D-1", 0, False),
        ("web[12]", "web2", "D-1", 0, True),
        ("web", "web1", "D-1", 0, False),
    ],
)
@pytest.mark.parametrize("kind", ["sqlite"])
def test_what_a_waiver_fits(
    database: Database,
    waivers: Waivers,
    clock: FrozenClock,
    hosts: str,
    host: str,
    fingerprint: str,
    later: int,
    fits: bool,
) -> None:
    made = granted(database, waivers, grounds(clock), hosts)
    assert made.fits(host, fingerprint, Instant(clock.now() + later)) is fits
