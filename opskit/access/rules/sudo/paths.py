"""Rules on where rules hold and on the files they name."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.findings import AccessFinding
from opskit.access.hosts.model import Line, PathFact
from opskit.access.rules.sudo.view import SUDO, SudoView, found, of_right
from opskit.access.sudoers.meaning import Permission, wide
from opskit.access.sudoers.syntax import Defaults, Kind
from opskit.core.findings import Severity


def _files(view: SudoView) -> Iterator[tuple[Permission, PathFact]]:
    paths = view.state.paths or {}
    for right in view.rights:
        command = right.command
        if command.kind is Kind.COMMAND and not wide(command) and (fact := paths.get(command.name)):
            yield right, fact


@SUDO.rule("SUDO-WRITABLE-CMD", Severity.CRITICAL, needs=("paths",))
def writable_command(view: SudoView) -> Iterator[AccessFinding]:
    """A command that somebody besides root may replace.

    Detects commands of rules that can be written, themselves or by way of a directory above them
    or of the interpreter they name, by an account or group other than root.

    Why: whoever may replace the file chooses what runs as root.

    Fix: let root own the file and every directory above it.

    Bad: `deploy ALL=(root) /home/deploy/bin/restart`
    Good: `deploy ALL=(root) /usr/local/sbin/restart`
    """
    paths = view.state.paths or {}
    for right, fact in _files(view):
        script = paths.get(fact.interpreter)
        writers = (*fact.writable_by, *(script.writable_by if script else ()))
        if writers:
            because = f"{', '.join(dict.fromkeys(writers))} may replace it"
            fix = "let root own it and every directory above it"
            yield of_right(view, "SUDO-WRITABLE-CMD", Severity.CRITICAL, right, because, fix)


@SUDO.rule("SUDO-MISSING-CMD", Severity.MEDIUM, needs=("paths",))
def missing_command(view: SudoView) -> Iterator[AccessFinding]:
    """A command that is not there.

    Detects commands of rules whose file does not exist on the host.

    Why: whoever gets to put a file there later chooses what the rule runs.

    Fix: take the rule away.

    Bad: `alice ALL=(root) /opt/gone/tool` where /opt/gone is gone
    Good: `alice ALL=(root) /usr/bin/systemctl restart nginx`
    """
    for right, fact in _files(view):
        if fact.kind == "missing":
            because = "there is no such file: it can be put there later"
            fix = "take the rule away"
            yield of_right(view, "SUDO-MISSING-CMD", Severity.MEDIUM, right, because, fix)


@SUDO.rule("SUDO-HOSTLIST", Severity.HIGH, references={"CVE": "CVE-2025-32462"})
def host_list(view: SudoView) -> Iterator[AccessFinding]:
    """A rule meant for some hosts, with a sudo that can be told it is another host.

    Detects rules with a host list where sudo is older than 1.9.17p1.

    Why: there `sudo -h other-host` applies what is meant for other hosts and runs it here.

    Fix: upgrade sudo, or give each host only its own rules.

    Bad: `alice web1=(root) ALL` on db1
    Good: `alice ALL=(root) ALL` in the files of web1 alone

    References: CVE-2025-32462; NEWS of sudo 1.9.17p1.
    """
    if not view.sudoers.dialect.host_option_leaks:
        return
    for right in view.permissions:
        if right.hosts != ("ALL",) and right.who not in {"root", "#0"}:
            hosts = ", ".join(right.hosts)
            because = f"it is meant for {hosts}, and sudo -h makes any host that"
            fix = "upgrade sudo to 1.9.17p1, or give each host only its own rules"
            yield of_right(view, "SUDO-HOSTLIST", Severity.HIGH, right, because, fix)


@SUDO.rule("SUDO-CHROOT", Severity.HIGH, references={"CVE": "CVE-2025-32463"})
def chroot(view: SudoView) -> Iterator[AccessFinding]:
    """A right to choose another root directory, or a sudo where anybody can.

    Detects CHROOT= in rules, `Defaults runchroot`, and sudo 1.9.14 to 1.9.17.

    Why: in those versions sudo loads libraries out of the directory its caller names; later ones
    drop the feature.

    Fix: upgrade sudo, and take CHROOT away.

    Bad: `alice ALL=(root) CHROOT=* /usr/bin/id`
    Good: `alice ALL=(root) /usr/bin/id`

    References: CVE-2025-32463; NEWS of sudo 1.9.17p1.
    """
    fix = "upgrade sudo to 1.9.17p1 or later and take CHROOT away"
    for right in view.rights:
        if "CHROOT" in right.options:
            because = f"it runs in {right.options['CHROOT']} as its root directory"
            yield of_right(view, "SUDO-CHROOT", Severity.HIGH, right, because, fix)
    for placed in view.sudoers.defaults:
        said = placed.said
        if isinstance(said, Defaults) and any(one.name == "runchroot" for one in said.settings):
            yield found(
                view, "SUDO-CHROOT", Severity.HIGH, "Defaults",
                "commands run in another root directory", lines=(placed.at,),
                meaning=("runchroot",), fix=fix,
            )  # fmt: skip
    dialect = view.sudoers.dialect
    if dialect.chroot_option_loads:
        message = f"sudo {dialect.text} loads libraries out of the directory that sudo -R names"
        where = (Line("/etc/sudoers", 0, ""),)
        yield found(
            view, "SUDO-CHROOT", Severity.CRITICAL, "sudo", message, lines=where,
            meaning=("CVE-2025-32463",), fix=fix,
        )  # fmt: skip
