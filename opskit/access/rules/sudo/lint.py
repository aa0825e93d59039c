"""All rules on sudo asked of a host; hosts that say the same are judged once."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

from opskit.access.findings import AccessFinding, NotEvaluated
from opskit.access.hosts.model import HostState
from opskit.access.rules.sudo.view import SUDO, SudoView, everything, merged
from opskit.access.sudoers.dialect import Dialect
from opskit.access.sudoers.parser import parse
from opskit.access.sudoers.policy import load
from opskit.access.sudoers.resolve import EVERYWHERE
from opskit.access.sudoers.syntax import Binding, Defaults, Grant, Include
from opskit.core.clock import Instant

_SUDO_FILES = ("/etc/sudoers", "/etc/sudoers.d/", "/etc/sudoers-rs")


def view_of(state: HostState, now: Instant, dialect: Dialect | None = None) -> SudoView:
    """Return what the rules look at on a host."""
    return SudoView(state, load(state, dialect), now)


def lint(
    state: HostState, now: Instant, dialect: Dialect | None = None
) -> tuple[tuple[AccessFinding, ...], tuple[NotEvaluated, ...]]:
    """Return what the rules find on a host, each thing once, and those that could not be asked."""
    missing = tuple(
        NotEvaluated(rule, state.name, f"{part} of the host were not read")
        for rule, part in _needs()
        if getattr(state, part) is None
    )
    if not any(path.startswith(_SUDO_FILES) for path in state.files):
        reason = "no sudoers file of the host was read"
        return (), tuple(NotEvaluated(rule.id, state.name, reason) for rule in SUDO.rules)
    key = _Same(state, now, dialect)
    if key.depends_on_name:
        return merged(everything(view_of(state, now, dialect))), missing
    name, found = _judged(key)
    if name == state.name:
        return found, missing
    return tuple([one._replace(target=state.name) for one in found]), missing


@lru_cache(maxsize=1)
def _needs() -> tuple[tuple[str, str], ...]:
    return tuple((rule.id, part) for rule in SUDO.rules for part in rule.needs)


class _Same:
    """A host as far as its rules can tell: two that are equal are judged alike."""

    __slots__ = ("_hash", "depends_on_name", "dialect", "key", "now", "state")

    def __init__(self, state: HostState, now: Instant, dialect: Dialect | None) -> None:
        self.state, self.now, self.dialect = state, now, dialect
        files = [
            (path, file.text, file.shown, file.mode, file.uid, file.gid)
            for path, file in state.files.items()
            if path.startswith(_SUDO_FILES)
        ]
        self.depends_on_name = any(_names_hosts(one[1]) for one in files)
        self.key: Hashable = (
            tuple(files), state.accounts, state.groups, state.production, state.sudo_version,
            dialect, now, state.paths,
        )  # fmt: skip
        self._hash = hash((tuple(one[1] for one in files), state.production, now))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.key == other.key


@lru_cache(maxsize=256)
def _judged(same: _Same) -> tuple[str, tuple[AccessFinding, ...]]:
    """Return what is found, and the name of the host it was found on first."""
    state = same.state
    return state.name, merged(everything(view_of(state, same.now, same.dialect)))


@lru_cache(maxsize=512)
def _names_hosts(text: str) -> bool:
    """Tell whether what a file means may depend on the host's name."""
    for said in parse(text):
        if isinstance(said, Grant):
            for privilege in said.privileges:
                if privilege.hosts != EVERYWHERE:
                    return True
        elif isinstance(said, Defaults):
            if said.binding is Binding.HOST:
                return True
        elif isinstance(said, Include) and _leads_away(said.path):
            return True
    return False


def _leads_away(path: str) -> bool:
    """Tell whether an include depends on the host's name, or leads out of what is compared."""
    return "%h" in path or not path.startswith(_SUDO_FILES)
