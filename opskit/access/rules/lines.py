"""HOST: lines that the program they are for does not take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opskit.access.findings import AccessFinding, Scope
from opskit.access.hosts.model import Misread
from opskit.access.rules.rule import Family
from opskit.access.rules.view import HostView
from opskit.core.findings import Severity

# A file with more bad lines than this is not what it should be: one finding says so.
_MANY = 20

family: Family[HostView] = Family(Scope.STATE)


@family.rule("HOST-MISREAD", Severity.LOW)
def misread(view: HostView) -> Iterator[AccessFinding]:
    """A line of passwd, shadow, group, authorized_keys or sshd_config cannot be taken as meant.

    What: too few fields, an id that is no number, a key that is none, an option that sshd does not
    know, an `Include` without end. More than twenty in one file are one finding. Lines of sudoers
    are told by SUDO-INEFFECTIVE.

    Why: whoever wrote it believes that it is in force. sshd refuses a key for one unknown option.

    Fix: repair or remove the line.

    Bad::

        no-such-option ssh-ed25519 AAAA... alice

    Good::

        restrict ssh-ed25519 AAAA... alice
    """
    by_file: dict[str, list[Misread]] = {}
    for one in view.state.misread:
        by_file.setdefault(one.at.file, []).append(one)
    for found in by_file.values():
        if len(found) > _MANY:
            yield _told(view, found, f"{len(found):,} lines, the first: {found[0].reason}")
        else:
            yield from (_told(view, [one], one.reason) for one in found)


def _told(view: HostView, found: Sequence[Misread], reason: str) -> AccessFinding:
    first = found[0]
    return view.finding(
        "HOST-MISREAD", Severity.LOW, first.at.file.rpartition("/")[2], reason,
        fix="repair the line, or remove it", path=(reason,),
        at=[one.at for one in found[:_MANY]], meaning=(first.at.raw.strip(),),
    )  # fmt: skip
