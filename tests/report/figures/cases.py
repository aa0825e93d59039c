"""Worked examples of figures: a file each, with evidence in and figures out.

Times are written as dates or `2026-10-03 10:00` in UTC, lengths as `90min`, `2h` or `3d`.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pydantic
import yaml

from opskit.core.clock import DAY, HOUR, MINUTE, from_datetime
from opskit.report.figures.catalogue import METHODS
from opskit.report.ground import Ground

ROOT = Path(__file__).parents[2] / "cases/report/figures"
_GROUND = pydantic.TypeAdapter(Ground)
_LENGTHS = {"min": MINUTE, "h": HOUR, "d": DAY}
_LENGTH = re.compile(r"(\d+)(min|h|d)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")


@dataclass(frozen=True)
class Case:
    """One worked example: `expected` holds, by figure, the fields that the file names."""

    path: Path
    method: str
    ground: Ground
    expected: dict[str, dict[str, Any]]

    def told(self) -> dict[str, dict[str, Any]]:
        """Return the same fields of the figures that the method makes of the evidence."""
        method = next(one for one in METHODS if one.number == self.method)
        figures = {one.id: asdict(one) for one in method.figures(self.ground)}
        return {
            name: _of_these(_plain(one), self.expected.get(name, one))
            for name, one in figures.items()
        }


def _of_these(told: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a figure that an example names, and within them those it names."""
    return {
        key: _of_these(told[key], part) if isinstance(part, dict) else told[key]
        for key, part in expected.items()
    }


def cases() -> list[Case]:
    """Return every example, by method."""
    return [_case(path) for path in sorted(ROOT.glob("*/*.yaml"))]


def _case(path: Path) -> Case:
    text = yaml.safe_load(path.read_text())
    return Case(path, path.parent.name, ground_of(text), text["figures"])


def ground_of(text: dict[str, Any]) -> Ground:
    """Return what an example gives: period, evidence, the months before, assumptions, zone."""
    names = ("period", "evidence", "past", "assumptions", "zone")
    given = {key: text[key] for key in names if key in text}
    return _GROUND.validate_json(json.dumps(_instants(given)), strict=True)


def _instants(value: Any) -> Any:
    match value:
        case dict():
            return {key: _instants(item) for key, item in value.items()}
        case list():
            return [_instants(item) for item in value]
        case str() if _MOMENT.fullmatch(value):
            return from_datetime(datetime.fromisoformat(value).replace(tzinfo=UTC))
        case date():
            return from_datetime(datetime(value.year, value.month, value.day, tzinfo=UTC))
        case str() if found := _LENGTH.fullmatch(value):
            return int(found[1]) * _LENGTHS[found[2]]
    return value


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))
