"""What a host says of access, as it is: files, versions, processes; somebody else judges it.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it. Nothing it
returns holds a password's hash.
"""

import base64
import glob
import grp
import hashlib
import json
import os
import pwd
import re
import stat
import zlib

from ansible.module_utils import (
    opskit_access_expire as expire,
    opskit_access_places as places,
    opskit_access_sessions as sessions,
    opskit_access_stand as stand,
    opskit_access_ways as ways_of,
)

_WITH_HASHES = ("/etc/passwd", "/etc/group", "/etc/shadow")
_FILES = (
    "/etc/sudoers",
    "/etc/sudoers.d/*",
    "/etc/ssh/sshd_config",
    "/etc/ssh/sshd_config.d/*",
)
_ALL_FILES = 8 << 20
_MOST_FILES = 2_000
_MOST_PATHS = 300
_MOST_ROWS = 200
_LARGEST_COMMAND = 16 << 20
_INCLUDE = re.compile(r"^[ \t]*(?:[@#]include|[Ii]nclude(?=[ \t]))(dir)?[ \t]+(\S+)", re.MULTILINE)
_COMMAND = re.compile(r"(?<![\w./\\-])/[^\s,:=!()\"\\]*[^\s,:=!()\"\\/*]")


def packed(value):
    """Return a value as text that nothing on its way changes or shortens."""
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


def look(placements, ways):
    """Return all that is known of this host, and how PLACEMENTS stand on it."""
    standings, wrong = stand.standings(placements, ways)
    people = pwd.getpwall()[:_MOST_FILES]
    reader = _read(people, ways)
    known = places.kept()
    managed = {one["account"] for one in placements} | set(known["accounts"])
    managed |= {one["account"] for one in known["grants"].values()}
    return {
        "files": reader.files,
        "unread": reader.unread,
        "sudo_version": ways.sudo_said,
        "sshd_version": ways.ssh_said,
        "sshd": ways.sshd("root"),
        "timer": expire.timer(),
        "paths": [_path_fact(path) for path in _commands(reader.files)],
        "sessions": [row for one in sorted(managed) for row in _sessions(one)],
        "remains": [row for one in people for row in _remains(one)][: 10 * _MOST_ROWS],
        "standings": standings,
        "wrong": wrong,
    }


# Files


def _read(people, ways):
    """Read what says who may log in and who may become whom."""
    reader = Reader()
    for path in _WITH_HASHES:  # an old line of passwd or group holds one, too
        reader.read(path, without_hashes)
    for pattern in _FILES:
        for path in sorted(glob.glob(pattern)):
            reader.read(path)
    for path in _included(reader.files):
        reader.read(path)
    seen = set()
    for one in people:
        files = ways.key_files(one.pw_name)
        for path in [*files, *(file + "2" for file in files if file.endswith("authorized_keys"))]:
            if path not in seen:
                seen.add(path)
                reader.read(path, account=one.pw_name)
    if not ways.sshd("root"):
        reader.unread.append({"path": "sshd -T", "why": ways.sshd_why})
    return reader


def without_hashes(data):
    """Return lines of accounts with each hash replaced: `!` for locked, else `$set$`.

    Nothing stays nothing, and the `x` that stands for shadow stays.
    """
    lines = []
    for line in data.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 1 and fields[1] not in (b"", b"x"):
            fields[1] = b"!" if fields[1][:1] in b"!*" else b"$set$"
        lines.append(b":".join(fields))
    return b"\n".join(lines)


class Reader:
    """Reads files up to a limit, and says what it did not read."""

    def __init__(self):
        """Start with nothing."""
        self.files = []
        self.unread = []
        self._left = _ALL_FILES

    def read(self, path, change=None, account=None):
        """Add a file; one that is not there is no file."""
        owner = ways_of.place_of(path, account) if account else None
        owners = (owner.pw_uid,) if owner else (0,)
        parent, name = os.path.split(path)
        try:
            with places.directory(parent, owners, firm=False) as handle:
                # In root's own directories a wrong owner is a finding, not a danger.
                data = places.content(handle, name, owners if owner else None)
                if data is None:
                    return
                found = os.lstat(name, dir_fd=handle)
        except places.Missing:
            return
        except (places.Trouble, OSError) as error:
            self.unread.append({"path": path, "why": str(error)})
            return
        data = change(data) if change else data
        self._left -= len(data)
        if self._left < 0 or len(self.files) >= _MOST_FILES:
            self.unread.append({"path": path, "why": "there is too much to read"})
            return
        self.files.append(
            {
                "path": path,
                "text": base64.b64encode(data).decode(),
                "mode": stat.S_IMODE(found.st_mode),
                "uid": found.st_uid,
                "gid": found.st_gid,
            }
        )


