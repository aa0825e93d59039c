"""Where in a row the fields of an incident or a job stand: defaults of each kind, and the caller's.

A field is named by a column, or by a path into JSON: `service.summary`, `labels.team`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opskit.core.clock import DAY, Instant
from opskit.core.errors import ConfigError
from opskit.core.text import clean, shorten
from opskit.history.model import Raw, Unusable
from opskit.history.moments import Moments

FIELDS = (
    "id", "service", "team", "started", "detected", "acknowledged", "resolved", "updated", "cause",
)  # fmt: skip
# What stands there names people, and nothing of that may come into a report.
_PEOPLE = re.compile(
    r"assign|report(er|ed)|creator|author|user|owner|watcher|person|closed_?by|resolved_?by|email|"
    r"responder|acknowledged_by",
    re.IGNORECASE,
)
_NAMES = ("name", "summary", "displayName", "value", "key")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Condition:
    """A field has a value, in any case; of a list, or of parts with commas between, one has."""

    path: str
    value: str

    def holds(self, raw: Raw) -> bool:
        """Return whether it does."""
        found = texts(raw, self.path)
        parts = {part.strip().casefold() for one in found for part in (one, *one.split(","))}
        return self.value.casefold() in parts


def condition(text: str, option: str) -> Condition:
    """Return `FIELD=VALUE` as a condition.

    Raises:
        ConfigError: it is none.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip() or not value.strip():
        raise ConfigError(
            f"{option} {clean(text)!r} is no condition", hint=f"{option} severity=critical"
        )
    return Condition(path.strip(), value.strip())


def mapping(pairs: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return where the caller says that fields stand, from `FIELD=COLUMN`.

    Raises:
        ConfigError: there is no such field, or what stands there names people.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in pairs:
        name, equals, path = (part.strip() for part in text.partition("="))
        if not equals or name not in FIELDS or not path:
            raise ConfigError(
                f"--map {clean(text)!r} names no field",
                hint=f"write FIELD=COLUMN; the fields are {', '.join(FIELDS)}",
            )
        if _PEOPLE.search(path):
            raise ConfigError(
                f"--map {clean(text)!r} would bring in names of people",
                hint="name a column that says which service or team",
            )
        found[name] = (path,)
    return found


@dataclass(frozen=True)
class Reading:
    """How rows are read: where fields stand, what counts, and what time it is now.

    `only` keeps what meets it: of several conditions on one field one must hold, of different
    fields all. `visible` says which incidents users felt; without it none is said to be felt.
    """

    now: Instant
    moments: Moments = field(default_factory=Moments)
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: tuple[Condition, ...] = ()
    visible: tuple[Condition, ...] = ()

    def over(self, defaults: Mapping[str, tuple[str, ...]]) -> Reading:
        """Return the same with the fields of a kind where the caller named none."""
        paths = {**defaults, **self.paths}
        return Reading(self.now, self.moments, paths, self.only, self.visible)

    def wants(self, raw: Raw) -> bool:
        """Return whether a row is one of those that were asked for."""
        return _all_hold(self.only, raw)

    def felt(self, raw: Raw) -> bool:
        """Return whether users felt it, by what the caller said."""
        return bool(self.visible) and _all_hold(self.visible, raw)

    def text(self, raw: Raw, name: str) -> str:
        """Return a field as one short line; nothing where it is empty or missing."""
        for path in self.paths.get(name, ()):
            found = ", ".join(dict.fromkeys(texts(raw, path)))
            if found:
                return shorten(clean(found), _LONGEST)
        return ""

    def moment(self, raw: Raw, name: str, *, after: Instant | None = None) -> Instant | None:
        """Return a field as an instant; None where it is empty or missing.

        Raises:
            Unusable: something stands there that is no time, or one that lies ahead.
        """
        for path in self.paths.get(name, ()):
            for text in texts(raw, path):
                at = self.moments.read(text, after=after)
                if at > self.now + DAY:
                    raise Unusable(f"{name} lies ahead")
                # Year 1 is how Go writes: none.
                return at if at > 0 else None
        return None

    def needed(self, raw: Raw, name: str) -> str:
        """Return a field that must be there.

        Raises:
            Unusable: it is not.
        """
        found = self.text(raw, name)
        if not found:
            raise Unusable(f"no {name}")
        return found


def _all_hold(conditions: tuple[Condition, ...], raw: Raw) -> bool:
    paths = {one.path for one in conditions}
    return all(any(one.holds(raw) for one in conditions if one.path == path) for path in paths)


def texts(raw: Raw, path: str) -> tuple[str, ...]:
    """Return what stands at a path, in order; of a list each of it."""
    plain = raw.values.get(path)
    if isinstance(plain, str):  # as nearly every cell of a CSV is
        return (plain.strip(),) if plain.strip() else ()
    return tuple(_texts(raw.values, path))


def _texts(value: object, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _texts(one, path)
    elif not path:
        yield from _shown(value)
    elif isinstance(value, Mapping):
        if path in value:  # a column may have dots in its name
            yield from _texts(value[path], "")
            return
        name, _, rest = path.partition(".")
        if rest and name in value:
            yield from _texts(value[name], rest)


def _shown(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        named = next((value[name] for name in _NAMES if isinstance(value.get(name), str)), None)
        if named:
            yield str(named).strip()
    elif isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, str | int | float) and str(value).strip():
        yield str(value).strip()
