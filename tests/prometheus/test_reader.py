"""What is read back through the API, from a server with the edges, limits and faults of a test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from opskit.core.clock import HOUR, MINUTE, SECOND, Instant
from opskit.core.errors import ConfigError, ExitCode, OutsideError
from opskit.core.interval import Interval, State
from opskit.monitor.backread import Reader, exactly
from opskit.monitor.model import Registration
from opskit.monitor.prometheus import (
    NOT_RECORDED,
    PARTIAL,
    PROBER_DOWN,
    SERVER_DOWN,
    Question,
    uptimes,
)
from opskit.monitor.rules import NO_OBSERVATION, history
from opskit.monitor.samples import Sample, spells
from opskit.monitor.uptime import ServiceUptime
from opskit.outside.prometheus import Edges, Flavor, Limits, Server, TooMuch
from tests.cli.inside import Inside, inside as runner
from tests.outside import servers
from tests.prometheus.fake import Fake, Labels, labels

SHOP = labels("probe_success", instance="https://shop", job="web")
SHOP_UP = labels("up", instance="https://shop", job="web")
START = 1_727_740_800  # a whole hour
HOURS = 12
WINDOW = Interval(Instant(START * SECOND), Instant((START + HOURS * 3_600) * SECOND))
ALWAYS = Registration("", "", Instant(0), 0, Instant(0))
SELECTOR = 'probe_success{instance="https://shop"}'

Points = list[tuple[int, float]]


def points(
    *,
    step: int = 60,
    phase: float = 0.0,
    down: Sequence[tuple[int, int]] = (),
    gone: range = range(0),
) -> Points:
    """Return samples, a while before the window too; `down` and `gone` are seconds of it."""
    return [
        (
            round((START + at + phase) * 1_000),
            float(not any(first <= at < last for first, last in down)),
        )
        for at in range(-7_200, HOURS * 3_600 + 1, step)
        if at not in gone
    ]


@contextmanager
def reading(fake: Fake, limits: Limits | None = None) -> Iterator[Reader]:
    with servers.Server(fake) as server:
        door = Server(server.url, limits=limits or Limits())
        yield Reader(door, door.identity())


def told(fake: Fake, limits: Limits | None = None, **question: object) -> ServiceUptime:
    asked = replace(Question(SELECTOR, WINDOW), **question)  # type: ignore[arg-type]  # a case's
    with reading(fake, limits) as reader:
        (found,) = uptimes(reader, asked)
    return found


def truth(samples: Points, window: Interval = WINDOW) -> list[tuple[int, int, State]]:
    every = [Sample(Instant(at * 1_000), value == 1) for at, value in samples]
    timeline = history(spells(every, ""), ALWAYS, window).timeline
    return [(part.start, part.end, part.state) for part in timeline]


def shape(found: ServiceUptime) -> list[tuple[int, int, State]]:
    return [(part.start, part.end, part.state) for part in found.timeline]


KINDS = {
    "version 2": {},
    "version 3": {"left_open": True},
    "unknown edges": {"edges_known": False},
    "VictoriaMetrics": {"victoria": True},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("phase", [0.0, 0.001, 59.999, 31.5])
def test_samples_on_the_edges_of_what_is_asked_count_once(
    kind: dict[str, bool], phase: float
) -> None:
    samples = points(
        phase=phase, down=[(3_600, 7_200), (30_000, 30_060)], gone=range(20_000, 21_000)
    )
    fake = Fake({SHOP: samples}, **kind)  # type: ignore[arg-type]  # booleans alone
    assert shape(told(fake)) == truth(samples)


@settings(max_examples=40)
@given(
    st.integers(0, 59_999),
    st.lists(st.tuples(st.integers(0, 43_000), st.integers(1, 4_000)), max_size=3),
    st.lists(st.tuples(st.integers(0, 43_000), st.integers(1, 4_000)), max_size=2),
    st.booleans(),
    st.sampled_from([40, 10_000_000]),
    st.tuples(st.integers(0, 20_000_000_000), st.integers(1, 20_000_000_000)),
)
def test_any_recorded_past_is_told_as_its_samples_tell_it(
    phase: int,
    outages: list[tuple[int, int]],
    gaps: list[tuple[int, int]],
    left_open: bool,
    most: int,
    edges: tuple[int, int],
) -> None:
    down = [(at, at + length) for at, length in outages]
    missing = {second for at, length in gaps for second in range(at, at + length)}
    samples = [
        (at, value)
        for at, value in points(phase=phase / 1_000, down=down)
        if at // 1_000 - START not in missing
    ]
    fake = Fake({SHOP: samples}, left_open=left_open, most=max(most, 61))
    start = Instant(WINDOW.start + edges[0])
    window = Interval(start, Instant(min(start + edges[1], WINDOW.end)))
    seen = [at for at, _ in samples if window.start - HOUR < at * 1_000 <= window.end]
    if len(seen) > 2:
        assert shape(told(fake, window=window)) == truth(samples, window)


def test_a_wrong_setting_of_the_edges_is_seen_by_its_counts() -> None:
    samples = points(down=[(3_600, 7_200)])
    with reading(Fake({SHOP: samples})) as reader:
        reader.identity = replace(reader.identity, edges=Edges.LEFT_OPEN)
        (found,) = uptimes(reader, Question(SELECTOR, WINDOW))
    assert shape(found) == truth(samples)


# Limits of the server, and of its answers


def test_what_is_too_much_for_the_server_is_asked_for_in_parts() -> None:
    samples = points(down=[(at, at + 60) for at in range(0, 40_000, 120)])
    fake = Fake({SHOP: samples}, most=100)
    assert shape(told(fake)) == truth(samples)
    refused = [form for name, form in fake.asked if name == "query" and "ms]" in form["query"]]
    assert len(refused) > HOURS


def test_a_server_that_refuses_even_an_hour_is_quoted() -> None:
    with pytest.raises(TooMuch, match="too many samples into memory") as caught:
        told(Fake({SHOP: points()}, most=3))
    assert caught.value.exit_code is ExitCode.UNDETERMINED
    assert caught.value.hint


def test_the_limit_on_samples_bounds_what_a_query_asks_for() -> None:
    fake = Fake({SHOP: points(down=[(0, 40_000)])}, edges_known=False)
    told(fake, Limits(max_samples=3_600))
    widths = [
        int(form["query"].rpartition("[")[2].removesuffix("ms]"))
        for name, form in fake.asked
        if name == "query" and "ms]" in form["query"]
    ]
    assert max(widths) == 3_600_000


# Answers that are not all of it


def test_partial_answers_are_unknown_and_the_rest_counts() -> None:
    partial = ((START + 30_000) * 1_000, (START + 30_600) * 1_000)
    samples = points(down=[(3_600, 7_200)])
    with reading(Fake({SHOP: samples}, partial=(partial,))) as reader:
        (found,) = uptimes(reader, Question(SELECTOR, WINDOW))
    unknown = [part for part in found.timeline if part.state is State.UNKNOWN]
    assert [part.reason for part in unknown] == [PARTIAL]
    assert unknown[0].start <= partial[0] * 1_000 < partial[1] * 1_000 <= unknown[0].end
    # No more than a few hours are given up for it.
    assert unknown[0].length <= 6 * HOUR
    assert found.availability.totals.down == HOUR
    assert list(reader.warnings) == ["No StoreAPIs matched for this query"]


def test_what_a_partial_answer_lacks_is_not_taken_for_a_gap_with_a_cause() -> None:
    gone = range(28_800, 32_400)
    partial = ((START + 28_800) * 1_000, (START + 32_400) * 1_000)
    found = told(Fake({SHOP: points(gone=gone), SHOP_UP: points(gone=gone)}, partial=(partial,)))
    reasons = {part.reason for part in found.timeline if part.state is State.UNKNOWN}
    assert reasons == {PARTIAL}


# Why nothing was recorded


def why(up: Points | None) -> list[tuple[str, int]]:
    """Return why, and for how long, an hour is unknown; `up` was recorded meanwhile."""
    series: dict[Labels, Points] = {SHOP: points(gone=range(7_200, 10_800))}
    if up is not None:
        series[SHOP_UP] = up
    found = told(Fake(series))
    return [(one.reason, one.length // SECOND) for one in found.timeline if one.reason]


HELD = 90  # of the 2.5 intervals, beyond the first that is missing
GAP = 3_600 - HELD


def test_up_tells_whether_the_prober_or_the_server_was_down() -> None:
    assert why(points(down=[(7_200, 10_800)])) == [(PROBER_DOWN, GAP)]
    assert why(points(gone=range(7_200, 10_800))) == [(SERVER_DOWN, GAP)]
    assert why(points()) == [(NOT_RECORDED, GAP)]
    assert why(None) == [(NO_OBSERVATION, GAP)]


def test_a_gap_can_have_several_reasons() -> None:
    found = why(points(down=[(7_200, 9_000)], gone=range(9_000, 10_800)))
    assert found == [(PROBER_DOWN, 1_800), (SERVER_DOWN, GAP - 1_800)]


def test_up_of_an_exporter_of_another_name_can_be_named() -> None:
    exporter = labels("up", instance="localhost:9115", job="blackbox")
    series: dict[Labels, Points] = {
        SHOP: points(gone=range(7_200, 10_800)),
        exporter: points(down=[(7_200, 10_800)]),
    }
    found = told(Fake(series), up='up{job="blackbox"}')
    assert [one.reason for one in found.timeline if one.reason] == [PROBER_DOWN]
    series[labels("up", instance="other:9115", job="blackbox")] = points()
    with pytest.raises(ConfigError, match="none of the same instance and job"):
        told(Fake(series), up='up{job="blackbox"}')


# Which series


def test_a_series_that_was_relabeled_is_one() -> None:
    old = labels("probe_success", instance="https://shop", job="web", owner="ops")
    every = points()
    series = {old: every[:400], SHOP: every[400:]}
    assert shape(told(Fake(series))) == truth(every)


def test_series_side_by_side_are_not_mixed() -> None:
    second = labels("probe_success", instance="https://shop", job="web", replica="b")
    fake = Fake({SHOP: points(), second: points(phase=7, down=[(0, 600)])})
    with pytest.raises(ConfigError, match="ran side by side") as caught:
        told(fake)
    assert "--by replica" in caught.value.hint
    with reading(fake) as reader:
        rows = uptimes(reader, Question(SELECTOR, WINDOW, by=("replica",)))
    assert [(row.service, row.outages) for row in rows] == [("b", 1), ("no replica", 0)]


def test_metrics_of_two_names_are_not_mixed() -> None:
    with pytest.raises(ConfigError, match="several names"):
        told(Fake({SHOP: points(), SHOP_UP: points()}), selector='{instance="https://shop"}')


def test_a_series_of_other_numbers_is_no_uptime() -> None:
    samples = [(at, 0.25 if at == (START + 3_600) * 1_000 else 1.0) for at, _ in points()]
    with pytest.raises(ConfigError, match=r"is 0\.25 at 2024-10-01T01:00:00Z, neither 0 nor 1"):
        told(Fake({SHOP: samples}))


def test_no_series_is_no_uptime() -> None:
    with pytest.raises(OutsideError, match="no samples") as caught:
        told(Fake({}))
    assert caught.value.exit_code is ExitCode.UNDETERMINED


def test_labels_with_any_text_select_themselves() -> None:
    odd = labels("probe_success", instance='a"b\\c\n{é}', job="web")
    samples = points(down=[(3_600, 7_200)])
    found = told(Fake({odd: samples}), selector="probe_success")
    assert shape(found) == truth(samples)
    assert exactly({"service.name": "x"}) == '{"service.name"="x"}'


# Windows laid over it


def test_maintenance_and_hours_out_of_service_are_laid_over() -> None:
    def hours(first: int, last: int) -> Interval:
        return Interval(Instant(WINDOW.start + first * HOUR), Instant(WINDOW.start + last * HOUR))

    found = told(
        Fake({SHOP: points(down=[(3_600, 7_200)])}),
        maintenance=[hours(1, 2)],
        excluded=[hours(6, 8), hours(7, 20)],
    )
    time = found.availability.totals
    assert (time.maintenance, time.excluded, time.down) == (HOUR, 6 * HOUR, 0)
    assert found.availability.value == 1


def test_victoriametrics_is_told_by_its_header_and_read_by_export() -> None:
    fake = Fake({SHOP: points()}, victoria=True)
    with reading(fake) as reader:
        uptimes(reader, Question(SELECTOR, WINDOW))
        assert reader.identity.flavor is Flavor.VICTORIAMETRICS
    assert {name for name, _ in fake.asked} == {"status/buildinfo", "series", "export"}


def test_a_calm_window_is_read_from_its_hours() -> None:
    fake = Fake({SHOP: points(step=15, phase=3)})
    with reading(fake) as reader:
        (found,) = uptimes(reader, Question(SELECTOR, WINDOW))
    assert found.availability.value == 1
    raw = [form["query"] for name, form in fake.asked if name == "query"][1:]
    widths = [int(query.rpartition("[")[2].removesuffix("ms]")) for query in raw]
    assert sum(widths) * 1_000 <= 10 * MINUTE


# The command


@pytest.fixture
def inside(
    ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    """Run commands in the ops repository, inside this process."""
    return runner(ops, monkeypatch, capsys)


ASKED = ("--series", SELECTOR, "--from", "2024-10-01T00:00", "--to", "2024-10-01T12:00")


def test_the_command_shows_what_the_server_warns_of_and_does_not_end_with_0(
    inside: Inside,
) -> None:
    partial = ((START + 600) * 1_000, (START + 660) * 1_000)
    with servers.Server(Fake({SHOP: points()}, partial=(partial,))) as server:
        done = inside("monitor", "prometheus", "uptime", "--url", server.url, *ASKED)
    assert done.code == ExitCode.UNDETERMINED
    assert "No StoreAPIs matched for this query" in done.err


def test_the_command_takes_credentials_from_files(inside: Inside, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("s3cr3t\n")
    with servers.Server(Fake({SHOP: points()})) as server:
        done = inside(
            *("monitor", "prometheus", "uptime", "--url", server.url, *ASKED, "--json"),
            *("--token-file", str(secret), "--tenant", "shop", "--edges", "left-open"),
        )
    assert done.code == 0, done.err
    assert "s3cr3t" not in done.out + done.err
    assert json.loads(done.out)["server"]["edges"] == "left-open"
    seen = {
        (servers.header(one, b"authorization"), servers.header(one, b"x-scope-orgid"))
        for one in server.requests
    }
    assert seen == {(b"Bearer s3cr3t", b"shop")}


def test_labels_of_the_server_cannot_drive_the_terminal(inside: Inside) -> None:
    odd = labels("probe_success", instance="\x1b[2Jshop\u202e", job="web")
    with servers.Server(Fake({odd: points(down=[(0, 600)])})) as server:
        ask = ("--url", server.url, "--series", "probe_success", *ASKED[2:], "--by", "instance")
        for verb in ("uptime", "explain"):
            done = inside("monitor", "prometheus", verb, *ask)
            assert done.code == 0, done.err
            assert r"\x1b[2Jshop\u202e" in done.out
            assert "\x1b" not in done.out


def test_a_server_that_is_not_there_could_not_be_asked(inside: Inside) -> None:
    done = inside("monitor", "prometheus", "uptime", "--url", "http://127.0.0.1:1", *ASKED)
    assert done.code == ExitCode.UNDETERMINED
    assert "cannot be reached" in done.err


@pytest.mark.parametrize(
    "wrong",
    [
        ("--token-file", "/none", "--user", "ops", "--password-file", "/none"),
        ("--token-file", "/none"),
        ("--tenant", "a\nb"),
        ("--max-samples", "10"),
        ("--edges", "round"),
        ("--url", "http://ops:pw@127.0.0.1/"),
    ],
)
def test_wrong_options_are_usage_errors(inside: Inside, wrong: tuple[str, ...]) -> None:
    ask = ("monitor", "prometheus", "uptime", "--url", "http://127.0.0.1:1", *ASKED)
    assert inside(*ask, *wrong).code == ExitCode.USAGE
