"""Who is at work on a host, what goes on there without them, and how both are ended.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it; a copy of it is
planted there with what ends grants in time.
"""

import glob
import os
import re
import signal
import stat
import time

try:
    from ansible.module_utils import opskit_access_places as places
except ImportError:  # the copy on the host
    import opskit_access_places as places

SWEPT = places.OWN + "/swept"
_GENTLE_SECONDS = 1.0
_ROUNDS = 40


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
