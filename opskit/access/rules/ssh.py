"""SSH: what sshd lets in, by its configuration."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.findings import AccessFinding, Scope
from opskit.access.hosts.model import Line, SshdBlock
from opskit.access.hosts.sshd import CONFIG
from opskit.access.rules.rule import Family
from opskit.access.rules.view import HostView
from opskit.core.findings import Severity

family: Family[HostView] = Family(Scope.STATE)

_NO_ROOT = "PermitRootLogin no, and sudo for those who need it"
# The head of a binary list of revoked keys (OpenSSH's PROTOCOL.krl).
_KRL_HEAD = "SSHKRL\n\0"


def _value(block: SshdBlock, view: HostView, keyword: str) -> str:
    """Return what a block says; what is in force where it says nothing and is for everybody."""
    if block.criteria:
        return block.values.get(keyword, "").lower()
    return (view.state.sshd or {}).get(keyword, "").lower()


def _blocks(view: HostView) -> tuple[SshdBlock, ...]:
    """Return what is said to everybody, also where only `sshd -T` told it, and each Match."""
    return view.state.sshd_blocks or (SshdBlock("", {}, {}),)


def written_at(view: HostView, block: SshdBlock, *keywords: str) -> tuple[Line, ...]:
    """Return where keywords are written, or the file as a whole where a default is in force."""
    written = tuple(block.at[keyword] for keyword in keywords if keyword in block.at)
    if written:
        return written
    file = view.state.files.get(CONFIG)
    return (Line((file.shown or file.path) if file else CONFIG, 0, ""),)


def whom(block: SshdBlock) -> str:
    """Return whom a block speaks of."""
    return f"Match {block.criteria}" if block.criteria else "everybody"


@family.rule(
    "SSH-ROOT", Severity.HIGH, needs=("sshd",),
    references={"CIS Debian Linux 13": "5.1.21", "CIS Ubuntu Linux 24.04": "5.1.20"},
)  # fmt: skip
def root_login(view: HostView) -> Iterator[AccessFinding]:
    """Root can be logged in to over SSH.

    What: `PermitRootLogin` is not `no` for everybody or under a `Match`. It is high where a
    password will do or root has keys, medium where only a key would and there is none.

    Why: whoever logs in as root is root in every log: nobody is accountable.

    Fix: `PermitRootLogin no`; log in as yourself and use sudo.

    Bad::

        PermitRootLogin prohibit-password

    Good::

        PermitRootLogin no
    """
    keys = [one for one in view.keys if one.account == "root"]
    for block in _blocks(view):
        value = _value(block, view, "permitrootlogin")
        if value in {"no", ""}:
            continue
        by_key = value != "yes"
        severity = Severity.MEDIUM if by_key and not keys else Severity.HIGH
        how = "with a key" if by_key else "with a key or a password"
        yield view.finding(
            "SSH-ROOT", severity, "root", f"root may log in {how}: PermitRootLogin {value}",
            fix=_NO_ROOT, path=(whom(block), f"PermitRootLogin {value}", "root"),
            at=(*written_at(view, block, "permitrootlogin"), *(one.at for one in keys)),
            meaning=(block.criteria, value),
        )  # fmt: skip


@family.rule(
    "SSH-PASSWORD", Severity.MEDIUM, needs=("sshd",),
    references={"CIS Debian Linux 13": "5.1.17"},
)  # fmt: skip
def passwords(view: HostView) -> Iterator[AccessFinding]:
    """A password is enough to log in over SSH.

    What: `PasswordAuthentication yes`, or keyboard-interactive with PAM, in force for everybody or
    under a `Match`, unless `AuthenticationMethods` asks for a key each time.

    Why: a password can be guessed, reused and phished; a key or certificate cannot.

    Fix: `PasswordAuthentication no` and `KbdInteractiveAuthentication no`.

    Bad::

        PasswordAuthentication yes

    Good::

        PasswordAuthentication no
        KbdInteractiveAuthentication no
    """
    pam = (view.state.sshd or {}).get("usepam", "no").lower() == "yes"
    for block in _blocks(view):
        asked = "passwordauthentication", "kbdinteractiveauthentication"
        on = [one for one in asked if _value(block, view, one) == "yes"]
        on = [one for one in on if pam or one == "passwordauthentication"]
        if on and not _needs_key(block, view):
            yield view.finding(
                "SSH-PASSWORD", Severity.MEDIUM, whom(block),
                f"a password is enough: {' and '.join(f'{one} yes' for one in on)}",
                fix="PasswordAuthentication no, KbdInteractiveAuthentication no; give keys",
                path=(whom(block), *on, "a login"), at=written_at(view, block, *on),
                meaning=tuple(on),
            )  # fmt: skip


def _needs_key(block: SshdBlock, view: HostView) -> bool:
    everybody = (view.state.sshd or {}).get("authenticationmethods", "any")
    methods = (_value(block, view, "authenticationmethods") or everybody.lower()).split()
    return bool(methods) and all("publickey" in one.split(",") for one in methods)


@family.rule("SSH-KRL-RISK", Severity.CRITICAL, needs=("sshd", "accounts"))
def revocation_list(view: HostView) -> Iterator[AccessFinding]:
    """The list of revoked keys is missing or no list: nobody gets in with a key.

    What: `RevokedKeys` names a file that is not there, or that holds neither a KRL nor public
    keys. An empty file is fine.

    Why: sshd then refuses every key and certificate, the administrators' as well.

    Fix: write the list beside it, check it with `ssh-keygen -Q -l -f`, and rename it into place.

    Bad::

        RevokedKeys /etc/ssh/revoked    (no such file)

    Good::

        RevokedKeys /etc/ssh/revoked    (made by ssh-keygen -k)
    """
    for block in _blocks(view):
        path = block.values.get("revokedkeys", "none")
        path = (view.state.sshd or {}).get("revokedkeys", path) if not block.criteria else path
        why = "" if path.lower() == "none" else _broken_list(view, path)
        if why:
            yield view.finding(
                "SSH-KRL-RISK", Severity.CRITICAL, path, f"RevokedKeys {path} {why}: no key works",
                fix=f"ssh-keygen -k -f {path}.new, check it, then mv {path}.new {path}",
                path=(f"RevokedKeys {path}", why, "every key is refused"),
                at=written_at(view, block, "revokedkeys"), meaning=(why,),
            )  # fmt: skip


def _broken_list(view: HostView, path: str) -> str:
    file = view.state.files.get(path)
    if file is None:
        return "is not there"
    lines = [one.strip() for one in file.text.split("\n")]
    plain = all(not one or one.startswith(("#", "ssh-", "ecdsa-", "sk-")) for one in lines)
    return "" if plain or file.text.startswith(_KRL_HEAD) else "is no list of keys"


@family.rule(
    "SSH-FWD", Severity.MEDIUM, needs=("sshd",), references={"CIS Debian Linux 13": "5.1.8"}
)
def forwarding(view: HostView) -> Iterator[AccessFinding]:
    """Whoever logs in may forward agents, ports or screens.

    What: `AllowTcpForwarding`, `AllowAgentForwarding` or `X11Forwarding` in force for everybody or
    under a `Match`, and no `DisableForwarding`. It is medium in production and low elsewhere.

    Why: an agent that is forwarded can be used by root of the host; a port, to go on from there.

    Fix: `DisableForwarding yes`, and a `Match` for those who need it.

    Bad::

        AllowAgentForwarding yes

    Good::

        DisableForwarding yes
    """
    severity = Severity.MEDIUM if view.state.production else Severity.LOW
    everywhere = (view.state.sshd or {}).get("disableforwarding", "no").lower()
    for block in _blocks(view):
        asked = ("allowtcpforwarding", "allowagentforwarding", "x11forwarding")
        on = [one for one in asked if _value(block, view, one) not in {"no", ""}]
        if on and (_value(block, view, "disableforwarding") or everywhere) != "yes":
            yield view.finding(
                "SSH-FWD", severity, whom(block), f"forwarding is on: {', '.join(on)}",
                fix="DisableForwarding yes, and a Match for those who need it",
                path=(whom(block), *on), at=written_at(view, block, *on), meaning=tuple(on),
            )  # fmt: skip
