"""Pages that let every rule that comes with opskit pend, fire and end: `cases/alertlives`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import yaml

from opskit.alerts.engine import Page
from opskit.core.clock import MINUTE, Duration
from opskit.core.metrics import Family, Sample
from tests.conftest import CASES

FILES = sorted((CASES / "alertlives").glob("*.yaml"))
_SERIES = re.compile(r"(\w+)(?:\{(.*)\})?")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Shown:
    """What one series shows, step by step; None where it is not there."""

    series: str
    values: tuple[float | None, ...]

    @cached_property
    def place(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Return the metric and the labels."""
        found = _SERIES.fullmatch(self.series)
        assert found is not None, self.series
        return found[1], tuple(_LABEL.findall(found[2] or ""))

    @property
    def notation(self) -> str:
        """Return the values as promtool reads them; what is not there any more is stale once."""
        words, before = [], None
        for value in self.values:
            missing = "_" if before is None else "stale"
            words.append(missing if value is None else repr(value))
            before = value
        return " ".join(words)


@dataclass(frozen=True)
class Life:
    """A page over time: every series it ever shows, and which rules it is meant for."""

    step: Duration
    rules: frozenset[str]
    series: tuple[Shown, ...]

    @property
    def steps(self) -> int:
        return len(self.series[0].values)

    def page(self, step: int) -> Page:
        """Return the page of a step."""
        families: dict[str, list[Sample]] = {}
        for one in self.series:
            value, (name, labels) = one.values[step], one.place
            if value is not None:
                families.setdefault(name, []).append(Sample(value, labels))
        return Page([Family(name, "gauge", "", tuple(some)) for name, some in families.items()])


def life(path: Path) -> Life:
    """Return what a file says."""
    file = yaml.safe_load(path.read_text())
    series = {
        name: Shown(name, tuple(islice(_values(str(text)), file["steps"])))
        for case in file["rules"].values()
        for name, text in case.items()
    }
    assert len(series) == sum(map(len, file["rules"].values())), "a series is there twice"
    return Life(
        Duration(file["minutes"] * MINUTE), frozenset(file["rules"]), tuple(series.values())
    )


def _values(text: str) -> Iterator[float | None]:
    last: float | None = None
    for word in text.split():
        what, _, times = word.partition("*")
        for last in _part(what, int(times or 1)):
            yield last
    while True:
        yield last


def _part(what: str, times: int) -> Sequence[float | None]:
    if what == "-":
        return [None] * times
    first, _, to = what.partition("..")
    begin, end = float(first), float(to or first)
    return [begin + (end - begin) * index / max(times - 1, 1) for index in range(times)]
