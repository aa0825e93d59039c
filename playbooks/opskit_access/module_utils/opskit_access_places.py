"""Files that may lie where a user can move things about, and what opskit itself keeps on a host.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it; a copy of it is
planted there with what ends grants in time.
"""

import contextlib
import errno
import fcntl
import json
import os
import pwd
import re
import secrets
import stat
import subprocess
import sys
import time

OWN = "/etc/opskit"
STATE = OWN + "/access.json"
LOCK = "/run/opskit.lock"
LARGEST = 1 << 20
_LINKS = 20
# Something else than a directory on the way, or a flag that keeps even root from changing it.
_ODD = (errno.ENOTDIR, errno.ELOOP, errno.EPERM)
_GET_FLAGS, _SET_FLAGS, _FROZEN = 0x80086601, 0x40086602, 0x30
_LEFT_OVER = re.compile(r"\.opskit-[0-9a-f]{16}")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Trouble(Exception):
    """Something was refused or failed; the message says why."""


class Missing(Trouble):
    """A directory is not there."""


class Odd(Trouble):
    """What somebody made of a place that is theirs is not to be trusted, or cannot be changed."""


def ran(words, seconds=30):
    """Return status and output of a program; a missing one is status 127."""
    try:
        done = subprocess.run(
            words,
            env={"PATH": _PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        return 127, words[0] + " is not installed"
    except subprocess.TimeoutExpired:
        return 124, words[0] + " took too long"
    return done.returncode, done.stdout.decode("utf-8", "replace")


def must(words):
    """Run a program that has to succeed.

    Raises:
        Trouble: it did not; its first line says why.
    """
    status, said = ran(words)
    if status:
        first = (said.strip().splitlines() or [f"status {status}"])[0]
        raise Trouble(words[0] + ": " + first[:300])
    return said


# Places


@contextlib.contextmanager
def directory(path, owners=(0,), make=None, *, firm=True):
    """Open the directory PATH: none of its parts is a link, or belongs to others than OWNERS.

    A link of root's in a directory that only root can write is followed. MAKE is the (uid, gid,
    mode) of the last part, where it has to be made. What is root's alone nobody else may write to,
    unless FIRM is false: to look at it is no danger. Yields a descriptor.
    """
    handle = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    parts, links = _parts(path), 0
    try:
        while parts:
            part = parts.pop(0)
            target = _link(handle, part)
            if target is not None:
                links += 1
                if links > _LINKS:
                    raise Odd(path + ": too many links")
                parts = _parts(target) + parts
                handle = _entered(handle, "/") if target.startswith("/") else handle
                continue
            if make and not parts:
                _made(handle, part, make)
            handle = _entered(handle, part)
            _owned(handle, path, owners, firm)
        yield handle
    except FileNotFoundError:
        raise Missing(path + " is not there") from None
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise (Odd if error.errno in _ODD else Trouble)(msg) from None
    finally:
        os.close(handle)


def _parts(path):
    if ".." in path.split("/"):
        raise Trouble(path + " leads upwards")
    return [part for part in path.split("/") if part not in ("", ".")]


def _link(handle, part):
    """Return where a link leads that only root can have made, or None for what is none."""
    try:
        found = os.lstat(part, dir_fd=handle)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(found.st_mode):
        return None
    around = os.fstat(handle)
    if found.st_uid or around.st_uid or around.st_mode & 0o022:
        raise Odd(part + " is a link; it is not followed")
    return os.readlink(part, dir_fd=handle)


def _made(handle, part, make):
    uid, gid, mode = make
    try:
        os.mkdir(part, 0o700, dir_fd=handle)
    except FileExistsError:
        return
    new = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
    try:
        os.fchown(new, uid, gid)
        os.fchmod(new, mode)
    finally:
        os.close(new)


def _entered(handle, part):
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    new = os.open(part, flags, dir_fd=handle)
    os.close(handle)
    return new


def _owned(handle, path, owners, firm):
    found = os.fstat(handle)
    open_to = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
    if firm and open_to and not any(owners):
        raise Trouble(f"{path}: others than root can write to a directory in it")
    if found.st_uid not in {0, *owners}:
        raise Odd(f"{path}: a directory in it belongs to user {found.st_uid}")


def content(handle, name, owners=(0,)):
    """Return what a plain file in an open directory holds, or None if there is none.

    Raises:
        Trouble: it is a link, has a second name, is not OWNERS' (None: anybody's), or is too large.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        opened = os.open(name, flags, dir_fd=handle)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Odd(name + " is a link; it is not followed") from None
        raise
    with os.fdopen(opened, "rb") as stream:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise Odd(name + " is no plain file with one name")
        if owners is not None and found.st_uid not in {0, *owners}:
            raise Odd(f"{name} belongs to user {found.st_uid}")
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Odd(name + " is too large")
    return data


def put(handle, name, data, mode, owner=(0, 0), check=None):
    """Let a file in an open directory hold DATA, whole or not at all. CHECK is asked before."""
    _sweep(handle)
    fresh = ".opskit-" + secrets.token_hex(8)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(fresh, flags, 0o600, dir_fd=handle)
    try:
        with os.fdopen(opened, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchown(opened, *owner)
            os.fchmod(opened, mode)
            os.fsync(opened)
        if check:
            check(fresh)
        os.rename(fresh, name, src_dir_fd=handle, dst_dir_fd=handle)
    except BaseException:
        os.unlink(fresh, dir_fd=handle)
        raise
    os.fsync(handle)


def _sweep(handle):
    """Remove what was left by one that was killed; nobody else is at it, as the lock is held."""
    for name in os.listdir(handle):
        if _LEFT_OVER.fullmatch(name):
            gone(handle, name)


def put_aside(path, owner):
    """Move what lies at PATH, in the home of OWNER, to where nobody looks; return whether it was.

    Of what cannot be trusted nothing is read and nothing followed: the name itself goes, or that
    of the first part of the way to it that is no directory.
    """
    home = owner.pw_dir.rstrip("/")
    *way, last = _parts(path[len(home) :])
    with directory(home, (owner.pw_uid,)) as handle:
        opened = os.dup(handle)
        try:
            for part in way:
                found = os.lstat(part, dir_fd=opened)
                if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, owner.pw_uid):
                    return _moved(opened, part)
                opened = _entered(opened, part)
            return _moved(opened, last)
        except FileNotFoundError:
            return False
        finally:
            os.close(opened)


def _moved(handle, name):
    aside = f"{name}.opskit-{secrets.token_hex(8)}"
    try:
        os.rename(name, aside, src_dir_fd=handle, dst_dir_fd=handle)
    except PermissionError:
        _thaw(handle)
        _thaw_in(handle, name)
        os.rename(name, aside, src_dir_fd=handle, dst_dir_fd=handle)
    return True


def _thaw_in(handle, name):
    if stat.S_IFMT(os.lstat(name, dir_fd=handle).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
        return
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    opened = os.open(name, flags, dir_fd=handle)
    try:
        _thaw(opened)
    finally:
        os.close(opened)


def _thaw(opened):
    """Take the flags from an open file that keep it as it is (chattr +i, +a)."""
    flags = int.from_bytes(fcntl.ioctl(opened, _GET_FLAGS, bytes(8))[:4], sys.byteorder)
    if flags & _FROZEN:
        fcntl.ioctl(opened, _SET_FLAGS, (flags & ~_FROZEN).to_bytes(8, sys.byteorder))


def gone(handle, name):
    """Remove a name from an open directory; return whether it was there."""
    try:
        os.unlink(name, dir_fd=handle)
    except FileNotFoundError:
        return False
    os.fsync(handle)
    return True


def placed(path, data, mode, check=None):
    """Let a file of root's hold DATA; return whether it did not before."""
    parent, name = os.path.split(path)
    with directory(parent, make=(0, 0, 0o755)) as handle:
        if content(handle, name) == data and _mode(handle, name) == (mode, 0):
            return False
        put(handle, name, data, mode, check=check)
    return True


def _mode(handle, name):
    found = os.lstat(name, dir_fd=handle)
    return stat.S_IMODE(found.st_mode), found.st_uid


def removed(path):
    """Remove a file of root's; return whether it was there."""
    parent, name = os.path.split(path)
    try:
        with directory(parent) as handle:
            return gone(handle, name)
    except Missing:
        return False


# What opskit keeps


@contextlib.contextmanager
def alone(seconds=60):
    """Let nobody else change access on this host meanwhile."""
    handle = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Trouble("another run is changing access on this host") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def kept():
    """Return what opskit knows of this host: accounts it made, grants and what it did for each.

    Raises:
        Trouble: the file is there and cannot be read: nothing may be changed without it.
    """
    try:
        with directory(OWN) as handle:
            data = content(handle, "access.json")
    except Missing:
        data = None
    fresh = {
        "administrators": ["root"],
        "version": 1,
        "accounts": {},
        "grants": {},
        "members": [],
        "had": {},
        "ending": [],
        "again": {},
    }
    if data is None:
        return fresh
    try:
        return dict(fresh, **json.loads(data.decode()))
    except ValueError:
        raise Trouble(STATE + " cannot be read") from None


def keep(state):
    """Write what opskit knows of this host."""
    with directory(OWN, make=(0, 0, 0o700)) as handle:
        data = (json.dumps(state, indent=1, sort_keys=True) + "\n").encode()
        if content(handle, "access.json") != data:
            put(handle, "access.json", data, 0o600)


def entry(account):
    """Return the line of passwd for an account, or None."""
    try:
        return pwd.getpwnam(account)
    except KeyError:
        return None
