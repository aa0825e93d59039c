"""Looking: every kind of probe side by side, each ended within its timeout.

Transfers run in the thread that polls, looks of their own in a bounded pool. What comes back says
how late it began and for how long opskit itself stood still meanwhile.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from opskit.core.clock import SECOND, Clock, Duration
from opskit.monitor.kinds import Around, LookKind, Sight, Steps
from opskit.monitor.model import Seen
from opskit.monitor.probes import KINDS
from opskit.monitor.settings import ProbeSettings
from opskit.outside.transfer import TransferResult
from opskit.outside.transfers import Transfers

K = TypeVar("K")
_THREADS = 32
_STALL = SECOND // 100


@dataclass(frozen=True, slots=True)
class Ended(Generic[K]):
    """What a try saw, when it began, and for how long nobody looked meanwhile.

    Both by the monotonic clock.
    """

    key: K
    sight: Sight
    began: Duration
    standstill: Duration


@dataclass(slots=True)
class _Running(Generic[K]):
    """A try by transfers: its steps, and when it began."""

    key: K
    steps: Steps
    began: Duration


class Looks(Generic[K]):
    """Runs tries side by side; `poll` hands out what they saw."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._clock = around.clock
        self._transfers: Transfers[_Running[K]] = Transfers()
        self._pool: _Pool[K] = _Pool(self._transfers.wake, around.clock)
        self._ended: deque[tuple[K, Sight, Duration]] = self._pool.ended
        self._under_way = 0
        self._left_at = self._clock.monotonic()
        self._stalls: deque[tuple[int, int]] = deque(maxlen=64)

    def __len__(self) -> int:
        """Return how many tries are under way."""
        return self._under_way

    def start(self, key: K, settings: ProbeSettings) -> None:
        """Begin a try; what it saw will come with `key`."""
        self._under_way += 1
        kind = KINDS[settings.kind]
        if isinstance(kind, LookKind):
            self._pool.put(lambda: kind.look(settings, self._around), key)
            return
        steps = kind.steps(settings, self._around)
        self._advance(_Running(key, steps, self._clock.monotonic()), None)

    def call(self, key: K, look: Callable[[], Sight]) -> None:
        """Begin a look of somebody's own; what it saw will come with `key`."""
        self._under_way += 1
        self._pool.put(look, key)

    def _advance(self, running: _Running[K], result: TransferResult | None) -> None:
        """Let a try take its next step, which may be the last."""
        if result is not None and result.ours:
            running.steps.close()
            self._ended.append((running.key, _lacking(result), running.began))
            return
        try:
            request = next(running.steps) if result is None else running.steps.send(result)
        except StopIteration as end:
            self._ended.append((running.key, end.value, running.began))
        except Exception as error:  # noqa: BLE001  # a plugin's; it must not end the others
            self._ended.append((running.key, _failed(error), running.began))
        else:
            self._transfers.start(running, request)

    def poll(self, seconds: float) -> list[Ended[K]]:
        """Return what has ended, after waiting at most `seconds` for something to happen."""
        self._note_stall()
        for running, result in self._transfers.poll(0.0 if self._ended else seconds):
            self._advance(running, result)
        self._left_at = self._clock.monotonic()
        found = []
        while self._ended:
            key, sight, began = self._ended.popleft()
            self._under_way -= 1
            found.append(Ended(key, sight, began, self._standstill(began)))
        return found

    def _note_stall(self) -> None:
        now = self._clock.monotonic()
        if now - self._left_at > _STALL:
            self._stalls.append((now, now - self._left_at))

    def _standstill(self, since: Duration) -> Duration:
        """Return for how long, at worst, nobody looked at what had come in since then."""
        return Duration(max((length for at, length in self._stalls if at >= since), default=0))

    def wake(self) -> None:
        """Let `poll` return at once."""
        self._transfers.wake()

    def close(self) -> None:
        """Give up what is still under way."""
        self._pool.close()
        self._transfers.close()


def _looked(look: Callable[[], Sight]) -> Sight:
    try:
        return look()
    except Exception as error:  # noqa: BLE001  # a plugin's; it must not end the others
        return _failed(error)


def _failed(error: Exception) -> Sight:
    """Return what a probe saw that broke: nothing, whatever the target is like."""
    return Sight(Seen.UNKNOWN, f"the probe itself failed: {type(error).__name__}: {error}")


def _lacking(result: TransferResult) -> Sight:
    """Return what a probe saw that opskit had no means for: nothing."""
    why = "too many names to resolve" if result.timed_out else "no memory or files left"
    return Sight(Seen.UNKNOWN, f"opskit could not look: {why}")


class _Pool(Generic[K]):
    """A few threads, started when there is something for them; what is done ends in `ended`."""

    def __init__(self, wake: Callable[[], None], clock: Clock) -> None:
        self.ended: deque[tuple[K, Sight, Duration]] = deque()
        self._wake = wake
        self._clock = clock
        self._waiting: queue.SimpleQueue[tuple[Callable[[], Sight], K] | None]
        self._waiting = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self._open = True
        self._lock = threading.Lock()

    def put(self, look: Callable[[], Sight], key: K) -> None:
        """Have a look made as soon as a thread is free."""
        self._waiting.put((look, key))
        if not self._idle.acquire(blocking=False) and len(self._threads) < _THREADS:
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (work := self._waiting.get()) is not None:
            look, key = work
            began = self._clock.monotonic()
            sight = _looked(look)
            self._idle.release()
            with self._lock:  # what is closed cannot be woken
                if self._open:
                    self.ended.append((key, sight, began))
                    self._wake()

    def close(self) -> None:
        """Let the threads go; what one is at may go on to its timeout, and is not waited for."""
        with self._lock:
            self._open = False
        for _ in self._threads:
            self._waiting.put(None)
