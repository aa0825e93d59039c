"""What is in force on a host though nobody granted it: sudo rules, keys, what leavers left behind.

Each is told with what would take it away, or with the reason why that is left to a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opskit.access.findings import AccessFinding, Scope
from opskit.access.hosts.model import Account, AuthorizedKey, Line
from opskit.access.rules.accounts import usable
from opskit.access.rules.keys import unknown_keys
from opskit.access.rules.rule import Family
from opskit.access.rules.sudo.view import SudoView, command_text, meaning_of
from opskit.access.rules.view import HostView
from opskit.access.sudoers.meaning import Permission, Status
from opskit.access.sudoers.syntax import Kind
from opskit.core.findings import Severity

GRANT_FILE = re.compile(r"/etc/sudoers\.d/opskit-(g[0-9]{1,12})\Z")
GRANT_MARK = re.compile(r"(?:^|\s)opskit:(g[0-9]{1,12})\Z")
_ROOT = frozenset({"root", "#0"})
_MOST_COMMANDS = 3
# In force, or as soon as its time comes or the line above which it stands is taken away.
_STANDING = frozenset({Status.IN_FORCE, Status.NOT_YET, Status.REPLACED})


@dataclass(frozen=True, slots=True)
class Held:
    """What a grant in force gives on a host. `fingerprints` are of the keys that may log in."""

    grant: str
    account: str
    groups: frozenset[str] = frozenset()
    sudo: bool = False
    fingerprints: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Leaver:
    """Somebody who is gone: `why` goes on after their name (`left on 2026-09-30`)."""

    name: str
    why: str


@dataclass(frozen=True)
class ActualView:
    """A host beside what was granted there.

    `administrators` are never touched; `leavers` are those who are gone, by account; `former` are
    holders of keys that the people file had once, by fingerprint. What bears the name of a grant
    that is not among `held` is that grant's leftover, and not told here.
    """

    host: HostView
    sudo: SudoView
    held: tuple[Held, ...] = ()
    administrators: frozenset[str] = frozenset()
    leavers: Mapping[str, Leaver] = field(default_factory=dict)
    former: Mapping[str, str] = field(default_factory=dict)

    def lacks(self, part: str) -> str:
        """Return why a part was not looked at; empty where it was."""
        return self.host.lacks(part)

    def holds(self, grant: str) -> Held | None:
        """Return what a grant gives here, if it is in force."""
        return next((one for one in self.held if one.grant == grant), None)


@dataclass(frozen=True, slots=True)
class Stray:
    """A finding, whose it is if that is known, and what takes it away.

    `kind` is `sudo`, `key`, `membership`, `account` or `remains`; `key`, `account` and `detail`
    name it for its removal. `by_hand` says why it is left to a person, empty where it is not.
    """

    finding: AccessFinding
    kind: str
    key: str
    account: str
    detail: str = ""
    person: str = ""
    by_hand: str = ""


family: Family[ActualView] = Family(Scope.STATE)


def strays(view: ActualView) -> Iterator[Stray]:
    """Yield everything on a host that nobody granted."""
    if view.host.state.accounts is not None and "/etc/sudoers" in view.host.state.files:
        yield from _sudo(view)
    if view.host.state.keys is not None:
        yield from _unknown(view)
        yield from _ungranted(view)
    if view.host.state.accounts is not None:
        yield from _left_behind(view)


@family.rule("SUDO-UNMANAGED", Severity.HIGH, needs=("accounts", "groups"))
def sudo_unmanaged(view: ActualView) -> Iterator[AccessFinding]:
    """Somebody may run something by sudo, and no grant in force gives it.

    What: a right of anybody but root and the target's administrators that is not written in the
    file of a grant in force (`/etc/sudoers.d/opskit-gN`); also one that a later line replaces: it
    is back when that line goes. A right of a group counts for each member, but for those whom a
    grant put there.

    Why: what nobody granted nobody ends, reviews or answers for.

    Fix: `opskit access reconcile --fix` takes it away; ask for it as a grant if it is needed.

    Bad::

        # /etc/sudoers.d/tmp
        bob ALL=(ALL) NOPASSWD: ALL

    Good::

        # /etc/sudoers.d/opskit-g42
        bob ALL=(root) NOTAFTER=20261201180000Z PASSWD: /usr/bin/systemctl restart nginx ""
    """
    yield from (one.finding for one in _sudo(view))


def _sudo(view: ActualView) -> Iterator[Stray]:
    """Yield a finding for each line and holder, with all the line gives them."""
    found: dict[tuple[str, int, str, str], list[Permission]] = {}
    written = (one for one in view.sudo.permissions if one.status in _STANDING)
    for right in written:
        for who, group in _holders(view, right):
            found.setdefault((right.at.file, right.at.number, who, group), []).append(right)
    for (_, _, who, group), rights in found.items():
        yield _sudo_stray(view, who, group, rights)


def _holders(view: ActualView, right: Permission) -> Iterator[tuple[str, str]]:
    """Yield who has a right without a grant, each with the group it comes by, if by one."""
    who = right.who
    if who in view.administrators | _ROOT or _is_granted(view, right):
        return
    if who.startswith("%") and not who.startswith("%:"):
        group = _group(view, who[1:])
        for member in sorted(view.sudo.resolver.members_of.get(group, ())):
            if _is_stray_member(view, member, group) and member not in right.excepted:
                yield member, group
    elif who.startswith("#"):
        name = _by_number(view, who[1:])
        if name not in view.administrators | _ROOT:
            yield name, ""
    else:
        yield who, ""


def _is_granted(view: ActualView, right: Permission) -> bool:
    """Return whether a right stands in a grant's own file; of one that is over it is its leftover.

    Whether the file is as it was written is seen by how the grant stands.
    """
    named = GRANT_FILE.match(right.at.file)
    held = view.holds(named[1]) if named else None
    return named is not None and (held is None or held.sudo)


def _is_stray_member(view: ActualView, member: str, group: str) -> bool:
    granted = any(one.account == member and group in one.groups for one in view.held)
    return member not in view.administrators | _ROOT and not granted


def _group(view: ActualView, name: str) -> str:
    if not name.startswith("#"):
        return name
    groups = view.host.state.groups or ()
    return next((one.name for one in groups if f"#{one.gid}" == name), name)


def _by_number(view: ActualView, number: str) -> str:
    found = (one.name for one in view.host.accounts.values() if str(one.uid) == number)
    return next(found, f"#{number}")


def _sudo_stray(view: ActualView, who: str, group: str, rights: Sequence[Permission]) -> Stray:
    line, first = rights[0].at, rights[0]
    everything = any(one.command.kind is Kind.ALL and one.as_root for one in rights)
    password = "" if all(one.password for one in rights) else ", without a password"
    leaver = view.leavers.get(who)
    message = (
        f"{who} may run {_commands(rights)} as {first.run_as}{password}, and no grant gives it"
        + (f"; {leaver.name} {leaver.why}" if leaver else "")
    )
    meaning = sorted({" ".join(meaning_of(one)) for one in rights})
    chain = (who, f"member of {group}", *first.chain) if group else first.chain
    finding = view.host.finding(
        "SUDO-UNMANAGED", Severity.CRITICAL if everything else Severity.HIGH, who, message,
        at=first.lines, path=chain, meaning=(group, *meaning),
        fix=f"take {who} out of {group}" if group else f"remove line {line.number} of {line.file}",
    )  # fmt: skip
    person = leaver.name if leaver else _person(view, who)
    if group:
        by_hand = _in_group_by_hand(view, who, group)
        return Stray(finding, "membership", group, who, person=person, by_hand=by_hand)
    key, by_hand = f"{line.file}:{line.number}", _line_by_hand(view, line)
    return Stray(finding, "sudo", key, who, line.raw, person, by_hand)


def _commands(rights: Sequence[Permission]) -> str:
    said = list(dict.fromkeys(command_text(one) for one in rights))
    more = len(said) - _MOST_COMMANDS
    return ", ".join(said[:_MOST_COMMANDS]) + (f" and {more} more" if more > 0 else "")


def _person(view: ActualView, account: str) -> str:
    holder = view.host.holder(account)
    return holder.name if holder else ""


def _in_group_by_hand(view: ActualView, who: str, group: str) -> str:
    groups = view.host.state.groups or ()
    named = any(one.name == group and who in one.members for one in groups)
    return "" if named else f"{group} is the primary group of {who}: change it by hand"


def _line_by_hand(view: ActualView, line: Line) -> str:
    """Return why a line is not removed: it goes on, or gives something to others as well."""
    if "\n" in line.raw or line.raw.rstrip().endswith("\\"):
        return "the rule goes over several lines: edit it by hand"
    spared = _ROOT | view.administrators
    here = (one for one in view.sudo.permissions if one.at == line)
    others = {one.who for one in here if one.who in spared or one.who.startswith("%")}
    return f"the line is also about {', '.join(sorted(others))}: edit it by hand" if others else ""


# Keys


def _unknown(view: ActualView) -> Iterator[Stray]:
    """Yield the keys that nobody has, or that must open nothing any more."""
    if view.lacks("registry"):
        return
    keys = {(one.key.fingerprint, one.account): one for one in view.host.keys}
    for finding in unknown_keys(view.host):
        one = keys[finding.subject, finding.meaning[0]]
        if _is_leftover(view, one):
            continue
        once = view.former.get(one.key.fingerprint, "")
        leaver = view.leavers.get(one.account)
        person = once or (leaver.name if leaver else "")
        more = f"; it was once {once}'s" if once else ""
        told = finding._replace(message=f"{finding.message}{more}")
        yield _key_stray(view, told, one, person)


def _is_leftover(view: ActualView, one: AuthorizedKey) -> bool:
    """Return whether a line is of a grant that is not in force here: that is told of the grant."""
    marked = GRANT_MARK.search(one.key.comment)
    return marked is not None and view.holds(marked[1]) is None


def _key_stray(view: ActualView, finding: AccessFinding, one: AuthorizedKey, person: str) -> Stray:
    spared = one.account in view.administrators
    by_hand = f"{one.account} administers the host and is never touched" if spared else ""
    return Stray(finding, "key", one.key.fingerprint, one.account, one.at.file, person, by_hand)


@family.rule("SSH-KEY-UNGRANTED", Severity.HIGH, needs=("keys", "registry"))
def keys_without_grant(view: ActualView) -> Iterator[AccessFinding]:
    """A known key opens an account, and no grant in force gives it.

    What: a line whose key the people file knows, that opens an account other than an administrator
    of the target, while no grant in force there lets that key into that account.

    Why: access that was never asked for is never ended: not with a project, not with a contract.

    Fix: `opskit access reconcile --fix` removes the line; ask for a role if the access is needed.

    Bad::

        # /home/alice/.ssh/authorized_keys, and alice holds no grant on this host
        ssh-ed25519 AAAA... alice@laptop

    Good::

        expiry-time="20261201180000Z" ssh-ed25519 AAAA... opskit:g42
    """
    yield from (one.finding for one in _ungranted(view))


def _ungranted(view: ActualView) -> Iterator[Stray]:
    registered = view.host.roster.keys if view.host.roster else {}
    for one in view.host.keys:
        entries = registered.get(one.key.fingerprint, ())
        in_force = [entry for entry in entries if not entry.ended_by(view.host.today)]
        if not in_force or one.account in view.administrators or _lets_in(view, one):
            continue
        if _is_leftover(view, one):
            continue
        name = in_force[0].holder
        gone = next((x for x in view.leavers.values() if x.name == name), None)
        whose = f"{name}, who {gone.why}," if gone else name
        finding = view.host.finding(
            "SSH-KEY-UNGRANTED", Severity.HIGH, one.key.fingerprint,
            f"a key of {whose} opens {one.account}, and no grant gives it",
            at=(one.at,), fix=f"remove {one.key.fingerprint} from {one.at.file}",
            path=(name, f"key {one.key.comment or one.key.fingerprint}", f"account {one.account}"),
            meaning=(one.account,),
        )  # fmt: skip
        yield _key_stray(view, finding, one, name)


def _lets_in(view: ActualView, one: AuthorizedKey) -> bool:
    return any(
        held.account == one.account and one.key.fingerprint in held.fingerprints
        for held in view.held
    )


# Leavers


@family.rule("ACC-LEAVER", Severity.CRITICAL, needs=("accounts",))
def left_behind(view: ActualView) -> Iterator[AccessFinding]:
    """An account of somebody who is gone can be used, or does something by itself.

    What: an account whose holder's last day is over, or who is no longer in the people file though
    opskit once gave them access, that can be logged in to, or that has a crontab, an `at` job, a
    lingering user manager, or a unit of its own.

    Why: it goes on with nobody behind it, or with somebody who should not be.

    Fix: `opskit access offboard NAME` takes all of it away and proves it.

    Bad::

        # people.yaml: eve, ends: 2026-09-30
        /var/spool/cron/crontabs/eve

    Good::

        eve:!:1004:1004::/home/eve:/usr/sbin/nologin
    """
    yield from (one.finding for one in _left_behind(view))


def _left_behind(view: ActualView) -> Iterator[Stray]:
    for name, leaver in view.leavers.items():
        account = view.host.accounts.get(name)
        if account is None:
            continue
        spared = name in view.administrators
        by_hand = f"{name} administers the host and is never touched" if spared else ""
        if usable(view.host, account):
            finding = _leavers(view, leaver, account, "can be logged in to", "account")
            yield Stray(finding, "account", name, name, person=leaver.name, by_hand=by_hand)
        for one in view.host.state.remains or ():
            if one.account == name:
                does = f"has a {one.what} that goes on by itself ({one.detail})"
                finding = _leavers(view, leaver, account, does, one.what)
                yield Stray(finding, "remains", one.detail, name, one.what, leaver.name, by_hand)


def _leavers(
    view: ActualView, leaver: Leaver, account: Account, does: str, what: str
) -> AccessFinding:
    whose = account.name if leaver.name == account.name else f"{leaver.name}'s {account.name}"
    return view.host.finding(
        "ACC-LEAVER", Severity.CRITICAL, account.name,
        f"{leaver.name} {leaver.why}, and {whose} {does}", at=(account.at,), meaning=(what,),
        path=(leaver.name, leaver.why, f"account {account.name}"),
        fix=f"opskit access offboard {leaver.name}",
    )  # fmt: skip
