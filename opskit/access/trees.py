"""Copies of hosts' files: which hosts a path holds, and what one of them gives to read.

A copy is read as if its root were `/`: a link in it leads to where it would on the host, and never
out of the copy. Only plain files are opened. Owner and mode of a copy are those of whoever copied,
and are not believed; but a file that anybody may write is told as that. What is there and cannot
be read is trouble, which is told: nobody may take it for "there is nothing".
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opskit.access.hosts.model import File
from opskit.access.hosts.reading import Given, Source
from opskit.core.errors import ConfigError
from opskit.core.text import clean

MAX_BYTES = 4_000_000
_MAX_LINES = 100_000
# Together, of one host.
_MAX_TOTAL = 64_000_000
_MAX_NAMES = 20_000
_MOST_ASKED = 250_000
_MAX_LINKS = 8
_MAX_DEPTH = 32
# What makes a directory a host's root.
_TOPS = ("etc", "home", "root")
# What distributions ship, where only a file of sudoers.d is there: nothing is held against it.
_MAIN_SUDOERS = """\
Defaults env_reset, use_pty, secure_path="/usr/sbin:/usr/bin:/sbin:/bin"
@includedir /etc/sudoers.d
"""
_HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_HINT = (
    "give a host's root copied somewhere (with etc/, home/ or root/ in it), a directory of such, "
    "or one file: sudoers, sudoers.d/NAME, authorized_keys, sshd_config, passwd, group"
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is there and could not be read."""

    path: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """Return it for JSON."""
        return {"path": self.path, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Place:
    """One host's files: where they are, and the host's name."""

    name: str
    path: Path
    whole: bool = True

    def source(self) -> Tree | Single:
        """Return what reads them."""
        return Tree(self.path) if self.whole else Single(self.path)


def places(paths: Sequence[Path]) -> tuple[tuple[Place, ...], tuple[Trouble, ...]]:
    """Return the hosts that paths hold, each with a name of its own, and what is none.

    Raises:
        ConfigError: a path is not there, or holds nothing of a host.
    """
    found: list[Place] = []
    troubles: list[Trouble] = []
    for path in paths:
        if path.is_dir():
            here, odd = _in_directory(path)
            found += here
            troubles += odd
        elif path.exists():
            _host_path(path)  # says at once where it cannot be told what it is
            found.append(Place(clean(str(path)), path, whole=False))
        else:
            raise ConfigError(f"{path} is not there", hint=_HINT)
    return tuple(_named_apart(found)), tuple(troubles)


def _in_directory(path: Path) -> tuple[list[Place], list[Trouble]]:
    if _is_root(path):
        return [_place(path)], []
    if path.resolve().name == "etc":
        return [_place(path.resolve().parent if path.name != "etc" else path.parent)], []
    with os.scandir(path) as entries:
        inside = sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
        )
    roots = [name for name in inside if _is_root(path / name)]
    if not roots:
        raise ConfigError(f"{path} holds nothing of a host", hint=_HINT)
    odd = [Trouble(str(path / name), "holds nothing of a host") for name in set(inside) - {*roots}]
    return [_place(path / name) for name in roots], sorted(odd, key=lambda one: one.path)


def _is_root(path: Path) -> bool:
    return any((path / top).is_dir() for top in _TOPS)


def _place(path: Path) -> Place:
    file = Tree(path).file("/etc/hostname")
    written = file.text.strip().partition("\n")[0].strip() if file else ""
    return Place(written if _HOST_NAME.fullmatch(written) else _directory_name(path), path)


def _directory_name(path: Path) -> str:
    return clean(path.resolve().name) or "/"


def _named_apart(found: Sequence[Place]) -> Iterator[Place]:
    """Yield each place; one named as another before it also says where it is."""
    taken: set[str] = set()
    for place in found:
        name = place.name
        if name in taken:
            name = f"{name} ({clean(str(place.path))})"
        taken.add(name)
        yield Place(name, place.path, place.whole)


