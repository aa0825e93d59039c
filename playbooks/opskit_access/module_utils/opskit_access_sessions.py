"""Who is at work on a host, what goes on there without them, and how both are ended.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it; a copy of it is
planted there with what ends grants in time.
"""

import glob
import os
import pwd
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
_ACCOUNTS = 65_535
# Where everybody may leave something.
_SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  # looked through, not written to
_MOST_LOOKED = 50_000


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
    table, ranges = _table(), _subordinate(uid)
    taken = {pid for pid, (_, users, _) in table.items() if _is_one_of(users, uid, ranges)}
    taken |= {pid for pid, (_, _, terminal) in table.items() if terminal and _by_sudo(pid, uid)}
    while True:
        below = {pid for pid, (parent, _, _) in table.items() if parent in taken} - taken
        if not below:
            break
        taken |= below
    return sorted(taken - _above(table))


def _table():
    found = {int(name): _status(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    return {pid: one for pid, one in found.items() if one}


def _is_one_of(users, uid, ranges):
    return uid in users or any(one in range_ for one in users for range_ in ranges)


def _subordinate(uid):
    """Return the numbers that an account may run containers as, by ranges.

    Ranges among which there may be accounts are somebody's mistake, and not followed.
    """
    try:
        names = {str(uid), pwd.getpwuid(uid).pw_name}
        with open("/etc/subuid", encoding="utf-8", errors="replace") as stream:
            rows = [line.strip().split(":") for line in stream]
    except (KeyError, OSError):
        return []
    found = [row for row in rows if len(row) == 3 and row[0] in names]
    starts = [(int(row[1]), int(row[2])) for row in found if row[1].isdigit() and row[2].isdigit()]
    return [range(start, start + count) for start, count in starts if start > _ACCOUNTS]


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
        # By its number: a name of digits alone would be taken for that of somebody else.
        places.ran(["loginctl", "terminate-user", str(found.pw_uid)])
    ended = {pid: what(pid) for pid in processes(found.pw_uid)}
    _signal(ended, signal.SIGTERM)
    until = time.monotonic() + _GENTLE_SECONDS
    while processes(found.pw_uid) and time.monotonic() < until:
        time.sleep(0.02)
    for _ in range(_ROUNDS):
        # What starts itself anew is not where a list of it was: only what holds still is seen.
        _all_at_once(found.pw_uid, signal.SIGSTOP)
        left = processes(found.pw_uid)
        if not left:
            return sorted(one for one in ended.values() if one)
        ended.update((pid, what(pid)) for pid in left)
        _all_at_once(found.pw_uid, signal.SIGKILL)
        _signal(left, signal.SIGKILL)
        time.sleep(0.02)
    msg = f"{account} still runs {what(left[0])}"
    raise places.Trouble(msg)


def _all_at_once(uid, number):
    """Have the kernel send a signal to all that runs as an account: what forks has no time to.

    One by one is too slow for what starts another of itself as soon as it is there.
    """
    if any(uid in users for users in map(_users_of, _above(_table()))):
        return  # it would end this very process, or what it stands on
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresuid(uid, uid, uid)
            os.kill(-1, number)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _users_of(pid):
    found = _status(pid)
    return found[1] if found else set()


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
    rows = []
    for one in _names(base, found.pw_uid):
        if one.endswith((".wants", ".requires")):
            wants = base + "/" + one
            rows += [wants + "/" + name for name in _names(wants, found.pw_uid, files=True)]
    return rows


def _names(path, uid, *, files=False):
    """Return what is in a directory of an account's; with FILES no directories, which are none."""
    try:
        with places.directory(path, (uid,)) as handle:
            names = sorted(os.listdir(handle))
            if not files:
                return names
            return [one for one in names if not stat.S_ISDIR(os.lstat(one, dir_fd=handle).st_mode)]
    except places.Trouble:
        return []


def sweep(account):
    """Take away what goes on by itself; tables of jobs are kept aside, for somebody to look at.

    Raises:
        Trouble: something is still there; what else there was is gone nevertheless.
    """
    found, swept, wrong = places.entry(account), [], []
    for kind, path in remains(account):
        parent, name = os.path.split(path)
        try:
            owners = (found.pw_uid,) if kind == "systemd-unit" else (0, os.stat(parent).st_uid)
            with places.directory(parent, owners) as handle:
                if kind in ("crontab", "at"):
                    _set_aside(handle, name, kind, found.pw_uid)
                places.gone(handle, name)
        except (places.Trouble, OSError) as error:
            wrong.append(f"{kind} {path}: {error}")
            continue
        swept.append(f"{kind} {path}")
    swept += _disarmed(found) if found else []
    if wrong:
        raise places.Trouble("; ".join(wrong))
    return swept


def _disarmed(found):
    """Take the bits from an account's programs that let others run them as it or as its groups.

    Such a program keeps a group for whoever was in it when it was made, after they left it.
    """
    told, looked = [], 0
    for base in (found.pw_dir, *_SHARED):
        for top, _, names, handle in os.fwalk(base):
            looked += len(names)
            if looked > _MOST_LOOKED:
                return [*told, "setuid not looked for any further than " + top]
            told += [f"setuid {top}/{one}" for one in names if _disarm(handle, one, found.pw_uid)]
    return told


def _disarm(handle, name, uid):
    """Do so to one file; whatever takes its place meanwhile is looked at once more."""
    try:
        if not _is_armed(os.lstat(name, dir_fd=handle), uid):
            return False
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        opened = os.open(name, flags, dir_fd=handle)
    except OSError:
        return False
    try:
        there = os.fstat(opened)
        if not _is_armed(there, uid):
            return False
        os.fchmod(opened, stat.S_IMODE(there.st_mode) & 0o1777)
    finally:
        os.close(opened)
    return True


def _is_armed(there, uid):
    return stat.S_ISREG(there.st_mode) and there.st_uid == uid and there.st_mode & 0o6000


def _set_aside(handle, name, kind, uid):
    """Keep a table of jobs, unless its owner made it such that it cannot be kept."""
    try:
        data = places.content(handle, name, (uid,))
    except places.Odd:
        return
    if data:
        label = f"{kind}-{name}-{int(time.time())}"
        with places.directory(SWEPT, make=(0, 0, 0o700)) as aside:
            places.put(aside, label, data, 0o600)
