"""`access cert`: short SSH certificates for a grant, each written down before it is handed out.

A certificate names nothing but its grant (`grant-g7`), which a host lets in only while the grant's
line is in the principals file of the account. So it opens nothing without the grant, whoever holds
it, and ends with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.access.lifecycle import GrantState
from opskit.access.model import Environment, KeyUse, LinuxRights, LinuxTarget
from opskit.access.store import certificates, grants
from opskit.access.store.certificates import Certificate
from opskit.access.store.grants import Grant
from opskit.access.workplace import Workplace
from opskit.core.clock import MINUTE, SECOND, Duration, Instant, parse_duration
from opskit.core.errors import ConfigError, OpskitError, Refused
from opskit.outside.sshca import Signer, Template

# Hosts' clocks may be behind.
BACKDATED = Duration(5 * MINUTE)
# The database holds signed numbers of 64 bits; 63 random ones never meet again.
_SERIALS = 2**63 - 1

Draw = Callable[[], int]


def drawn() -> int:
    """Return a serial that cannot be guessed: 1 to 2^63 - 1."""
    return secrets.randbelow(_SERIALS) + 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the grant's number, the line of a .pub file, and who signs.

    `environment` is needed only where the targets of the grant are of several.
    """

    grant: int
    key: str
    environment: Environment | None = None


def own_grant(work: Workplace) -> int:
    """Return the number of the one grant of yours that a certificate opens.

    Raises:
        ConfigError: there is none, or several.
    """
    person = work.person()
    with work.database.read() as connection:
        held = grants.of_person(connection, person)
    found = [one for one in held if _opens(one) and _in_force(one, work.now())]
    if len(found) != 1:
        names = ", ".join(one.name for one in found)
        raise ConfigError(
            f"several grants of {person} are open: {names}"
            if found
            else f"no grant in force of {person} is opened by a certificate",
            hint=f"opskit access cert issue {found[0].name}" if found else "opskit access list",
        )
    return found[0].id


def issue(work: Workplace, wanted: Wanted, draw: Draw = drawn) -> Certificate:
    """Sign a certificate for a grant of one's own and a key that people.yaml has for its holder.

    What is refused, or could not be signed, is written as well.

    Raises:
        Refused: the grant is somebody else's or not in force, the key is not registered or revoked.
        ConfigError: nobody is named who signs for its targets.
    """
    person = work.person()
    with work.database.read() as connection:
        grant = grants.one(connection, wanted.grant)
    try:
        _require_own(work, grant, person)
        _require_registered(work, grant, wanted.key)
        return signed(work, grant, wanted, draw)
    except OpskitError as error:
        kind = "certificate.refused" if isinstance(error, Refused) else "certificate.failed"
        with work.database.write() as connection:
            work.tell(connection, kind, grant.name, {"by": person, "reason": error.message})
        raise


def signed(work: Workplace, grant: Grant, wanted: Wanted, draw: Draw = drawn) -> Certificate:
    """Sign a certificate, and write it down before anybody gets it; whose key it is was checked.

    Raises:
        Refused: the grant is not in force, or the key is weak or revoked.
    """
    _require_open(grant, work.now())
    named = _environment(work, grant, wanted.environment)
    authority = work.authority(named)
    template = _template(work, grant, wanted, named, draw)
    line = authority.sign(template)
    with work.database.write() as connection:
        return _written(work, connection, grant, template, line, authority)


def _require_own(work: Workplace, grant: Grant, person: str) -> None:
    account = work.registry.people.service_accounts.get(grant.person)
    answerable = work.registry.among([account.owner]) if account else frozenset[str]()
    if person != grant.person and person not in answerable:
        raise Refused(f"{grant.name} is {grant.person}'s", hint="opskit access list shows yours")


def _require_open(grant: Grant, now: Instant) -> None:
    if not _opens(grant):
        raise Refused(
            f"{grant.role} is not opened by a certificate",
            hint="your registered key opens it; `login: certificate` in access/roles.yaml",
        )
    if not _in_force(grant, now):
        state = "over" if grant.is_over(now) else grant.state.value
        raise Refused(f"{grant.name} is {state}", hint=f"opskit access show {grant.name}")


def _opens(grant: Grant) -> bool:
    return grant.gives.linux is not None and grant.gives.linux.login == "certificate"


def _in_force(grant: Grant, now: Instant) -> bool:
    """Return whether it opens something now: on all its targets, or on some."""
    on = grant.state in {GrantState.ACTIVE, GrantState.PARTIAL}
    return on and grant.ends_at is not None and not grant.is_over(now)


def fingerprint(line: str) -> str:
    """Return the fingerprint of a public key.

    Raises:
        Refused: it is none.
    """
    try:
        return public_key(line).fingerprint
    except NoKeyError as error:
        raise Refused(f"this is no public key: {error}", hint="name a .pub file: --key") from error


def _require_registered(work: Workplace, grant: Grant, line: str) -> None:
    known = work.registry.keys(grant.person, KeyUse.LOGIN, work.today())
    found = fingerprint(line)
    if found not in {fingerprint(one.key) for one in known}:
        raise Refused(
            f"people.yaml has no key {found} in force for {grant.person} to log in with",
            hint="name the one it has with --key, or have this one entered",
        )


