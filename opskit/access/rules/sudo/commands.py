"""Rules on what a right lets one do: everything, a shell, any file, any package."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.capability import Capability
from opskit.access.findings import AccessFinding
from opskit.access.rules.sudo.view import SUDO, SudoView, lowered, of_right
from opskit.access.sudoers.meaning import Permission, wide
from opskit.access.sudoers.syntax import Kind
from opskit.core.findings import Severity

_CIS_PASSWORD = {"CIS Debian 13": "5.2.4", "CIS Ubuntu 24.04": "5.2.4"}
_CATALOGUE = "give a role from the catalogue that names the commands, for a time"


def _everything(view: SudoView) -> Iterator[Permission]:
    return (one for one in view.rights if one.as_root and one.command.kind is Kind.ALL)


@SUDO.rule("SUDO-ALL-NOPASSWD", Severity.CRITICAL, references=_CIS_PASSWORD)
def all_without_password(view: SudoView) -> Iterator[AccessFinding]:
    """Every command as root, and no password is asked.

    Detects a right to ALL as root where nothing is asked: by NOPASSWD, by `Defaults !authenticate`
    or by exempt_group, also by way of groups and aliases. A service account without a person
    behind it has no password to give, so there it counts one step less.

    Why: whoever gets hold of a session of theirs is root at once, without knowing anything.

    Fix: name the commands, ask for the password, and let the right end by itself.

    Bad: `alice ALL=(ALL) NOPASSWD: ALL`
    Good: `alice ALL=(root) NOTAFTER=20300101000000Z /usr/bin/systemctl restart nginx`
    """
    for right in _everything(view):
        if not right.password:
            service = view.is_service(right.who)
            severity = lowered(Severity.CRITICAL) if service else Severity.CRITICAL
            because = "a stolen session is root"
            yield of_right(view, "SUDO-ALL-NOPASSWD", severity, right, because, _CATALOGUE)


@SUDO.rule("SUDO-ALL", Severity.HIGH)
def all_standing(view: SudoView) -> Iterator[AccessFinding]:
    """Every command as root, with a password, and for good.

    Detects a right to ALL as root that has no end. One with NOTAFTER is a right for a time and is
    not reported.

    Why: a standing right is there on the day the account is taken over, used or not.

    Fix: give it when it is needed, for as long as it is needed.

    Bad: `%admins ALL=(ALL:ALL) ALL`
    Good: `alice ALL=(ALL:ALL) NOTAFTER=20300101080000Z ALL`
    """
    for right in _everything(view):
        if right.password and right.not_after is None:
            because = "root for good"
            yield of_right(view, "SUDO-ALL", Severity.HIGH, right, because, _CATALOGUE)


def _of(
    view: SudoView, kind: Capability, rule: str, severity: Severity, fix: str
) -> Iterator[AccessFinding]:
    for right, judged in view.by_capability.get(kind, ()):
        contained = right.noexec and kind in {Capability.EXEC, Capability.PAGER}
        graver = lowered(severity) if contained else severity
        yield of_right(view, rule, graver, right, judged.because, fix)


@SUDO.rule("SUDO-SHELL", Severity.CRITICAL)
def shell(view: SudoView) -> Iterator[AccessFinding]:
    """A command that starts a shell, or anything else, as root.

    Detects shells, interpreters, editors, debuggers and tools that run other programs, by a table
    of our own. Arguments count: a script named with its interpreter is fine, an editor on a named
    file is not, since a shell is started from within it. With NOEXEC it counts one step less,
    since that only binds programs that are linked dynamically.

    Why: it is the same as every command.

    Fix: name the one command that is needed with its arguments, or a wrapper root owns; for files
    use sudoedit on their exact names.

    Bad: `alice ALL=(root) /usr/bin/vim /etc/motd`
    Good: `alice ALL=(root) sudoedit /etc/motd`
    """
    fix = "name one command with its arguments; edit files with sudoedit"
    yield from _of(view, Capability.EXEC, "SUDO-SHELL", Severity.CRITICAL, fix)


@SUDO.rule("SUDO-WRITE", Severity.CRITICAL)
def write(view: SudoView) -> Iterator[AccessFinding]:
    """A command that can change any file, owner, mode, account or mount as root.

    Detects tee, cp, chmod, chown, mount, usermod and their like where arguments are free, and
    `sudoedit` without a file. With the exact arguments named they do what is named and no more.

    Why: sudoers and shadow are files, too.

    Fix: name the exact arguments, or sudoedit on exact files.

    Bad: `alice ALL=(root) /usr/bin/tee`
    Good: `alice ALL=(root) sudoedit /etc/nginx/nginx.conf`
    """
    fix = "name the exact arguments, or use sudoedit on exact files"
    yield from _of(view, Capability.WRITE, "SUDO-WRITE", Severity.CRITICAL, fix)
    for right in view.rights:
        if right.as_root and right.command.name == "sudoedit" and right.command.args is None:
            because = "it edits any file"
            yield of_right(view, "SUDO-WRITE", Severity.CRITICAL, right, because, fix)


@SUDO.rule("SUDO-READ", Severity.HIGH)
def read(view: SudoView) -> Iterator[AccessFinding]:
    """A command that shows any file as root.

    Detects cat, grep, tail, diff, openssl and their like where arguments are free.

    Why: password hashes and private keys are files, and what is read once is known for good.

    Fix: name the exact file, or let a group read the log.

    Bad: `alice ALL=(root) /usr/bin/cat`
    Good: `alice ALL=(root) /usr/bin/cat /var/log/nginx/error.log`
    """
    fix = "name the exact file, or let a group read it"
    yield from _of(view, Capability.READ, "SUDO-READ", Severity.HIGH, fix)


@SUDO.rule("SUDO-PKG", Severity.CRITICAL)
def package(view: SudoView) -> Iterator[AccessFinding]:
    """A package manager, configuration runner or container engine as root.

    Detects apt, dnf, pip, npm, ansible-playbook, docker, kubectl, virsh and their like where
    arguments are free.

    Why: packages bring hooks, playbooks bring tasks, containers mount the host: each runs as root
    whatever the caller wrote.

    Fix: let a pipeline do it, or name the exact arguments.

    Bad: `deploy ALL=(root) NOPASSWD: /usr/bin/apt-get`
    Good: `deploy ALL=(root) NOPASSWD: /usr/bin/apt-get update`
    """
    fix = "let a pipeline do it, or name the exact arguments"
    yield from _of(view, Capability.PACKAGE, "SUDO-PKG", Severity.CRITICAL, fix)
    yield from _of(view, Capability.CONTAINER, "SUDO-PKG", Severity.CRITICAL, fix)


@SUDO.rule("SUDO-PAGER", Severity.HIGH)
def pager(view: SudoView) -> Iterator[AccessFinding]:
    """A command that may show its output in a pager, as root.

    Detects less, man, journalctl, `systemctl status`, git and their like. `--no-pager` among the
    named arguments settles it for those that know it.

    Why: `!sh` within a pager is a root shell.

    Fix: name `--no-pager` in the rule and set NOEXEC.

    Bad: `alice ALL=(root) /usr/bin/systemctl status nginx`
    Good: `alice ALL=(root) NOEXEC: /usr/bin/systemctl --no-pager status nginx`
    """
    fix = "name --no-pager in the rule and set NOEXEC"
    yield from _of(view, Capability.PAGER, "SUDO-PAGER", Severity.HIGH, fix)


@SUDO.rule("SUDO-NO-ARGS-PIN", Severity.MEDIUM)
def no_arguments_named(view: SudoView) -> Iterator[AccessFinding]:
    """A command whose arguments matter, without any being named.

    Detects programs such as service, kill, iptables or reboot that stand without arguments in the
    rule: sudo takes that for any arguments at all.

    Why: the right to restart one service becomes the right to stop every one.

    Fix: name the arguments, or write `""` where none are meant.

    Bad: `alice ALL=(root) /usr/sbin/service`
    Good: `alice ALL=(root) /usr/sbin/service nginx reload`
    """
    fix = 'name the arguments; "" is none'
    yield from _of(view, Capability.CONTROL, "SUDO-NO-ARGS-PIN", Severity.MEDIUM, fix)


@SUDO.rule("SUDO-UNREVIEWED", Severity.INFO)
def unreviewed(view: SudoView) -> Iterator[AccessFinding]:
    """A command nobody has looked at.

    Tells of programs that are not in the table of what programs can do. It is no verdict: they
    may be harmless, or give root at once.

    Why: what was not judged must not be taken for judged.

    Fix: look at it. A script should be root's own, take no names of files from its caller and
    start nothing by way of a shell.

    Bad: `alice ALL=(root) /opt/vendor/run-all`
    Good: `alice ALL=(root) /usr/bin/systemctl restart vendor`
    """
    for right, judged in view.judged:
        if not judged.known and not wide(right.command) and right.command.name[0] != "^":
            because = "what it can do was not reviewed"
            fix = "look at what it starts and which files it takes from its caller"
            yield of_right(view, "SUDO-UNREVIEWED", Severity.INFO, right, because, fix)
