"""HTTP and HTTPS: one request, no redirects, certificate verified."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from opskit.core.clock import Duration, format_duration
from opskit.core.text import plural
from opskit.monitor.kinds import Around, Sight, Steps, TransferKind
from opskit.monitor.model import Seen
from opskit.monitor.settings import ProbeSettings
from opskit.outside.transfer import TransferRequest, TransferResult


class HttpProbe(ProbeSettings):
    """An HTTP or HTTPS request; up if the status is expected and the body holds the text."""

    kind: Literal["http"]
    url: str = Field(pattern=r"^https?://[^\s/]\S*$", description="certificates are verified")
    method: Literal["GET", "HEAD"] = "GET"
    status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = Field(default=(200,), min_length=1)
    contains: str = Field(default="", description="text the body must hold")

    @model_validator(mode="after")
    def _has_a_body(self) -> HttpProbe:
        if self.method == "HEAD" and self.contains:
            message = "an answer to HEAD has no body that could hold a text"
            raise ValueError(message)
        return self


def steps(probe: HttpProbe, _around: Around) -> Steps:
    """Ask once."""
    result = yield TransferRequest(probe.url, Duration(probe.timeout), method=probe.method)
    reason = _failure(probe, result)
    seen = Seen.DOWN if reason else Seen.UP
    return Sight(seen, reason, result.phases.total, result.phases)


def _failure(probe: HttpProbe, result: TransferResult) -> str:
    if result.timed_out:
        return f"no answer within {format_duration(probe.timeout)}"
    if result.error:
        return result.error
    if result.status not in probe.status:
        wanted = ", ".join(map(str, probe.status))
        return f"status {result.status}, wanted {wanted}"
    if probe.contains.encode() not in result.body:
        where = f"the first {plural(len(result.body), 'byte')}" if result.cut else "the body"
        return f"{probe.contains!r} is not in {where}"
    return ""


KIND = TransferKind(HttpProbe, steps)
