"""GRP: groups that are root under another name."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.findings import AccessFinding, Scope
from opskit.access.hosts.model import Account, Group, Line
from opskit.access.rules.rule import Family
from opskit.access.rules.view import HostView, personal
from opskit.core.findings import Severity

family: Family[HostView] = Family(Scope.STATE)

# What a member can do, and so what the membership is worth.
_ROOT_EQUIVALENT: dict[str, tuple[Severity, str]] = {
    "docker": (Severity.CRITICAL, "may start a container that holds the host's files, as root"),
    "lxd": (Severity.CRITICAL, "may start a container that holds the host's files, as root"),
    "incus-admin": (Severity.CRITICAL, "may start a container that holds the host's files"),
    "libvirt": (Severity.CRITICAL, "may attach the host's disks to a machine of their own"),
    "disk": (Severity.CRITICAL, "may read and write the raw disks, every file on them included"),
    "kmem": (Severity.CRITICAL, "may read the memory of the kernel"),
    "root": (Severity.HIGH, "may write what is open to the group of root"),
    "shadow": (Severity.HIGH, "may read every password hash"),
    "sudo": (Severity.HIGH, "may become root, as distributions set sudo and polkit up"),
    "wheel": (Severity.HIGH, "may become root, as distributions set sudo and polkit up"),
    "admin": (Severity.HIGH, "may become root, as distributions set sudo and polkit up"),
    "adm": (Severity.MEDIUM, "may read the logs, and the secrets that end up there"),
}


@family.rule(
    "GRP-ROOT-EQ",
    Severity.CRITICAL,
    references={"CIS Debian Linux 13 (shadow)": "7.2.4"},
    needs=("accounts", "groups"),
)
def root_equivalent(view: HostView) -> Iterator[AccessFinding]:
    """Somebody is in a group that is as good as root.

    What: an account is a member, also by its primary group, of docker, lxd, incus-admin, libvirt,
    disk, kmem (critical), root, shadow, sudo, wheel, admin (high) or adm (medium).

    Why: a socket that starts containers, or a raw disk, gives every file of the host. The group
    shadow holds all password hashes. None of it is seen in sudoers, and none of it ends by itself.

    Fix: remove the membership; give the role that needs it for a time.

    Bad::

        docker:x:998:alice

    Good::

        docker:x:998:
    """
    primary: set[tuple[str, int]] = set()
    for group in view.state.groups or ():
        if group.name not in _ROOT_EQUIVALENT:
            continue
        first = (group.name, group.gid) not in primary
        primary.add((group.name, group.gid))
        for name, at in (*_members(group), *(_primary(view, group) if first else ())):
            if not _expected(view.accounts.get(name), group.name):
                yield _member(view, group, name, at)


def _members(group: Group) -> Iterator[tuple[str, tuple[Line, ...]]]:
    for name in dict.fromkeys(group.members):
        yield name, (group.at,)


def _primary(view: HostView, group: Group) -> Iterator[tuple[str, tuple[Line, ...]]]:
    members = frozenset(group.members)
    for account in view.by_gid.get(group.gid, ()):
        if account.name not in members:
            yield account.name, (account.at, group.at)


def _expected(account: Account | None, group: str) -> bool:
    """Return whether it is root, or the distribution's own: the log daemon reads logs.

    That somebody's primary group is root's is told by ACC-UID0.
    """
    if account is None:
        return False
    if account.uid == 0 or (group == "root" and account.gid == 0):
        return True
    return group == "adm" and not personal(account)


def _member(view: HostView, group: Group, name: str, at: tuple[Line, ...]) -> AccessFinding:
    severity, able = _ROOT_EQUIVALENT[group.name]
    return view.finding(
        "GRP-ROOT-EQ", severity, name, f"{name} is in group {group.name} and {able}",
        fix=f"gpasswd -d {name} {group.name}, and a grant for as long as it is needed",
        path=(name, f"group {group.name}", able), at=at, meaning=(group.name,),
    )  # fmt: skip
