"""How access is taken away on a host: lines, files, memberships, sessions, what goes on by itself.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it; a copy of it is
planted there with what ends grants in time.
"""

import glob
import grp
import os
import re
import signal
import stat
import time

try:
    from ansible.module_utils import opskit_access_places as places
except ImportError:  # the copy on the host
    import opskit_access_places as places

SUDOERS = "/etc/sudoers.d"
SWEPT = places.OWN + "/swept"
_GENTLE_SECONDS = 1.0
_ROUNDS = 40
_NOLOGIN = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false")
_SYSTEM = 1000


def sudo_file(grant):
    """Return the file of a grant's sudo rules; a dot in its name would make sudo skip it."""
    return SUDOERS + "/opskit-" + grant


# Lines of files that somebody else may own


def marked(line, grant):
    """Return whether a line of authorized_keys was written for a grant."""
    words = line.split()
    return bool(words) and words[-1] == ("opskit:" + grant).encode()


def opens(line, blob):
    """Return whether a line of authorized_keys lets a key in."""
    return not line.lstrip().startswith(b"#") and blob.encode() in line.split()


def rewritten(path, change, owner=None, mode=0o600):
    """Change the lines of a file; return whether that changed it.

    OWNER is the passwd entry of the account whose place it may be. The lines that CHANGE gives back
    keep their bytes. A file that is not there has no lines, and without lines it is not made.
    """
    parent, name = os.path.split(path)
    ids = (owner.pw_uid, owner.pw_gid) if owner else (0, 0)
    make = (*ids, 0o700) if owner else (0, 0, 0o755)
    probe = change([])
    try:
        with places.directory(parent, (ids[0],), make if probe else None) as handle:
            data = places.content(handle, name, (ids[0],))
            lines = (data or b"").splitlines(keepends=True)
            after = b"".join(change(lines))
            if after == (data or b""):
                return False
            kept = _as_it_was(handle, name) if data is not None else None
            places.put(handle, name, after, *(kept or (mode, ids)))
    except places.Missing:
        if probe:
            raise
        return False
    return True


def _as_it_was(handle, name):
    found = os.lstat(name, dir_fd=handle)
    return stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid)


def without_key(path, grant, blobs, owner):
    """Remove a grant's lines, and those its holder made of its keys."""

    def change(lines):
        return [
            line
            for line in lines
            if not marked(line, grant) and not any(opens(line, blob) for blob in blobs)
        ]

    return rewritten(path, change, owner)


def without_principal(path, grant):
    """Remove a grant's principal."""
    wanted = ("grant-" + grant).encode()
    return rewritten(path, lambda lines: [one for one in lines if wanted not in one.split()[-1:]])


# Groups and accounts


def is_member(account, group):
    """Return whether an account is named in a group."""
    try:
        return account in grp.getgrnam(group).gr_mem
    except KeyError:
        return False


def leave(account, group):
    """Take an account out of a group; return whether it was in it."""
    if not is_member(account, group):
        return False
    places.must(["gpasswd", "-d", account, group])
    return True