def _environment(work: Workplace, grant: Grant, named: Environment | None) -> Environment:
    """Return the environment whose authority signs for a grant.

    Raises:
        ConfigError: it is of several, or has none that is named.
    """
    targets = map(work.registry.target, grant.targets)
    found = sorted({one.environment for one in targets if isinstance(one, LinuxTarget)})
    if named is not None and named not in found:
        raise ConfigError(f"{grant.name} opens nothing in {named.value}", hint=_among(found))
    if named is None and len(found) != 1:
        raise ConfigError(
            f"{grant.name} is for hosts of {len(found)} environments, and each has its own signer",
            hint=_among(found),
        )
    return named or found[0]


def _among(found: Iterable[Environment]) -> str:
    return " or ".join(f"--environment {one.value}" for one in found) or "opskit access list"


def _template(
    work: Workplace, grant: Grant, wanted: Wanted, named: Environment, draw: Draw
) -> Template:
    rights, now = grant.gives.linux, work.now()
    assert rights is not None  # noqa: S101  # it is open
    after, before = window(now, validity(work, named), grant.ends_at or now)
    return Template(
        key=" ".join(wanted.key.split()[:2]),
        key_id=f"{grant.name}:{grant.person}",
        principals=(f"grant-{grant.name}",),
        serial=_serial(work, draw),
        valid_after=after,
        valid_before=before,
        forwarding=rights.forwarding,
        source_addresses=_addresses(rights),
    )


def _addresses(rights: LinuxRights) -> tuple[str, ...]:
    return tuple(rights.source_addresses)


def validity(work: Workplace, named: Environment) -> Duration:
    """Return for how long the certificates of an environment are valid.

    Raises:
        ConfigError: nobody signs for it.
    """
    found = work.registry.policy.authorities.get(named)
    if found is None:
        raise ConfigError(
            f"nobody signs certificates for {named.value}",
            hint=f"name a key in access/policy.yaml: authorities: {named.value}: key_file",
        )
    return parse_duration(found.validity)


def window(now: Instant, length: Duration, ends_at: Instant) -> tuple[Instant, Instant]:
    """Return from when until when a certificate is valid, in whole seconds.

    Five minutes back, since hosts' clocks may be behind, until min(now + length, the grant's end):
    never beyond that end, not by the part of a second either.

    Raises:
        Refused: less than a second of the grant is left.
    """
    after = Instant((now - BACKDATED) // SECOND * SECOND)
    before = Instant(min(now + length, ends_at) // SECOND * SECOND)
    if before <= now:
        raise Refused("the grant ends this very second", hint="opskit access extend")
    return after, before


def _serial(work: Workplace, draw: Draw) -> int:
    with work.database.read() as connection:
        while certificates.taken(connection, serial := draw()):
            pass
    return serial


def _written(
    work: Workplace,
    connection: sa.Connection,
    grant: Grant,
    template: Template,
    line: str,
    authority: Signer,
) -> Certificate:
    now, found = work.now(), fingerprint(template.key)
    _require_open(grants.one(connection, grant.id), now)  # it may have ended while we signed
    if work.gone(connection, [grant.person]):  # and nobody has ended their grants yet
        raise Refused(f"{grant.person} has left", hint="opskit access settle ends the grant")
    if found in {one.fingerprint for one in certificates.revoked_keys(connection)}:
        raise Refused(f"the key {found} was revoked", hint="enter another in access/people.yaml")
    told = {
        "serial": template.serial,
        "person": grant.person,
        "fingerprint": found,
        "authority": fingerprint(authority.public),
        "valid_after": template.valid_after,
        "valid_before": template.valid_before,
    }
    work.tell(connection, "certificate.issued", grant.name, told)
    return certificates.insert(
        connection, serial=template.serial, grant_id=grant.id, person=grant.person,
        authority=authority.public, fingerprint=found, certificate=line,
        valid_after=template.valid_after, valid_before=template.valid_before, issued_at=now,
    )  # fmt: skip


# What hosts need


def planting(work: Workplace) -> str:
    """Return what to put on the hosts of each environment so that certificates open them.

    Raises:
        ConfigError: nobody signs, or a key cannot be read.
    """
    named = work.registry.policy.authorities
    if not named:
        raise ConfigError(
            "nobody signs certificates", hint="name keys in access/policy.yaml under authorities:"
        )
    return "\n".join(_planting(one, work.authority(one).public) for one in sorted(named))


def _planting(environment: Environment, public: str) -> str:
    return (
        f"# {environment.value}: /etc/ssh/opskit_ca.pub, root's, 0644 ({fingerprint(public)})\n"
        f"{public} opskit-{environment.value}\n"
        f"# {environment.value}: /etc/ssh/sshd_config.d/opskit.conf; make the empty file\n"
        "# /etc/ssh/opskit_revoked first: where it is missing sshd refuses every key\n"
        "TrustedUserCAKeys /etc/ssh/opskit_ca.pub\n"
        "AuthorizedPrincipalsFile /etc/ssh/auth_principals/%u\n"
        "RevokedKeys /etc/ssh/opskit_revoked\n"
    )
