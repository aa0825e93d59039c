"""Taking fingerprints: what is not a whole answer is no answer."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from opskit.fleet import taking
from opskit.fleet.fingerprint import Looks, Prints, Seal
from opskit.outside import ssh

KEY = b"k" * 32
RUN = (sys.executable, "-I", "-S", "-B", "-")


def looks(*resources: tuple[str, str], argv: tuple[str, ...] = RUN) -> Looks:
    return Looks(resources=resources, argv=argv)


def take(own: Looks) -> Prints | None:
    return taking.take({"web1": own}, KEY, Path("/"), dict(os.environ)).get("web1")


def says(text: str) -> Looks:
    return looks(("path", "/etc"), argv=("/bin/sh", "-c", f"cat >/dev/null; printf '%s' '{text}'"))


def test_the_same_state_gives_the_same_print_and_another_does_not(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    own = looks(("path", str(file)), ("presence", str(tmp_path / "b")))
    first = take(own)
    assert first is not None
    assert take(own) == first
    file.write_text("y")
    second = take(own)
    assert second is not None
    assert (second.values[1], second.values[2]) != (first.values[1], first.values[2])
    assert second.values[2] == first.values[2]


def test_a_change_that_was_undone_shows_in_the_stamp_alone(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    own = looks(("path", str(file)))
    first = take(own)
    file.write_text("y")
    file.write_text("x")
    second = take(own)
    assert first is not None
    assert second is not None
    assert first.values == second.values
    assert first.stamps != second.stamps


@pytest.mark.parametrize("kind", ["unknown", "user", "package", "fact", "sysctl"])
def test_what_cannot_be_told_for_certain_is_not_taken(kind: str) -> None:
    name = {"sysctl": ".//.//.etc.passwd"}.get(kind, "no-such-thing")
    found = take(looks((kind, name)))
    assert found is None or kind == "user"


def test_a_file_of_the_kernel_is_the_same_at_every_look() -> None:
    own = looks(("path", "/proc/self/mounts"), ("path", "/proc/version"))
    first = take(own)
    assert first is not None
    assert take(own) == first


def test_a_file_that_is_too_large_is_not_taken(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    assert take(looks(("path", str(tmp_path / "a")))) is None


def test_a_pipe_is_described_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert take(looks(("path", str(tmp_path / "a")), ("path", str(tmp_path / "b")))) is not None


def test_links_in_a_circle_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert take(looks(("path", str(tmp_path / "a")))) is None


@pytest.mark.parametrize(
    "text", ["", "garbage \x1b[2J", "opskit-00:{}", '{"euid": 0, "prints": [["a", "b"]]}']
)
def test_garbage_is_no_answer(text: str) -> None:
    assert take(says(text)) is None


@pytest.mark.parametrize(
    "told",
    [
        {"euid": 0, "prints": []},
        {"euid": 0, "prints": [None]},
        {"euid": 0, "prints": [["x", "y"]]},
        {"euid": "x", "prints": [["0" * 64, "0" * 64]]},
        {"prints": [["0" * 64, "0" * 64]]},
        [],
        7,
    ],
)
def test_an_answer_of_another_shape_is_no_answer(told: object) -> None:
    assert taking._read(f"m:{json.dumps(told)}", "m:", looks(("path", "/")), KEY) is None


def test_two_answers_are_no_answer() -> None:
    line = "m:" + json.dumps({"euid": 0, "prints": [["0" * 64, "0" * 64]]})
    assert taking._read(line, "m:", looks(("path", "/")), KEY) is not None
    assert taking._read(f"{line}\n{line}", "m:", looks(("path", "/")), KEY) is None


def test_a_host_that_hangs_is_left_out_and_the_others_are_not() -> None:
    calls = [ssh.Call("slow", ("sleep", "60"), b""), ssh.Call("quick", ("echo", "here"), b"")]
    start = time.monotonic()
    assert ssh.answers(calls, dict(os.environ), seconds=1.0) == {"quick": "here\n"}
    assert time.monotonic() - start < 30


def test_a_program_that_is_missing_or_fails_is_left_out() -> None:
    calls = [ssh.Call("a", ("/no/such/ssh",), b""), ssh.Call("b", ("false",), b"")]
    assert ssh.answers(calls, dict(os.environ), seconds=20.0) == {}


def test_ssh_asks_nobody_and_trusts_no_unknown_host() -> None:
    words = ssh.firm(("ssh", "-o", "StrictHostKeyChecking=no", "host"))
    assert words.index("StrictHostKeyChecking=yes") < words.index("StrictHostKeyChecking=no")
    assert "BatchMode=yes" in words


def test_a_seal_proves_only_when_all_is_the_same() -> None:
    from opskit.core.clock import Instant

    own = Prints(("a",), ("b",))
    seal = Seal("web1", "r", Instant(0), True, looks(("path", "/")), own)
    assert seal.proves(Prints(("a",), ("other",)))
    assert not seal.proves(Prints(("b",), ("b",)))
    assert not seal.proves(None)
    assert not Seal("web1", "r", Instant(0), False, seal.looks, own).proves(own)


def test_looks_survive_the_store() -> None:
    own = Looks(
        resources=(("path", "/a"),), argv=("ssh",), over_ssh=True, observed=(("p", "t"),),
        blind=(("p", "t", "i"),), not_evaluated=(("t", "p", "r", "a"),),
        uncovered=(("p", "t", "x"),),
    )  # fmt: skip
    assert Looks.from_json(own.as_json()) == own
