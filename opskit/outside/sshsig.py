"""SSH signatures over texts: the door to `ssh-keygen -Y`.

Whoever has stock OpenSSH can verify what was signed here. Times in the files are UTC: ssh-keygen
takes them for local time, so it runs in UTC.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from opskit.core.clock import Instant, to_datetime
from opskit.core.errors import OutsideError, Refused
from opskit.core.text import clean
from opskit.outside.process import Completed, run

_SECONDS = 60.0
_KEYGEN = "ssh-keygen"
_MINIMAL = ("HOME", "PATH", "SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY")


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key it is, and on which days it counts: from `since` to `until`, both included."""

    identity: str
    key: str
    since: date | None = None
    until: date | None = None


def allowed_signers(signers: Iterable[Signer], namespace: str) -> str:
    """Return the lines of an allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS)."""
    return "".join(f"{_allowed(one, namespace)}\n" for one in signers)


def _allowed(one: Signer, namespace: str) -> str:
    options = [f'namespaces="{namespace}"']
    if one.since is not None:
        options.append(f'valid-after="{one.since:%Y%m%d}"')
    if one.until is not None:
        options.append(f'valid-before="{one.until + timedelta(days=1):%Y%m%d}"')
    kind, blob = one.key.split()[:2]
    return f"{one.identity} {','.join(options)} {kind} {blob}"


def sign(text: str, key: Path, namespace: str, environment: Mapping[str, str]) -> str:
    """Return the armored signature over a text; `key` may be a public key whose agent is there.

    Raises:
        OutsideError: ssh-keygen could not use the key.
    """
    argv = (_KEYGEN, "-q", "-Y", "sign", "-n", namespace, "-f", str(key))
    done = run(argv, timeout=_SECONDS, environment=_environment(environment), stdin=text.encode())
    if done.status != 0 or not done.stdout.startswith("-----BEGIN SSH SIGNATURE-----"):
        raise OutsideError(
            f"ssh-keygen cannot sign with {key}: {_said(done)}",
            hint="add the key to your agent (ssh-add) and name its .pub file, or sign by hand",
        )
    return done.stdout


@dataclass(frozen=True, slots=True)
class Trust:
    """Who may sign: the allowed signers' file, and keys that count no more, one a line."""

    allowed: str
    revoked: str = ""


def verify(
    text: str,
    signature: str,
    *,
    identity: str,
    namespace: str,
    trust: Trust,
    at: Instant,
    environment: Mapping[str, str],
) -> str:
    """Return the fingerprint of the key that signed a text as `identity`, at that time.

    Raises:
        Refused: it is not their signature over this text, or their key counts no more.
    """
    with tempfile.TemporaryDirectory(prefix="opskit-") as directory:
        files = _laid_out(Path(directory), signature, trust)
        when = f"{to_datetime(at):%Y%m%d%H%M%S}"
        argv = [
            _KEYGEN, "-Y", "verify", "-n", namespace, "-I", identity, "-O", f"verify-time={when}",
            *files,
        ]  # fmt: skip
        done = run(
            argv, timeout=_SECONDS, environment=_environment(environment), stdin=text.encode()
        )
    if done.status != 0:
        raise Refused(
            f"this is no valid signature of {identity} over this decision: {_said(done)}",
            hint="sign exactly what `opskit access approve ... --statement` prints, with a key "
            "that people.yaml lists for `sign`",
        )
    return _fingerprint(done.stdout)


def _laid_out(directory: Path, signature: str, trust: Trust) -> list[str]:
    texts = {"-s": signature, "-f": trust.allowed} | (
        {"-r": trust.revoked} if trust.revoked else {}
    )
    arguments: list[str] = []
    for flag, text in texts.items():
        path = directory / flag.strip("-")
        path.write_text(text, encoding="utf-8")
        arguments += [flag, str(path)]
    return arguments


def _fingerprint(said: str) -> str:
    return next((word for word in said.split() if word.startswith("SHA256:")), "")


def _environment(caller: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in caller.items() if name in _MINIMAL}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _said(done: Completed) -> str:
    if done.timed_out:
        return "it did not end in time"
    lines = (done.stderr or done.stdout).strip().splitlines()
    return clean(lines[-1]) if lines else f"exit status {done.status}"
