"""How much may be asked: a bucket of tokens for each who asks, of bounded number. Pure."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable

from opskit.core.clock import SECOND
from opskit.core.metrics import Family, Sample

_MOST_KNOWN = 4_096


class Limit:
    """Lets each key through `burst` times at once, then `per_minute` times a minute."""

    def __init__(self, monotonic: Callable[[], int], *, per_minute: int, burst: int) -> None:
        self._monotonic = monotonic
        self._each = 60 * SECOND // per_minute
        self._burst = burst
        self._full_at: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def lets(self, key: str) -> bool:
        """Return whether one more is let through now."""
        now = self._monotonic()
        with self._lock:
            full_at = max(now, self._full_at.pop(key, now)) + self._each
            lets = full_at - now <= self._each * self._burst
            self._full_at[key] = full_at if lets else full_at - self._each
            if len(self._full_at) > _MOST_KNOWN:
                self._full_at.popitem(last=False)
            return lets


class Requests:
    """Counts what was asked, by the kind of page."""

    def __init__(self, pages: tuple[str, ...]) -> None:
        self._pages = pages
        self._asked: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, page: str, *, refused: bool) -> None:
        """Count one request."""
        with self._lock:
            self._asked[page] += 1
            self._refused[page] += refused

    def families(self) -> tuple[Family, ...]:
        """Return the counts; pages that nobody asked for among them."""

        def samples(counts: Counter[str]) -> tuple[Sample, ...]:
            return tuple(Sample(counts[page], (("page", page),)) for page in self._pages)

        with self._lock:
            return (
                Family(
                    "opskit_http_requests_total", "counter", "Requests, by the kind of page.",
                    samples(self._asked),
                ),
                Family(
                    "opskit_http_requests_refused_total", "counter",
                    "Requests answered with a status of 400 or more.", samples(self._refused),
                ),
            )  # fmt: skip
