"""`fleet waive` and `fleet settle`: what a person answers for, in place of a look."""

from __future__ import annotations

from opskit.core.errors import ConfigError, Refused
from opskit.core.waivers import Grounds, Waiver
from opskit.fleet import journal
from opskit.fleet.history import last_drift
from opskit.fleet.memory import Owed
from opskit.fleet.standing import expiring
from opskit.fleet.store import debts
from opskit.fleet.workplace import Workplace
from opskit.records import waivers
from opskit.records.waivers import Waivers


def waive(place: Workplace, deviation: str, hosts: str, grounds: Grounds) -> Waiver:
    """Accept a deviation as it is now, on the hosts of a pattern.

    Raises:
        Refused: it has no difference to hold on to, so that a change of it could not be noticed.
        ConfigError: no host deviates like this, or the pattern fits none that does.
    """
    found = last_drift(place, deviation)
    drift = found[0]
    if not drift.after_hash:
        raise Refused(
            f"{deviation} cannot be waived: {drift.note}, so a change of it would go unseen",
            hint="put it right, or let the standard say otherwise",
        )
    subject = drift.task + (f" ({drift.item})" if drift.item else "")
    with place.database.write() as connection:
        waiver = Waivers(place.clock, place.ledger).grant(
            connection, hosts=hosts, subject=subject, fingerprint=deviation, grounds=grounds
        )
        if not any(waiver.covers(one.host) for one in found):
            raise ConfigError(
                f"no host of {hosts} has {deviation}",
                hint="it is on: " + ", ".join(one.host for one in found),
            )
    return waiver


def renew(place: Workplace, number: int, grounds: Grounds) -> Waiver:
    """Give a waiver a later end."""
    with place.database.write() as connection:
        return Waivers(place.clock, place.ledger).renew(connection, number, grounds)


def end(place: Workplace, number: int, reason: str) -> Waiver:
    """End a waiver now."""
    with place.database.write() as connection:
        return Waivers(place.clock, place.ledger).end(connection, number, reason)


def in_force(place: Workplace) -> tuple[Waiver, ...]:
    """Return the waivers that nobody ended."""
    with place.database.read() as connection:
        return waivers.in_force(connection)


def ending_soon(place: Workplace) -> tuple[Waiver, ...]:
    """Return the waivers that end within two weeks."""
    return expiring(in_force(place), place.clock.now())


def owed(place: Workplace) -> tuple[Owed, ...]:
    """Return what runs left undone."""
    with place.database.read() as connection:
        return debts.still_owed(connection)


def settle(place: Workplace, host: str, reason: str) -> tuple[Owed, ...]:
    """Sign off what is owed to a host: somebody saw to it by hand.

    Raises:
        ConfigError: no reason, or nothing is owed to it.
    """
    if not reason.strip():
        raise ConfigError("say how it was seen to", hint="--reason 'restarted by hand'")
    with place.database.write() as connection:
        found = debts.still_owed(connection, [host])
        if not found:
            raise ConfigError(f"nothing is owed to {host}", hint="opskit fleet owed")
        for one in found:
            journal.settle(place, connection, one, f"signed off: {reason}")
    return found
