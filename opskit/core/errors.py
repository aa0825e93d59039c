"""Errors a user can meet, and the exit codes every command ends with.

One boundary (`opskit.cli.main`) catches these; everything else raises. Whatever is not an
`OpskitError` is a bug in opskit.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opskit.core.findings import Finding


class ExitCode(IntEnum):
    """What a command's exit status means. Documented in the README, tested for every command."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNDETERMINED = 3
    FAILED = 4
    REFUSED = 5
    BUG = 70
    INTERRUPTED = 130


_PRECEDENCE = (
    ExitCode.BUG,
    ExitCode.FAILED,
    ExitCode.REFUSED,
    ExitCode.UNDETERMINED,
    ExitCode.FINDINGS,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that wins when several apply: a bug before a failure before a refusal.

    `INTERRUPTED` and `USAGE` end a command at once and never meet another code.
    """
    seen = set(codes)
    return next((code for code in _PRECEDENCE if code in seen), ExitCode.OK)


class OpskitError(Exception):
    """Something the user can act on.

    `message` is one line; `hint` is the next step; `retryable` tells a machine whether the same
    call may succeed later without anybody changing anything.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retryable = retryable


class ConfigError(OpskitError):
    """A setting, an argument or the place opskit was started in is wrong."""


class DataError(OpskitError):
    """A file a user wrote cannot be accepted as it is. Carries every mistake found in it."""

    def __init__(self, message: str, findings: tuple[Finding, ...] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.findings = findings


class OutsideError(OpskitError):
    """Something outside opskit (a host, a disk, a server) did not answer or answered wrongly."""

    exit_code = ExitCode.UNDETERMINED


class Throttled(OutsideError):
    """The other side asks to be left alone for `seconds`; 0 where it does not say how long."""

    def __init__(self, message: str, *, hint: str = "", seconds: int = 0) -> None:
        super().__init__(message, hint=hint, retryable=True)
        self.seconds = seconds


class WorkFailed(OpskitError):
    """Work was attempted and failed."""

    exit_code = ExitCode.FAILED


class Refused(OpskitError):
    """opskit could do this and will not: policy, lock, zero hosts, missing approval."""

    exit_code = ExitCode.REFUSED


class Conflict(OpskitError):
    """Somebody else changed or holds what this command wanted to change."""

    exit_code = ExitCode.REFUSED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, retryable=True)
