"""Take fingerprints: one small program, sent to many hosts at once, one answer each."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from opskit.core.change import keyed_hash
from opskit.fleet.fingerprint import Looks, Prints
from opskit.outside import ssh
from opskit.outside.ansible import door

# Longer than the program gives itself.
SECONDS = 60.0
_HASH = re.compile(r"[0-9a-f]{64}\Z")


@cache
def program() -> str:
    """Return the text of the program."""
    return files("opskit.outside").joinpath("remote.py").read_text(encoding="utf-8")


def form() -> str:
    """Return a hash of how fingerprints are taken: other forms cannot be compared."""
    return hashlib.sha256(program().encode()).hexdigest()[:16]


def take(
    wanted: Mapping[str, Looks], key: bytes, project: Path, caller: Mapping[str, str]
) -> dict[str, Prints]:
    """Return the fingerprint of each host that gave a whole one; the others are left out."""
    mark = f"opskit-{secrets.token_hex(16)}:"
    calls = [
        ssh.Call(host, ssh.firm(looks.argv) if looks.over_ssh else looks.argv, _sent(looks, mark))
        for host, looks in wanted.items()
    ]
    if not calls:
        return {}
    answers = ssh.answers(calls, door.environment(project, caller), seconds=SECONDS)
    found = {host: _read(text, mark, wanted[host], key) for host, text in answers.items()}
    return {host: prints for host, prints in found.items() if prints is not None}


def _sent(looks: Looks, mark: str) -> bytes:
    spec = json.dumps(looks.resources)
    return f"{program()}\n\nmain({mark!r}, {spec!r})\n".encode()


def _read(text: str, mark: str, looks: Looks, key: bytes) -> Prints | None:
    """Return a host's answer, hashed with the key; what is not just as expected is no answer."""
    lines = [line.removeprefix(mark) for line in text.splitlines() if line.startswith(mark)]
    try:
        (line,) = lines
        told = json.loads(line)
        pairs = [(value, stamp) for value, stamp in told["prints"]]
        user = int(told["euid"])
    except (ValueError, TypeError, KeyError):
        return None
    hashes = [one for pair in pairs for one in pair]
    good = all(isinstance(one, str) and _HASH.match(one) for one in hashes)
    if not good or len(pairs) != len(looks.resources):
        return None
    values = (f"euid {user}", *(value for value, _ in pairs))
    stamps = (stamp for _, stamp in pairs)
    return Prints(
        tuple(keyed_hash(key, one) for one in values), tuple(keyed_hash(key, one) for one in stamps)
    )
