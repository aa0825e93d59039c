"""Targets in memory that have files: what is planted there is seen, and what is removed is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from opskit.access.hosts.model import File, Remains
from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.access.hosts.reading import Facts, Given, state_of
from opskit.access.registry import Registry
from opskit.access.targets.kinds import Answer, Order, Placement, Session, Sight, Unmanaged
from tests.access.world import Obedient, registry
from tests.conftest import CASES

BASE = CASES / "access" / "reconcile"
_ALL = frozenset({"/etc/sudoers.d", "/etc/ssh/sshd_config.d", "/home", "/root"})


def base() -> dict[str, str]:
    """Return the files of a host on which all is as granted."""
    root = BASE / "base"
    return {
        f"/{one.relative_to(root)}": one.read_text() for one in root.rglob("*") if one.is_file()
    }


@dataclass
class Town(Obedient):
    """Hosts with files. `refusal` is what guards say to a removal, but of `willing` ones."""

    files: dict[str, dict[str, str]] = field(default_factory=dict)
    running: dict[str, dict[str, str]] = field(default_factory=dict)
    jobs: dict[str, dict[str, str]] = field(default_factory=dict)
    refusal: str = ""
    willing: set[str] = field(default_factory=set)
    removals: list[tuple[str, ...]] = field(default_factory=list)
    looks: list[tuple[str, ...]] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)

    def at(self, place: str) -> dict[str, str]:
        """Return the files of a host."""
        return self.files.setdefault(place, base())

    def observe(
        self, targets: Sequence[str], expected: Mapping[str, Sequence[Placement]]
    ) -> Mapping[str, Sight]:
        self.looks.append(tuple(targets))
        return super().observe(targets, expected)

    def remove(self, unmanaged: Mapping[str, Sequence[Unmanaged]]) -> Mapping[str, Answer]:
        self.removals.append(tuple(unmanaged))
        return {target: self._removed(target, each) for target, each in unmanaged.items()}

    def _removed(self, target: str, unmanaged: Sequence[Unmanaged]) -> Answer:
        if self.refusal and target not in self.willing:
            return Answer(self._sight(target, ()), refused=self.refusal)
        for one in unmanaged:
            self.removed.append((target, one.key))
            if one.kind == "sudo":
                path, _, number = one.key.rpartition(":")
                lines = self.at(target)[path].splitlines(keepends=True)
                assert lines[int(number) - 1].strip() == one.detail.strip()
                self.at(target)[path] = "".join(lines[: int(number) - 1] + lines[int(number) :])
            elif one.kind == "key":
                path = f"/home/{one.account}/.ssh/authorized_keys"
                text = self.at(target)[path]
                kept = [line for line in text.splitlines() if _print(line) != one.key]
                self.at(target)[path] = "\n".join(kept)
        return Answer(self._sight(target, ()))

    def _answer(self, order: Order) -> Answer:
        answer = super()._answer(order)
        if answer.sight.reached and not answer.refused:
            for account in order.end_sessions:
                self.running.get(order.target, {}).pop(account, None)
                self.jobs.get(order.target, {}).pop(account, None)
            for one in order.absent:
                self.at(order.target).pop(f"/etc/sudoers.d/opskit-{one.grant}", None)
        return answer

    def _sight(self, name: str, expected: Sequence[Placement]) -> Sight:
        sight = super()._sight(name, expected)
        if not sight.reached:
            return sight
        files = {
            path: File(path, text, path, 0o440, *([1000, 1000] if "home" in path else [0, 0]))
            for path, text in self.at(name).items()
        }
        jobs = self.jobs.get(name, {})
        remains = tuple(Remains(who, "crontab", what) for who, what in jobs.items())
        running = self.running.get(name, {}).items()
        facts = Facts(sudo_version="Sudo version 1.9.13p3", remains=remains)
        watched = {one.account for one in expected}
        return replace(
            sight,
            state=state_of(name, Given(files, _ALL), facts),
            sessions=tuple(Session(who, what) for who, what in running if who in watched),
        )


def _print(line: str) -> str:
    try:
        return public_key(line).fingerprint
    except NoKeyError:
        return ""


def keyed(**changes: Mapping[str, object]) -> Registry:
    """Return the office's files, with keys that are some for alice and eve."""
    plain = registry()
    lines = {}
    for line in (BASE / "people.yaml").read_text().splitlines():
        name, _, rest = line.strip().partition(":")
        if "ssh-ed25519" in rest:
            lines[name] = rest.split('"')[1]
    people = {
        name: {
            **one.model_dump(mode="json"),
            "keys": [{"key": lines[name]}] if name in lines else [],
        }
        for name, one in plain.people.people.items()
    }
    services = {"deploy": {"purpose": "Deploys.", "owner": "bob"}}
    given = {"people": people, "service_accounts": services, **changes.get("people", {})}
    rest_ = {name: part for name, part in changes.items() if name != "people"}
    return registry(people=given, **rest_)


def key_of(name: str) -> str:
    """Return the public key of somebody in `keyed`."""
    found = keyed().people.people[name].keys
    return " ".join(found[0].key.split()[:2])
