"""`monitor probe --loop` as it runs: killed, doubled, interrupted; afterwards all is still true."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from itertools import groupby
from pathlib import Path

import pytest

from opskit.core.clock import SECOND
from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.monitor.live import Loop, rows, soon
from tests.monitor.servers import Server, page
from tests.rig.plugin import require

# Fast enough to wait for; what was seen holds for a second.
FAST = {"interval": "400ms", "timeout": "400ms", "confirm_after": "100ms"}
# One that is busy may take longer to answer for what is up: no failure is to be made of that.
STEADY = {"interval": "1500ms", "timeout": "1500ms", "confirm_after": "100ms"}
# Slow enough for the busiest machine to begin each try in time.
CALM = {"interval": "60s", "timeout": "10s", "confirm_after": "100ms"}


def watch(root: Path, rhythm: Mapping[str, str] = CALM, **services: str) -> None:
    """Write a catalogue: an address for each service."""
    listed = {
        name: {"owner": "web", "probes": [{"kind": "http", "url": f"http://{address}/", **rhythm}]}
        for name, address in services.items()
    }
    (root / "services.yaml").write_text(json.dumps({"services": listed}))


def flips(root: Path) -> list[str]:
    """Return what the target flipped to; a busy machine may not have known in between."""
    found = rows(root, "SELECT data FROM ledger WHERE kind = 'target.flipped' ORDER BY seq")
    states = [json.loads(str(row[0]))["to"] for row in found]
    return [one for one, _ in groupby(one for one in states if one != "unknown")]


def seen(root: Path) -> int:
    """Return how many looks have been written."""
    counts = rows(
        root,
        "SELECT (last_at - began_at) / interval + 1 FROM monitor_spells UNION ALL"
        " SELECT (last_at - began_at) / interval + 1 FROM monitor_series",
    )
    return sum(int(str(count)) for (count,) in counts)


def sealed(root: Path) -> bool:
    """Return whether all that was seen is sealed."""
    return not rows(
        root,
        "SELECT 1 FROM monitor_series, monitor_state WHERE last_at > sealed_until UNION ALL"
        " SELECT 1 FROM monitor_spells WHERE late = 1 AND seal_seq IS NULL",
    )


def test_a_prober_that_was_killed_leaves_a_gap_and_no_lie(ops: Path, inside: Inside) -> None:
    with Server(page()) as server:
        watch(ops, FAST, shop=server.address)
        with Loop(ops) as loop:
            loop.says("shop/http up")
            soon(lambda: seen(ops) >= 3, "three observations")
            soon(lambda: inside("monitor", "status").code == ExitCode.OK, "known to be up")
            loop.end(signal.SIGKILL)
        assert not sealed(ops)
        soon(lambda: inside("monitor", "status").code == ExitCode.UNDETERMINED, "stale")
        (status,) = json.loads(inside("monitor", "status", "--json").out)["targets"]
        assert (status["state"], status["reason"]) == ("unknown", "not probed since")

        watch(ops, CALM, shop=server.address)
        assert inside("monitor", "probe").code == ExitCode.OK
        assert inside("monitor", "status").code == ExitCode.OK
        explained = json.loads(inside("monitor", "explain", "shop", "--last", "1h", "--json").out)
    states = [one["state"] for one in explained["intervals"]]
    assert states == ["excluded", "up", "unknown", "up"]
    time = explained["time"]
    assert time["down"] == 0
    assert time["unknown"] > 0
    assert time["up"] >= SECOND  # what was seen last held for a second after the kill
    # The next prober sealed what the dead one left.
    assert sealed(ops)
    assert inside("ledger", "verify").code == ExitCode.OK


def test_two_probers_on_one_database_tell_one_story(ops: Path, inside: Inside) -> None:
    with Server(page()) as server:
        watch(ops, STEADY, shop=server.address)
        assert inside("monitor", "probe").code == ExitCode.OK
        with Loop(ops) as first, Loop(ops) as second:
            for loop in (first, second):
                loop.says("shop/http up")
            server.stop()
            for loop in (first, second):
                loop.says("shop/http down")
            server.start()
            for loop in (first, second):
                loop.says("shop/http up", times=2)
            ends = [loop.end(signal.SIGINT) for loop in (first, second)]
    assert [code for code, _ in ends] == [ExitCode.INTERRUPTED] * 2
    assert [said.strip() for _, said in ends] == ["opskit: stopped: interrupted"] * 2
    assert flips(ops) == ["down", "up"]
    assert inside("ledger", "verify").code == ExitCode.OK
    assert sealed(ops)


def test_what_is_seen_while_another_holds_the_database_is_written_afterwards(
    ops: Path, inside: Inside
) -> None:
    with Server(page()) as server:
        watch(ops, FAST, shop=server.address)
        with Loop(ops) as loop:
            loop.says("shop/http up")
            soon(lambda: seen(ops) >= 1, "an observation")
            holder = sqlite3.connect(ops / ".opskit" / "opskit.db", isolation_level=None)
            with closing(holder):
                holder.execute("BEGIN IMMEDIATE")
                before = seen(ops)
                server.stop()
                loop.says("shop/http down")
                server.start()
                loop.says("shop/http up", times=2)
                assert (seen(ops), flips(ops)) == (before, [])
                holder.execute("ROLLBACK")
            soon(lambda: flips(ops) == ["down", "up"], "all that was seen meanwhile")
            code, said = loop.end(signal.SIGINT)
    assert (code, said.strip()) == (ExitCode.INTERRUPTED, "opskit: stopped: interrupted")
    assert sealed(ops)
    assert inside("ledger", "verify").code == ExitCode.OK


def small_disk(root: Path) -> tuple[str, ...]:
    """Return what gives a command a state directory of 900 kB, seen by it alone."""
    script = 'mount -t tmpfs -o size=900k,mode=700 small "$0"/.opskit; exec "$@"'
    (root / ".opskit").mkdir(mode=0o700)
    return ("unshare", "--mount", "--propagation", "private", "sh", "-euc", script, str(root))


def fill(directory: Path) -> Path:
    """Leave no byte free; return what takes the room."""
    path = directory / "full"
    with suppress(OSError), path.open("wb", buffering=0) as stream:
        while True:
            stream.write(b"x" * 512)
    return path


def test_what_is_seen_while_the_disk_is_full_is_told_and_written_afterwards(ops: Path) -> None:
    require(None if os.geteuid() == 0 else "only root can mount")
    with Server(page()) as server:
        watch(ops, FAST, shop=server.address)
        with Loop(ops, within=small_disk(ops)) as loop:
            loop.says("shop/http up")
            full = fill(Path(f"/proc/{loop.process.pid}/root{ops}/.opskit"))
            server.stop()
            loop.says("shop/http down")
            loop.hears("cannot write now")
            full.unlink()
            loop.hears("can write again")
            argv = ("monitor", "explain", "shop", "--last", "1h", "--json")
            beside = ("nsenter", f"--target={loop.process.pid}", "--mount", f"--wd={ops}")
            told = subprocess.run(
                [*beside, sys.executable, "-m", "opskit", *argv], capture_output=True, check=True
            )
            code, _ = loop.end(signal.SIGINT)
    states = [one["state"] for one in json.loads(told.stdout)["intervals"]]
    known = [one for one in states if one not in {"excluded", "unknown"}]
    assert [one for one, _ in groupby(known)] == ["up", "down"]
    assert code == ExitCode.INTERRUPTED


def test_a_hand_in_the_observations_is_found_by_ledger_verify(ops: Path, inside: Inside) -> None:
    with Server(page()) as server:
        watch(ops, shop=server.address)
        assert inside("monitor", "probe").code == ExitCode.OK
    assert inside("ledger", "verify").code == ExitCode.OK
    with sqlite3.connect(ops / ".opskit" / "opskit.db") as connection:
        connection.execute("UPDATE monitor_series SET seen = 'down'")
    done = inside("ledger", "verify")
    assert done.code == ExitCode.FINDINGS
    assert "observations sealed by entry 2 were changed" in done.out
    assert json.loads(inside("ledger", "verify", "--json").out)["broken_seals"] == [2]


@pytest.mark.parametrize(
    ("answer", "code"),
    [("200 OK", ExitCode.OK), ("500 Oops", ExitCode.FINDINGS)],
    ids=["up", "down"],
)
def test_going_on_for_a_while_ends_with_what_was_seen_last(
    ops: Path, inside: Inside, answer: str, code: ExitCode
) -> None:
    with Server(page("", answer)) as server:
        watch(ops, shop=server.address)
        done = inside("monitor", "probe", "--for", "2500ms")
    assert done.code == code
    told = [line.split()[2] for line in done.out.splitlines()]
    assert told == (["up"] if code is ExitCode.OK else ["suspect", "down"])


def test_a_while_too_short_to_see_anything_determines_nothing(ops: Path, inside: Inside) -> None:
    watch(ops, shop="127.0.0.1:1")
    assert inside("monitor", "probe", "--for", "0s").code == ExitCode.UNDETERMINED


@pytest.mark.parametrize("length", ["10", "soon", ""])
def test_a_while_that_is_none_is_a_usage_error(ops: Path, inside: Inside, length: str) -> None:
    watch(ops, shop="127.0.0.1:1")
    done = inside("monitor", "probe", "--for", length)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "next: --for 10m" in done.err
    assert not (ops / ".opskit").exists()


def test_one_service_of_several_may_be_tried(ops: Path, inside: Inside) -> None:
    with Server(page()) as server:
        watch(ops, shop=server.address, mail=server.address)
        done = inside("monitor", "probe", "mail", "--json")
    (one,) = json.loads(done.out)["observations"]
    assert (one["target"], one["kind"], one["seen"], done.code) == ("mail/http", "http", "up", 0)
    # The other one is still watched, and not known.
    assert inside("monitor", "status").code == ExitCode.UNDETERMINED
