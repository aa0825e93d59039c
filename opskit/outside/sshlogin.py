"""Trying to log in to a host as somebody, with one key and nothing else, over stock `ssh`.

Hosts are reached as the inventory says, their keys are checked as it says, and nobody is asked
anything. What else the inventory would log in with is left out, so that a login that works was
opened by the key that is tried.
"""

from __future__ import annotations

import secrets
import shlex
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from opskit.core.errors import OutsideError
from opskit.core.text import clean
from opskit.outside.process import Beside, Completed, run

_SECONDS = 30.0
_STEP = 0.02
# How sshd says that a key opens nothing, and PAM that an account is over.
_SHUT = ("Permission denied", "account has expired", "account is locked")
# Options that bring other keys, or other accounts, than the one that is tried.
_OWN = ("identityfile", "certificatefile", "identityagent", "user", "identitiesonly")


class Door(StrEnum):
    """What came of an attempt."""

    OPEN = "open"
    SHUT = "shut"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whether somebody got in; `said` is why nobody can tell, or what was said."""

    door: Door
    said: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """An account with the private key that is tried and certificates for it."""

    account: str
    key: Path
    certificates: tuple[Path, ...] = ()

    def argv(self, way: Sequence[str], command: str) -> tuple[str, ...]:
        """Return the ssh command; `way` is how the inventory runs a program on the host.

        It ends with `-- ADDRESS PROGRAM`.
        """
        address = way[-2]
        own = [
            *("-l", self.account, "-i", str(self.key), "-o", "IdentitiesOnly=yes"),
            *("-o", "IdentityAgent=none", "-o", "ControlPath=none", "-o", "ConnectTimeout=10"),
            *("-o", "PreferredAuthentications=publickey"),
        ]
        own += [word for one in self.certificates for word in ("-o", f"CertificateFile={one}")]
        return (way[0], *own, *_without_own(way[1:-3]), "--", address, command)


def _without_own(words: Sequence[str]) -> Iterator[str]:
    """Yield ssh's options without those that bring keys or an account."""
    left = iter(words)
    for word in left:
        if word in {"-i", "-l"}:
            next(left, "")
        elif word == "-o":
            value = next(left, "")
            if not _brings(value):
                yield from (word, value)
        elif not word.startswith(("-i", "-l")) and not (
            word.startswith("-o") and _brings(word[2:])
        ):
            yield word


def _brings(option: str) -> bool:
    name = option.strip().replace("=", " ").split(" ")[0]
    return name.lower() in _OWN


def made_key(directory: Path, environment: Mapping[str, str]) -> tuple[Path, str]:
    """Return a new private key in a private directory, and `type base64` of its public half.

    Raises:
        OutsideError: ssh-keygen makes none.
    """
    path = directory / "key"
    argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path))
    done = run(argv, timeout=_SECONDS, environment=environment)
    if done.status != 0:
        raise OutsideError(f"ssh-keygen makes no key: {_last(done)}", hint="opskit doctor")
    public = path.with_name(f"{path.name}.pub").read_text(encoding="ascii")
    return path, " ".join(public.split()[:2])


def attempt(login: Login, way: Sequence[str], environment: Mapping[str, str]) -> Attempt:
    """Try to log in once; open only where a program of ours ran on the host."""
    word = secrets.token_hex(16)
    done = run(
        login.argv(way, shlex.join(["echo", word])), timeout=_SECONDS, environment=environment
    )
    if word in done.stdout:
        return Attempt(Door.OPEN)
    said = _last(done)
    if done.status == 255 and any(one in done.stderr for one in _SHUT):
        return Attempt(Door.SHUT, said)
    return Attempt(Door.UNKNOWN, said)


class Session:
    """Somebody logged in, at work until they are thrown out."""

    def __init__(
        self, login: Login, way: Sequence[str], environment: Mapping[str, str], directory: Path
    ) -> None:
        self._word = secrets.token_hex(16)
        self._opened = threading.Event()
        self._said: list[str] = []
        command = f"echo {self._word}; exec sleep 3600"
        self._process = Beside(
            login.argv(way, command), self._heard, environment=environment, directory=directory
        )

    def _heard(self, line: str) -> None:
        if line == self._word:
            self._opened.set()
        else:
            self._said = [*self._said[-4:], clean(line)]

    @property
    def said(self) -> str:
        """Return the last line that was said, as to why there is no session."""
        return self._said[-1] if self._said else "ssh said nothing"

    def opens(self, seconds: float = _SECONDS) -> bool:
        """Return whether the program of ours came to run there, waiting for it."""
        deadline = time.monotonic() + seconds
        while not self._opened.wait(_STEP):
            if self._process.status is not None or time.monotonic() > deadline:
                return self._opened.wait(_STEP)  # its last line may be on its way
        return True

    def ends(self, seconds: float) -> bool:
        """Return whether it was ended by somebody else, waiting for it."""
        deadline = time.monotonic() + seconds
        while self._process.status is None and time.monotonic() < deadline:
            threading.Event().wait(_STEP)
        return self._process.status is not None

    def close(self) -> None:
        """End it from here."""
        self._process.end(grace=1.0)


def _last(done: Completed) -> str:
    if done.timed_out:
        return "it gave no answer in time"
    lines = (done.stderr or done.stdout).strip().splitlines()
    return clean(lines[-1]) if lines else f"exit status {done.status}"
