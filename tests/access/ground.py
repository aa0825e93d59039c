"""Hosts in memory on which others than opskit are at work, and on which each change is noted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from opskit.access.hosts.model import File
from opskit.access.hosts.reading import Facts, Given, state_of
from opskit.access.model import LinuxRights
from opskit.access.targets.kinds import (
    Answer,
    Order,
    Part,
    Placement,
    Presence,
    Sight,
    Unmanaged,
)
from tests.access.town import base
from tests.access.world import Obedient

_READ = frozenset({"/etc/sudoers.d", "/etc/ssh/sshd_config.d", "/home", "/root"})
_MORE = ("charlie", "dora", "deploy", "canary")


@dataclass(frozen=True)
class Change:
    """Something that was done to a host, and the last ledger entry that was there by then."""

    place: str
    grant: str
    seq: int


@dataclass
class Ground(Obedient):
    """Hosts. On `lax` ones nothing ends by itself; `rogue` is what nobody granted."""

    head: Callable[[], int] = int
    lax: frozenset[str] = frozenset({"stage1"})
    rogue: set[tuple[str, str]] = field(default_factory=set)
    lists: dict[str, bytes] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def live(self, place: str) -> dict[str, Placement]:
        """Return what is in force on a host now."""
        now, held = self.clock.now(), self.held.get(place, {})
        return {name: one for name, one in held.items() if place in self.lax or one.until > now}

    def observe(
        self, targets: Sequence[str], expected: Mapping[str, Sequence[Placement]]
    ) -> Mapping[str, Sight]:
        return {name: self._whole(super(Ground, self)._sight(name, expected.get(name, ())))
                for name in targets}  # fmt: skip

    def remove(self, unmanaged: Mapping[str, Sequence[Unmanaged]]) -> Mapping[str, Answer]:
        return {target: self._removed(target, rows) for target, rows in unmanaged.items()}

    def _removed(self, target: str, unmanaged: Sequence[Unmanaged]) -> Answer:
        if target not in self.unreachable:
            for one in unmanaged:
                self.changes.append(Change(target, "", self.head()))
                self.rogue.discard((target, one.account))
        return Answer(self._sight(target, ()))

    def revoke_keys(self, targets: Sequence[str], krl: bytes) -> Mapping[str, Answer]:
        return {name: self._listed(name, krl) for name in targets}

    def _listed(self, name: str, krl: bytes) -> Answer:
        sight = self._sight(name, ())
        if sight.reached:
            self.lists[name] = krl
        return Answer(sight, failed=sight.reason)

    def _answer(self, order: Order) -> Answer:
        before = dict(self.held.get(order.target, {}))
        answer = super()._answer(order)
        after = self.held.get(order.target, {})
        for name in before.keys() | after.keys():
            if before.get(name) != after.get(name):
                self.changes.append(Change(order.target, name, self.head()))
        return answer

    def _part(self, name: str, one: Placement) -> Part:
        there = super()._part(name, one)
        absent = there.presence is Presence.ABSENT
        return there if absent or name not in self.lax else Part("key", Presence.PRESENT)

    def _whole(self, sight: Sight) -> Sight:
        """Return a sight with what a host's files say."""
        if not sight.reached:
            return sight
        texts = {**_plain(), **_planted(self.held.get(sight.target, {}).values())}
        files = {
            path: File(path, text, path, 0o440, *([1000, 1000] if "home" in path else [0, 0]))
            for path, text in texts.items()
        }
        facts = Facts(sudo_version="Sudo version 1.9.13p3")
        rogue = (who for where, who in sorted(self.rogue) if where == sight.target)
        return replace(
            sight,
            state=state_of(sight.target, Given(files, _READ), facts),
            unmanaged=tuple(Unmanaged("membership", "dba", who, "dba") for who in rogue),
        )


@cache
def _plain() -> Mapping[str, str]:
    files = base()
    for number, name in enumerate(_MORE, start=2001):
        files["/etc/passwd"] += f"{name}:x:{number}:{number}::/home/{name}:/bin/bash\n"
        files["/etc/group"] += f"{name}:x:{number}:\n"
        files["/etc/shadow"] += f"{name}:!:20000:0:99999:7:::\n"
    return files


def _planted(held: Iterable[Placement]) -> dict[str, str]:
    """Return the files that grants leave on a host: each bears the grant's name."""
    files: dict[str, str] = {}
    for one in held:
        assert isinstance(one.rights, LinuxRights)
        path = f"/home/{one.account}/.ssh/authorized_keys"
        lines = [f"{key} opskit:{one.grant}\n" for key in one.keys]
        files[path] = files.get(path, "") + "".join(lines)
        if one.rights.sudo:
            rule = f"{one.account} ALL=(root) NOPASSWD: /usr/bin/true\n"
            files[f"/etc/sudoers.d/opskit-{one.grant}"] = rule
    return files
