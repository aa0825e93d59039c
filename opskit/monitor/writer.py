"""Writing beside the looking: in batches, in a thread of its own, so that no disk delays a probe.

What changes nothing may wait a little, at most half its interval; what does is written at once. A
database that is locked or full is tried again while what was seen is kept in memory; what no
longer fits is forgotten, oldest first, and the time is then unknown, as it should be.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from opskit.core.clock import HOUR, SECOND, Clock, Instant
from opskit.core.errors import OpskitError
from opskit.monitor.model import Observation
from opskit.monitor.numbers import Numbers
from opskit.monitor.record import Recorder

_LONGEST_WAIT = 2 * SECOND
_RETRY = 1.0
_KEPT = 200_000

OnWritten = Callable[[], None]


class Writer:
    """Takes observations from the thread that looks; `fault` is why they cannot be written now."""

    def __init__(
        self,
        recorder: Recorder,
        clock: Clock,
        on_written: OnWritten,
        numbers: Numbers | None = None,
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._on_written = on_written
        self._numbers = numbers
        self._kept: list[Observation] = []
        self._due: int | None = None
        self._open = True
        self._changed = threading.Condition()
        self._sealed = clock.monotonic()
        self._settled = Instant(0)
        self.fault: OpskitError | None = None
        self.forgotten = 0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Return how many observations are not written yet."""
        return len(self._kept)

    @property
    def alive(self) -> bool:
        """Return whether it goes on writing."""
        return self._thread.is_alive()

    def put(self, observations: Sequence[Observation], settled: Instant, *, at_once: bool) -> None:
        """Have observations written; before `settled` none will come any more.

        Raises whatever the writing failed with for good.
        """
        if self._error is not None:
            raise self._error
        now = self._clock.monotonic()
        wait = min(one.interval for one in observations) // 2 if not at_once else 0
        with self._changed:
            self._kept.extend(observations)
            self._settled = settled
            due = now + min(wait, _LONGEST_WAIT)
            if self._due is None or due < self._due:
                self._due = due
                self._changed.notify()

    def close(self) -> None:
        """Write and seal what is left.

        Raises whatever that failed with.
        """
        with self._changed:
            self._open = False
            self._changed.notify()
        self._thread.join()
        if self._error is None:
            self._flush()
            self._recorder.seal(self._clock.now())
        elif isinstance(self._error, Exception):
            raise self._error

    def _work(self) -> None:
        try:
            while self._waited():
                self._try_to_flush()
        except Exception as error:  # noqa: BLE001  # raised again where the boundary is
            self._error = error

    def _waited(self) -> bool:
        """Wait until something is due; return whether to go on."""
        with self._changed:
            while self._open:
                left = None if self._due is None else self._due - self._clock.monotonic()
                if left is not None and left <= 0:
                    return True
                self._changed.wait(None if left is None else left / SECOND)
            return False

    def _try_to_flush(self) -> None:
        try:
            self._flush()
        except OpskitError as error:
            if not error.retryable:
                raise
            self.fault = error
            with self._changed:
                self._due = self._clock.monotonic() + int(_RETRY * SECOND)
                self.forgotten += max(0, len(self._kept) - _KEPT)
                del self._kept[:-_KEPT]

    def _flush(self) -> None:
        with self._changed:
            batch, settled = tuple(self._kept), self._settled
            self._due = None
        if batch:
            self._recorder.record(batch)
            with self._changed:
                del self._kept[: len(batch)]
            self._on_written()
        if self._numbers is not None:
            self._numbers.flush(self._clock.now())
        self.fault = None
        if self._clock.monotonic() - self._sealed >= HOUR:
            self._recorder.seal(settled)
            self._sealed = self._clock.monotonic()
