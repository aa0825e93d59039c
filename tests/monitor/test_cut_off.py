"""A prober that is cut off itself says so, and no target is down for it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opskit.core.clock import NOTHING, Duration, SystemClock
from opskit.monitor.catalogue import Catalogue, Target
from opskit.monitor.connectivity import CUT_OFF, Gate
from opskit.monitor.model import Observation, Seen
from opskit.monitor.prober import Prober
from opskit.monitor.record import Recorder
from opskit.monitor.store import spells
from opskit.monitor.witnesses import HERE, Testimony as Told, Witnesses, verdict
from opskit.outside.database import Database
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.monitor.live import PATIENCE
from tests.monitor.servers import Server, page, silence
from tests.monitor.world import around, http, tcp

LONG = {"timeout": "20s", "interval": "5m"}


def catalogue(references: Sequence[str], needed: int = 1, **services: str) -> Catalogue:
    """Return a catalogue of addresses, and of addresses that tell whether one is cut off."""
    whole: dict[str, Any] = {
        "services": {
            name: {"owner": "web", "probes": [tcp(address, **LONG)]}
            for name, address in services.items()
        }
    }
    if references:
        probes = [tcp(address, **LONG) for address in references]
        whole["connectivity"] = {"probes": probes, "needed": needed}
    return Catalogue.model_validate_json(json.dumps(whole), strict=True)


@pytest.fixture
def nobody() -> Iterator[str]:
    """Hold an address that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def somebody() -> Iterator[str]:
    with Server(page()) as server:
        yield server.address


def once(
    watched: Catalogue, database: Database, witnesses: Witnesses | None = None
) -> list[Observation]:
    clock = SystemClock()
    recorder = Recorder(database, Ledger(clock, "test"), Outbox(database, clock))
    known = recorder.begin(watched)
    every: list[Observation] = []
    gate = Gate.of(watched)
    Prober(watched.targets(), recorder, around(clock), known, gate, witnesses).once(every.extend)
    return every


def test_who_is_cut_off_tells_nothing_of_others(database: Database, nobody: str) -> None:
    seen = once(catalogue([nobody], shop=nobody), database)
    assert seen[-1].seen is Seen.UNKNOWN
    assert seen[-1].reason == CUT_OFF


def test_who_is_not_tells_what_it_saw(database: Database, nobody: str, somebody: str) -> None:
    seen = once(catalogue([nobody, somebody], shop=nobody), database)
    assert [one.seen for one in seen] == [Seen.SUSPECT, Seen.DOWN]


def test_what_answers_is_up_whatever_the_references_do(
    database: Database, nobody: str, somebody: str
) -> None:
    (seen,) = once(catalogue([nobody], shop=somebody), database)
    assert seen.seen is Seen.UP


def test_so_many_references_must_answer(database: Database, nobody: str, somebody: str) -> None:
    seen = once(catalogue([nobody, somebody], needed=2, shop=nobody), database)
    assert seen[-1].seen is Seen.UNKNOWN


def test_references_are_no_targets(database: Database, somebody: str) -> None:
    (seen,) = once(catalogue([somebody], shop=somebody), database)
    assert seen.target == "shop/tcp"
    with database.read() as connection:
        assert set(spells.newest(connection)) == {"shop/tcp"}


def test_nobody_is_cut_off_before_every_reference_was_looked_at() -> None:
    gate = Gate.of(catalogue(["127.0.0.1:1", "127.0.0.1:2"], shop="127.0.0.1:3"))
    first, second = gate.references
    told = [gate.cut_off]
    for reference, seen in ((first, Seen.DOWN), (second, Seen.DOWN), (second, Seen.UP)):
        assert gate.take(reference, seen, NOTHING)
        told.append(gate.cut_off)
    assert told == [False, False, True, False]


class Others:
    """Witnesses that saw what they are told to have seen."""

    def __init__(self, needed: int, *seen: Seen) -> None:
        self._needed = needed
        self._seen = seen
        self.asked = 0

    def needed(self, target: Target) -> int:
        return self._needed

    def testify(self, target: Target) -> tuple[Told, ...]:
        self.asked += 1
        return tuple(
            Told(f"web{number}", seen, "" if seen is Seen.UP else "refused", Duration(1))
            for number, seen in enumerate(self._seen, 1)
        )


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ((Seen.DOWN, Seen.DOWN), Seen.DOWN),
        ((Seen.DOWN, Seen.UP), Seen.DOWN),
        ((Seen.UP, Seen.UP), Seen.DEGRADED),
        ((Seen.UNKNOWN, Seen.UNKNOWN), Seen.UNKNOWN),
        ((Seen.UNKNOWN, Seen.UP), Seen.DEGRADED),
        ((Seen.UNKNOWN, Seen.DOWN), Seen.DOWN),
    ],
)
def test_others_are_asked_before_a_failure_counts(
    database: Database, nobody: str, others: tuple[Seen, ...], expected: Seen
) -> None:
    witnesses = Others(2, *others)
    seen = once(catalogue([], shop=nobody), database, witnesses)
    here = [one.seen for one in seen if not one.location]
    assert here == [Seen.SUSPECT, expected]
    assert [one.seen for one in seen if one.location] == list(others)
    assert witnesses.asked == 1
    with database.read() as connection:
        found = {one.location: one.newest.seen for one in spells.series(connection)}
    assert found == {"": expected, "web1": others[0], "web2": others[1]}


