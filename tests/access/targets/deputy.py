"""The modules on a test host, run with its own Python and without Ansible around them."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opskit.outside.files import content_root
from tests.rig.command import run
from tests.rig.hosts import Host

UTILS = content_root() / "playbooks" / "opskit_access" / "module_utils"
HOME = "/root/deputy"
SCRIPT = """
import json, sys, zlib, base64
from ansible.module_utils import opskit_access_expire, opskit_access_look, opskit_access_place
from ansible.module_utils import opskit_access_places, opskit_access_ways
asked = json.load(sys.stdin)
ways = opskit_access_ways.Ways()
for name, value in asked.get("pretend", {}).items():
    setattr(ways, name, tuple(value) if isinstance(value, list) else value)
order, done = asked["order"], None
if asked["do"] == "apply":
    done = opskit_access_place.carried_out(order, ways, asked.get("seconds", 60))
    if done["armed"] and asked.get("confirm", True):
        opskit_access_expire.disarm(done["armed"])
fresh = ways if asked.get("pretend") else opskit_access_ways.Ways()
seen = opskit_access_look.look(order["present"] + order["absent"], fresh)
json.dump({"done": done, "seen": seen}, sys.stdout)
"""
HOUR = 3600


def now() -> int:
    """Return the hosts' time: theirs is this machine's."""
    return int(time.time())


def grant(name: str, account: str, **rights: Any) -> dict[str, Any]:
    """Return a placement as the modules take it."""
    given = {
        "grant": name,
        "account": account,
        "until": now() + HOUR,
        "login": "key",
        "keys": [],
        "groups": [],
        "sudo": None,
        "shell": "/bin/bash",
        "forwarding": False,
        "from": [],
    }
    return {**given, **rights}


def packed(value: object) -> str:
    """Return a value as the modules tell it."""
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


def rules(account: str, command: str, until: int) -> dict[str, str]:
    """Return sudo rules in both dialects."""
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(until))
    return {
        "expiring": f"{account} ALL=(root) NOTAFTER={end} NOPASSWD: {command}\n",
        "plain": f"{account} ALL=(root) NOPASSWD: {command}\n",
    }


@dataclass(frozen=True)
class Key:
    """A key pair of somebody's."""

    path: Path

    @classmethod
    def made(cls, path: Path) -> Key:
        run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)))
        return cls(path)

    @property
    def public(self) -> str:
        """Return `type base64`."""
        return " ".join(self.path.with_name(self.path.name + ".pub").read_text().split()[:2])

    @property
    def blob(self) -> str:
        return self.public.split()[1]


@dataclass(frozen=True)
class Deputy:
    """Carries orders out on one host."""

    host: Host
    pretend: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def on(cls, host: Host) -> Deputy:
        """Plant the modules on a host."""
        for path in sorted(UTILS.glob("*.py")):
            host.write(f"{HOME}/ansible/module_utils/{path.name}", path.read_text())
        host.write(f"{HOME}/ansible/__init__.py", "")
        host.write(f"{HOME}/ansible/module_utils/__init__.py", "")
        host.write(f"{HOME}/deputy.py", SCRIPT)
        return cls(host)

    def _do(self, what: str, order: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        asked = {"do": what, "order": order, "pretend": dict(self.pretend), **more}
        words = ("env", f"PYTHONPATH={HOME}", "python3", "-B", f"{HOME}/deputy.py")
        done = self.host.run(words, json.dumps(asked))
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def apply(
        self,
        present: Sequence[Mapping[str, Any]] = (),
        absent: Sequence[Mapping[str, Any]] = (),
        **more: Any,
    ) -> dict[str, Any]:
        """Carry out an order; return what was done and what was seen."""
        return self._do("apply", _order(present, absent, more), **more)

    def killed_after(
        self,
        seconds: float,
        present: Sequence[Mapping[str, Any]],
        absent: Sequence[Mapping[str, Any]],
    ) -> None:
        """Begin to carry out an order, and be killed on the way."""
        asked = {"do": "apply", "order": _order(present, absent, {})}
        words = ("env", f"PYTHONPATH={HOME}", "timeout", "-s", "KILL", f"{seconds:.3f}")
        self.host.run((*words, "python3", "-B", f"{HOME}/deputy.py"), json.dumps(asked))

    def observe(self, *expected: Mapping[str, Any]) -> dict[str, Any]:
        """Look; return what was seen."""
        seen: dict[str, Any] = self._do("observe", _order(expected, (), {}))["seen"]
        return seen

    def turn(self) -> subprocess.CompletedProcess[str]:
        """Let the planted script take a turn, as cron or systemd would."""
        script = "/var/lib/opskit/opskit_access_expire.py"
        return self.host.run(("python3", "-B", script))

    def state(self) -> dict[str, Any]:
        """Return what opskit knows of the host, by its own file there."""
        found: dict[str, Any] = json.loads(self.host.read("/etc/opskit/access.json"))
        return found

    def ssh(
        self, key: Key, account: str, *argv: str, options: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Log in as somebody with their key and nothing else."""
        return run((*self.ssh_words(key, account, options), *argv))

    def ssh_words(self, key: Key, account: str, options: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the ssh command line."""
        login = self.host.login
        known = f"UserKnownHostsFile={login.known_hosts}"
        firm = ("-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", known)
        return (
            *("ssh", *firm, "-o", "IdentityAgent=none", "-i", str(key.path), *options),
            f"{account}@{self.host.address}",
        )


def _order(
    present: Sequence[Mapping[str, Any]], absent: Sequence[Mapping[str, Any]], more: dict[str, Any]
) -> dict[str, Any]:
    krl = more.pop("krl", b"")
    return {
        "present": list(present),
        "absent": list(absent),
        "end_sessions": more.pop("end_sessions", []),
        "administrators": more.pop("administrators", ["root"]),
        "remove": more.pop("remove", []),
        "krl": base64.b64encode(krl).decode(),
    }


def presence(seen: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return the parts of a grant and how they stand."""
    return {part["what"]: part["presence"] for part in seen["standings"][name]}


def enforced(seen: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return the parts of a grant and what ends them."""
    return {part["what"]: part["enforced_by"] for part in seen["standings"][name]}