def _included(files):
    """Return the files that sudo rules and sshd's settings take in from elsewhere."""
    known, found = {one["path"] for one in files}, []
    for one in files:
        text = base64.b64decode(one["text"]).decode("utf-8", "replace")
        for whole, named in _INCLUDE.findall(text):
            path = os.path.join(os.path.dirname(one["path"]), named.strip('"'))
            pattern = path.rstrip("/") + "/*" if whole == "dir" else path
            found += [file for file in sorted(glob.glob(pattern)) if file not in known]
    return list(dict.fromkeys(found))[:_MOST_ROWS]


# Facts


def _commands(files):
    texts = [base64.b64decode(one["text"]) for one in files if one["path"].startswith("/etc/sudo")]
    found = set()
    for text in texts:
        lines = text.decode("utf-8", "replace").splitlines()
        live = "\n".join(line for line in lines if not line.lstrip().startswith(("#", "@")))
        found |= set(_COMMAND.findall(live))
    return sorted(found)[:_MOST_PATHS]


def _path_fact(path):
    """Return what lies at a path, and who besides root may put something else there."""
    writers, kind = _writers(path)
    interpreter = digest = ""
    if kind == "link":
        more, _ = _writers(os.path.realpath(path))
        writers |= more
    if kind in ("file", "link"):
        interpreter, digest = _inside(path)
    if interpreter:
        more, _ = _writers(os.path.realpath(interpreter))
        writers |= more
    return {
        "path": path,
        "kind": kind,
        "writable_by": sorted(writers),
        "interpreter": interpreter,
        "sha256": digest,
    }


def _writers(path):
    kind, found, below = "missing", set(), None
    while True:
        try:
            there = os.lstat(path)
        except OSError:
            there = None
        if there is not None:
            kind = _kind(there) if below is None else kind
            found |= _who_writes(there, below is not None and below is not False)
        if path == "/":
            return found, kind
        below = there or False
        path = os.path.dirname(path)


def _kind(there):
    if stat.S_ISLNK(there.st_mode):
        return "link"
    return "directory" if stat.S_ISDIR(there.st_mode) else "file"


def _who_writes(there, holds_something):
    """Return who may write; in a sticky directory nobody replaces what is another's."""
    if stat.S_ISLNK(there.st_mode):
        return set()
    found = {_user(there.st_uid)} if there.st_uid else set()
    sticky = stat.S_ISDIR(there.st_mode) and there.st_mode & stat.S_ISVTX and holds_something
    if there.st_mode & 0o020 and there.st_gid and not sticky:
        found.add("%" + _group(there.st_gid))
    if there.st_mode & 0o002 and not sticky:
        found.add("ALL")
    return found


def _user(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def _group(gid):
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"#{gid}"


def _inside(path):
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return "", ""
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return "", ""  # to open a device alone may set something off
        with open(f"/proc/self/fd/{handle}", "rb") as stream:
            data = stream.read(_LARGEST_COMMAND + 1)
    except OSError:
        return "", ""
    finally:
        os.close(handle)
    first = data[:300].split(b"\n", 1)[0]
    words = first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []
    digest = hashlib.sha256(data).hexdigest() if len(data) <= _LARGEST_COMMAND else ""
    return words[0] if words else "", digest


def _sessions(account):
    found = places.entry(account)
    if found is None or found.pw_uid == 0:
        return []
    pids = sessions.processes(found.pw_uid)[:_MOST_ROWS]
    return [{"account": account, "what": sessions.what(pid), "since": _since(pid)} for pid in pids]


def _since(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            ticks = int(stream.read().rpartition(")")[2].split()[19])
        with open("/proc/stat", encoding="ascii", errors="replace") as stream:
            booted = int(re.search(r"^btime (\d+)", stream.read(), re.MULTILINE)[1])
    except (OSError, ValueError, IndexError, TypeError):
        return None
    return int((booted + ticks / os.sysconf("SC_CLK_TCK")) * 1_000_000)


def _remains(one):
    rows = sessions.remains(one.pw_name)[:_MOST_ROWS] if one.pw_uid else []
    return [{"account": one.pw_name, "what": kind, "detail": path} for kind, path in rows]
