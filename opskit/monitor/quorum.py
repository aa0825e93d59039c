"""The managed hosts as witnesses: each looks for itself, over ssh, when a failure was confirmed.

Nothing is installed there: a small program goes to the host's own Python. What needs a secret, or
more than a host can repeat, is looked at as far as it goes: whether a connection opens. That says
something only where none opens from here either. So it is tried from here first; where one does
open, the failure has nothing to do with the way there, and no witness is asked.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from opskit.core.clock import NOTHING, SECOND, Duration
from opskit.core.errors import OpskitError
from opskit.core.redact import Redactor
from opskit.core.text import clean, shorten
from opskit.monitor.catalogue import Catalogue, ConfirmFrom, Target
from opskit.monitor.model import Seen
from opskit.monitor.probes.http import HttpProbe
from opskit.monitor.settings import ProbeSettings
from opskit.monitor.witnesses import Testimony
from opskit.outside import ssh, vantage
from opskit.outside.ansible.inventory import Way
from opskit.outside.process import Completed

# For connecting, logging in and starting Python, beside the look itself.
ALLOWANCE = Duration(5 * SECOND)
_REPEATABLE = frozenset({"url", "method", "status", "contains", *ProbeSettings.model_fields})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Errand:
    """What a host is asked to look at. `whole`: just what the probe itself looks at."""

    asked: Mapping[str, Any]
    whole: bool
    timeout: Duration


def errand(probe: ProbeSettings) -> Errand | None:
    """Return what another host can look at for a probe; nothing where it can see nothing of it.

    A loopback address means another machine on each host.
    """
    url = str(getattr(probe, "url", ""))
    place = _of_url(url) if url else _of_address(str(getattr(probe, "address", "")))
    if place is None or is_loopback(place[0]):
        return None
    seconds = probe.timeout / SECOND
    if isinstance(probe, HttpProbe) and _is_repeatable(probe):
        look = {"look": "http", "url": url, "method": probe.method, "timeout": seconds}
        look |= {"status": list(probe.status), "contains": probe.contains}
        return Errand(look, whole=True, timeout=Duration(probe.timeout))
    host, port = place
    look = {"look": "tcp", "host": host, "port": port, "timeout": seconds}
    return Errand(look, whole=probe.kind == "tcp", timeout=Duration(probe.timeout))


def _of_url(url: str) -> tuple[str, int] | None:
    try:
        split = urlsplit(url)
        port = split.port or _PORTS.get(split.scheme)
    except ValueError:
        return None
    return (split.hostname, port) if split.hostname and port else None


def _of_address(address: str) -> tuple[str, int] | None:
    host, _, port = address.rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdecimal() else None


def is_loopback(host: str) -> bool:
    """Return whether an address leads back to the machine that uses it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_repeatable(probe: HttpProbe) -> bool:
    """Return whether a host can look at just the same, and no secret has to go there for it."""
    said = {
        name
        for name, field in type(probe).model_fields.items()
        if getattr(probe, name) != field.get_default(call_default_factory=True)
    }
    text: object = probe.contains
    plain = isinstance(text, str) and probe.method in {"GET", "HEAD"}
    return plain and said <= _REPEATABLE and not holds_secret(probe.url)


def holds_secret(url: str) -> bool:
    """Return whether a password or token stands in a URL."""
    return Redactor()(url) != url


@dataclass
class _Question:
    """One target to ask about, and what was answered."""

    errand: Errand
    hosts: tuple[str, ...]
    answered: tuple[Testimony, ...] | None = None


