"""HTTP and HTTPS: one request, no redirects, certificate verified."""

from __future__ import annotations

from opskit.core.clock import Duration, format_duration
from opskit.core.text import plural
from opskit.monitor.model import HttpProbe, Seen
from opskit.outside.transfer import TransferRequest, TransferResult


def request(probe: HttpProbe) -> TransferRequest:
    """Return the request to make."""
    return TransferRequest(probe.url, Duration(probe.timeout), method=probe.method)


def judge(probe: HttpProbe, result: TransferResult) -> tuple[Seen, str]:
    """Return up, or down with the reason."""
    if result.timed_out:
        return Seen.DOWN, f"no answer within {format_duration(probe.timeout)}"
    if result.error:
        return Seen.DOWN, result.error
    if result.status not in probe.status:
        wanted = ", ".join(map(str, probe.status))
        return Seen.DOWN, f"status {result.status}, wanted {wanted}"
    if probe.contains.encode() not in result.body:
        where = f"the first {plural(len(result.body), 'byte')}" if result.cut else "the body"
        return Seen.DOWN, f"{probe.contains!r} is not in {where}"
    return Seen.UP, ""
