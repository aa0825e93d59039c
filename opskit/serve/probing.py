"""/probe: look at a target once, and say what was seen by blackbox_exporter's names."""

from __future__ import annotations

import math
from collections.abc import Iterator

from opskit.core.clock import SECOND, Duration
from opskit.core.metrics import Family, Labels, Sample
from opskit.monitor.kinds import Fact, Sight
from opskit.monitor.looks import Looks
from opskit.monitor.model import Seen
from opskit.monitor.settings import ProbeSettings
from opskit.serve import exporter
from opskit.serve.access import may_look_at
from opskit.serve.answer import Answer, Asked, text
from opskit.serve.site import Site

# What is left of a scrape's time for the way back, as blackbox_exporter has it.
_WAY_BACK = SECOND // 2
_LONGEST = 120 * SECOND
_HEADER = "x-prometheus-scrape-timeout-seconds"

_HELP = {
    "probe_success": "Whether the probe was a success.",
    "probe_duration_seconds": "How long the probe took.",
    "probe_timeout_seconds": "How long it could have taken.",
    "probe_dns_lookup_time_seconds": "How long the name took to be resolved.",
    "probe_http_duration_seconds": "How long each phase of the request took.",
}


def probe(site: Site, asked: Asked) -> Answer:
    """Look at what `target` names with what `module` names."""
    module = site.modules.get(asked.query.get("module", "http_2xx"))
    if module is None:
        return text(400, f"unknown module; there are {', '.join(sorted(site.modules))}")
    target = asked.query.get("target", "")
    host = module.host(target)
    if host is None:
        return text(400, f"/probe?module={module.name}&target=TARGET needs a target it can look at")
    allowed = site.app.config.settings.serve.probe_allow
    if not may_look_at(host, allowed):
        site.log.warning("probe.refused", target=target, peer=asked.peer)
        return text(403, "this target is not in serve.probe_allow")
    # A redirect could lead to what is not allowed.
    others = {"redirects": 0} if allowed and "redirects" in module.options else {}
    try:
        settings = module.probe(target, _timeout(asked), **others)
    except ValueError:
        return text(400, "no target for this module")
    sight = _look(site, settings)
    if sight.seen is Seen.UNKNOWN:
        site.log.warning("probe.unknown", target=target, reason=sight.reason)
        return text(503, "opskit could not look; see its log")
    return Answer(200, exporter.page(families(sight, settings)), exporter.CONTENT_TYPE)


def _timeout(asked: Asked) -> Duration:
    """Return how long the scrape allows; an hour is no timeout, nor is nothing."""
    try:
        given = float(asked.headers.get(_HEADER, "nan"))
    except ValueError:
        given = math.nan
    if not 0 < given <= _LONGEST / SECOND:
        return Duration(_LONGEST)
    whole = int(given * SECOND)
    return Duration(whole - _WAY_BACK if whole > 2 * _WAY_BACK else whole // 2)


def _look(site: Site, settings: ProbeSettings) -> Sight:
    looks: Looks[None] = Looks(site.app.around)
    try:
        looks.start(None, settings)
        while not (ended := looks.poll(1.0)):
            pass
        return ended[0].sight
    finally:
        looks.close()


def families(sight: Sight, settings: ProbeSettings) -> Iterator[Family]:
    """Yield what a look saw."""
    up = sight.seen in {Seen.UP, Seen.DEGRADED}
    yield _family("probe_success", Sample(float(up)))
    yield _family("probe_duration_seconds", Sample(sight.took / SECOND))
    yield _family("probe_timeout_seconds", Sample(settings.timeout / SECOND))
    yield from _phases(sight, settings.kind)
    by_name: dict[str, list[Sample]] = {}
    for fact in sight.facts:
        by_name.setdefault(fact.name, []).append(_sample(fact))
    for name, samples in by_name.items():
        yield Family(name, "gauge", f"{name.removeprefix('probe_')} of the probe.", tuple(samples))


def _sample(fact: Fact) -> Sample:
    return Sample(fact.value, fact.labels)


def _family(name: str, *samples: Sample) -> Family:
    return Family(name, "gauge", _HELP[name], samples)


def _phases(sight: Sight, kind: str) -> Iterator[Family]:
    done = sight.phases
    if done is None:
        return
    yield _family("probe_dns_lookup_time_seconds", Sample(done.resolved / SECOND))
    if kind != "http":
        return
    ends = {
        "resolve": done.resolved,
        "connect": done.connected,
        "tls": done.secured,
        "processing": done.first_byte,
        "transfer": done.total,
    }
    samples, before = [], 0
    for phase, end in ends.items():
        # What was never reached took no time.
        spent = max(0, end - before) if end else 0
        labels: Labels = (("phase", phase),)
        samples.append(Sample(spent / SECOND, labels))
        before = max(before, end)
    yield _family("probe_http_duration_seconds", *samples)