class Quorum:
    """Asks managed hosts over ssh. What comes up while a round is under way goes together next."""

    def __init__(
        self,
        catalogue: Catalogue,
        ways: Callable[[], Mapping[str, Way]],
        environment: Mapping[str, str],
    ) -> None:
        self._catalogue = catalogue
        self._read_ways = ways
        self._environment = environment
        self._ways: Mapping[str, Way] | None = None
        self._waiting: list[_Question] = []
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def needed(self, target: Target) -> int:
        """Return how many locations must see a target down; 0: none is asked."""
        asked = confirm_from(self._catalogue, target.service)
        return asked.needed if asked.hosts and errand(target.probe) is not None else 0

    def testify(self, target: Target) -> tuple[Testimony, ...]:
        """Ask every host named for the target's service, side by side, within one deadline."""
        what = errand(target.probe)
        if what is None or (not what.whole and _opens_from_here(what)):
            return ()
        question = _Question(what, confirm_from(self._catalogue, target.service).hosts)
        with self._lock:
            self._waiting.append(question)
        with self._turn:
            if question.answered is None:
                self._ask()
        assert question.answered is not None  # noqa: S101  # a round answers all it took
        return question.answered

    def _ask(self) -> None:
        """Ask about everything that waits."""
        with self._lock:
            asked, self._waiting = self._waiting, []
        try:
            known = self._known()
        except OpskitError as error:
            known = dict.fromkeys(
                {host for one in asked for host in one.hosts}, Way(reason=error.message)
            )
        found = _round(asked, known, self._environment)
        for index, one in enumerate(asked):
            one.answered = tuple(found[host, index] for host in one.hosts)

    def _known(self) -> Mapping[str, Way]:
        if self._ways is None:
            self._ways = self._read_ways()
        return self._ways


def confirm_from(catalogue: Catalogue, service: str) -> ConfirmFrom:
    """Return who is asked about a service: as it says itself, else as the catalogue does."""
    own = catalogue.services.get(service)
    named = None if own is None else own.confirm_from
    return named or catalogue.confirm_from or ConfirmFrom()


def _opens_from_here(what: Errand) -> bool:
    ((seen, *_),) = vantage.look_at_all([dict(what.asked)])
    return seen == "up"


def _round(
    asked: Sequence[_Question], ways: Mapping[str, Way], environment: Mapping[str, str]
) -> dict[tuple[str, int], Testimony]:
    """Return what each host says to each question, by host and the question's number."""
    mark = f"opskit-{secrets.token_hex(16)}:"
    hosts = {host for one in asked for host in one.hosts}
    numbers = {
        host: [index for index, one in enumerate(asked) if host in one.hosts] for host in hosts
    }
    calls = [
        ssh.Call(host, ways[host].argv, _sent([asked[index] for index in wanted], mark))
        for host, wanted in numbers.items()
        if host in ways and ways[host].argv
    ]
    seconds = (max(one.errand.timeout for one in asked) + ALLOWANCE) / SECOND
    replies = ssh.replies(calls, environment, seconds=seconds)
    found: dict[tuple[str, int], Testimony] = {}
    for host, wanted in numbers.items():
        way = ways.get(host, Way(reason="it is not in the inventory"))
        said = _read(host, way, replies.get(host), mark, len(wanted))
        found |= {(host, index): one for index, one in zip(wanted, said, strict=True)}
    return found


@cache
def _program() -> str:
    return files("opskit.outside").joinpath("vantage.py").read_text(encoding="utf-8")


def _sent(questions: Sequence[_Question], mark: str) -> bytes:
    spec = json.dumps([one.errand.asked for one in questions])
    return f"{_program()}\n\nmain({mark!r}, {spec!r})\n".encode()


def _read(host: str, way: Way, reply: Completed | None, mark: str, count: int) -> list[Testimony]:
    """Return a host's answers; what is not just as expected is unknown."""
    answers = None if reply is None else _answers(reply, mark)
    if answers is None or len(answers) != count:
        reason = f"could not be asked: {_why_not(way, reply)}"
        return [Testimony(host, Seen.UNKNOWN, reason, NOTHING, way.groups)] * count
    return [
        Testimony(host, seen, shorten(clean(reason), 160), took, way.groups)
        for seen, reason, took in answers
    ]


def _answers(reply: Completed, mark: str) -> list[tuple[Seen, str, Duration]] | None:
    lines = [line.removeprefix(mark) for line in reply.stdout.splitlines() if line.startswith(mark)]
    known = {"up": Seen.UP, "down": Seen.DOWN}
    try:
        (line,) = lines
        return [
            (known[seen], str(reason), Duration(int(took)))
            for seen, reason, took in json.loads(line)
        ]
    except (ValueError, TypeError, KeyError):
        return None


def _why_not(way: Way, reply: Completed | None) -> str:
    if reply is None:
        return way.reason or "ssh could not be started"
    if reply.timed_out:
        return "no answer in time"
    said = [line.strip() for line in reply.stderr.splitlines() if line.strip()]
    return shorten(clean(said[-1]), 120) if reply.status and said else "its answer makes no sense"
