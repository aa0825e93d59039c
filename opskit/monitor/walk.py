"""`monitor probe --debug`: one look at a target, step by step, with nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opskit.core.clock import Duration, format_duration
from opskit.core.redact import Redactor
from opskit.core.text import clean, shorten
from opskit.monitor.catalogue import Target
from opskit.monitor.kinds import Around, Kind, LookKind, Sight, TransferKind
from opskit.monitor.probes import KINDS
from opskit.outside.fields import DURATION
from opskit.outside.transfer import Phases, TransferRequest, TransferResult
from opskit.outside.transfers import Transfers


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done or found, and how long after the look began, if that is known."""

    what: str
    detail: str
    after: Duration | None = None


def walk(target: Target, around: Around) -> tuple[Sight, tuple[Step, ...]]:
    """Return what a look at a target saw, and the steps on the way."""
    kind = KINDS[target.probe.kind]
    steps = [*_settings(target)]
    sight, more = _looked(kind, target, around)
    steps += more
    steps += [
        Step("learnt", f"{fact.name}{_labels(fact.labels)} {fact.value:.12g}")
        for fact in sight.facts
    ]
    steps.append(Step("seen", f"{sight.seen} {clean(sight.reason)}".strip(), sight.took))
    if str(sight.seen) == "down":
        again = format_duration(target.probe.confirm_after)
        steps.append(Step("then", f"tried again {again} later; down once that fails too"))
    return sight, tuple(steps)


def _settings(target: Target) -> Iterator[Step]:
    hide = Redactor()
    schema = type(target.probe).model_json_schema()["properties"]
    for name, value in target.probe.model_dump(mode="json", exclude_defaults=True).items():
        text = hide(value) if isinstance(value, str) else value
        if isinstance(value, int) and _is_duration(schema[name]):
            text = format_duration(value)
        yield Step("setting", shorten(clean(f"{name}: {text}"), 200))


def _is_duration(schema: Mapping[str, Any]) -> bool:
    """Return whether a setting is written as a number with a unit, and kept as a number."""
    return any(one.get("pattern") == DURATION["pattern"] for one in schema.get("anyOf", [schema]))


def _looked(kind: Kind, target: Target, around: Around) -> tuple[Sight, list[Step]]:
    if isinstance(kind, LookKind):
        return kind.look(target.probe, around), []
    return _transferred(kind, target, around)


def _transferred(kind: TransferKind, target: Target, around: Around) -> tuple[Sight, list[Step]]:
    """Run the transfers of a probe one after another, as the loop would."""
    steps: list[Step] = []
    look = kind.steps(target.probe, around)
    transfers: Transfers[None] = Transfers()
    try:
        request = next(look)
        while True:
            result = _fetched(transfers, request)
            steps += _transfer_steps(request, result)
            request = look.send(result)
    except StopIteration as end:
        sight: Sight = end.value
        return sight, steps
    finally:
        transfers.close()


def _fetched(transfers: Transfers[None], request: TransferRequest) -> TransferResult:
    transfers.start(None, request)
    while True:
        for _, result in transfers.poll(0.5):
            return result


def _transfer_steps(request: TransferRequest, result: TransferResult) -> Iterator[Step]:
    hide = Redactor()
    url = hide(request.url)
    if request.connect_only:
        yield Step("ask", clean(f"connect to {url.removeprefix('http://').rstrip('/')}"))
    else:
        yield Step("ask", clean(f"{request.method} {url}"))
    yield from _phase_steps(result.phases, result.address)
    if result.status:
        cut = ", and there was more" if result.cut else ""
        yield Step("answer", f"status {result.status}, {len(result.body):,} bytes{cut}")
    if result.error:
        yield Step("error", clean(result.error))


def _phase_steps(phases: Phases, address: str) -> Iterator[Step]:
    for what, detail, after in (
        ("resolved", f"to {clean(address)}" if address else "", phases.resolved),
        ("connected", "TCP", phases.connected),
        ("secured", "TLS, certificate verified", phases.secured),
        ("first byte", "", phases.first_byte),
        ("ended", "", phases.total),
    ):
        if after:
            yield Step(what, detail, after)


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    inside = ",".join(f'{name}="{clean(value)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""
