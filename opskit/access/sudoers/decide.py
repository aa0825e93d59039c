"""May this user run that command, as whom, and is a password asked? Answered as sudo would."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from opskit.access.hosts.model import HostState, Line
from opskit.access.sudoers.matching import Account, Matcher, Verdict, Wish, account_of, group_of
from opskit.access.sudoers.patterns import canonical
from opskit.access.sudoers.policy import Placed, Sudoers
from opskit.access.sudoers.settings import EARLY, Value, applied
from opskit.access.sudoers.syntax import Binding, CommandSpec, Defaults, Grant, Kind, Setting
from opskit.core.clock import Instant

_FIRST = frozenset({Binding.GLOBAL, Binding.HOST, Binding.USER})
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Outcome(StrEnum):
    """What sudo would do."""

    DENIED = "denied"
    WITH_PASSWORD = "with password"  # noqa: S105  # the words of an answer
    WITHOUT_PASSWORD = "without password"  # noqa: S105  # the same
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What sudo would do, and why.

    `decided_by` is the line of the rule; None where no rule speaks of it. `chain` leads from the
    user to that line. `unknown` names what the host's files could not tell, where it matters.
    """

    outcome: Outcome
    command: str
    reason: str
    decided_by: Line | None = None
    chain: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Return whether it may be run, with or without a password."""
        return self.outcome in {Outcome.WITH_PASSWORD, Outcome.WITHOUT_PASSWORD}


class _Deciding(NamedTuple):
    placed: Placed
    spec: CommandSpec
    allow: bool
    trail: tuple[str, ...]


def may(  # sudo's own options
    sudoers: Sudoers,
    state: HostState,
    user: str,
    command_line: str | Sequence[str],
    *,
    run_as: str | None = None,
    run_as_group: str | None = None,
    host: str | None = None,
    now: Instant,
) -> Answer:
    """Return what `sudo -u RUN_AS -g RUN_AS_GROUP COMMAND_LINE` would do for a user.

    A command without a slash is looked for as sudo does, in `secure_path`.
    """
    words = shlex.split(command_line) if isinstance(command_line, str) else list(command_line)
    shown = " ".join(words)
    if not words:
        return Answer(Outcome.DENIED, shown, "no command was named")
    if not sudoers.usable:
        return Answer(Outcome.DENIED, shown, sudoers.problems[-1].reason)
    if state.accounts is None or state.groups is None:
        missing = "passwd" if state.accounts is None else "group"
        return Answer(Outcome.UNKNOWN, shown, f"{missing} was not read", unknown=(missing,))
    asking = account_of(state, user)
    if asking is None:
        return Answer(Outcome.DENIED, shown, f"there is no account {user}")
    first = settings(sudoers, _matcher(sudoers, state, asking, host), _FIRST)
    target = run_as or (asking.name if run_as_group else str(first.get("runas_default", "root")))
    runner = account_of(state, target)
    group = group_of(state, run_as_group) if run_as_group else None
    if runner is None or (run_as_group and group is None):
        name = f"account {target}" if runner is None else f"group {run_as_group}"
        return Answer(Outcome.DENIED, shown, f"there is no {name}")
    path = _found(words[0], first, sudoers, state)
    wish = Wish(
        asking, runner, group, run_as is not None, host or state.name, path,
        " ".join(words[1:]) if words[1:] else None,
    )  # fmt: skip
    return _answer(sudoers, state, wish, now)


def _answer(sudoers: Sudoers, state: HostState, wish: Wish, now: Instant) -> Answer:
    """Answer with what is unknown taken for no, and again for yes; both must agree."""
    matcher = Matcher(sudoers.aliases, sudoers.dialect, wish, state.paths)
    answer = _decided(sudoers, matcher, now)
    if not matcher.unknown:
        return answer
    other = replace(matcher, assumed=True, unknown=[])
    if _decided(sudoers, other, now).outcome is answer.outcome:
        return answer
    told = tuple(dict.fromkeys([*matcher.unknown, *other.unknown]))
    reason = f"it depends on {', '.join(told)}, which the host's files do not tell"
    return replace(answer, outcome=Outcome.UNKNOWN, reason=reason, unknown=told)


def _decided(sudoers: Sudoers, matcher: Matcher, now: Instant) -> Answer:
    wish = matcher.wish
    shown = wish.command if wish.args is None else f"{wish.command} {wish.args}"
    values = settings(sudoers, matcher, _FIRST)
    matcher.fast_glob = values.get("fast_glob") is True
    deciding = _deciding(sudoers, matcher, str(values.get("runas_default", "root")), now)
    if deciding is None:
        return Answer(Outcome.DENIED, shown, "no rule speaks of it")
    chain = (wish.user.name, *deciding.trail, str_of(deciding.placed.at))
    if not deciding.allow:
        reason = "a rule takes it away"
        return Answer(Outcome.DENIED, shown, reason, deciding.placed.at, chain)
    outcome, reason = _password(sudoers, matcher, deciding.spec)
    return Answer(outcome, shown, reason, deciding.placed.at, chain)


def str_of(line: Line) -> str:
    """Return where a line stands, as a step of a chain."""
    return f"{line.file}:{line.number}"


def _deciding(sudoers: Sudoers, matcher: Matcher, default: str, now: Instant) -> _Deciding | None:
    """Return the last rule that speaks of the wish."""
    for placed in reversed(sudoers.grants):
        grant = placed.said
        if not isinstance(grant, Grant):
            continue
        user = matcher.user(grant.users)
        if user is None or not user.allow:
            continue
        for spec, where in _specs(grant, matcher):
            if not in_force(spec, now) or not matcher.runas(spec, default):
                continue
            command = matcher.command((spec.command,))
            if command is not None:
                matcher.settle(spec)
                trail = (*user.trail, *_shown(where), *command.trail)
                return _Deciding(placed, spec, command.allow, trail)
    return None


def _specs(grant: Grant, matcher: Matcher) -> Iterator[tuple[CommandSpec, Verdict]]:
    for privilege in reversed(grant.privileges):
        host = matcher.host(privilege.hosts)
        if host is not None and host.allow:
            for spec in reversed(privilege.specs):
                yield spec, host


def _shown(host: Verdict) -> tuple[str, ...]:
    return () if host.trail == ("ALL",) else tuple(f"on {one}" for one in host.trail)


def in_force(spec: CommandSpec, now: Instant) -> bool:
    """Tell whether a rule's time has come and is not over."""
    early = spec.not_before is not None and now < spec.not_before
    late = spec.not_after is not None and now > spec.not_after
    return not early and not late


