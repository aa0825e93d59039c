"""Secrets from files, as the headers that show them. They are never arguments nor in the log."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from opskit.core.errors import ConfigError
from opskit.outside.files import translated

_MOST = 16_384


def secret(path: Path) -> str:
    """Return the one line a secret file holds.

    Raises:
        ConfigError: others can read the file, or it holds anything else.
    """
    with translated(path):
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} can be read by others", hint=f"chmod 600 {path}")
        with path.open("rb") as stream:
            raw = stream.read(_MOST + 1)
    line = raw.strip()
    # A line break would begin a header of its own.
    if not line or len(raw) > _MOST or not all(0x21 <= byte <= 0x7E for byte in line):
        message = f"{path} does not hold one secret"
        raise ConfigError(message, hint="one line of printable ASCII without spaces")
    return line.decode("ascii")


def bearer(token_file: Path) -> dict[str, str]:
    """Return the header that shows a token."""
    return {"Authorization": f"Bearer {secret(token_file)}"}


def basic(user: str, password_file: Path) -> dict[str, str]:
    """Return the header that shows a name and a password (RFC 7617)."""
    if ":" in user:
        raise ConfigError("a user name must not hold a colon", hint="--user NAME")
    pair = f"{user}:{secret(password_file)}".encode()
    return {"Authorization": f"Basic {b64encode(pair).decode('ascii')}"}
