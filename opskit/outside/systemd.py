"""What systemd is told: that opskit is ready, reloads, stops, and still moves.

The protocol of sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names. Without one,
nothing is said and nothing is missing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opskit.core.errors import ConfigError
from opskit.core.text import clean


@dataclass(frozen=True, slots=True)
class Notifier:
    """Speaks to the manager of services, if there is one."""

    address: str = ""
    watchdog_seconds: float = 0.0

    @classmethod
    def found(cls, environment: Mapping[str, str], pid: int) -> Notifier:
        """Return the one that started this process; the watchdog is meant for `pid` or nobody."""
        text = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
        seconds = int(text) / 1e6 if meant and text.isascii() and text.isdigit() else 0.0
        return cls(environment.get("NOTIFY_SOCKET", ""), seconds)

    def say(self, *lines: str) -> None:
        """Send lines like `READY=1`; nobody listening is no error."""
        if not self.address.startswith(("/", "@")):
            return
        # An address that begins with @ is one without a file, whose name begins with a zero byte.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.connect(address)
                sock.sendall("\n".join(lines).encode())
        except OSError:
            pass  # the manager is gone; there is nobody to tell

    def ready(self, status: str) -> None:
        """Say that it is up, or up again after a reload."""
        self.say("READY=1", f"STATUS={clean(status)}")

    def reloading(self) -> None:
        """Say that settings are read anew; `ready` ends it."""
        self.say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        """Say that it ends."""
        self.say("STOPPING=1")

    def alive(self) -> None:
        """Say that it still moves; only who knows so may call this."""
        if self.watchdog_seconds:
            self.say("WATCHDOG=1")


def credential(name: str, environment: Mapping[str, str]) -> Path:
    """Return the file of a credential that LoadCredential= passed on.

    Raises:
        ConfigError: there is none of that name.
    """
    directory = environment.get("CREDENTIALS_DIRECTORY", "")
    path = Path(directory or "/nonexistent") / name
    if not directory or "/" in name or not path.is_file():
        raise ConfigError(
            f"there is no credential {name!r}", hint=f"LoadCredential={name}:/path in the unit"
        )
    return path
