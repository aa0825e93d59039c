"""The door to ssh: one program sent to many hosts at once over stock `ssh`, one answer each.

Nobody is asked anything and no unknown host is trusted, whatever the settings say. Connections
that are open already are used; none is left open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from opskit.core.errors import ConfigError
from opskit.outside.dial import split
from opskit.outside.process import Completed, descendants, end_all, run

# ssh keeps the first value it reads: these stand before all others.
_FIRM = (
    *("-o", "BatchMode=yes"),
    *("-o", "StrictHostKeyChecking=yes"),
    *("-o", "ControlMaster=no"),
    *("-o", "ClearAllForwardings=yes"),
    "-T",
)
_LIMIT = 8_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """What to run for a host, and what it reads. `argv` starts with ssh, or runs right here."""

    host: str
    argv: tuple[str, ...]
    stdin: bytes


def firm(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return an ssh command line that asks nobody and trusts no unknown host."""
    return (argv[0], *_FIRM, *argv[1:])


def at_once() -> int:
    """Return how many connections to make side by side: they wait more than they work."""
    return min(32, 4 * (os.cpu_count() or 1))


def answers(
    calls: Iterable[Call], environment: Mapping[str, str], *, seconds: float
) -> dict[str, str]:
    """Return what each program printed that ended well; the others are left out."""
    with ThreadPoolExecutor(at_once()) as pool:
        try:
            found = pool.map(lambda call: (call.host, _answer(call, environment, seconds)), calls)
            return {host: answer for host, answer in found if answer is not None}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            end_all(descendants(os.getpid())[1:])
            raise


def replies(
    calls: Sequence[Call], environment: Mapping[str, str], *, seconds: float
) -> dict[str, Completed]:
    """Return how each program ended, all of them run at once, within one bound on time.

    A host whose program could not be started is left out.
    """
    if not calls:
        return {}
    with ThreadPoolExecutor(len(calls)) as pool:
        found = pool.map(lambda call: (call.host, _run(call, environment, seconds)), calls)
        return {host: done for host, done in found if done is not None}


def _run(call: Call, environment: Mapping[str, str], seconds: float) -> Completed | None:
    try:
        return run(
            call.argv, timeout=seconds, environment=environment, stdin=call.stdin, limit=_LIMIT
        )
    except ConfigError:
        return None


def _answer(call: Call, environment: Mapping[str, str], seconds: float) -> str | None:
    done = _run(call, environment, seconds)
    if done is None:
        return None
    good = done.status == 0 and not done.truncated and not done.timed_out
    return done.stdout if good else None


def host_keys(address: str, environment: Mapping[str, str], *, seconds: float) -> frozenset[str]:
    """Return the fingerprints (`SHA256:...`) of the host keys a server shows.

    Raises:
        ConfigError: there is no ssh-keyscan.
    """
    host, port = split(address)
    wait = str(max(1, int(seconds)))
    argv = ("ssh-keyscan", "-T", wait, "-p", str(port), "--", host)
    done = run(argv, timeout=seconds, environment=environment, limit=_LIMIT)
    keys = (line.split(" ") for line in done.stdout.splitlines() if not line.startswith("#"))
    return frozenset(_fingerprint(key[2]) for key in keys if len(key) == 3)


def _fingerprint(key: str) -> str:
    digest = hashlib.sha256(binascii.a2b_base64(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
