"""What a host is exposed to: updates, restarts, certificates, open ports. Pure.

The facts come from the `opskit_posture` module of the standard, in the same run as drift. A part
that could not be read is said to be unknown and is no finding; nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opskit.core.clock import DAY, Instant, format_duration, from_datetime
from opskit.core.findings import Finding, Severity
from opskit.core.text import clean, plural

# A certificate that ends within this time is due: most authorities renew at 30 days.
_CERTIFICATE_DUE = 21 * DAY
_LOOPBACK = ("127.", "::1")
PARTS = ("updates", "reboot", "certificates", "ports")


@dataclass(frozen=True, slots=True)
class Posture:
    """What was read of a host; `ports` are the ones declared for it, nothing if none are."""

    host: str
    at: Instant
    facts: Mapping[str, Any]
    owner: str = ""
    ports: frozenset[str] | None = None

    def part(self, name: str) -> Mapping[str, Any] | None:
        """Return one part; nothing where it could not be read."""
        found = self.facts.get(name)
        return found if isinstance(found, dict) and "unknown" not in found else None

    @property
    def unknown(self) -> dict[str, str]:
        """Return the parts that could not be read, and why."""
        missing = [name for name in PARTS if self.part(name) is None]
        told = {name: self.facts.get(name) for name in missing}
        return {
            name: clean(str(one.get("unknown", ""))) if isinstance(one, dict) else "not told"
            for name, one in told.items()
        }


def findings(posture: Posture) -> tuple[Finding, ...]:
    """Return what is exposed on a host."""
    readers = (_updates, _reboot, _certificates, _ports)
    return tuple(finding for read in readers for finding in read(posture))


_PART_OF = {
    "posture-updates": "updates",
    "posture-reboot": "reboot",
    "posture-certificate": "certificates",
    "posture-port": "ports",
}


def readable(posture: Posture, rule: str) -> bool:
    """Return whether what a rule speaks of could be read: only then can a finding be gone."""
    return posture.part(_PART_OF[rule]) is not None


def _found(rule: str, severity: Severity, subject: str, what: str, fix: str) -> Finding:
    """Return a finding whose subject stays the same while its age grows."""
    return Finding(f"posture-{rule}", severity, clean(subject), clean(what), fix=fix)


def _updates(posture: Posture) -> Iterator[Finding]:
    part = posture.part("updates") or {}
    count = _number(part.get("security"))
    if count:
        packages = _items(part, "packages")
        dates = [when for one in packages if (when := _instant(one.get("published_at")))]
        age = f", the oldest out for {format_duration(posture.at - min(dates))}" if dates else ""
        what = f"{plural(count, 'security update')} not installed{age}"
        yield _found("updates", Severity.HIGH, "updates", what, "install them: apt-get upgrade")


def _reboot(posture: Posture) -> Iterator[Finding]:
    part = posture.part("reboot") or {}
    if part.get("required") is True:
        since = _instant(part.get("since"))
        age = f", for {format_duration(posture.at - since)}" if since else ""
        what = f"a restart is needed for installed updates to count{age}"
        yield _found("reboot", Severity.MEDIUM, "reboot", what, "restart the host")


def _certificates(posture: Posture) -> Iterator[Finding]:
    for one in _items(posture.part("certificates") or {}, "items"):
        end = _instant(one.get("not_after"))
        if end is None:
            continue
        left, path = end - posture.at, str(one.get("path", ""))
        if left <= 0:
            what = f"the certificate ended {format_duration(-left)} ago"
            yield _found("certificate", Severity.HIGH, path, what, "renew it")
        elif left <= _CERTIFICATE_DUE:
            what = f"the certificate ends in {format_duration(left)}"
            yield _found("certificate", Severity.MEDIUM, path, what, "renew it")


def _ports(posture: Posture) -> Iterator[Finding]:
    if posture.ports is None:
        return
    for name, process in sorted(listening(posture).items()):
        if name not in posture.ports:
            by = f" ({process})" if process else ""
            what = f"it listens and is not declared{by}"
            fix = "stop it, or add it to opskit_ports of the host"
            yield _found("port", Severity.MEDIUM, f"port {name}", what, fix)


def listening(posture: Posture) -> dict[str, str]:
    """Return the ports others can reach, like `443/tcp`, with the process where it is known."""
    return {
        f"{one.get('port')}/{one.get('proto')}".removesuffix("6"): str(one.get("process") or "")
        for one in _items(posture.part("ports") or {}, "items")
        if not str(one.get("address", "")).startswith(_LOOPBACK)
    }


def _items(part: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    found = part.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _instant(value: object) -> Instant | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return Instant(from_datetime(moment.replace(tzinfo=moment.tzinfo or UTC)))
