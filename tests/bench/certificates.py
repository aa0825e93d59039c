"""How long one SSH certificate takes, beside stock `ssh-keygen -s` in the same run.

    python -m tests.bench.certificates [ROUNDS]

`sign` is the signature alone, `issue` all of it: the checks, the grant, the ledger entry in a
transaction on the disk. A list of revoked keys is made and read back for `krl`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from opskit.access.certificates import Wanted, issue
from opskit.access.deciding import Word, decide
from opskit.access.requesting import request
from opskit.access.settling import start_now
from opskit.core.clock import HOUR, Instant, SystemClock
from opskit.outside.database import Database, sqlite_url
from opskit.outside.krl import RevokedCertificate, revocation_list
from opskit.outside.sshca import Signer, Template, signer
from opskit.records import waivers as _waivers  # noqa: F401  # every table must be known
from tests.access.targets.deputy import Key
from tests.access.test_certificates import Listening, Office, files
from tests.access.world import ask

LISTED = 20


def timed(what: Callable[[], object]) -> float:
    """Return how many ms it took."""
    begin = time.perf_counter()
    what()
    return (time.perf_counter() - begin) * 1_000


def shown(name: str, own: Sequence[float], peer: Sequence[float]) -> None:
    """Print medians and the median of the ratios of neighbors."""
    ratio = statistics.median(a / b for a, b in zip(own, peer, strict=True))
    print(
        f"{name}: median {statistics.median(own):.3f} ms, ssh-keygen -s "
        f"{statistics.median(peer):.3f} ms, ratio {ratio:.4f}, n={len(own)}"
    )


def template(public: str, serial: int) -> Template:
    now = SystemClock().now()
    return Template(public, "g1:alice", ("grant-g1",), serial, now, Instant(now + HOUR))


def peer(directory: Path) -> Callable[[], object]:
    """Return what stock ssh-keygen does for the same certificate."""
    argv = [
        *("ssh-keygen", "-q", "-s", str(directory / "ca"), "-I", "g1:alice", "-n", "grant-g1"),
        *("-z", "7", "-V", "-5m:+1h", "-O", "clear", "-O", "permit-pty"),
        str(directory / "alice.pub"),
    ]
    return lambda: subprocess.run(argv, check=True)


def office(directory: Path, database: Database, signs: Signer) -> tuple[Office, int]:
    """Return the office with a grant of alice's in force."""
    clock = SystemClock()
    world = Office(
        database, clock, Listening(clock), files(directory), dict(os.environ), signs=signs
    )
    one = request(world.as_("alice"), ask()).request
    grant = decide(world.as_("dora"), one.id, Word("dora", "approve")).grant
    assert grant is not None
    start_now(world.as_("dora"), grant)
    return world, grant.id


def main() -> None:
    """Print every figure."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        keys = {one: Key.made(directory / one) for one in ("ca", "alice", "bob")}
        signs, public = signer(keys["ca"].path, None, os.environ), keys["alice"].public
        stock = peer(directory)
        asked = template(public, 1)
        signs.sign(asked)
        pairs = [(timed(lambda: signs.sign(asked)), timed(stock)) for _ in range(rounds)]
        shown("sign", [own for own, _ in pairs], [other for _, other in pairs])
        database = Database.open(sqlite_url(directory / "opskit.db"))
        world, grant = office(directory, database, signs)
        work, wanted = world.as_("alice"), Wanted(grant, public)
        issue(work, wanted)
        pairs = [(timed(lambda: issue(work, wanted)), timed(stock)) for _ in range(rounds)]
        shown("issue", [own for own, _ in pairs], [other for _, other in pairs])
        database.close()
        made = [replace(template(public, n + 1), serial=n + 1) for n in range(LISTED)]
        revoked = [RevokedCertificate(signs.public, t.serial, signs.sign(t)) for t in made]
        found = [timed(lambda: revocation_list(revoked, (), 1, os.environ)) for _ in range(5)]
        print(f"krl of {LISTED}: median {statistics.median(found):.1f} ms, n={len(found)}")


if __name__ == "__main__":
    main()