def test_nobody_is_asked_about_what_is_well(database: Database, somebody: str) -> None:
    witnesses = Others(2, Seen.DOWN, Seen.DOWN)
    assert [one.seen for one in once(catalogue([], shop=somebody), database, witnesses)] == [
        Seen.UP
    ]
    assert witnesses.asked == 0


def test_witnesses_that_break_make_nothing_down(database: Database, nobody: str) -> None:
    class Broken(Others):
        def testify(self, target: Target) -> tuple[Told, ...]:
            raise RuntimeError("no route")

    seen = once(catalogue([], shop=nobody), database, Broken(2))
    assert seen[-1].seen is Seen.UNKNOWN
    assert "no route" in seen[-1].reason


def test_without_anybody_who_knows_nothing_is_known() -> None:
    assert verdict([], 1)[0] is Seen.UNKNOWN
    blind = Told(HERE, Seen.UNKNOWN, "late", Duration(1))
    assert verdict([blind, blind], 2)[0] is Seen.UNKNOWN


REFUSING = {"timeout": "20s", "interval": "5m", "confirm_after": "100ms"}


def beside(reference: str, shop: dict[str, Any], timeout: str = "20s") -> Catalogue:
    """Return a catalogue of a service and of a page that tells whether opskit is cut off."""
    watched = {"shop": {"owner": "web", "probes": [shop]}}
    probe = http(reference, timeout=timeout, interval="5m", confirm_after="100ms")
    whole = {"services": watched, "connectivity": {"probes": [probe]}}
    return Catalogue.model_validate_json(json.dumps(whole), strict=True)


class Enough(Exception):
    """Ends a loop, as Ctrl-C does."""


def judged(
    watched: Catalogue, database: Database, told: Callable[[Observation], None]
) -> Observation:
    """Return what a loop says of a failure in the end; `told` hears everything."""
    found: list[Observation] = []

    def listen(batch: Sequence[Observation]) -> None:
        for one in batch:
            told(one)
            if one.seen is not Seen.SUSPECT:
                found.append(one)
                raise Enough

    clock = SystemClock()
    recorder = Recorder(database, Ledger(clock, "test"), Outbox(database, clock))
    begun = recorder.begin(watched)
    prober = Prober(watched.targets(), recorder, around(clock), begun, Gate.of(watched))
    with pytest.raises(Enough):
        prober.loop(None, listen, lambda: None)
    return found[0]


@pytest.mark.parametrize("repeated", [True, False], ids=["loop", "once"])
def test_a_failure_waits_for_references_that_take_longer_than_its_second_try(
    database: Database, nobody: str, *, repeated: bool
) -> None:
    with Server(silence) as reference:
        watched = beside(reference.address, tcp(nobody, **REFUSING), timeout="800ms")
        if repeated:
            last = judged(watched, database, lambda _: None)
        else:
            last = once(watched, database)[-1]
    assert (last.seen, last.reason) == (Seen.UNKNOWN, CUT_OFF)


def test_a_reference_that_was_under_way_when_something_failed_is_looked_at_again(
    database: Database, nobody: str
) -> None:
    failed = threading.Event()
    asked: list[int] = []

    def was_well(connection: socket.socket, over: threading.Event) -> None:
        asked.append(1)
        failed.wait(PATIENCE)
        page("", "200 OK" if len(asked) == 1 else "503 Cut Off")(connection, over)

    def hear(one: Observation) -> None:
        if asked and one.seen is Seen.SUSPECT:
            failed.set()

    with Server(was_well) as reference:
        last = judged(beside(reference.address, tcp(nobody, **REFUSING)), database, hear)
    assert (last.seen, last.reason) == (Seen.UNKNOWN, CUT_OFF)


@pytest.mark.parametrize("repeated", [True, False], ids=["loop", "once"])
def test_what_waited_for_the_references_is_told_once_they_answer(
    database: Database, *, repeated: bool
) -> None:
    tries: list[int] = []
    confirmed = threading.Event()

    def ill(connection: socket.socket, over: threading.Event) -> None:
        tries.append(1)
        page("", "500 Oops")(connection, over)
        if len(tries) > 1:
            confirmed.set()

    def slow(connection: socket.socket, over: threading.Event) -> None:
        confirmed.wait(PATIENCE)
        page()(connection, over)

    with Server(ill) as server, Server(slow) as reference:
        watched = beside(reference.address, http(server.address, **REFUSING))
        if repeated:
            last = judged(watched, database, lambda _: None)
        else:
            last = once(watched, database)[-1]
    assert (last.seen, last.reason) == (Seen.DOWN, "status 500, wanted 200")
    assert len(tries) == 2
