"""What every kind of probe keeps to; a new entry in `KINDS` is tested by being there."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest

from opskit.core.clock import MINUTE, SECOND
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.model import Probe, Seen
from opskit.monitor.probes import KINDS
from opskit.monitor.probes.http import HttpProbe
from opskit.monitor.probes.tcp import TcpProbe
from opskit.outside.documents import json_schema
from opskit.outside.transfer import Phases, TransferRequest, TransferResult, Transfers
from tests.monitor.servers import Server, page, silence
from tests.monitor.world import catalogue

# Settings for a probe of a server that answers HTTP at ADDRESS: the one line a new kind adds here.
SETTINGS: dict[str, dict[str, Any]] = {
    "http": {"url": "http://ADDRESS/"},
    "tcp": {"address": "ADDRESS"},
}
ANSWERED = TransferResult(
    error="", timed_out=False, status=200, body=b"welcome", cut=False,
    address="127.0.0.1", phases=Phases(total=1_000),
)  # fmt: skip
BROKEN = replace(ANSWERED, error="it broke", status=0, body=b"")
LATE = replace(BROKEN, timed_out=True)

pytestmark = pytest.mark.parametrize("kind", KINDS)


def probe(kind: str, address: str, **more: str) -> HttpProbe | TcpProbe:
    """Return a probe of this kind for an address."""
    own = {name: text.replace("ADDRESS", address) for name, text in SETTINGS[kind].items()}
    settings = {"kind": kind, "timeout": "5s", "confirm_after": "100ms", **own, **more}
    return catalogue(shop=settings).targets()[0].probe


def fetch(kind: str, address: str, **more: str) -> tuple[Seen, str]:
    """Return what a probe of this kind says of an address, asked for real."""
    settings = probe(kind, address, **more)
    transfers: Transfers[str] = Transfers()
    transfers.start("key", KINDS[kind].request(settings))
    ended: list[tuple[str, TransferResult]] = []
    while len(transfers):
        ended.extend(transfers.poll(0.1))
    transfers.close()
    ((key, result),) = ended
    assert key == "key"
    return KINDS[kind].judge(settings, result)


@pytest.fixture
def nobody() -> Iterator[str]:
    """Hold an address that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def test_it_is_one_of_the_kinds_that_a_catalogue_takes(kind: str) -> None:
    models = get_args(get_args(Probe)[0])
    assert kind in {
        name for model in models for name in get_args(model.model_fields["kind"].annotation)
    }
    assert len(models) == len(KINDS) == len(SETTINGS)


def test_its_settings_are_described_to_editors(kind: str) -> None:
    definitions = json_schema(Catalogue)["definitions"].values()
    (own,) = [
        one for one in definitions if one.get("properties", {}).get("kind", {}).get("const") == kind
    ]
    assert own["description"]
    assert own["additionalProperties"] is False
    for name in SETTINGS[kind]:
        assert own["properties"][name]["description"]


def test_its_request_keeps_to_the_timeout(kind: str) -> None:
    request = KINDS[kind].request(probe(kind, "127.0.0.1:1", timeout="700ms"))
    assert isinstance(request, TransferRequest)
    assert request.timeout == 7 * SECOND // 10
    assert 0 < request.max_bytes <= 10_000_000


def test_it_decides_and_does_not_remember(kind: str) -> None:
    settings = probe(kind, "127.0.0.1:1")
    assert KINDS[kind].request(settings) == KINDS[kind].request(settings)
    first = [KINDS[kind].judge(settings, result) for result in (ANSWERED, BROKEN, LATE)]
    again = [KINDS[kind].judge(settings, result) for result in (LATE, BROKEN, ANSWERED)]
    assert first == again[::-1]


def test_a_full_answer_is_up_without_a_reason(kind: str) -> None:
    assert KINDS[kind].judge(probe(kind, "127.0.0.1:1"), ANSWERED) == (Seen.UP, "")


def test_an_error_is_down_and_is_the_reason(kind: str) -> None:
    assert KINDS[kind].judge(probe(kind, "127.0.0.1:1"), BROKEN) == (Seen.DOWN, "it broke")


def test_no_answer_in_time_is_down_and_says_in_what_time(kind: str) -> None:
    seen, reason = KINDS[kind].judge(probe(kind, "127.0.0.1:1", timeout="20s"), LATE)
    assert seen is Seen.DOWN
    assert re.search(r"within 20 s$", reason)


@pytest.mark.parametrize("result", [ANSWERED, BROKEN, LATE], ids=["answered", "broken", "late"])
def test_it_never_calls_a_target_suspect(kind: str, result: TransferResult) -> None:
    # Whether a failure is confirmed is the prober's to say, not the probe's.
    seen, reason = KINDS[kind].judge(probe(kind, "127.0.0.1:1"), result)
    assert seen in {Seen.UP, Seen.DOWN, Seen.UNKNOWN}
    assert bool(reason) is (seen is not Seen.UP)


def test_a_server_that_is_well_is_up(kind: str) -> None:
    with Server(page()) as server:
        assert fetch(kind, server.address) == (Seen.UP, "")


def test_an_address_where_nobody_listens_is_down(kind: str, nobody: str) -> None:
    seen, reason = fetch(kind, nobody)
    assert seen is Seen.DOWN
    assert reason


def test_a_try_ends_although_the_server_says_nothing(kind: str) -> None:
    with Server(silence) as server:
        seen, _ = fetch(kind, server.address, timeout="300ms")
    assert seen in {Seen.UP, Seen.DOWN}


def test_defaults_make_a_whole_probe(kind: str) -> None:
    own = {name: text.replace("ADDRESS", "127.0.0.1:1") for name, text in SETTINGS[kind].items()}
    assert catalogue(shop={"kind": kind, **own}).targets()[0].probe.interval == MINUTE
