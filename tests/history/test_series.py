"""`opskit import prometheus`: months that a Prometheus recorded, in a report of then."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.history.test_import import figure, reported
from tests.outside.servers import Server
from tests.prometheus.fake import Fake, labels

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 59
STEP = 720
DOWN = range(36_000, 39_600)
GONE = range(35 * 86_400, 36 * 86_400)


def recorded() -> Fake:
    """Return two months of a shop: an hour down on 1 January, nothing recorded on 5 February."""
    start = int(JANUARY.timestamp())
    samples = [
        ((start + at) * 1_000, float(at not in DOWN))
        for at in range(0, DAYS * 86_400 + 1, STEP)
        if at not in GONE
    ]
    return Fake({labels("probe_success", instance="shop", job="web"): samples})


def series(inside: Inside, url: str, *more: str) -> Any:  # what a command left
    """Import the two months."""
    return inside(
        "import", "prometheus", "--url", url, "--series", "probe_success", "--by", "instance",
        "--from", "2026-01-01", "--to", "2026-03-01", *more,
    )  # fmt: skip


def down(report: dict[str, Any]) -> dict[str, int]:
    """Return for how long each service was in each state."""
    (service,) = report["inputs"]["ground"]["evidence"]["services"]
    assert service["name"] == "shop"
    times: dict[str, int] = {}
    for part in service["timeline"]:
        times[part["state"]] = times.get(part["state"], 0) + part["end"] - part["start"]
    return {state: length // 60_000_000 for state, length in times.items()}


def test_months_that_a_prometheus_recorded(inside: Inside) -> None:
    with Server(recorded()) as server:
        done = series(inside, server.url)
        assert done.code == ExitCode.OK, done.err
        assert "same" in series(inside, server.url).out
    january = reported(inside, "2026-01")
    assert down(january) == {"up": 31 * 1_440 - 60, "down": 60}
    assert {one["subject"] for one in january["gaps"]} == {"access", "fleet"}
    assert figure(january, "quiet.days")["presence"] != "not configured"
    february = down(reported(inside, "2026-02"))
    # a gap is unknown from 2.5 steps after the last sample, never up
    assert february["unknown"] == 1_440 - 18
    assert sum(february.values()) == 28 * 1_440


def test_what_was_not_imported_is_unknown(inside: Inside) -> None:
    with Server(recorded()) as server:
        assert series(inside, server.url).code == ExitCode.OK
    done = inside(
        "report", "build", "--from", "2026-02-28", "--to", "2026-03-02", "-o", "json",
        "--output-file", "-",
    )  # fmt: skip

    assert down(json.loads(done.out)) == {"up": 1_440, "unknown": 1_440}


def test_a_server_that_is_not_there_is_told(inside: Inside) -> None:
    done = series(inside, "http://127.0.0.1:1")
    assert done.code == ExitCode.UNDETERMINED
    assert inside("import", "list").out == ""
