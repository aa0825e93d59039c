"""Rules on Defaults: the environment, how a password is asked, what is logged."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opskit.access.findings import AccessFinding
from opskit.access.hosts.model import Line
from opskit.access.rules.sudo.view import SUDO, SudoView, found, of_right
from opskit.access.sudoers.policy import Placed
from opskit.access.sudoers.syntax import Binding, Defaults, Kind, Setting
from opskit.core.findings import Severity

_INJECTED = re.compile(
    r"(?:LD_|_RLD|DYLD_|PYTHON|PERL|RUBY|BASH_ENV|BASH_FUNC|ENV\Z|PATH\Z|IFS\Z|EDITOR|VISUAL"
    r"|SUDO_EDITOR|NODE_|JAVA_TOOL|GIT_|PAGER|LESSOPEN|SHELLOPTS|PS4|TERMINFO|GCONV|\*)"
)
_MINUTES = 15.0
_OTHERS = "the password of another account is asked, which several people then know"
_WEAK: dict[tuple[str, ...], str] = {
    ("authenticate", "!", ""): "no password is asked",
    ("targetpw", "", ""): _OTHERS,
    ("rootpw", "", ""): _OTHERS,
    ("runaspw", "", ""): _OTHERS,
    ("timestamp_type", "=", "global"): "a password given in one session counts in all",
    ("visiblepw", "", ""): "passwords are asked where they can be seen",
}
_EARLY_PTY = (1, 9, 14, 0)


def _settings(view: SudoView) -> Iterator[tuple[Placed, Defaults, Setting]]:
    for placed in view.sudoers.defaults:
        said = placed.said
        if isinstance(said, Defaults):
            for setting in said.settings:
                yield placed, said, setting


def _for(said: Defaults) -> str:
    """Return whom a Defaults line is for."""
    names = ", ".join(one.text for one in said.members)
    return f"Defaults{said.binding.value}{names}"


def _lasts(view: SudoView, said: Defaults, setting: Setting) -> bool:
    """Tell whether a setting for all is still what it says once all were read."""
    if said.binding is not Binding.GLOBAL:
        return True
    now = view.resolver.values("", "", "").get(setting.name)
    if isinstance(now, frozenset):
        return setting.operator == "-=" or bool(now.intersection(setting.value.split()))
    return now == (setting.value if setting.operator == "=" else setting.operator != "!")


def _found(  # noqa: PLR0917  # one line each
    view: SudoView, rule: str, severity: Severity, placed: Placed, said: Defaults, what: str,
    meaning: str, fix: str,
) -> AccessFinding:  # fmt: skip
    subject = _for(said)
    return found(
        view, rule, severity, subject, what, lines=(placed.at,), meaning=(meaning,), fix=fix
    )


@SUDO.rule("SUDO-ENV", Severity.HIGH)
def environment(view: SudoView) -> Iterator[AccessFinding]:
    """The caller's environment reaches what runs as root.

    Detects `!env_reset`, `setenv`, SETENV on single commands, variables in env_keep that make
    programs load or start something, and a missing secure_path. ALL implies SETENV by itself and
    is reported as what it is.

    Why: LD_PRELOAD, PYTHONPATH or PATH of the caller decide what the command loads and starts.

    Fix: keep env_reset, keep only harmless variables, set secure_path.

    Bad: `Defaults env_keep += "LD_PRELOAD"`
    Good: `Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"`
    """
    fix = "keep env_reset and secure_path, and only variables that load nothing"
    for placed, said, setting in _settings(view):
        if not _lasts(view, said, setting):
            continue
        name, value = setting.name, setting.value
        kept = [one for one in value.split() if _INJECTED.match(one)] if name == "env_keep" else []
        if name == "env_reset" and setting.operator == "!" and not view.sudoers.dialect.rs:
            what = "the caller's whole environment is kept"
        elif name == "setenv" and setting.operator == "":
            what = "callers may set any variable"
        elif kept and setting.operator != "-=":
            what = f"{', '.join(kept)} of the caller reach what runs as root"
        else:
            continue
        yield _found(
            view, "SUDO-ENV", Severity.HIGH, placed, said, what, name + " ".join(sorted(kept)), fix
        )
    yield from _environment_of_rights(view, fix)


def _environment_of_rights(view: SudoView, fix: str) -> Iterator[AccessFinding]:
    for right in view.rights:
        if right.setenv and right.command.kind is not Kind.ALL:
            because = "they may set any variable for it"
            yield of_right(view, "SUDO-ENV", Severity.HIGH, right, because, "take SETENV away")
    if view.rights and not view.resolver.values("", "", "").get("secure_path"):
        where = Line(view.rights[0].at.file, 0, "")
        what = "there is no secure_path: the caller's PATH finds the commands"
        yield found(
            view, "SUDO-ENV", Severity.HIGH, "Defaults", what, lines=(where,),
            meaning=("secure_path",), fix=fix,
        )  # fmt: skip


@SUDO.rule(
    "SUDO-AUTH-DEF", Severity.MEDIUM,
    references={"CIS Debian 13": "5.2.5, 5.2.6", "CIS Ubuntu 24.04": "5.2.5, 5.2.6"},
)  # fmt: skip
def authentication(view: SudoView) -> Iterator[AccessFinding]:
    """Defaults that weaken how a password is asked.

    Detects `!authenticate`, targetpw, rootpw and runaspw, exempt_group, a time stamp that lasts
    longer than 15 minutes or for good, or that counts for all terminals, and visiblepw.

    Why: a password asked once a day, or that of root known by many, tells nobody apart.

    Fix: leave them as they are by default.

    Bad: `Defaults !authenticate`
    Good: `Defaults timestamp_timeout=5`
    """
    for placed, said, setting in _settings(view):
        if not _lasts(view, said, setting):
            continue
        if what := _weakness(setting):
            fix = f"take {setting.name} away"
            yield _found(
                view, "SUDO-AUTH-DEF", Severity.MEDIUM, placed, said, what, setting.name, fix
            )


def _weakness(setting: Setting) -> str:
    name, operator, value = setting
    if name == "exempt_group" and operator == "=":
        return f"nobody in {value} is asked for a password"
    if name == "timestamp_timeout":
        return _lasting(value) if operator == "=" else ""
    return _WEAK.get(tuple(setting), "")


def _lasting(minutes: str) -> str:
    try:
        number = float(minutes)
    except ValueError:
        return ""
    if number < 0:
        return "a password once given counts for good"
    return f"a password once given counts for {minutes} minutes" if number > _MINUTES else ""


@SUDO.rule(
    "SUDO-LOG", Severity.MEDIUM,
    references={"CIS Debian 13": "5.2.2, 5.2.3", "CIS Ubuntu 24.04": "5.2.2, 5.2.3"},
)  # fmt: skip
def logging(view: SudoView) -> Iterator[AccessFinding]:
    """What is done with sudo leaves no trace, or leaves something behind that types on.

    Detects `!log_allowed`, `!log_denied`, `!syslog` without a logfile, and commands that do not
    run in a terminal of their own (use_pty).

    Why: what is not logged was not done, as far as anybody can tell; and a program left in the
    background of the caller's terminal can type there.

    Fix: `Defaults use_pty`, and log.

    Bad: `Defaults !syslog`
    Good: `Defaults use_pty, logfile=/var/log/sudo.log`
    """
    values = view.resolver.values("", "", "")
    fix = "Defaults use_pty, and log"
    for placed, said, setting in _settings(view):
        off = setting.operator == "!" and _lasts(view, said, setting)
        bare = setting.name == "syslog" and not values.get("logfile")
        if off and (bare or setting.name in {"log_allowed", "log_denied"}):
            what = "what is done with sudo is not logged"
            yield _found(view, "SUDO-LOG", Severity.MEDIUM, placed, said, what, setting.name, fix)
    dialect = view.sudoers.dialect
    usual = dialect.rs or dialect.version >= _EARLY_PTY
    if view.rights and values.get("use_pty", usual) is not True:
        where = Line(view.rights[0].at.file, 0, "")
        yield found(
            view, "SUDO-LOG", Severity.MEDIUM, "Defaults",
            "commands do not run in a terminal of their own (use_pty)", lines=(where,),
            meaning=("use_pty",), fix=fix,
        )  # fmt: skip
