"""Rules on how a command is named: wildcards, directories, negations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opskit.access.capability import free
from opskit.access.findings import AccessFinding
from opskit.access.rules.sudo.view import SUDO, SudoView, found, of_right, plain
from opskit.access.sudoers.meaning import wide
from opskit.access.sudoers.syntax import Kind
from opskit.core.findings import Severity

_WILDCARD = re.compile(r"(?<!\\)[*?\[]")
_RELATIVE = "expected a fully-qualified path name"


def _wildcard(args: str | None) -> bool:
    return bool(args and args != '""' and args[0] != "^" and _WILDCARD.search(args))


@SUDO.rule("SUDO-WILDCARD-ARG", Severity.HIGH)
def wildcard_in_arguments(view: SudoView) -> Iterator[AccessFinding]:
    """A wildcard in the arguments of a command.

    Detects `*`, `?` and `[` in arguments. A lone `*`, which stands for any arguments and says so,
    is left to the rules on the program itself.

    Why: sudo matches all arguments as one string, blanks and slashes included, so
    `cat /var/log/m*` also permits `cat /var/log/messages /etc/shadow`. sudo-rs refuses them.

    Fix: write out what is meant; from sudo 1.9.10 on a regular expression from ^ to $ can say it.

    Bad: `alice ALL=(root) /usr/bin/cat /var/log/m*`
    Good: `alice ALL=(root) /usr/bin/cat /var/log/messages`

    References: sudoers(5), "Wildcards in command arguments".
    """
    for right in view.rights:
        args = right.command.args
        if right.command.name != "sudoedit" and _wildcard(args) and not (args == "*" or free(args)):
            because = "the wildcard also takes blanks, slashes and further arguments"
            fix = "write out the arguments that are meant"
            yield of_right(view, "SUDO-WILDCARD-ARG", Severity.HIGH, right, because, fix)


@SUDO.rule("SUDO-WILDCARD-PATH", Severity.HIGH)
def wildcard_in_path(view: SudoView) -> Iterator[AccessFinding]:
    """A pattern or a whole directory as a command.

    Detects globs and regular expressions in the path of a command, and directories.

    Why: whatever is put there later is included, and whoever may put it there chooses.

    Fix: name the files.

    Bad: `alice ALL=(root) /opt/tools/`
    Good: `alice ALL=(root) /opt/tools/rotate-keys`
    """
    for right in view.rights:
        name = right.command.name
        if right.command.kind is Kind.COMMAND and (wide(right.command) or name[0] == "^"):
            because = "it stands for every file that is ever put there"
            yield of_right(
                view, "SUDO-WILDCARD-PATH", Severity.HIGH, right, because, "name the files"
            )


@SUDO.rule("SUDO-NEGATION", Severity.HIGH)
def negation(view: SudoView) -> Iterator[AccessFinding]:
    """Something taken out of everything.

    Detects `!command` after ALL, a pattern or a directory, and `!root` after ALL among the users
    to run as.

    Why: a copy under another name is another command, and root can be reached by way of other
    accounts. The manual says so itself.

    Fix: name what is allowed.

    Bad: `alice ALL=(root) ALL, !/bin/sh`
    Good: `alice ALL=(root) /usr/bin/systemctl restart nginx`

    References: sudoers(5), "Limitations of the '!' operator".
    """
    for right in view.rights:
        less = ", ".join(sorted({one.text.lstrip("!") for one in right.less}))
        users = [one for one in right.users if one.startswith("!")]
        if less:
            because = f"{less} is taken out, but a copy of it under another name is not"
        elif users and "ALL" in right.users:
            because = f"{', '.join(users)} is taken out of all accounts, but others lead there"
        else:
            continue
        yield of_right(view, "SUDO-NEGATION", Severity.HIGH, right, because, "name what is allowed")


@SUDO.rule("SUDO-NEG-ALIAS", Severity.HIGH)
def negated_alias(view: SudoView) -> Iterator[AccessFinding]:
    """A negated alias with something negated in it: what was forbidden is allowed again.

    Detects commands that come out as allowed since the alias they are negated in is negated.

    Why: `!NOTSH` with `!/bin/sh` in NOTSH gives /bin/sh, and hardly anybody who reads it sees it.

    Fix: no negations within aliases.

    Bad: `Cmnd_Alias NOTSH = !/bin/sh` and `alice ALL=(root) /usr/bin/id, !NOTSH`
    Good: `Cmnd_Alias SHELLS = /bin/sh` and `alice ALL=(root) /usr/bin/id`
    """
    for right in view.rights:
        if right.turned:
            because = "two negations make it allowed"
            fix = "write no negation within an alias"
            yield of_right(view, "SUDO-NEG-ALIAS", Severity.HIGH, right, because, fix)


@SUDO.rule("SUDO-RELATIVE", Severity.HIGH)
def relative(view: SudoView) -> Iterator[AccessFinding]:
    """A command or a search path that is not absolute.

    Detects commands without a leading slash, which sudo passes over with their whole line, and
    directories in secure_path that are relative, `.` among them.

    Why: what is found by a relative path is what the caller put there; and a line that is passed
    over gives and takes nothing.

    Fix: write absolute paths.

    Bad: `alice ALL=(root) systemctl restart nginx`
    Good: `alice ALL=(root) /usr/bin/systemctl restart nginx`
    """
    fix = "write the absolute path"
    for problem in view.sudoers.problems:
        if problem.reason == _RELATIVE:
            yield found(
                view, "SUDO-RELATIVE", Severity.HIGH, problem.at.file,
                "a command has no absolute path: sudo passes over the line", lines=(problem.at,),
                meaning=(plain(problem.at.raw),), fix=fix,
            )  # fmt: skip
    path = view.resolver.values("", "", "").get("secure_path")
    for one in path.split(":") if isinstance(path, str) else ():
        if not one.startswith("/"):
            lines = [at.at for at in view.sudoers.defaults if "secure_path" in at.said.raw]
            yield found(
                view, "SUDO-RELATIVE", Severity.HIGH, "secure_path",
                f"secure_path holds {one!r}, which is where the caller is", lines=lines,
                meaning=(one,), fix=fix,
            )  # fmt: skip


@SUDO.rule("SUDO-SUDOEDIT-GLOB", Severity.HIGH)
def sudoedit_pattern(view: SudoView) -> Iterator[AccessFinding]:
    """Sudoedit on a pattern, or on a file in a directory its user may write.

    Detects wildcards in the files of a sudoedit rule; and, where the host's paths were read,
    files that lie in a directory the user may write.

    Why: a link in the right place turns the right to edit one file into that to edit another.

    Fix: name exact files in directories only root may write.

    Bad: `alice ALL=(root) sudoedit /var/www/*/index.html`
    Good: `alice ALL=(root) sudoedit /etc/nginx/nginx.conf`
    """
    for right in view.rights:
        args = right.command.args
        if right.command.name != "sudoedit" or not args:
            continue
        fact = (view.state.paths or {}).get(args)
        if _wildcard(args):
            because = "a link where the pattern points becomes a way to other files"
        elif fact and _may_write(view, right.who, fact.writable_by):
            because = "they may put a link where the file is"
        else:
            continue
        fix = "name exact files in directories only root may write"
        yield of_right(view, "SUDO-SUDOEDIT-GLOB", Severity.HIGH, right, because, fix)


def _may_write(view: SudoView, who: str, writers: tuple[str, ...]) -> bool:
    return who == "ALL" or any(view.resolver.includes(one, who) or one == "ALL" for one in writers)
