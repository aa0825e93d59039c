"""A host: disk, memory, load, restarts and certificates, from the facts of its last fleet check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Literal

from pydantic import Field, model_validator

from opskit.core.clock import DAY, HOUR, SECOND, Instant, format_duration
from opskit.core.text import clean, plural, shorten
from opskit.monitor.holdings import Disk, Holdings, held
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import ProbeSettings, Share
from opskit.outside.fields import Span

Verdict = tuple[Seen, str]
_RANK = (Seen.DOWN, Seen.UNKNOWN, Seen.DEGRADED, Seen.UP)


class HostProbe(ProbeSettings):
    """What the last fleet check learnt of a host; unknown once that is too old to go by."""

    kind: Literal["host"]
    host: str = Field(min_length=1, description="its name in the inventory", examples=["web1"])
    max_age: Span = Field(
        default=36 * HOUR,
        description="how old the facts may be",
        json_schema_extra={"default": "36h"},
    )
    mounts: tuple[str, ...] = Field(
        default=(), description="the file systems that count; all on disks if none is named",
        examples=[["/", "/var"]],
    )  # fmt: skip
    warn_disk_used: Share | None = Field(
        default=None,
        description="degraded when a file system, or its inodes, are fuller",
        examples=["80%"],
    )
    fail_disk_used: Share | None = Field(
        default=None,
        description="down when a file system, or its inodes, are fuller",
        examples=["95%"],
    )
    warn_memory_used: Share | None = Field(
        default=None, description="degraded when more memory is in use", examples=["90%"]
    )
    fail_memory_used: Share | None = Field(
        default=None, description="down when more memory is in use", examples=["98%"]
    )
    warn_load_per_cpu: float | None = Field(
        default=None, gt=0, description="degraded above this load over 15 minutes", examples=[2.0]
    )
    warn_uptime_below: Span | None = Field(
        default=None, description="degraded when it restarted more recently", examples=["10m"]
    )
    min_days: int | None = Field(
        default=None, ge=0, le=3_650, description="degraded when a certificate on it ends sooner"
    )

    @model_validator(mode="after")
    def _worse_is_worse(self) -> HostProbe:
        pairs = (
            (self.warn_disk_used, self.fail_disk_used),
            (self.warn_memory_used, self.fail_memory_used),
        )
        if any(warn and fail and fail < warn for warn, fail in pairs):
            message = "what fails must not be less than what warns"
            raise ValueError(message)
        return self


def look(probe: HostProbe, around: Around) -> Sight:
    """Judge by what is known."""
    if around.facts is None:
        return Sight(Seen.UNKNOWN, "no facts of hosts are kept here")
    known = around.facts.of(probe.host)
    if known is None:
        return Sight(Seen.UNKNOWN, "no fleet check has gathered facts of it")
    at, facts = known
    now = around.clock.now()
    host = held(facts, probe.mounts)
    if now - at > probe.max_age:
        reason = f"its facts are older than {format_duration(probe.max_age)}"
        return Sight(Seen.UNKNOWN, reason, facts=tuple(figures(host, at)))
    seen, reason = min(verdicts(probe, host, now), key=lambda one: _RANK.index(one[0]))
    return Sight(seen, reason, facts=tuple(figures(host, at)))


def verdicts(probe: HostProbe, host: Holdings, now: Instant) -> Iterator[Verdict]:
    """Yield what each part of a host means; at least that the rest is well."""
    yield Seen.UP, ""
    disks = [(f"the file system {_word(one.mount)}", one.used) for one in host.disks]
    inodes = [(f"the inodes of {_word(one.mount)}", one.files_used) for one in host.disks]
    absent = [one for one in probe.mounts if one not in {disk.mount for disk in host.disks}]
    if absent:
        yield Seen.UNKNOWN, f"nothing is known of the file system {_word(absent[0])}"
    yield from _used([*disks, *inodes], "disks", probe.warn_disk_used, probe.fail_disk_used)
    memory = [] if host.memory_used is None else [("the memory", host.memory_used)]
    yield from _used(memory, "memory", probe.warn_memory_used, probe.fail_memory_used)
    yield from _above(host.load_per_cpu, "load", probe.warn_load_per_cpu)
    yield from _restarted(probe, host)
    yield from _certificates(probe, host, now)


def _used(
    parts: list[tuple[str, float]], what: str, warn: Fraction | None, fail: Fraction | None
) -> Iterator[Verdict]:
    limits = [(seen, limit) for seen, limit in ((Seen.DOWN, fail), (Seen.DEGRADED, warn)) if limit]
    if limits and not parts:
        yield Seen.UNKNOWN, f"nothing is known of its {what}"
    for name, used in parts:
        over = next(((seen, limit) for seen, limit in limits if used > limit), None)
        if over:
            yield over[0], f"{name} is used beyond {float(over[1]):.4g} of its size"


def _above(value: float | None, what: str, limit: float | None) -> Iterator[Verdict]:
    if limit is not None and value is None:
        yield Seen.UNKNOWN, f"nothing is known of its {what}"
    if limit is not None and value is not None and value > limit:
        yield Seen.DEGRADED, f"the {what} by CPU is above {limit:g}"


def _restarted(probe: HostProbe, host: Holdings) -> Iterator[Verdict]:
    limit = probe.warn_uptime_below
    if limit is None:
        return
    if host.uptime is None:
        yield Seen.UNKNOWN, "nothing is known of its uptime"
    elif host.uptime * SECOND < limit:
        yield Seen.DEGRADED, f"it restarted less than {format_duration(limit)} before its check"


def _certificates(probe: HostProbe, host: Holdings, now: Instant) -> Iterator[Verdict]:
    if probe.min_days is None:
        return
    for path, end in host.certificates:
        if end <= now:
            yield Seen.DOWN, f"the certificate {_word(path)} has ended"
        elif end - now < probe.min_days * DAY:
            within = plural(probe.min_days, "day")
            yield Seen.DEGRADED, f"the certificate {_word(path)} ends within {within}"


def _word(text: str) -> str:
    return shorten(clean(text), 100)


def figures(host: Holdings, at: Instant) -> Iterator[Fact]:
    """Yield what is known, by the names and meaning of node_exporter."""
    yield Fact("opskit_host_facts_timestamp_seconds", at / SECOND)
    for disk in host.disks:
        yield from _of_disk(disk)
    named: Iterable[tuple[str, float | None]] = (
        ("opskit_host_memory_MemTotal_bytes", host.memory),
        ("opskit_host_memory_MemAvailable_bytes", host.memory_available),
        ("opskit_host_uptime_seconds", host.uptime),
        ("opskit_host_cpus", host.cpus),
        *((f"opskit_host_load{span.removesuffix('m')}", load) for span, load in host.load),
    )
    yield from (Fact(name, value) for name, value in named if value is not None)
    for path, end in host.certificates:
        path_label = (("path", _word(path)),)
        yield Fact("opskit_host_certificate_expiry_timestamp_seconds", end / SECOND, path_label)


def _of_disk(disk: Disk) -> Iterator[Fact]:
    labels = (
        ("device", _word(disk.device)),
        ("fstype", _word(disk.fstype)),
        ("mountpoint", _word(disk.mount)),
    )
    yield Fact("opskit_host_filesystem_size_bytes", disk.size, labels)
    yield Fact("opskit_host_filesystem_avail_bytes", disk.available, labels)
    if disk.files is not None and disk.files_free is not None:
        yield Fact("opskit_host_filesystem_files", disk.files, labels)
        yield Fact("opskit_host_filesystem_files_free", disk.files_free, labels)


KIND = LookKind(HostProbe, look)