def shadow(account):
    """Return the fields of an account's line in shadow, without its hash: only how it begins."""
    try:
        with open("/etc/shadow", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                fields = line.rstrip("\n").split(":")
                if fields[0] == account:
                    return [account, fields[1][:1], *fields[2:]]
    except OSError:
        pass
    return None


def is_closed(account):
    """Return whether nobody can log in to an account: locked, expired, no shell."""
    found, fields = places.entry(account), shadow(account)
    if found is None:
        return True
    if fields is None or len(fields) < 8:
        return False
    over = fields[7].isdigit() and int(fields[7]) < time.time() // 86400
    return fields[1] == "!" and over and found.pw_shell in _NOLOGIN


def close(account):
    """Lock an account that opskit made: it stays, so that its number is not given again."""
    if is_closed(account):
        return False
    shell = next((one for one in _NOLOGIN if os.path.exists(one)), _NOLOGIN[-1])
    places.must(["usermod", "-L", "-e", "1970-01-02", "-s", shell, account])
    return True


# Sessions


def _status(pid):
    """Return (parent, user ids, has a terminal) of a process, or None if it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as stream:
            text = stream.read()
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            terminal = stream.read().rpartition(")")[2].split()[4]
    except (OSError, IndexError):
        return None
    state = re.search(r"^State:\s+(\S)", text, re.MULTILINE)
    parent = re.search(r"^PPid:\s+(\d+)", text, re.MULTILINE)
    users = re.search(r"^Uid:\s+(.*)$", text, re.MULTILINE)
    if not (state and parent and users) or state[1] in "ZX":
        return None
    return int(parent[1]), {int(one) for one in users[1].split()}, terminal != "0"


def processes(uid):
    """Return the ids of an account's processes, and of those it started as somebody else.

    What root's daemons are is left alone, also where the account had them restarted: a process of
    another account is taken only below one of its own, or on a terminal with its name on it.
    """
    table = {}
    for name in os.listdir("/proc"):
        found = _status(int(name)) if name.isdigit() else None
        if found:
            table[int(name)] = found
    taken = {pid for pid, (_, users, _) in table.items() if uid in users}
    taken |= {pid for pid, (_, _, terminal) in table.items() if terminal and _by_sudo(pid, uid)}
    while True:
        below = {pid for pid, (parent, _, _) in table.items() if parent in taken} - taken
        if not below:
            break
        taken |= below
    return sorted(taken - _above(table))


def _by_sudo(pid, uid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:
            return b"SUDO_UID=%d" % uid in stream.read(places.LARGEST).split(b"\0")
    except OSError:
        return False


def _above(table):
    """Return this process and those it stands on, which are never ended from here."""
    own, pid = set(), os.getpid()
    while pid in table and pid not in own:
        own.add(pid)
        pid = table[pid][0]
    return own | {1}


def what(pid):
    """Return what a process runs, in one line."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            words = stream.read(300).replace(b"\0", b" ").decode("utf-8", "backslashreplace")
        return " ".join(words.split())
    except OSError:
        return ""


def end_sessions(account):
    """End everything an account has running; return what that was.

    Raises:
        Trouble: something of it is still there after all tries.
    """
    found = places.entry(account)
    if found is None:
        return []
    if found.pw_uid == 0:
        msg = f"sessions of {account} are never ended"
        raise places.Trouble(msg)
    if os.path.isdir("/run/systemd/sessions"):
        places.ran(["loginctl", "terminate-user", account])
    ended = {pid: what(pid) for pid in processes(found.pw_uid)}
    _signal(ended, signal.SIGTERM)
    until = time.monotonic() + _GENTLE_SECONDS
    while processes(found.pw_uid) and time.monotonic() < until:
        time.sleep(0.02)
    for _ in range(_ROUNDS):  # what forks while it is ended needs more than one
        left = processes(found.pw_uid)
        if not left:
            return sorted(one for one in ended.values() if one)
        ended.update((pid, what(pid)) for pid in left)
        _signal(left, signal.SIGKILL)
        time.sleep(0.02)
    msg = f"{account} still runs {what(left[0])}"
    raise places.Trouble(msg)


def _signal(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


# What goes on by itself


def remains(account):
    """Return (what, path) of everything of an account that goes on without it."""
    found = places.entry(account)
    if found is None:
        return []
    rows = [("crontab", path + account) for path in _CRONTABS if os.path.lexists(path + account)]
    rows += [("at", path) for path in sorted(_at_jobs(found.pw_uid))]
    linger = "/var/lib/systemd/linger/" + account
    rows += [("linger", linger)] if os.path.lexists(linger) else []
    rows += [("systemd-unit", path) for path in _units(found)]
    stamps = (base + one for base in _STAMPS for one in (account, str(found.pw_uid)))
    rows += [("sudo-timestamp", path) for path in stamps if os.path.lexists(path)]
    return rows


_CRONTABS = ("/var/spool/cron/crontabs/", "/var/spool/cron/", "/var/spool/cron/tabs/")
_STAMPS = ("/run/sudo/ts/", "/var/lib/sudo/ts/", "/var/db/sudo/ts/", "/run/sudo-rs/ts/")


def _at_jobs(uid):
    for pattern in ("/var/spool/cron/atjobs/*", "/var/spool/at/*"):
        for path in glob.glob(pattern):
            try:
                found = os.lstat(path)
            except OSError:
                continue
            if found.st_uid == uid and stat.S_ISREG(found.st_mode):
                yield path


def _units(found):
    """Return what systemd would start for an account: the links that enable its own units."""
    base = found.pw_dir.rstrip("/") + "/.config/systemd/user"
    try:
        with places.directory(base, (found.pw_uid,)) as handle:
            wants = sorted(one for one in os.listdir(handle) if one.endswith(".wants"))[:100]
    except places.Trouble:
        return []
    rows = []
    for one in wants:
        try:
            with places.directory(base + "/" + one, (found.pw_uid,)) as handle:
                rows += [base + "/" + one + "/" + name for name in sorted(os.listdir(handle))[:100]]
        except places.Trouble:
            continue
    return rows


def sweep(account):
    """Take away what goes on by itself; tables of jobs are kept aside, for somebody to look at."""
    found, swept = places.entry(account), []
    for kind, path in remains(account):
        parent, name = os.path.split(path)
        owners = (found.pw_uid,) if kind == "systemd-unit" else (0, os.stat(parent).st_uid)
        with places.directory(parent, owners) as handle:
            if kind in ("crontab", "at"):
                _set_aside(handle, name, kind, found.pw_uid)
            places.gone(handle, name)
        swept.append(f"{kind} {path}")
    return swept


def _set_aside(handle, name, kind, uid):
    data = places.content(handle, name, (uid,))
    if data:
        label = f"{kind}-{name}-{int(time.time())}"
        with places.directory(SWEPT, make=(0, 0, 0o700)) as aside:
            places.put(aside, label, data, 0o600)


# A grant as a whole


def credentials(state, name, spared=()):
    """Cut what a grant lets in, as far as this host remembers it; return what was there.

    Blobs in SPARED open the account for another grant, too: only this grant's own line goes.
    Every piece is tried, whatever became of the one before.

    Raises:
        Trouble: a piece could not be cut; the grant stays in STATE, to be tried again.
    """
    grant = state["grants"][name]
    account, owner = grant["account"], places.entry(grant["account"])
    stay = {*state["had"].get(account, ()), *spared}
    blobs = [one for one in grant.get("blobs", ()) if one not in stay]
    tries = [("sudo", lambda: places.removed(sudo_file(name)))]
    if owner is not None:
        tries += [
            ("keys", lambda path=path: without_key(path, name, blobs, _keeper(path, owner)))
            for path in grant.get("key_files", ())
        ]
        tries += [
            ("principal", lambda path=path: without_principal(path, name))
            for path in grant.get("principal_files", ())
        ]
        tries += [
            ("group " + group, lambda group=group: leave(account, group))
            for group in lone_groups(state, name)
        ]
    cut, wrong = [], []
    for label, attempt in tries:
        try:
            if attempt():
                cut.append(label)
        except places.Trouble as error:
            wrong.append(str(error))
    if wrong:
        raise places.Trouble("; ".join(wrong))
    for group in lone_groups(state, name):
        state["members"].remove([group, account])
    del state["grants"][name]
    return cut


def _keeper(path, owner):
    """Return who can move a file about: OWNER where it is in their home, else nobody but root."""
    return owner if path.startswith(owner.pw_dir.rstrip("/") + "/") else None


def lone_groups(state, name):
    """Return the groups that opskit put an account in for this grant and no other."""
    account = state["grants"][name]["account"]
    others = {
        group
        for other, grant in state["grants"].items()
        if other != name and grant["account"] == account
        for group in grant.get("groups", ())
    }
    own = state["grants"][name].get("groups", ())
    return [one for one in own if one not in others and [one, account] in state["members"]]


def retire(state, account):
    """Close an account whose last grant is gone, if opskit made it; return whether that changed it.

    Whatever keys it holds by then open it no more.
    """
    made = state["accounts"].get(account)
    if made is None or any(one["account"] == account for one in state["grants"].values()):
        return False
    changed, owner = close(account), places.entry(account)
    for path in made.get("key_files", ()) if owner else ():
        changed = rewritten(path, lambda _lines: [], _keeper(path, owner)) or changed
    return changed


def plain_copy(module):
    """Return the source of a module of this collection, out of Ansible's archive or a directory."""
    return module.__loader__.get_source(module.__name__).encode()