def _password(sudoers: Sudoers, matcher: Matcher, spec: CommandSpec) -> tuple[Outcome, str]:
    """Return whether a password is asked, after sudo's check.c; time stamps are left out."""
    wish = matcher.wish
    values = settings(sudoers, matcher, frozenset(Binding))
    tag = spec.tags.get("NOPASSWD")
    if tag is True:
        return Outcome.WITHOUT_PASSWORD, "NOPASSWD"
    if tag is None and values.get("authenticate") is False:
        return Outcome.WITHOUT_PASSWORD, "Defaults !authenticate"
    exempt = values.get("exempt_group")
    if isinstance(exempt, str) and exempt.lower() in wish.user.groups:
        return Outcome.WITHOUT_PASSWORD, f"in exempt_group {exempt}"
    if wish.user.uid == 0:
        return Outcome.WITHOUT_PASSWORD, "root is not asked"
    # A role of SELinux is a change, too.
    same = wish.user.uid == wish.run_as.uid and not {"ROLE", "TYPE"}.intersection(spec.options)
    if same and (wish.group is None or wish.group.gid in wish.user.gids):
        return Outcome.WITHOUT_PASSWORD, "nothing changes: their own account and groups"
    return Outcome.WITH_PASSWORD, "a password is asked"


def settings(sudoers: Sudoers, matcher: Matcher, bindings: frozenset[Binding]) -> dict[str, Value]:
    """Return the Defaults that hold for a wish, of some bindings.

    sudo takes those for all, hosts, users and run-as users in the order they stand, whatever the
    manual says of run-as users (seen with 1.9.13p3), and those for commands last; of each round
    first the few that change what others mean.
    """
    rounds = (_FIRST | {Binding.RUNAS}, frozenset({Binding.COMMAND}))
    values: dict[str, Value] = {}
    for one in rounds:
        found = list(_bound(sudoers, matcher, one & bindings))
        early = [setting for setting in found if setting.name in EARLY]
        values = applied([*early, *found], values)
    return values


def _bound(sudoers: Sudoers, matcher: Matcher, bindings: Iterable[Binding]) -> Iterator[Setting]:
    for placed in sudoers.defaults:
        said = placed.said
        if isinstance(said, Defaults) and said.binding in bindings and _meant(said, matcher):
            yield from said.settings


def _meant(said: Defaults, matcher: Matcher) -> bool:
    match said.binding:
        case Binding.HOST:
            verdict = matcher.host(said.members)
        case Binding.USER:
            verdict = matcher.user(said.members)
        case Binding.RUNAS:
            return matcher.runas_list(said.members, None, "") is True
        case Binding.COMMAND:
            verdict = matcher.command(said.members)
        case Binding.GLOBAL:
            return True
    return verdict is not None and verdict.allow


def _matcher(sudoers: Sudoers, state: HostState, user: Account, host: str | None) -> Matcher:
    wish = Wish(user, user, None, user_named=False, host=host or state.name, command="-", args=None)
    return Matcher(sudoers.aliases, sudoers.dialect, wish, state.paths)


def _found(word: str, values: dict[str, Value], sudoers: Sudoers, state: HostState) -> str:
    """Return where a command lies: as named, or where in the path a rule or the host knows it."""
    if "/" in word or word in {"sudoedit", "list"}:
        return word
    path = values.get("secure_path")
    directories = (path if isinstance(path, str) else _USUAL_PATH).split(":")
    places = [f"{one.rstrip('/')}/{word}" for one in directories if one]
    if state.paths is not None:
        there = [p for p in places if p in state.paths and state.paths[p].kind != "missing"]
        if there:
            return there[0]
    named = _named(sudoers)
    known = [one for one in places if canonical(one) in named]
    return next(iter(known), f"/usr/bin/{word}")


def _named(sudoers: Sudoers) -> frozenset[str]:
    """Return the plain paths that rules and aliases name."""
    members = [
        spec.command
        for placed in sudoers.grants
        if isinstance(placed.said, Grant)
        for privilege in placed.said.privileges
        for spec in privilege.specs
    ]
    for placed in sudoers.aliases.values():
        members.extend(getattr(placed.said, "members", ()))
    return frozenset(canonical(one.name) for one in members if one.kind is Kind.COMMAND)