@dataclass(slots=True)
class Tree:
    """The files of a host below a directory. Trouble gathers while it is read."""

    root: Path
    troubles: list[Trouble] = field(default_factory=list)
    _base: str = ""
    _directories: dict[str, str | None] = field(default_factory=dict)
    _left: int = _MAX_TOTAL
    _asked: int = 0

    def __post_init__(self) -> None:
        """Keep the root as text: it is put before each path."""
        self._base = str(self.root).rstrip("/")

    @property
    def whole(self) -> bool:
        """Return whether a file that is not there is not there on the host."""
        return True

    def file(self, path: str) -> File | None:
        """Return a file; None where there is none, or none that may be read."""
        real = None if self._too_many() else self._real(path, 0)
        if real is None:
            return None
        try:
            return self._read(path, self._base + real)
        except OSError as error:
            self._tell(path, error.strerror or str(error))
            return None

    def _read(self, path: str, real: str) -> File | None:
        kind = os.lstat(real).st_mode
        if stat.S_ISDIR(kind):
            return None
        if not stat.S_ISREG(kind):
            self._tell(path, "is no plain file")
            return None
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(handle)
            raw = _bytes(handle, MAX_BYTES + 1) if stat.S_ISREG(status.st_mode) else b""
        finally:
            os.close(handle)
        self._left -= len(raw)
        if why := self._too_large(raw):
            self._tell(path, why)
            return None
        return self._file(path, raw, status)

    def _too_large(self, raw: bytes) -> str:
        if self._left < 0:
            return f"the files of this host are larger than {_MAX_TOTAL:,} bytes"
        if len(raw) > MAX_BYTES:
            return f"is larger than {MAX_BYTES:,} bytes"
        return f"has more than {_MAX_LINES:,} lines" if raw.count(b"\n") > _MAX_LINES else ""

    def _file(self, path: str, raw: bytes, status: os.stat_result) -> File:
        text = raw.decode("utf-8", "surrogateescape")
        mode = stat.S_IMODE(status.st_mode)
        if not self._base:  # this machine's own: nobody copied it
            return File(path, text, path, mode, status.st_uid, status.st_gid)
        believed = mode if mode & stat.S_IWOTH else None
        return File(path, text, self._shown(path), believed)

    def listing(self, directory: str) -> Sequence[str] | None:
        """Return the names in a directory, in order; None where there is none."""
        real = self._real(directory, 0) if directory.strip("/") else ""
        if real is None or self._too_many():
            return None
        try:
            names = sorted(os.listdir(self._base + real or "/"))  # noqa: PTH208  # names alone
        except NotADirectoryError:
            return None
        except OSError as error:
            self._tell(directory, error.strerror or str(error))
            return None
        if len(names) > _MAX_NAMES:
            self._tell(directory, f"holds more than {_MAX_NAMES:,} names")
        return names[:_MAX_NAMES]

    def _too_many(self) -> bool:
        self._asked += 1
        if self._asked > _MOST_ASKED:
            self._tell("", f"its files name more than {_MOST_ASKED:,} others")
        return self._asked > _MOST_ASKED

    def _real(self, path: str, links: int) -> str | None:
        """Return where a path of the host leads to, inside the copy; None where nothing is."""
        if path.count("/") > _MAX_DEPTH or "\0" in path:
            self._tell(path, "is no path that can be followed")
            return None
        parent, _, name = path.rpartition("/")
        base = self._directory(parent, links)
        if base is None or name in {"", "."}:
            return base
        if name == "..":
            return base.rpartition("/")[0]
        return self._followed(path, base, name, links)

    def _followed(self, path: str, base: str, name: str, links: int) -> str | None:
        here = f"{base}/{name}"
        try:
            if not stat.S_ISLNK(os.lstat(self._base + here).st_mode):
                return here
            target = os.readlink(self._base + here)  # noqa: PTH115  # text, as it stands there
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._tell(path, error.strerror or str(error))
            return None
        return self._linked(path, target if target.startswith("/") else f"{base}/{target}", links)

    def _linked(self, path: str, target: str, links: int) -> str | None:
        found = self._real(target, links + 1) if links < _MAX_LINKS else None
        if found is None:
            self._tell(path, f"is a link to {target}, which is not in this copy")
        return found

    def _directory(self, path: str, links: int) -> str | None:
        if not path.strip("/"):
            return ""
        if path not in self._directories:
            self._directories[path] = self._real(path, links)
        return self._directories[path]

    def _shown(self, path: str) -> str:
        return path[1:] if self._base == "." else self._base + path

    def _tell(self, path: str, reason: str) -> None:
        trouble = Trouble(clean(self._shown(path)), clean(reason))
        if trouble not in self.troubles:
            self.troubles.append(trouble)


def _bytes(handle: int, most: int) -> bytes:
    parts: list[bytes] = []
    while most > 0 and (part := os.read(handle, min(most, 1_000_000))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


@dataclass(slots=True)
class Single:
    """One file of a host, recognized by its name and place. Nothing else is known of the host."""

    path: Path
    troubles: list[Trouble] = field(default_factory=list)
    _given: Source | None = None

    @property
    def whole(self) -> bool:
        """Return that of nothing else can be said that it is not there."""
        return False

    def file(self, path: str) -> File | None:
        """Return the file, if it is this one."""
        return self._known().file(path)

    def listing(self, directory: str) -> Sequence[str] | None:
        """Return the names in a directory of the host, as far as they are known."""
        return self._known().listing(directory)

    def _known(self) -> Source:
        if self._given is None:
            tree = Tree(self.path.parent)
            file = tree.file(f"/{self.path.name}")
            self.troubles += tree.troubles
            host_path = _host_path(self.path)
            files = {} if file is None else {
                host_path: File(host_path, file.text, str(self.path), file.mode)
            }  # fmt: skip
            if "/sudoers.d/" in host_path and files:
                main = File("/etc/sudoers", _MAIN_SUDOERS, str(self.path))
                files["/etc/sudoers"] = main
            self._given = Given(files)
        return self._given


_BY_NAME = {
    "sudoers": "/etc/sudoers",
    "sshd_config": "/etc/ssh/sshd_config",
    "passwd": "/etc/passwd",
    "group": "/etc/group",
}


def _host_path(path: Path) -> str:
    """Return where a file would be on a host.

    Raises:
        ConfigError: it cannot be told.
    """
    here = path.absolute()
    above = here.parent.name
    if here.name in _BY_NAME:
        return _BY_NAME[here.name]
    if above == "sudoers.d":
        return f"/etc/sudoers.d/{here.name}"
    if above == "sshd_config.d" and here.suffix == ".conf":
        return "/etc/ssh/sshd_config"
    if here.name in {"authorized_keys", "authorized_keys2"}:
        home = here.parent.parent if above == ".ssh" else here.parent
        return f"{'' if home.name == 'root' else '/home'}/{home.name}/.ssh/{here.name}"
    raise ConfigError(f"it cannot be told what {path} is on a host", hint=_HINT)
