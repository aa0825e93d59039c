"""A month that a real Prometheus recorded gives the uptime that was planned into it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from opskit.core.clock import SECOND, Instant
from opskit.core.interval import Interval, State
from opskit.monitor.backread import Reader
from opskit.monitor.prometheus import (
    NOT_RECORDED,
    PROBER_DOWN,
    SERVER_DOWN,
    Question,
    uptimes,
)
from opskit.monitor.uptime import ServiceUptime
from opskit.outside.prometheus import Edges, Flavor, Limits, Server
from tests.cli.inside import Inside, inside as runner
from tests.prometheus.recorded import (
    AGREED,
    BOTH_GONE,
    DOCS,
    END,
    MAINTAINED,
    OUTAGES,
    PROBER_GONE,
    SHOP,
    START,
    Month,
)
from tests.rig.prometheus import Prometheus

pytestmark = pytest.mark.real

EXACT = Fraction(1, 100_000)
MONTH = Month()


def span(start: float, end: float) -> Interval:
    return Interval(Instant(round(start * SECOND)), Instant(round(end * SECOND)))


WHOLE = span(START, END)
SERIES = f"probe_success{SHOP}"


def reader(recorded: Prometheus, **limits: int) -> Reader:
    server = Server(recorded.url, limits=Limits(**limits))
    return Reader(server, server.identity())


def shop(recorded: Prometheus, window: Interval = WHOLE, **limits: int) -> ServiceUptime:
    question = Question(SERIES, window, maintenance=[span(*AGREED)])
    (found,) = uptimes(reader(recorded, **limits), question)
    return found


@pytest.fixture(scope="module")
def month(recorded: Prometheus) -> ServiceUptime:
    return shop(recorded)


def test_the_server_says_who_it_is_and_how_it_cuts_ranges(recorded: Prometheus) -> None:
    identity = reader(recorded).identity
    assert identity.flavor is Flavor.PROMETHEUS
    # What was tried agrees with what version 3 changed.
    left_open = int(identity.version.split(".")[0]) >= 3
    assert identity.edges is (Edges.LEFT_OPEN if left_open else Edges.CLOSED)


def test_the_uptime_is_the_planned_one(month: ServiceUptime) -> None:
    unknown = MONTH.unknown((*BOTH_GONE, *PROBER_GONE))
    agreed = AGREED[1] - AGREED[0]
    known = END - START - agreed - unknown
    value = 1 - Fraction(MONTH.down) / known
    found = month.availability
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert abs(found.value - value) <= EXACT
    assert abs(found.low - (known - MONTH.down) / (known + unknown)) <= EXACT
    assert abs(found.high - (1 - Fraction(MONTH.down) / (known + unknown))) <= EXACT
    assert month.outages == OUTAGES
    assert abs(found.totals.down - MONTH.down * SECOND) <= SECOND


def test_the_unknown_time_is_the_planned_one_and_each_part_says_why(month: ServiceUptime) -> None:
    reasons: dict[str, int] = {}
    for part in month.timeline:
        if part.state is State.UNKNOWN:
            reasons[part.reason] = reasons.get(part.reason, 0) + part.length
    assert reasons == {
        SERVER_DOWN: MONTH.unknown(BOTH_GONE) * SECOND,
        PROBER_DOWN: MONTH.unknown(PROBER_GONE) * SECOND,
    }


def test_an_outage_inside_maintenance_is_no_downtime_but_stays_visible(
    month: ServiceUptime,
) -> None:
    inside = [part for part in month.timeline if part.state is State.MAINTENANCE]
    assert sum(part.length for part in inside) == (AGREED[1] - AGREED[0]) * SECOND
    down = [part.length for part in inside if part.beneath is State.DOWN]
    assert down == [(MAINTAINED[1] - MAINTAINED[0]) * SECOND]


def test_the_true_edges_lie_within_the_stated_ones(month: ServiceUptime) -> None:
    # Each outage may have begun up to a scrape earlier, and ended up to one earlier too.
    least = OUTAGES * 2 * 15 * SECOND
    assert least <= month.edge <= (OUTAGES + 1) * 2 * 60 * SECOND


def test_few_samples_are_read_and_tell_what_all_of_them_tell(
    recorded: Prometheus, month: ServiceUptime
) -> None:
    few, every = reader(recorded), reader(recorded)
    # Where it cannot be told how ranges are cut, nothing but samples is read.
    every.identity = type(every.identity)(Flavor.PROMETHEUS, "", None)
    question = Question(SERIES, WHOLE, maintenance=[span(*AGREED)])
    assert uptimes(few, question) == uptimes(every, question) == (month,)
    assert few.server.received * 4 < every.server.received


def test_small_chunks_read_no_sample_twice_and_lose_none(
    recorded: Prometheus, month: ServiceUptime
) -> None:
    assert shop(recorded, max_samples=5_000) == month


def test_an_answer_over_the_size_limit_is_asked_for_in_parts(
    recorded: Prometheus, month: ServiceUptime
) -> None:
    assert shop(recorded, max_bytes=20_000) == month


def test_a_window_that_begins_and_ends_anywhere_is_a_part_of_the_month(
    recorded: Prometheus, month: ServiceUptime
) -> None:
    first = next(part for part in month.timeline if part.state is State.DOWN)
    window = Interval(Instant(first.start + 7), Instant(first.end - 11))
    part = shop(recorded, window)
    assert [(one.start, one.end, one.state) for one in part.timeline] == [
        (window.start, window.end, State.DOWN)
    ]


def test_each_instance_is_a_row_and_one_without_up_says_that_nothing_is_known(
    recorded: Prometheus,
) -> None:
    rows = uptimes(reader(recorded), Question("probe_success", WHOLE, by=("instance",)))
    assert [row.service for row in rows] == ["https://docs", "https://shop"]
    docs = rows[0].availability
    assert docs.value == 1
    assert docs.totals.down == 0
    assert docs.totals.unknown == MONTH.unknown(BOTH_GONE) * SECOND


def test_up_itself_can_be_told_of(recorded: Prometheus) -> None:
    (found,) = uptimes(reader(recorded), Question(f"up{SHOP}", WHOLE))
    planned = sum(end - start for start, end in PROBER_GONE) * SECOND
    assert found.availability.totals.down == planned


def test_a_series_missing_where_its_scrape_worked_is_told_apart(recorded: Prometheus) -> None:
    # The docs were seen all the while the prober of the shop was not.
    question = Question(SERIES, span(*PROBER_GONE[0]), up=f"probe_success{DOCS}")
    (found,) = uptimes(reader(recorded), question)
    assert {part.reason for part in found.timeline if part.state is State.UNKNOWN} == {NOT_RECORDED}


# The command


@pytest.fixture
def inside(
    ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    """Run commands in the ops repository, inside this process."""
    return runner(ops, monkeypatch, capsys)


ASKED = ("--from", "2024-10-01", "--to", "2024-10-31")


def test_the_command_shows_a_row_for_each_instance(inside: Inside, recorded: Prometheus) -> None:
    done = inside(
        *("monitor", "prometheus", "uptime", "--url", recorded.url, "--series", "probe_success"),
        *("--by", "instance", *ASKED, "--maintenance", "2024-10-11T00:30/2024-10-11T02:00"),
    )
    assert done.code == 0, done.err
    assert "https://shop  98.946 %" in done.out
    assert "https://docs     100 %" in done.out
    assert "2024-10-01T00:00:00Z to 2024-10-31T00:00:00Z (30 d)" in done.err


def test_the_json_says_what_was_asked_of_whom(
    inside: Inside, recorded: Prometheus, month: ServiceUptime
) -> None:
    done = inside(
        *("monitor", "prometheus", "explain", "--url", recorded.url, "--series", SERIES, *ASKED),
        *("--maintenance", "2024-10-11T00:30/2024-10-11T02:00", "--json"),
    )
    told = json.loads(done.out)
    assert (done.code, told["server"]["url"], told["warnings"]) == (0, recorded.url, [])
    (series,) = told["series"]
    assert Fraction(series["availability"]) == month.availability.value
    assert len(series["intervals"]) == len(month.timeline)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--series", "nothing_such", *ASKED), 3, "no samples of nothing_such"),
        (("--series", "probe_success{", *ASKED), 2, "does not understand the query"),
        (("--series", "rate(up[5m])", *ASKED), 2, "does not understand the query"),
        (("--series", "probe_success", *ASKED), 2, "--by instance"),
        (("--series", SERIES, "--from", "2024-10-07", "--to", "2024-10-08"), 3, "(1 d)"),
        (("--series", SERIES, *ASKED, "--maintenance", "tuesday"), 2, "no time from ... to ..."),
        (("--series", SERIES, *ASKED, "--timeout", "5"), 2, "is not a duration"),
        (("--series", SERIES, *ASKED, "--user", "ops"), 2, "--password-file"),
    ],
)
def test_what_cannot_be_told_ends_with_its_code_and_the_next_step(
    inside: Inside, recorded: Prometheus, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = inside("monitor", "prometheus", "uptime", "--url", recorded.url, *arguments)
    assert done.code == code
    assert said in done.err
