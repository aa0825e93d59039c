"""Private directories and atomic writes, on real file systems that fill up and under real kills."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from opskit.core.errors import ConfigError, OpskitError, OutsideError
from opskit.outside.documents import parse
from opskit.outside.files import (
    as_opskit_error,
    content_root,
    open_file,
    private_directory,
    read_secret,
    translated,
    writable_by_others,
    write_atomically,
)
from tests.outside import isolated

NOBODY = 65_534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Return a directory that belongs to somebody else."""
    if os.geteuid() != 0:
        return Path("/")
    directory = tmp_path / "foreign"
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    return directory


# Private directories


@pytest.mark.parametrize("umask", [0, 0o022, 0o277])
def test_a_private_directory_is_made_for_its_owner_only(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        made = private_directory(tmp_path / "state")
    finally:
        os.umask(before)
    assert made == tmp_path / "state"
    assert mode(made) == 0o700


def test_directories_above_are_made_as_well(tmp_path: Path) -> None:
    assert private_directory(tmp_path / "a" / "b" / "c").is_dir()


@pytest.mark.parametrize("before", [0o755, 0o777, 0o750, 0o700])
def test_a_directory_that_was_open_is_closed(tmp_path: Path, before: int) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(before)
    (tmp_path / "state" / "kept").touch()
    assert mode(private_directory(tmp_path / "state")) == 0o700
    assert (tmp_path / "state" / "kept").exists()


def test_a_link_to_a_directory_is_refused_and_its_target_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o755)
    target.chmod(0o755)
    (tmp_path / "state").symlink_to(target)
    with pytest.raises(ConfigError, match="is not a directory of yours"):
        private_directory(tmp_path / "state")
    assert mode(target) == 0o755


def test_a_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="state"):
        private_directory(tmp_path / "state")
    assert not (tmp_path / "nowhere").exists()


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("here first")
    with pytest.raises(ConfigError, match="state"):
        private_directory(tmp_path / "state")
    assert (tmp_path / "state").read_text() == "here first"


def test_somebody_elses_directory_is_refused_and_left_alone(foreign: Path) -> None:
    before = mode(foreign)
    with pytest.raises(ConfigError, match="is not a directory of yours"):
        private_directory(foreign)
    assert mode(foreign) == before


# Atomic writes


def test_the_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old and longer")
    path.chmod(0o600)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o644
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("wanted", [0o644, 0o600, 0o400])
def test_the_file_has_the_mode_asked_for_whatever_the_umask(tmp_path: Path, wanted: int) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "f", b"", mode=wanted)
    finally:
        os.umask(before)
    assert mode(tmp_path / "f") == wanted


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    (tmp_path / "link").symlink_to(target)
    write_atomically(tmp_path / "link", b"new")
    assert target.read_bytes() == b"precious"
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("name", ["missing/file", "file/file"])
def test_where_there_is_no_directory_it_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=name):
        write_atomically(tmp_path / name, b"new")


def test_a_directory_in_its_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError):
        write_atomically(tmp_path / "out", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


FULL = """
import sys
from pathlib import Path
from opskit.core.errors import OutsideError
from opskit.outside.files import write_atomically
path = Path(sys.argv[1]) / "report.html"
write_atomically(path, b"old")
try:
    write_atomically(path, b"x" * 500_000)
except OutsideError as error:
    print(error.message, error.retryable, sep="|")
print(path.read_text(), [each.name for each in path.parent.iterdir()], sep="|")
write_atomically(path, b"new")
print(path.read_text())
"""


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    done = isolated.with_disk(tmp_path, "size=64k", FULL, tmp_path)
    assert done.stdout.splitlines() == [
        f"no space left to write {tmp_path}/report.html|True",
        "old|['report.html']",
        "new",
    ], done.stderr


def test_a_read_only_disk_is_one_line(tmp_path: Path) -> None:
    script = FULL.replace('write_atomically(path, b"old")', "").replace(
        "OutsideError", "OpskitError"
    )
    done = isolated.with_disk(tmp_path, "ro", script, tmp_path)
    assert "Read-only file system" in done.stdout.splitlines()[0]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from opskit.outside.files import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
write_atomically(Path(sys.argv[1]), b"x" * 500_000)
"""


def test_a_process_that_dies_half_way_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old")
    assert isolated.python(LIMITED, path).returncode < 0
    assert path.read_bytes() == b"old"


KILLED = """
import os, signal, sys
from pathlib import Path
from opskit.outside import files

path, step, status = Path(sys.argv[1]), 0, 1
while status:
    step += 1
    path.write_bytes(b"old")
    child = os.fork()
    if child == 0:
        left = step

        def trace(frame, event, _):
            global left
            if event == "line" and frame.f_code.co_filename == files.__file__:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        files.write_atomically(path, b"new and longer")
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(path.read_text())
"""


def test_killed_before_any_line_the_file_is_the_old_or_the_new(tmp_path: Path) -> None:
    done = isolated.python(KILLED, tmp_path / "report.html")
    seen = done.stdout.splitlines()
    assert len(seen) > 10, done.stderr
    turn = seen.index("new and longer")
    assert turn > 5
    assert seen == ["old"] * turn + ["new and longer"] * (len(seen) - turn)


# Refusals of the operating system, in words


@pytest.mark.parametrize(
    ("number", "kind", "retryable", "words"),
    [
        (errno.ENOSPC, OutsideError, True, "no space left to write"),
        (errno.EDQUOT, OutsideError, True, "no space left to write"),
        (errno.EFBIG, OutsideError, True, "no space left to write"),
        (errno.EROFS, ConfigError, False, "Read-only file system"),
        (errno.EACCES, ConfigError, False, "Permission denied"),
        (errno.EPERM, ConfigError, False, "Operation not permitted"),
        (errno.ENOENT, ConfigError, False, "No such file or directory"),
        (errno.EIO, ConfigError, False, "Input/output error"),
    ],
)
def test_what_the_system_refused_in_words(
    number: int, kind: type[OpskitError], retryable: bool, words: str
) -> None:
    error = as_opskit_error(OSError(number, os.strerror(number)), Path("/srv/x"))
    assert type(error) is kind
    assert error.retryable is retryable
    assert words in error.message
    assert "/srv/x" in error.message
    assert error.hint


def test_an_error_that_is_no_refusal_of_the_system_passes(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), translated(tmp_path):
        _ = 1 // 0


@pytest.mark.parametrize(
    ("given_mode", "shared"),
    [(0o700, False), (0o755, False), (0o775, False), (0o777, True), (0o1777, True), (0o702, True)],
)
def test_a_directory_others_can_write_is_known(
    tmp_path: Path, given_mode: int, shared: bool
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d").chmod(given_mode)
    assert writable_by_others(tmp_path / "d") is shared


def test_what_ships_with_opskit_is_found() -> None:
    assert {"playbooks", "alerts", "access"} <= {path.name for path in content_root().iterdir()}


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_secret_is_read_where_few_may_read_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cr3t\n")
    path.chmod(mode)
    assert read_secret(path) == "s3cr3t"


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o777])
def test_a_secret_that_anybody_may_read_or_write_is_none(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cr3t\n")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="can be read by anybody") as caught:
        read_secret(path)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n", "two\nlines", "a\0b", "x" * 10_000])
def test_what_is_no_secret_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(ConfigError, match="does not hold a secret"):
        read_secret(path)


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "people.yaml"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="is not a regular file"):
        open_file(pipe)
    with pytest.raises(ConfigError, match="is not a regular file"):
        parse(pipe)
