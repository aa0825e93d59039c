"""The invented company's hosts: what drifted, and the runs that found it and put it right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from opskit.core.clock import DAY, Instant
from opskit.core.evidence import DriftEvidence, HostEvidence, RunEvidence
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval
from opskit.demo.year.book import Book
from opskit.demo.year.when import MONTHS, WHOLE, later, mornings, pick, slowly
from opskit.report.statistics.draws import stream

HOSTS = (
    *(f"web{number}" for number in range(1, 7)),
    *(f"app{number}" for number in range(1, 9)),
    *(f"db{number}" for number in range(1, 5)),
    *(f"build{number}" for number in range(1, 5)),
    "mail1", "mail2",
)  # fmt: skip
_STANDARD = "playbooks/standard.yml"
_CONTROLS = (
    ("SSH-4", Severity.HIGH, "Root may not log in over the network"),
    ("SSH-7", Severity.MEDIUM, "Old ciphers are off"),
    ("TIME-1", Severity.LOW, "The clock is kept in step"),
    ("LOG-2", Severity.MEDIUM, "Logs are sent away"),
    ("PATCH-1", Severity.HIGH, "Security updates are installed"),
    ("USER-3", Severity.HIGH, "No account that nobody owns"),
    ("FILE-5", Severity.LOW, "No file that everybody may write"),
    ("BANNER-1", Severity.LOW, "The notice before login is shown"),
)
_MONDAY, _THURSDAY = 0, 3
# So many of those found are put right the same morning; the others wait for the next one.
_AT_ONCE = 0.75
_UNREACHABLE = 0.12


@dataclass(frozen=True, slots=True)
class _Morning:
    """A check, the run that puts right what it found, and the check that sees it gone."""

    check: Instant

    @property
    def apply(self) -> Instant:
        return later(self.check, 30)

    @property
    def again(self) -> Instant:
        return later(self.check, 50)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All of the hosts' year."""

    drifts: tuple[DriftEvidence, ...]
    runs: tuple[RunEvidence, ...]
    hosts: tuple[HostEvidence, ...]


def fleet(book: Book) -> Fleet:
    """Return deviations, runs, and how the hosts stood at the last check of each month."""
    source = stream("year/fleet")
    mornings_ = [_Morning(one) for one in mornings(WHOLE, (_MONDAY, _THURSDAY), "06:00")]
    drifts = tuple(_drifts(book, source, mornings_))
    away = {one: source.random() < _UNREACHABLE for one in mornings_}
    runs = tuple(run for one in mornings_ for run in _runs(book, one, drifts, away=away[one]))
    hosts = tuple(seen for month in MONTHS for seen in _seen(runs, drifts, month))
    return Fleet(drifts, runs, hosts)


def _drifts(book: Book, source: Random, every: Sequence[_Morning]) -> Iterator[DriftEvidence]:
    for index, morning in enumerate(every):
        month = next(n for n, one in enumerate(MONTHS) if morning.check < one.end)
        expected = slowly(month, 4.2, 1.9)
        # Between half and one and a half times as many as expected, each on another host.
        many = round(expected * (0.5 + source.random()))
        hosts = sorted(HOSTS, key=lambda _: source.random())[:many]
        for host in hosts:
            control = pick(source, _CONTROLS)
            fixed = morning if source.random() < _AT_ONCE else (*every, None)[index + 1]
            yield _drift(book, (host, *control), every[max(0, index - 1)].again, (morning, fixed))


def _drift(
    book: Book,
    what: tuple[str, str, Severity, str],
    last_good: Instant,
    seen: tuple[_Morning, _Morning | None],
) -> DriftEvidence:
    host, control, severity, task = what
    found, fixed = seen[0].check, None if seen[1] is None else seen[1].again
    refs = [book.note(found, "fleet", "drift.detected", host, control=control)]
    if fixed is not None:
        refs.append(book.note(fixed, "fleet", "drift.fixed", host, control=control))
    good = Instant(min(last_good, found - DAY))
    return DriftEvidence(host, control, severity, task, good, found, fixed, tuple(refs))


def _runs(
    book: Book, morning: _Morning, drifts: Sequence[DriftEvidence], *, away: bool
) -> Iterator[RunEvidence]:
    open_now = {one.host for one in drifts if _open(one, morning.check)}
    yield _run(book, "check", morning.check, _verdicts(len(open_now), away=away))
    here = {one.host for one in drifts if one.fixed_at == morning.again}
    if here:
        changed = {Verdict.COMPLIANT: len(here)}
        yield _run(book, "apply", morning.apply, changed)
        still = {one.host for one in drifts if _open(one, morning.again)}
        yield _run(book, "check", morning.again, _verdicts(len(still), away=away))


def _open(one: DriftEvidence, now: Instant) -> bool:
    return one.detected_at <= now and (one.fixed_at is None or now < one.fixed_at)


def _verdicts(drifted: int, *, away: bool) -> dict[Verdict, int]:
    counts = {
        Verdict.COMPLIANT: len(HOSTS) - drifted - away,
        Verdict.DRIFTED: drifted,
        Verdict.UNREACHABLE: int(away),
    }
    return {verdict: count for verdict, count in counts.items() if count}


def _run(book: Book, mode: str, start: Instant, verdicts: dict[Verdict, int]) -> RunEvidence:
    end = later(start, 4 if mode == "check" else 11)
    name = f"{mode}-{start // DAY}-{start % DAY // 60_000_000}"
    refs = (
        book.note(start, "fleet", "run.started", name, mode=mode),
        book.note(end, "fleet", "run.finished", name, hosts=sum(verdicts.values())),
    )
    return RunEvidence(name, mode, _STANDARD, "finished", start, end, verdicts, refs)


def _seen(
    runs: Sequence[RunEvidence], drifts: Sequence[DriftEvidence], month: Interval
) -> Iterator[HostEvidence]:
    """Yield each host as the month's last check saw it; who was away is the last of all."""
    checks = [one for one in runs if one.mode == "check" and one.started_at < month.end]
    last = checks[-1]
    off = {one.host for one in drifts if _open(one, last.started_at)}
    reached = [host for host in HOSTS if host not in off]
    away = reached[-1:] if last.verdicts.get(Verdict.UNREACHABLE) else []
    for host in HOSTS:
        verdict = Verdict.DRIFTED if host in off else Verdict.COMPLIANT
        said = Verdict.UNREACHABLE if host in away else verdict
        yield HostEvidence(host, last.standard, said, last.started_at, last.refs)
