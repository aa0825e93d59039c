"""The log of a process that runs for long: one line per event, on stderr, as text or JSON."""

from __future__ import annotations

import json
import logging
import sys
import threading
from dataclasses import dataclass, field
from typing import Literal, TextIO

from opskit.core.clock import Clock, SystemClock, iso
from opskit.core.redact import Redactor
from opskit.core.text import clean, shorten

_LONGEST = 2_000

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class EventLog:
    """Writes events; whatever is in their fields stays on its line and holds no secret."""

    as_json: bool = False
    clock: Clock = field(default_factory=SystemClock)
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def info(self, event: str, **fields: object) -> None:
        """Write what happened."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write what somebody may want to look at."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Write what somebody must look at."""
        self._write("error", event, fields)

    def _write(self, level: Level, event: str, fields: dict[str, object]) -> None:
        at = iso(self.clock.now())
        told = {name: _told(value) for name, value in fields.items()}
        if self.as_json:
            line = json.dumps({"at": at, "level": level, "event": event, **told})
        else:
            words = (f"{name}={_quoted(value)}" for name, value in told.items())
            line = " ".join((at, level, event, *words))
        with self._lock:
            try:
                self.stream.write(line + "\n")
                self.stream.flush()
            except (OSError, ValueError):
                pass  # nobody reads it any more; the work goes on

    def takes_over(self, name: str) -> None:
        """Have the errors that a library logs written here; of bad callers it warns too much."""
        logger = logging.getLogger(name)
        logger.handlers = [_Handler(self)]
        logger.propagate = False
        logger.setLevel(logging.ERROR)


def _told(value: object) -> object:
    if isinstance(value, bool | int | float):
        return value
    return shorten(clean(Redactor().start_of(str(value), _LONGEST)), _LONGEST)


def _quoted(value: object) -> str:
    text = str(value)
    plain = text and all(char.isalnum() or char in "-_./:@,+%" for char in text)
    return text if plain else json.dumps(text, ensure_ascii=False)


class _Handler(logging.Handler):
    """Passes a library's records on, the kind of an error with them and no traceback."""

    def __init__(self, log: EventLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        error = record.exc_info[1] if record.exc_info else None
        reason = f"{type(error).__name__}: {error}" if error else ""
        self._log.error("library", name=record.name, said=record.getMessage(), error=reason)
