"""Probes against real servers, each with one way to be well or not to be."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from opskit.core.clock import SECOND, Duration, SystemClock
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.model import Observation, Seen
from opskit.monitor.prober import Prober
from opskit.monitor.record import Recorder
from opskit.monitor.store import spells
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Ledger, entries
from opskit.records.outbox import Outbox
from tests.monitor import servers
from tests.monitor.servers import Server, page
from tests.monitor.world import around, catalogue, http, tcp


@dataclass(frozen=True)
class Seeing:
    """What a round of tries saw: the last of each target, and all of them in order."""

    last: Mapping[str, Observation]
    every: tuple[Observation, ...]


def prober(watched: Catalogue, database: Database, known: dict[str, Seen] | None = None) -> Prober:
    """Return a prober that writes into a database."""
    clock = SystemClock()
    recorder = Recorder(database, Ledger(clock, "test"), Outbox(database, clock))
    begun = recorder.begin(watched)
    return Prober(watched.targets(), recorder, around(clock), begun if known is None else known)


def once(watched: Catalogue, database: Database) -> Seeing:
    """Try every target of a catalogue once."""
    every: list[Observation] = []
    last = prober(watched, database).once(every.extend)
    return Seeing({one.target.partition("/")[0]: one for one in last}, tuple(every))


def in_time(watched: Catalogue, directory: Path, migrated: Path) -> Seeing:
    """Return a round in which this machine kept up: the prober itself says where it did not."""
    for number in range(10):
        path = directory / f"{number}.db"
        shutil.copyfile(migrated, path)
        database = Database.open(sqlite_url(path))
        found = once(watched, database)
        database.close()
        if all(one.seen is not Seen.UNKNOWN for one in found.every):
            return found
    raise AssertionError("this machine is too busy to tell anything")


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Seeing]:
    """Try every server there is, side by side."""
    directory = tmp_path_factory.mktemp("prober")
    with ExitStack() as stack:

        def serve(answer: servers.Answer) -> str:
            return stack.enter_context(Server(answer)).address

        secured = stack.enter_context(Server(page(), tls=servers.self_signed(directory)))
        # Bound and not listened on: nobody else can take the port meanwhile.
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
        well = serve(page())
        watched = catalogue(
            well=http(well, contains="welcome"),
            well_by_status=http(serve(page("", "204 No Content")), status=[200, 204]),
            well_by_head=http(well, method="HEAD"),
            well_in_utf8=http(serve(page("bienvenue, élève")), contains="élève"),
            wrong_status=http(serve(page("", "503 Service Unavailable"))),
            missing_text=http(well, contains="goodbye"),
            redirect=http(serve(page("", "302 Found", f"Location: http://{well}/"))),
            silence=http(serve(servers.silence), timeout="800ms"),
            drip=http(serve(servers.drip), timeout="800ms"),
            endless=http(serve(servers.endless), contains="welcome"),
            endless_without=http(serve(servers.endless), contains="goodbye"),
            refused=http(nobody),
            reset=http(serve(servers.reset)),
            hang_up=http(serve(servers.hang_up)),
            garbage=http(serve(servers.garbage)),
            unresolved=http("does-not-exist.invalid"),
            self_signed={**http(well), "url": f"https://{secured.address}/"},
            plain_for_tls={**http(well), "url": f"https://{serve(servers.plain)}/"},
            tcp_well=tcp(well),
            tcp_refused=tcp(nobody),
            tcp_silence=tcp(serve(servers.silence)),
            tcp_garbage=tcp(serve(servers.garbage)),
        )
        yield in_time(watched, directory, migrated)


WELL = ("well", "well_by_status", "well_by_head", "well_in_utf8", "endless", "tcp_well")
# Who accepts a connection is up for a TCP probe, whatever is said on it.
ACCEPTING = ("tcp_silence", "tcp_garbage")
ILL = {
    "wrong_status": r"status 503, wanted 200",
    "missing_text": r"'goodbye' is not in the body",
    "redirect": r"status 302, wanted 200",
    "silence": r"no answer within 0\.80 s",
    "drip": r"no answer within 0\.80 s",
    "endless_without": r"'goodbye' is not in the first 1,000,000 bytes",
    "refused": r"Failed to connect|refused",
    "reset": r"reset|Empty reply",
    "hang_up": r"end of response|transfer closed|bytes remaining",
    "garbage": r"HTTP/0\.9|Unsupported|Weird|banner",
    "unresolved": r"[Rr]esolve",
    "self_signed": r"certificate",
    "plain_for_tls": r"SSL|TLS|wrong version",
    "tcp_refused": r"Failed to connect|refused",
}


@pytest.mark.parametrize("name", [*WELL, *ACCEPTING])
def test_who_answers_as_wanted_is_up(seeing: Seeing, name: str) -> None:
    one = seeing.last[name]
    assert (one.seen, one.reason) == (Seen.UP, "")


@pytest.mark.parametrize(("name", "reason"), ILL.items())
def test_who_does_not_is_down_for_a_reason(seeing: Seeing, name: str, reason: str) -> None:
    one = seeing.last[name]
    assert one.seen is Seen.DOWN
    assert re.search(reason, one.reason), one.reason
    assert one.reason.isprintable()


def test_every_server_was_judged(seeing: Seeing) -> None:
    assert set(seeing.last) == {*WELL, *ACCEPTING, *ILL}


@pytest.mark.parametrize("name", [*WELL, *ACCEPTING, *ILL])
def test_a_failure_is_tried_again_before_it_counts(seeing: Seeing, name: str) -> None:
    tries = [one.seen for one in seeing.every if one.target.startswith(f"{name}/")]
    assert tries == ([Seen.SUSPECT, Seen.DOWN] if name in ILL else [Seen.UP])


def test_the_second_try_comes_when_the_settings_say(seeing: Seeing) -> None:
    first, second = (one for one in seeing.every if one.target == "refused/http")
    assert second.at - first.at >= SECOND // 10


def test_a_try_ends_within_its_timeout_whatever_the_server_does(seeing: Seeing) -> None:
    # `took` is what curl says of the exchange itself, so no other load can stretch it much.
    for name in ("silence", "drip"):
        assert seeing.last[name].took >= 8 * SECOND // 10
    assert seeing.last["well"].took > 0


def test_what_was_seen_is_written_as_it_was_told(
    database: Database, seeing: Seeing, tmp_path: Path
) -> None:
    with Server(page()) as server:
        watched = catalogue(shop=http(server.address))
        told = once(watched, database)
    with database.read() as connection:
        kept = spells.newest(connection)["shop/http"]
    assert (kept.began_at, kept.seen) == (told.last["shop"].at, told.last["shop"].seen)
    with database.read() as connection:
        assert [one.kind for one in entries(connection)][-1] == "observations.sealed"


def test_a_target_known_to_be_down_needs_no_second_try(database: Database) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        watched = catalogue(shop=tcp(f"127.0.0.1:{closed.getsockname()[1]}"))
        first, second = once(watched, database), once(watched, database)
    assert [one.seen for one in first.every] == [Seen.SUSPECT, Seen.DOWN]
    assert [one.seen for one in second.every] == [Seen.DOWN]


def test_a_blip_is_refuted_by_the_second_try(database: Database) -> None:
    asked = []

    def once_ill(connection: socket.socket, over: threading.Event) -> None:
        asked.append(1)
        page("", "500 Oops" if len(asked) == 1 else "200 OK")(connection, over)

    with Server(once_ill) as server:
        seen = once(catalogue(shop=http(server.address)), database)
    assert [one.seen for one in seen.every] == [Seen.SUSPECT, Seen.UP]
    assert seen.every[0].reason == "status 500, wanted 200"


def test_a_proxy_of_the_environment_is_not_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Server(page()) as server:
        seen = once(catalogue(shop=http(server.address)), database)
    assert seen.last["shop"].seen is Seen.UP


def test_more_targets_than_fit_at_once_are_all_tried(database: Database) -> None:
    with Server(page()) as server:
        watched = catalogue(
            **{
                f"shop{number}": http(server.address, timeout="20s", interval="5m")
                for number in range(230)
            }
        )
        seen = once(watched, database)
    assert {one.seen for one in seen.last.values()} == {Seen.UP}
    assert len(seen.last) == 230


class Enough(Exception):
    """Ends a loop, as Ctrl-C does."""


def looped(
    watched: Catalogue, database: Database, count: int, busy: float = 0
) -> list[Observation]:
    """Return the first `count` observations of a loop whose listener takes its time."""
    every: list[Observation] = []

    def listen(batch: Sequence[Observation]) -> None:
        every.extend(batch)
        if len(every) >= count:
            raise Enough
        if batch and busy:
            threading.Event().wait(busy)

    with pytest.raises(Enough):
        prober(watched, database).loop(None, listen, lambda: None)
    return every


def test_the_loop_goes_on_and_says_at_what_interval(database: Database) -> None:
    with Server(page()) as server:
        quick = http(server.address, interval="300ms", timeout="300ms")
        every = looped(catalogue(shop=quick), database, 4)
    assert [one.interval for one in every] == [3 * SECOND // 10] * 4
    assert [one.at for one in every] == sorted({one.at for one in every})


def test_the_loop_seals_what_it_saw_when_it_is_interrupted(database: Database) -> None:
    with Server(page()) as server:
        looped(catalogue(shop=http(server.address)), database, 1)
    with database.read() as connection:
        assert [one.kind for one in entries(connection)] == [
            "target.registered",
            "observations.sealed",
        ]


def test_the_loop_ends_after_the_time_it_was_given(database: Database) -> None:
    with Server(page()) as server:
        every: list[Observation] = []
        watched = catalogue(shop=http(server.address))
        prober(watched, database).loop(Duration(SECOND), every.extend, lambda: None)
    assert {one.seen for one in every} <= {Seen.UP}


def test_a_try_that_began_too_late_tells_nothing_of_the_target(database: Database) -> None:
    # The listener keeps the only thread busy for longer than a try may be late.
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        every = looped(catalogue(shop=tcp(address, timeout="500ms")), database, 2, busy=0.4)
    assert [one.seen for one in every] == [Seen.SUSPECT, Seen.UNKNOWN]
    assert every[1].reason == "opskit was too late to tell"
