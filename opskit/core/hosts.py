"""Hosts and what a check may say of one."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

from opskit.core.errors import ExitCode

HostName = NewType("HostName", str)


class Verdict(StrEnum):
    """The things a check can say of a host, worst first.

    `NOT_EVALUATED` is what keeps a green report honest: the host was wanted and not looked at, or
    not to the end. `OWED` looks as wanted, and an earlier run left something undone that no look
    can see: a service that was never restarted.
    """

    FAILED = "failed"
    UNREACHABLE = "unreachable"
    DRIFTED = "drifted"
    OWED = "owed"
    NOT_EVALUATED = "not evaluated"
    COMPLIANT = "compliant"

    @property
    def is_fine(self) -> bool:
        """Return whether the host was looked at to the end and is as wanted."""
        return self is Verdict.COMPLIANT

    @property
    def is_lost(self) -> bool:
        """Return whether the host was given up on the way."""
        return self in {Verdict.FAILED, Verdict.UNREACHABLE}

    @property
    def exit_code(self) -> ExitCode:
        """Return what a check that met this verdict ends with."""
        if self is Verdict.COMPLIANT:
            return ExitCode.OK
        return ExitCode.FINDINGS if self is Verdict.DRIFTED else ExitCode.UNDETERMINED
