"""HOST: lines that the program they are for does not take."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.findings import AccessFinding, Scope
from opskit.access.rules.rule import Family
from opskit.access.rules.view import HostView
from opskit.core.findings import Severity

family: Family[HostView] = Family(Scope.STATE)


@family.rule("HOST-MISREAD", Severity.LOW)
def misread(view: HostView) -> Iterator[AccessFinding]:
    """A line of passwd, shadow, group, authorized_keys or sshd_config cannot be taken as meant.

    What: too few fields, an id that is no number, a key that is none, an option that sshd does not
    know, an `Include` without end. Lines of sudoers are told by SUDO-INEFFECTIVE.

    Why: whoever wrote it believes that it is in force. sshd refuses a key for one unknown option.

    Fix: repair or remove the line.

    Bad::

        no-such-option ssh-ed25519 AAAA... alice

    Good::

        restrict ssh-ed25519 AAAA... alice
    """
    for one in view.state.misread:
        yield view.finding(
            "HOST-MISREAD", Severity.LOW, one.at.file.rpartition("/")[2], one.reason,
            fix="repair the line, or remove it", path=(one.reason,), at=(one.at,),
            meaning=(one.at.raw.strip(),),
        )  # fmt: skip
