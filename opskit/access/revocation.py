"""Certificates and keys that count no more, and the lists by which hosts refuse them.

The first fence of a grant that ends early is its line in the principals file, which is removed. The
list of revoked keys is the second: it holds where a host's principals were tampered with or its
grant could not be taken away in order. It is placed on hosts whose sshd is set up to read one
(`RevokedKeys`); on the others nothing is set up, and whoever asks is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import sqlalchemy as sa

from opskit.access import holding
from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.access.model import LinuxTarget
from opskit.access.orders import next_attempt
from opskit.access.store import certificates, grants, places, told
from opskit.access.store.certificates import Certificate, ListPlace, RevokedKey
from opskit.access.store.grants import Grant
from opskit.access.targets.kinds import Answer
from opskit.access.workplace import Workplace
from opskit.core.clock import SECOND, Instant, parse_duration
from opskit.core.errors import ConfigError, Conflict, OpskitError, Refused
from opskit.outside.krl import RevokedCertificate, revocation_list

LINUX = "linux"
_GRANT = re.compile(r"g[0-9]{1,12}")
_SERIAL = re.compile(r"[0-9]{1,20}")
# How the module on a host says that its sshd reads no list.
_NOT_SET_UP = "sshd has no RevokedKeys"
_UNREAD = "revocations.unread"


@runtime_checkable
class RevokesKeys(Protocol):
    """A kind of target that can be told which keys count no more."""

    def revoke_keys(self, targets: Sequence[str], krl: bytes) -> Mapping[str, Answer]:
        """Place a list of revoked keys where sshd is set up to read one."""
        ...


@dataclass(frozen=True, slots=True)
class Published:
    """What came of placing a list: the hosts that hold it, and for the others the reason.

    `not_set_up` are hosts whose sshd reads no list; there is nothing owed to them.
    """

    placed: tuple[str, ...] = ()
    not_set_up: tuple[str, ...] = ()
    owed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revoked:
    """What was revoked: certificates, a key, and what came of telling the hosts."""

    certificates: tuple[Certificate, ...]
    key: str
    published: Published


def revoke(work: Workplace, what: str, reason: str) -> Revoked:
    """Revoke by serial, by grant (`g7`), or by the fingerprint of a key; then tell the hosts.

    A certificate that ended by itself needs no revocation. A key is revoked for good, in every
    certificate and by itself.

    Raises:
        ConfigError: no reason is given, or there is no such thing.
        Refused: nothing of it could still be used.
    """
    work.person()
    if not reason.strip():
        raise ConfigError("a revocation needs a reason", hint="--reason 'laptop lost'")
    key = what if what.startswith("SHA256:") else ""
    # Asked before anything is written: the inventory may take its time.
    hosts = _hosts(work) if key else set()
    with work.database.write() as connection:
        if key:
            found = _key(work, connection, key, reason, hosts)
        else:
            found = _named(connection, what, work.now())
            _revoke(work, connection, found, reason)
    return Revoked(found, key, publish(work))


def fence(work: Workplace, connection: sa.Connection, grant: Grant, reason: str) -> None:
    """Write that the certificates of a grant that ends count no more, if any is still good."""
    live = certificates.live(connection, work.now(), grant=grant.id)
    if live:
        _revoke(work, connection, live, reason)


def unended(work: Workplace) -> tuple[Certificate, ...]:
    """Return the certificates that have not ended by themselves, revoked ones included."""
    with work.database.read() as connection:
        now = work.now()
        found = (*certificates.live(connection, now), *certificates.revoked(connection, now))
    return tuple(sorted(found, key=lambda one: (one.grant_id, one.issued_at, one.serial)))


def _named(connection: sa.Connection, what: str, now: Instant) -> tuple[Certificate, ...]:
    if _GRANT.fullmatch(what):
        grant = grants.one(connection, int(what[1:]))
        found = certificates.live(connection, now, grant=grant.id)
    elif _SERIAL.fullmatch(what):
        known = int(what) < 2**63  # no other serial was ever drawn
        one = certificates.one(connection, int(what)) if known else None
        if one is None:
            raise ConfigError(f"there is no certificate {what}", hint="opskit access cert list")
        found = (one,) if one.is_live(now) else ()
    else:
        raise ConfigError(
            f"{what!r} is no serial, grant or fingerprint", hint="7412, g7 or SHA256:..."
        )
    if not found:
        raise Refused(
            f"nothing of {what} could still be used: it ended or was revoked",
            hint="opskit access cert list",
        )
    return found


def _revoke(
    work: Workplace, connection: sa.Connection, found: Iterable[Certificate], reason: str
) -> None:
    now, revision, several = work.now(), certificates.next_revision(connection), tuple(found)
    certificates.revoke(connection, [one.serial for one in several], revision, now, reason)
    for one in several:
        told = {"serial": one.serial, "fingerprint": one.fingerprint, "reason": reason}
        work.tell(connection, "certificate.revoked", one.grant, told)
    numbers = {one.grant_id for one in several}
    hosts = {
        place.place
        for number in numbers
        for place in places.of_grant(connection, number)
        if place.kind == LINUX
    }
    certificates.want(connection, hosts, revision, now)


def _key(
    work: Workplace,
    connection: sa.Connection,
    fingerprint: str,
    reason: str,
    hosts: Collection[str],
) -> tuple[Certificate, ...]:
    """Write that a key counts nowhere, and what of its certificates that ends."""
    line = dict(_known_keys(work)).get(fingerprint)
    if line is None:
        # What is nobody's may be the key that opskit itself comes with.
        raise Refused(
            f"nobody in people.yaml has the key {fingerprint}",
            hint="only keys of people can be revoked here",
        )
    now, revision = work.now(), certificates.next_revision(connection)
    found = certificates.live(connection, now, fingerprint=fingerprint)
    revoked = RevokedKey(fingerprint, line, revision, now, reason)
    certificates.revoke_key(connection, revoked)
    certificates.revoke(connection, [one.serial for one in found], revision, now, reason)
    told = {"serials": [one.serial for one in found], "reason": reason}
    work.tell(connection, "key.revoked", fingerprint, told)
    certificates.want(connection, hosts, revision, now)
    return found


def _known_keys(work: Workplace) -> Iterator[tuple[str, str]]:
    """Yield fingerprint and `type base64` of every key that people have."""
    people = work.registry.people
    keys = [one for person in people.people.values() for one in person.keys]
    keys += [one for account in people.service_accounts.values() for one in account.keys]
    for key in keys:
        try:
            found = public_key(key.key)
        except NoKeyError:
            continue
        yield found.fingerprint, f"{found.type} {found.blob}"


def _hosts(work: Workplace) -> set[str]:
    """Return all hosts that somebody could be let in to."""
    targets = work.registry.targets.targets
    linux = [name for name, one in targets.items() if isinstance(one, LinuxTarget)]
    return {place for name in linux for place in work.places(name)}


# Telling the hosts


def publish(work: Workplace) -> Published:
    """Place the list on every host that it is owed to now; what fails stays owed."""
    now = work.now()
    with work.database.read() as connection:
        due = [one for one in certificates.lists(connection) if one.due_at and one.due_at <= now]
    if not due:
        return Published()
    holder = holding.name(work.ledger.actor)
    free = [one for one in due if _taken(work, one.place, holder)]
    try:
        answers = _answers(work, [one.place for one in free])
        with work.database.write() as connection:
            for one in free:
                _record(work, connection, one, answers[one.place])
    finally:
        with work.database.write() as connection:
            work.leases.release(connection, holder)
    return _published(work, [one.place for one in due])


def _taken(work: Workplace, place: str, holder: str) -> bool:
    try:
        with work.database.write() as connection:
            work.hold(connection, LINUX, place, holder)
    except Conflict:
        return False
    return True


def _answers(work: Workplace, hosts: Sequence[str]) -> Mapping[str, str]:
    """Return for each host why it does not hold the list; empty where it does."""
    kind = work.kind(LINUX)
    if not isinstance(kind, RevokesKeys):
        return dict.fromkeys(hosts, "it cannot be told of revoked keys")
    try:
        found = kind.revoke_keys(hosts, current(work))
    except OpskitError as error:
        return dict.fromkeys(hosts, error.message)
    return {host: _reason(found.get(host)) for host in hosts}


def _reason(answer: Answer | None) -> str:
    if answer is None:
        return "nothing was said of it"
    if not answer.sight.reached:
        return answer.sight.reason or "it was not reached"
    return answer.refused or answer.failed


def current(work: Workplace) -> bytes:
    """Return the list as it is to be now: what has ended by itself is in it no more.

    Raises:
        OutsideError: ssh-keygen cannot make it.
    """
    with work.database.read() as connection:
        found = certificates.revoked(connection, work.now())
        keys = certificates.revoked_keys(connection)
    return revocation_list(
        [RevokedCertificate(one.authority, one.serial, one.certificate) for one in found],
        [one.key for one in keys],
        work.now() // SECOND,
        work.environment,
    )


def _record(work: Workplace, connection: sa.Connection, one: ListPlace, reason: str) -> None:
    settled = not reason or _NOT_SET_UP in reason
    values: dict[str, object] = {
        "reason": reason,
        "attempts": 0 if settled else one.attempts + 1,
        "due_at": None if settled else next_attempt(one.attempts, work.now()),
    }
    if not reason:
        values["placed"] = one.wanted
    if _NOT_SET_UP in reason:
        kind = _UNREAD
    else:
        kind = "revocations.failed" if reason else "revocations.placed"
    work.tell(connection, kind, one.place, {"revision": one.wanted, "reason": reason})
    certificates.placed(connection, one, **values)


def page(work: Workplace) -> None:
    """Tell, once for each host, that it has been owed a list for too long.

    A list that would keep out nothing by now, since what is on it has ended, wakes nobody.
    """
    with work.database.read() as connection:
        if all(one.due_at is None for one in certificates.lists(connection)):
            return
    with work.database.write() as connection:
        for one in certificates.lists(connection):
            if one.due_at is not None:
                _page(work, connection, one)


def _page(work: Workplace, connection: sa.Connection, one: ListPlace) -> None:
    now, since = work.now(), _owed_since(connection, one)
    if since is None or now - since < parse_duration(work.registry.policy.page_after):
        return
    serials, keys = _unknown_to(connection, one, now)
    paged = told.first(connection, "revocations.overdue", one.place, since)
    if paged is None and (serials or keys):
        data = {"reason": one.reason, "since": since, "serials": serials, "keys": keys}
        work.tell(connection, "revocations.overdue", one.place, data)


def _owed_since(connection: sa.Connection, one: ListPlace) -> Instant | None:
    """Return when it first failed since the host last held all it should, or read no list."""
    settled = [told.last(connection, kind, one.place) for kind in ("revocations.placed", _UNREAD)]
    since = max((each.at for each in settled if each is not None), default=None)
    failed = told.first(connection, "revocations.failed", one.place, since)
    return failed.at if failed is not None else None


def _unknown_to(
    connection: sa.Connection, one: ListPlace, now: Instant
) -> tuple[list[int], list[str]]:
    """Return what a host would still take: serials of certificates, fingerprints of keys."""
    newer = [
        each
        for each in certificates.revoked(connection, now)
        if each.revision is not None and one.placed < each.revision <= one.wanted
    ]
    at = places.of_grants(connection, {each.grant_id for each in newer})
    serials = [
        each.serial
        for each in newer
        if any(place.place == one.place for place in at[each.grant_id])
    ]
    keys = certificates.revoked_keys(connection)
    return serials, [each.fingerprint for each in keys if one.placed < each.revision <= one.wanted]


def _published(work: Workplace, hosts: Sequence[str]) -> Published:
    with work.database.read() as connection:
        found = [one for one in certificates.lists(connection) if one.place in hosts]
    unset = tuple(one.place for one in found if _NOT_SET_UP in one.reason)
    return Published(
        placed=tuple(one.place for one in found if one.placed >= one.wanted),
        not_set_up=unset,
        owed={
            one.place: one.reason or "another opskit is at it"
            for one in found
            if one.placed < one.wanted and one.place not in unset
        },
    )
