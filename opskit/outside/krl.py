"""Lists of revoked keys (KRL, OpenSSH's PROTOCOL.krl), made and checked by stock `ssh-keygen -k`.

sshd reads the list anew at each login and needs no reload. Where the file is missing or garbage it
refuses every key: a list is handed out only after it was read back whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opskit.core.errors import OutsideError
from opskit.outside.process import Completed, run
from opskit.outside.sshca import minimal, said

_SECONDS = 60.0
_KEYGEN = "ssh-keygen"


@dataclass(frozen=True, slots=True)
class RevokedCertificate:
    """A certificate that counts no more.

    `authority` is `type base64` of who signed it, `line` the certificate as it was handed out.
    """

    authority: str
    serial: int
    line: str


def revocation_list(
    certificates: Iterable[RevokedCertificate],
    keys: Iterable[str],
    version: int,
    environment: Mapping[str, str],
) -> bytes:
    """Return a list that revokes certificates, by the serial of each authority, and plain keys.

    `keys` are `type base64`; each is revoked by itself and in every certificate. `version` is what
    `ssh-keygen -Q -l` shows.

    Raises:
        OutsideError: ssh-keygen made none, or what it made does not revoke all of it.
    """
    revoked, plain = tuple(certificates), tuple(keys)
    with tempfile.TemporaryDirectory(prefix="opskit-") as name:
        making = _Making(Path(name), version, minimal(environment))
        making.add("".join(f"key: {one}\n" for one in plain))
        for authority in sorted({one.authority for one in revoked}):
            serials = sorted({one.serial for one in revoked if one.authority == authority})
            making.add("".join(f"serial: {one}\n" for one in serials), authority)
        if not making.revokes((*plain, *(one.line for one in revoked))):
            raise OutsideError("a list of revoked keys would not revoke what it should")
        return making.path.read_bytes()


@dataclass(frozen=True, slots=True)
class _Making:
    """A list in the making, in a private directory."""

    directory: Path
    version: int
    environment: Mapping[str, str]

    @property
    def path(self) -> Path:
        return self.directory / "krl"

    def add(self, specification: str, authority: str = "") -> None:
        """Revoke more; the first call makes the list, even an empty one."""
        given = self.directory / "specification"
        given.write_text(specification, encoding="ascii")
        words = [_KEYGEN, "-q", "-k", "-f", str(self.path), "-z", str(self.version)]
        words += ["-u"] if self.path.exists() else []
        if authority:
            public = self.directory / "authority.pub"
            public.write_text(f"{authority}\n", encoding="ascii")
            words += ["-s", str(public)]
        done = self._run(*words, str(given))
        if done.status != 0 or not self.path.exists():
            raise OutsideError(f"ssh-keygen makes no list of revoked keys: {said(done)}")

    def revokes(self, lines: Sequence[str]) -> bool:
        """Return whether the list is one, and refuses each key and certificate (`-Q`)."""
        asked = [self.directory / f"asked{number}.pub" for number in range(len(lines))]
        for path, line in zip(asked, lines, strict=True):
            path.write_text(f"{line}\n", encoding="ascii")
        done = self._run(_KEYGEN, "-Q", "-l", "-f", str(self.path), *map(str, asked))
        refused = sum(said.endswith(": REVOKED") for said in done.stdout.splitlines())
        return refused == len(lines) and done.status == (1 if lines else 0)

    def _run(self, *argv: str) -> Completed:
        return run(argv, timeout=_SECONDS, environment=self.environment)
