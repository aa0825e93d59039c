"""The door to reading Prometheus' text format: named series out of a page of any size."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from opskit.core.text import decode


class Series(NamedTuple):
    """One series as it stood on the page."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


_NAME = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SAMPLE = re.compile(rb"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?=[{ ])[^#\n]*[0-9NI]", re.MULTILINE)


def names(page: bytes) -> frozenset[str]:
    """Return the names of all series on a page; none of what is no page."""
    return frozenset(decode(one) for one in _SAMPLE.findall(page))


def read(page: bytes, names: Collection[str], limit: int) -> list[Series]:
    """Return the series of these names, at most `limit` and one more.

    Only their lines are parsed: a page of thousands costs little more than a search in it.

    Raises:
        ValueError: one of their lines is not in the format.
    """
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    wanted = {name.encode() for name in names}
    lines = decode(b"\n".join(_lines(page, wanted, limit + 1)) + b"\n")
    try:
        return [
            Series(sample.name, tuple(sorted(sample.labels.items())), float(sample.value))
            for family in text_string_to_metric_families(lines)
            for sample in family.samples
        ]
    except Exception as error:  # the parser trips in many ways over what is none
        message = "not in Prometheus' text format"
        raise ValueError(message) from error


def _lines(page: bytes, wanted: Collection[bytes], limit: int) -> Iterator[bytes]:
    found = 0
    for line in page.split(b"\n"):
        match = _NAME.match(line)
        if match and match[0] in wanted:
            yield line
            found += 1
            if found >= limit:
                return
