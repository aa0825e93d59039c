"""How sshd and sudo of this host let somebody in: what they are, and what they ask at each use.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it.
"""

import glob
import os
import re
import time

from ansible.module_utils import opskit_access_places as places

_SSH = re.compile(r"OpenSSH_(\d+)\.(\d+)")
_SETTINGS = ("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*")
_UTC_SINCE = (9, 1)
_EXPIRY_SINCE = (7, 7)


class Ways:
    """The programs of this host, asked once."""

    def __init__(self):
        """Ask ssh and sudo for their versions."""
        self.ssh_said = places.ran(["ssh", "-V"])[1].strip()
        if not _SSH.search(self.ssh_said):
            self.ssh_said = places.ran(["sshd", "-V"])[1].strip()
        found = _SSH.search(self.ssh_said)
        self.ssh = (int(found[1]), int(found[2])) if found else (0, 0)
        # What is wrong with its rules comes before its version.
        said = places.ran(["sudo", "-V"])[1]
        found = re.search(r"^(?:Sudo version|sudo-rs) .*$", said, re.MULTILINE)
        self.sudo_said = found[0] if found else ""
        # sudo-rs knows no NOTAFTER; sudo has it since 1.8.20.
        known = re.match(r"Sudo version (\d+)\.(\d+)\.(\d+)", self.sudo_said)
        self.notafter = bool(known) and tuple(map(int, known.groups())) >= (1, 8, 20)
        self._sshd = {}
        self._rules = None
        self.sshd_why = ""
        # Whether sshd may have other settings for other accounts.
        self.matches = any(_has_match(path) for one in _SETTINGS for path in glob.glob(one))

    def rules(self):
        """Return what visudo says of the sudo rules in force, asked once."""
        if self._rules is None:
            self._rules = places.ran(["visudo", "-c"])
        return self._rules

    def sshd(self, account):
        """Return the effective settings of sshd for an account: keyword to value, or nothing."""
        account = account if self.matches else "root"
        if account not in self._sshd:
            where = f"user={account},host=localhost,addr=127.0.0.1"
            status, said = places.ran(["sshd", "-T", "-C", where])
            self.sshd_why = (said.strip().splitlines() or ["it said nothing"])[-1][:300]
            lines = [line.partition(" ") for line in said.splitlines()] if status == 0 else []
            settings = {}
            for key, _, value in lines:
                settings.setdefault(key, value)
            self._sshd[account] = settings
        return self._sshd[account]

    def key_files(self, account):
        """Return every file whose keys open an account."""
        owner = places.entry(account)
        if owner is None:
            return []
        named = self.sshd(account).get("authorizedkeysfile", ".ssh/authorized_keys")
        return [_expanded(one, owner) for one in named.split() if one != "none"]

    def own_key_file(self, account):
        """Return where a key for an account is put: a file of root's where there is one.

        Raises:
            Trouble: no file is this account's alone.
        """
        owner = places.entry(account)
        named = self.sshd(account).get("authorizedkeysfile", ".ssh/authorized_keys").split()
        own = [one for one in named if one != "none" and _is_one_accounts(one)]
        own.sort(key=lambda one: not one.startswith("/"))
        if not own:
            raise places.Trouble("sshd has no AuthorizedKeysFile for one account alone")
        return _expanded(own[0], owner)

    def principals_file(self, account):
        """Return where a principal for an account is put.

        Raises:
            Trouble: sshd is not set up for certificates, or not so that one account is meant.
        """
        settings, owner = self.sshd(account), places.entry(account)
        if settings.get("trustedusercakeys", "none") == "none":
            raise places.Trouble(
                "sshd has no TrustedUserCAKeys: opskit access cert issue --authority "
                "says what to plant"
            )
        named = settings.get("authorizedprincipalsfile", "none")
        if named == "none" or not named.startswith("/") or not _is_one_accounts(named):
            raise places.Trouble("sshd has no AuthorizedPrincipalsFile of root's for each account")
        return _expanded(named, owner)

    def expiry(self, until):
        """Return the option that ends a key at UNTIL, or nothing where sshd knows none.

        Before 9.1 sshd reads the time as the host's standard time, also in summer.
        """
        if self.ssh >= _UTC_SINCE:
            return 'expiry-time="{}"'.format(time.strftime("%Y%m%d%H%M%SZ", time.gmtime(until)))
        if self.ssh >= _EXPIRY_SINCE:
            local = time.gmtime(until - time.timezone)
            return 'expiry-time="{}"'.format(time.strftime("%Y%m%d%H%M%S", local))
        return ""


def _has_match(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return any(line.lower().split()[:1] == ["match"] for line in stream)
    except OSError:
        return True


def _is_one_accounts(pattern):
    return not pattern.startswith("/") or any(one in pattern for one in ("%u", "%h", "%U"))


def _expanded(pattern, owner):
    given = {"%u": owner.pw_name, "%h": owner.pw_dir, "%U": str(owner.pw_uid), "%%": "%"}
    path = re.sub(r"%[uhU%]", lambda found: given[found[0]], pattern)
    return path if path.startswith("/") else owner.pw_dir.rstrip("/") + "/" + path


def place_of(path, account):
    """Return the passwd entry of an account where a file is in its own place, None if root's."""
    owner = places.entry(account)
    if owner is not None and path.startswith(owner.pw_dir.rstrip("/") + "/"):
        return owner
    return None


def lines_of(path, account):
    """Return the lines of a file of keys or principals; none where it is not there.

    Raises:
        Trouble: it cannot be trusted to be what sshd reads.
    """
    owner = place_of(path, account)
    owners = (owner.pw_uid,) if owner else (0,)
    parent, name = os.path.split(path)
    try:
        with places.directory(parent, owners) as handle:
            return (places.content(handle, name, owners) or b"").splitlines()
    except places.Missing:
        return []


def key_line(ways, one, key):
    """Return the line of authorized_keys that lets in one key for one grant until its end."""
    options = [ways.expiry(one["until"])]
    options += ['from="{}"'.format(",".join(one["from"]))] if one["from"] else []
    options += [] if one["forwarding"] else ["restrict", "pty"]
    text = ",".join(filter(None, options))
    return " ".join(filter(None, [text, key, "opskit:" + one["grant"]])).encode() + b"\n"


def principal_line(ways, one):
    """Return the line that lets in a certificate naming a grant until its end."""
    options = [ways.expiry(one["until"])]
    options += ['from="{}"'.format(",".join(one["from"]))] if one["from"] else []
    options += [] if one["forwarding"] else ["restrict", "pty"]
    text = ",".join(filter(None, options))
    return " ".join(filter(None, [text, "grant-" + one["grant"]])).encode() + b"\n"


def sudo_text(ways, one):
    """Return the sudo rules of a grant in the dialect of this host."""
    return one["sudo"]["expiring" if ways.notafter else "plain"].encode()
