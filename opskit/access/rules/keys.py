"""SSH-KEY and what goes with it: which keys open which account, from where, for how long."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.findings import AccessFinding, Scope
from opskit.access.hosts.model import Line
from opskit.access.rules.rule import Family
from opskit.access.rules.ssh import whom, written_at
from opskit.access.rules.view import HostView
from opskit.core.findings import Severity

family: Family[HostView] = Family(Scope.STATE)


@family.rule("SSH-KEY-WEAK", Severity.MEDIUM, needs=("keys",))
def weak_keys(view: HostView) -> Iterator[AccessFinding]:
    """A key that opens an account is short, or of a broken type.

    What: RSA below 3072 bits (high below 2048), DSA (high).

    Why: short keys can be computed from their public half; sshd takes RSA down to 1024 bits unless
    `RequiredRSASize` says more.

    Fix: `ssh-keygen -t ed25519`, or a key in hardware (`-t ed25519-sk`), and remove the old one.

    Bad::

        ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ... alice@old

    Good::

        ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI... alice@new
    """
    for one in view.keys:
        key = one.key
        if key.type == "ssh-dss" or (key.type == "ssh-rsa" and key.bits < 3_072):
            broken = key.type == "ssh-dss" or key.bits < 2_048
            what = f"the {key.bits}-bit {key.type.removeprefix('ssh-').upper()} key"
            yield view.finding(
                "SSH-KEY-WEAK", Severity.HIGH if broken else Severity.MEDIUM, key.fingerprint,
                f"{one.account} is opened by {what} {one.key.comment}".rstrip(), at=(one.at,),
                fix="ssh-keygen -t ed25519, register it, and remove this one by its fingerprint",
                path=(f"{what} {key.comment}".rstrip(), f"account {one.account}"),
                meaning=(one.account,),
            )  # fmt: skip


def _is_authority(options: object) -> bool:
    return isinstance(options, dict) and "cert-authority" in options


@family.rule("SSH-KEY-NOEXP", Severity.MEDIUM, needs=("keys",))
def key_without_end(view: HostView) -> Iterator[AccessFinding]:
    """A key opens an account for ever.

    What: a line of authorized_keys without `expiry-time`, whose key has no `expires` in the people
    file. Certificate authorities are left out: their certificates end.

    Why: keys are copied, lost and forgotten; sshd itself can end them.

    Fix: put `expiry-time="20270131Z"` before the key (a date without Z, in the host's standard
    time, before OpenSSH 9.1), or give access by grants.

    Bad::

        ssh-ed25519 AAAA... alice

    Good::

        expiry-time="20270131Z" ssh-ed25519 AAAA... alice
    """
    registered = view.roster.keys if view.roster else {}
    for one in view.keys:
        ends = any(entry.key.expires for entry in registered.get(one.key.fingerprint, ()))
        if one.expires_at is None and not ends and not _is_authority(one.options):
            yield view.finding(
                "SSH-KEY-NOEXP", Severity.MEDIUM, one.key.fingerprint,
                f"a key of {one.account} has no end", at=(one.at,), meaning=(one.account,),
                fix='put expiry-time="YYYYMMDDZ" before it, or give access by a grant',
                path=(f"key {one.key.comment or one.key.fingerprint}", f"account {one.account}"),
            )  # fmt: skip


@family.rule("SSH-KEY-NOFROM", Severity.MEDIUM, needs=("keys",))
def key_from_anywhere(view: HostView) -> Iterator[AccessFinding]:
    """A key of production, or of a service account, may be used from anywhere.

    What: a line without `from=` on a host of production, or of an account that no person logs in
    to.

    Why: a stolen key is worth nothing where it may not be used from.

    Fix: `from="10.0.0.0/8"` with the networks it is used from.

    Bad::

        ssh-ed25519 AAAA... deploy

    Good::

        from="10.20.0.5" ssh-ed25519 AAAA... deploy
    """
    for one in view.keys:
        service = view.is_system(one.account)
        if (service or view.state.production) and "from" not in one.options:
            kind = "service account" if service else "production account"
            yield view.finding(
                "SSH-KEY-NOFROM", Severity.MEDIUM, one.key.fingerprint,
                f"a key of {kind} {one.account} may be used from anywhere", at=(one.at,),
                fix='put from="NETWORK,..." before it', meaning=(one.account,),
                path=(f"key {one.key.comment or one.key.fingerprint}", f"account {one.account}"),
            )  # fmt: skip


@family.rule("SSH-KEY-UNKNOWN", Severity.HIGH, needs=("keys", "registry"))
def unknown_keys(view: HostView) -> Iterator[AccessFinding]:
    """A key that opens an account is not in the registry, or must open nothing any more.

    What: the fingerprint of a line is of no key in the people file; or of one that was revoked, has
    expired, or is registered for signing alone.

    Why: nobody knows whose it is, so nobody can say whether it should be there.

    Fix: remove it by its fingerprint, or have its owner register it.

    Bad::

        ssh-ed25519 AAAA... (in no entry of people.yaml)

    Good::

        # people.yaml
        alice: {keys: [{key: ssh-ed25519 AAAA...}]}
    """
    registered = view.roster.keys if view.roster else {}
    for one in view.keys:
        entries = registered.get(one.key.fingerprint, ())
        reasons = [entry.ended_by(view.today) for entry in entries]
        if entries and not all(reasons):
            continue
        why = f"was {reasons[0]}" if reasons else "is not registered"
        why = why.replace("was expired", "expired").replace("was registered", "is registered")
        yield view.finding(
            "SSH-KEY-UNKNOWN", Severity.HIGH, one.key.fingerprint,
            f"a key that opens {one.account} {why}", at=(one.at,),
            fix=f"remove {one.key.fingerprint} from {one.at.file}, or register it",
            path=(f"key {one.key.comment or one.key.fingerprint}", why, f"account {one.account}"),
            meaning=(one.account, why.partition(" on ")[0]),
        )  # fmt: skip


@family.rule("SSH-KEY-CMDLESS", Severity.MEDIUM, needs=("keys",))
def automation_with_shell(view: HostView) -> Iterator[AccessFinding]:
    """A key of automation opens a full shell.

    What: a key of an account that no person logs in to, with neither `command=` nor `restrict`.

    Why: what runs one command needs no terminal, no forwarding and no other command.

    Fix: `restrict,command="/usr/local/bin/backup"` before the key.

    Bad::

        ssh-ed25519 AAAA... backup

    Good::

        restrict,command="/usr/local/bin/backup" ssh-ed25519 AAAA... backup
    """
    for one in view.keys:
        if view.is_system(one.account) and not {"command", "restrict"} & one.options.keys():
            yield view.finding(
                "SSH-KEY-CMDLESS", Severity.MEDIUM, one.key.fingerprint,
                f"a key of service account {one.account} opens a full shell", at=(one.at,),
                fix='put restrict,command="..." before it', meaning=(one.account,),
                path=(f"key {one.key.comment or one.key.fingerprint}",
                      f"account {one.account}", "any command"),
            )  # fmt: skip


@family.rule("SSH-CA-WIDE", Severity.HIGH, needs=("keys",))
def wide_authority(view: HostView) -> Iterator[AccessFinding]:
    """A certificate authority opens an account without saying to whom.

    What: a `cert-authority` line without `principals=` (critical for root), or with an empty one.

    Why: before OpenSSH 10.3 a certificate without principals, or with a comma in one, was taken by
    such a line for anybody's (CVE-2026-35414).

    Fix: `TrustedUserCAKeys` with `AuthorizedPrincipalsFile`, one principal for each grant.

    Bad::

        cert-authority ssh-ed25519 AAAA... ca

    Good::

        cert-authority,principals="grant-42" ssh-ed25519 AAAA... ca
    """
    for one in view.keys:
        if _is_authority(one.options) and not (one.options.get("principals") or "").strip(", "):
            root = one.account == "root"
            yield view.finding(
                "SSH-CA-WIDE", Severity.CRITICAL if root else Severity.HIGH, one.key.fingerprint,
                f"certificates of an authority open {one.account}, whoever they name",
                fix="TrustedUserCAKeys and AuthorizedPrincipalsFile, or principals= on this line",
                path=(f"authority {one.key.comment or one.key.fingerprint}",
                      "any principal", f"account {one.account}"),
                at=(one.at,), meaning=(one.account,),
            )  # fmt: skip


@family.rule("SSH-KEYFILE", Severity.HIGH, needs=("keys",))
def key_files(view: HostView) -> Iterator[AccessFinding]:
    """Keys come from where nobody looks, or from a file that others may write.

    What: keys in an `authorized_keys2`; a file of keys that its group or anybody may write;
    `AuthorizedKeysCommand` set, so that no file says who gets in (medium).

    Why: it is where a back door goes: the file beside the one that is looked after.

    Fix: move the keys into `authorized_keys`, `chmod 600` it, and pin `AuthorizedKeysFile`.

    Bad::

        /home/alice/.ssh/authorized_keys2

    Good::

        /home/alice/.ssh/authorized_keys    -rw-------
    """
    yield from _second_files(view)
    yield from _writable_files(view)
    for block in view.state.sshd_blocks:
        command = block.values.get("authorizedkeyscommand", "none")
        if command.lower() != "none":
            yield view.finding(
                "SSH-KEYFILE", Severity.MEDIUM, whom(block),
                f"a program says which keys are taken: {command}", meaning=(command,),
                fix="look at what it answers, or AuthorizedKeysCommand none",
                path=(whom(block), command, "a login"),
                at=written_at(view, block, "authorizedkeyscommand"),
            )  # fmt: skip


def _second_files(view: HostView) -> Iterator[AccessFinding]:
    for one in view.keys:
        if one.at.file.endswith("authorized_keys2"):
            yield view.finding(
                "SSH-KEYFILE", Severity.HIGH, one.key.fingerprint,
                f"a key of {one.account} stands in authorized_keys2", at=(one.at,),
                fix="move it to authorized_keys or remove it; AuthorizedKeysFile with one file",
                path=(f"key {one.key.comment or one.key.fingerprint}", "authorized_keys2",
                      f"account {one.account}"),
                meaning=(one.account, "second"),
            )  # fmt: skip


def _writable_files(view: HostView) -> Iterator[AccessFinding]:
    with_keys = {one.at.file: one.account for one in view.keys}
    for file in view.state.files.values():
        account = with_keys.get(file.shown or file.path)
        if account is None or file.mode is None or not file.mode & 0o022:
            continue
        who = "anybody" if file.mode & 0o002 else "its group"
        yield view.finding(
            "SSH-KEYFILE", Severity.HIGH, account, f"{who} may write the keys of {account}",
            fix=f"chmod 600 {file.path}", meaning=("writable", who),
            path=(who, f"writes {file.path}", f"account {account}"),
            at=(Line(file.shown or file.path, 0, ""),),
        )  # fmt: skip
