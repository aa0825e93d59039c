"""A command, such as a plugin for Nagios: its exit status is the verdict, its numbers are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from opskit.core.clock import SECOND, format_duration
from opskit.core.text import clean, shorten
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import ProbeSettings
from opskit.monitor.talks import talk

_VERDICTS = {0: Seen.UP, 1: Seen.DEGRADED, 2: Seen.DOWN, 3: Seen.UNKNOWN}
_MAX_BYTES = 65_536
_MAX_NUMBERS = 50
# A reason is the same as long as what is wrong is: numbers differ from try to try.
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_PERFORMANCE = re.compile(
    r"(?:'([^']{1,200})'|([^\s=']{1,200}))=(-?\d{1,20}(?:\.\d{1,20})?)(us|ms|s|%|[KMGT]?B|c|)(?![\w.])"
)
# What Nagios' units are in those that Prometheus asks for.
_UNITS: Mapping[str, tuple[str, float]] = {
    "": ("", 1),
    "c": ("total", 1),
    "%": ("ratio", 0.01),
    "s": ("seconds", 1),
    "ms": ("seconds", 1e-3),
    "us": ("seconds", 1e-6),
    **{f"{prefix}B": ("bytes", 1024.0**power) for power, prefix in enumerate(["", *"KMGT"])},
}


class CommandProbe(ProbeSettings):
    """A command that exits with 0 for up, 1 for degraded, 2 for down, 3 for unknown.

    It runs where services.yaml is, with PATH, LANG and what `environment` gives it, without a
    shell, and is ended with all it started when its time is over.
    """

    kind: Literal["command"]
    command: tuple[Annotated[str, Field(max_length=10_000)], ...] = Field(
        min_length=1,
        description="the program and its arguments, one by one",
        examples=[["/usr/lib/nagios/plugins/check_ntp_time", "-H", "ntp.example.org"]],
    )
    environment: dict[str, str] = Field(
        default_factory=dict, description="more environment variables", examples=[{"TZ": "UTC"}]
    )


@talk
def look(probe: CommandProbe, around: Around) -> Sight:
    """Run it to its end."""
    from opskit.outside.process import run  # noqa: PLC0415  # heavy, and not for settings

    path = around.environment.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    done = run(
        probe.command,
        timeout=probe.timeout / SECOND,
        environment={"PATH": path, "LANG": "C.UTF-8", **probe.environment},
        directory=around.root,
        limit=_MAX_BYTES,
    )
    if done.timed_out:
        return Sight(Seen.DOWN, f"it did not end within {format_duration(probe.timeout)}")
    facts = tuple(performance(done.stdout))
    verdict = _VERDICTS.get(done.status)
    if verdict is None:
        ended = f"signal {-done.status}" if done.status < 0 else f"exit status {done.status}"
        return Sight(Seen.UNKNOWN, f"it ended with {ended}, which says nothing", facts=facts)
    return Sight(verdict, "" if verdict is Seen.UP else reason_of(done.stdout), facts=facts)


def reason_of(output: str) -> str:
    """Return the first line of an output, without its numbers."""
    first = next((line.strip() for line in output.splitlines() if line.strip()), "")
    text = clean(first.partition("|")[0].strip())
    return shorten(_NUMBER.sub("#", text), 150) or "it says no more"


def performance(output: str) -> Iterator[Fact]:
    """Yield the numbers that follow a bar in the output of a plugin for Nagios."""
    told = " ".join(line.partition("|")[2] for line in output.splitlines() if "|" in line)
    for index, match in enumerate(_PERFORMANCE.finditer(told)):
        if index >= _MAX_NUMBERS:
            return
        unit, factor = _UNITS[match[4]]
        label = shorten(clean(match[1] or match[2]), 100)
        labels = (("label", label), ("unit", unit))
        yield Fact("opskit_probe_performance", float(match[3]) * factor, labels)


KIND = LookKind(CommandProbe, look)
