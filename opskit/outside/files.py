"""Files on this machine: private directories, atomic writes, the content that ships with opskit."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from opskit.core.errors import ConfigError, OutsideError

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_LONGEST_SECRET = 8_192


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn an `OSError` about `path` into one line with the next step."""
    try:
        yield
    except OSError as error:
        raise as_opskit_error(error, path) from error


def as_opskit_error(error: OSError, path: Path) -> OutsideError | ConfigError:
    """Return what the operating system refused, in words."""
    if error.errno in _DISK_FULL:
        return OutsideError(
            f"no space left to write {path}",
            hint="free some space (opskit wrote nothing half) and run the same command again",
            retryable=True,
        )
    if error.errno in _READ_ONLY:
        return ConfigError(
            f"{path} cannot be read or written: {error.strerror}",
            hint=f"check who owns it: ls -ld {path}",
        )
    return ConfigError(f"{path}: {error.strerror or error}", hint="check the path")


def private_directory(path: Path) -> Path:
    """Return `path`, made if missing, readable by its owner only.

    Raises:
        ConfigError: it belongs to somebody else or is a link.
    """
    with translated(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise ConfigError(
                f"{path} is not a directory of yours",
                hint="opskit keeps its state there; move it away or run as its owner; "
                "several share a PostgreSQL (database: in opskit.yaml)",
            )
        if stat.S_IMODE(status.st_mode) != 0o700:
            path.chmod(0o700)
    return path


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `data` so that a reader sees the old content or the new, never a part.

    The new content is on the disk before it takes the name. A disk that fills up leaves the old
    file as it was.
    """
    with translated(path):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchmod(stream.fileno(), mode)
                os.fsync(stream.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_directory(path: Path, files: Mapping[str, str]) -> None:
    """Make a private directory with files in it, by their names below it: whole, or not at all.

    Raises:
        ConfigError: it is there already, or cannot be made.
        OutsideError: there is no space left.
    """
    with translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            for name, text in files.items():
                (made / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                data = text.encode("utf-8", "backslashreplace")
                write_atomically(made / name, data, mode=0o600)
            made.rename(path)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


def read_secret(path: Path) -> str:
    """Return the one line of a file that only its owner, and perhaps its group, may read.

    Raises:
        ConfigError: it is not there, holds nothing or too much, or anybody may read it.
    """
    with translated(path), path.open("rb") as stream:
        status = os.fstat(stream.fileno())
        raw = stream.read(_LONGEST_SECRET + 1) if stat.S_ISREG(status.st_mode) else b""
    if status.st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ConfigError(f"{path} can be read by anybody", hint=f"chmod 600 {path}")
    text = raw.decode("utf-8", "replace").strip()
    if not text or len(raw) > _LONGEST_SECRET or not text.isprintable():
        raise ConfigError(f"{path} does not hold a secret", hint="write it there on one line")
    return text


def writable_by_others(directory: Path) -> bool:
    """Return whether anybody on this machine could put a file into `directory`."""
    return bool(directory.stat().st_mode & stat.S_IWOTH)


def content_root() -> Path:
    """Return where the shipped `playbooks/`, `alerts/` and `access/` are.

    In an installed package they lie inside it; in a checkout they are its top level.
    """
    package = Path(__file__).resolve().parent.parent
    packaged = package / "content"
    return packaged if packaged.is_dir() else package.parent
