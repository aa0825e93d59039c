"""`monitor uptime` and `explain` over a month that is over: March 2025 in Berlin, 743 hours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import DAY, HOUR, SECOND, FrozenClock, Instant, from_datetime
from opskit.core.errors import ExitCode
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.model import Observation, Seen
from opskit.monitor.record import Recorder
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.cli.inside import Inside

BERLIN = ZoneInfo("Europe/Berlin")
MONTH = ("--month", "2025-03")


def at(day: int, hour: int = 0, month: int = 3) -> Instant:
    """Return an instant of 2025, in Berlin."""
    return from_datetime(datetime(2025, month, day, hour, tzinfo=BERLIN))


def service(**more: object) -> dict[str, object]:
    probe = {"kind": "tcp", "address": "127.0.0.1:1", "interval": "1h"}
    return {"owner": "web", "objective": {"availability": "99%"}, "probes": [probe], **more}


# Where each service was down, and where nobody looked.
DOWN = {"shop": (at(10), at(11)), "half": (at(1), at(1))}
UNSEEN = {"half": (at(10), at(20))}
NAMES = ("mail", "shop", "half", "none")
SERVICES = json.dumps(
    {"services": {name: service() if name != "none" else service(objective=None) for name in NAMES}}
)


def tries(name: str) -> list[Observation]:
    """Return what was seen of a service, each hour from the end of February to April."""
    found = []
    for moment in range(at(28, 12, month=2), at(1, 12, month=4), HOUR):
        if any(start <= moment < end for start, end in [UNSEEN.get(name, (0, 0))]):
            continue
        start, end = DOWN.get(name, (0, 0))
        down = start <= moment < end
        seen, reason = (Seen.DOWN, "refused") if down else (Seen.UP, "")
        found.append(Observation(f"{name}/tcp", Instant(moment), seen, reason, SECOND, HOUR))
    return found


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """Write the month once."""
    path = tmp_path_factory.mktemp("past") / "opskit.db"
    shutil.copyfile(migrated, path)
    database = Database.open(sqlite_url(path))
    clock = FrozenClock(at(28, 12, month=2))
    recorder = Recorder(database, Ledger(clock, "test"), Outbox(database, clock))
    recorder.begin(Catalogue.model_validate_json(SERVICES, strict=True))
    # Day by day, so that the ledger's entries have the month's own times.
    for day in range(clock.at, at(3, month=4), DAY):
        clock.at = Instant(day)
        recorder.record([one for name in NAMES for one in tries(name) if day - DAY < one.at <= day])
        recorder.seal(clock.now())
    database.close()
    return path


@pytest.fixture
def march(ops: Path, past: Path) -> Path:
    """Return an ops repository that saw March 2025."""
    (ops / ".opskit").mkdir(mode=0o700)
    shutil.copyfile(past, ops / ".opskit" / "opskit.db")
    (ops / "services.yaml").write_text(SERVICES)
    with (ops / "opskit.yaml").open("a") as stream:
        stream.write("timezone: Europe/Berlin\n")
    return ops


def uptime(inside: Inside, name: str, *period: str) -> dict[str, Any]:
    """Return what is said of one service."""
    (found,) = json.loads(inside("monitor", "uptime", name, *period, "--json").out)["services"]
    return dict(found)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("mail",), ExitCode.OK),
        (("none",), ExitCode.OK),
        (("shop",), ExitCode.FINDINGS),
        (("half",), ExitCode.UNDETERMINED),
        (("mail", "shop"), ExitCode.FINDINGS),
        ((), ExitCode.UNDETERMINED),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(int(value)),
)
def test_the_exit_code_says_whether_objectives_were_met(
    march: Path, inside: Inside, names: Sequence[str], code: ExitCode
) -> None:
    for form in ("table", "json"):
        assert inside("monitor", "uptime", *names, *MONTH, "-o", form).code == code


def test_a_month_is_cut_where_its_zone_cuts_it(march: Path, inside: Inside) -> None:
    found = uptime(inside, "mail", *MONTH)
    assert (found["from"], found["to"]) == ("2025-02-28T23:00:00Z", "2025-03-31T22:00:00Z")
    assert sum(found["time"].values()) == 743 * HOUR
    assert found["time"]["up"] == 743 * HOUR


def test_an_outage_is_counted_to_the_microsecond(march: Path, inside: Inside) -> None:
    found = uptime(inside, "shop", *MONTH)
    assert found["time"]["down"] == DAY
    assert Fraction(found["availability"]) == Fraction(743 - 24, 743)
    assert (found["outages"], found["objective_met"], found["edge"]) == (1, False, 2 * HOUR)


def test_unobserved_time_gives_bounds_and_no_percentage(march: Path, inside: Inside) -> None:
    found = uptime(inside, "half", *MONTH)
    unseen = 240 * HOUR - 3 * HOUR // 2  # what was seen last holds for 2.5 hours
    assert found["time"]["unknown"] == unseen
    assert (found["availability"], found["sufficient"], found["objective_met"]) == (
        None,
        False,
        None,
    )
    assert Fraction(found["low"]) == 1 - Fraction(unseen, 743 * HOUR)
    assert Fraction(found["high"]) == 1
    assert "insufficient data" in inside("monitor", "uptime", "half", *MONTH).out


def test_no_objective_is_neither_met_nor_missed(march: Path, inside: Inside) -> None:
    found = uptime(inside, "none", *MONTH)
    assert (found["objective"], found["objective_met"]) == (None, None)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (("--from", "2025-03-10", "--to", "2025-03-11"), at(10), at(11)),
        (("--from", "2025-03-10T06:00:00Z", "--to", "2025-03-10T07:30:00+01:00"),
         at(10, 7), at(10, 7) + HOUR // 2),
        (("--last", "1d", "--to", "2025-03-11"), at(10), at(11)),
        (("--last", "1h30m", "--to", "2025-03-11"), at(11) - 3 * HOUR // 2, at(11)),
        (("--month", "2025-02"), at(1, month=2), at(1)),
        (("--from", "2025-03-30", "--to", "2025-03-31"), at(30), at(30) + 23 * HOUR),
    ],
)  # fmt: skip
def test_periods_are_what_was_asked_for(
    march: Path, inside: Inside, period: Sequence[str], start: int, end: int
) -> None:
    done = inside("monitor", "explain", "shop", *period, "--json")
    intervals = json.loads(done.out)["intervals"]
    assert (intervals[0]["start"], intervals[-1]["end"]) == (start, end)


@pytest.mark.parametrize(
    "period",
    [
        ("--month", "2025-13"), ("--month", "2025-3"), ("--month", "March"), ("--month", ""),
        ("--month", "0000-01"), ("--month", "9999-12"), ("--month", "2999-01"),
        ("--month", "0001-01"),
        ("--last", "7"), ("--last", "seven days"), ("--last", ""), ("--last", "0s"),
        ("--last", "-1d"), ("--last", "99999999999999d"),
        ("--from", "yesterday"), ("--from", "2025-02-30"), ("--from", ""), ("--from", "2999-01-01"),
        ("--from", "0001-01-01"), ("--from", "1969-12-31"),
        ("--from", "2025-03-02", "--to", "2025-03-01"), ("--from", "2025-03-01", "--to", "never"),
        ("--from", "2025-03-01", "--to", "2025-03-01"),
        ("--to", "2025-03-01"), ("--month", "2025-03", "--to", "2025-03-10"),
        ("--month", "2025-03", "--last", "7d"), ("--from", "2025-03-01", "--last", "7d"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_period_that_is_none_is_a_usage_error(
    march: Path, inside: Inside, period: Sequence[str]
) -> None:
    done = inside("monitor", "uptime", *period)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "next: --month 2026-10, --from" in done.err


@pytest.mark.parametrize("name", ["mail", "shop", "half", "none"])
def test_intervals_touch_and_sum_to_the_window(march: Path, inside: Inside, name: str) -> None:
    found = json.loads(inside("monitor", "explain", name, *MONTH, "--json").out)
    intervals = found["intervals"]
    assert [one["start"] for one in intervals[1:]] == [one["end"] for one in intervals[:-1]]
    assert (intervals[0]["start"], intervals[-1]["end"]) == (at(1), at(1, month=4))
    sums = dict.fromkeys(found["time"], 0)
    for one in intervals:
        sums[one["state"]] += one["end"] - one["start"]
    assert sums == found["time"]


def test_an_interval_names_the_evidence_for_it(march: Path, inside: Inside) -> None:
    intervals = json.loads(inside("monitor", "explain", "shop", *MONTH, "--json").out)["intervals"]
    kinds = {
        entry["seq"]: entry["kind"]
        for entry in map(json.loads, inside("ledger", "export").out.splitlines())
    }
    (down,) = [one for one in intervals if one["state"] == "down"]
    assert down["reason"] == "refused"
    assert [kinds[ref] for ref in down["ledger_entries"]].count("target.flipped") == 2
    assert "observations.sealed" in {kinds[ref] for ref in down["ledger_entries"]}


def test_what_was_not_monitored_yet_is_no_gap(march: Path, inside: Inside) -> None:
    found = uptime(inside, "mail", "--month", "2025-02")
    assert found["time"]["excluded"] == 28 * DAY - DAY // 2
    assert found["time"]["unknown"] == 0


def test_the_period_is_said_to_people_beside_the_result(march: Path, inside: Inside) -> None:
    done = inside("monitor", "uptime", *MONTH)
    assert "2025-02-28T23:00:00Z to 2025-03-31T22:00:00Z" in done.err


def test_an_unknown_service_gets_the_nearest_name(march: Path, inside: Inside) -> None:
    for words in (("uptime", "shp"), ("explain", "shp"), ("probe", "shp")):
        done = inside("monitor", *words)
        assert done.code == ExitCode.USAGE
        assert "did you mean 'shop'?" in done.err


def test_another_catalogue_may_be_named(march: Path, inside: Inside) -> None:
    (march / "other.yaml").write_text(json.dumps({"services": {"mail": service()}}))
    done = inside("monitor", "uptime", *MONTH, "-s", "other.yaml", "--json")
    assert [one["service"] for one in json.loads(done.out)["services"]] == ["mail"]


def test_a_month_that_is_over_is_reported_the_same_again(march: Path, inside: Inside) -> None:
    build = ("report", "build", *MONTH, "-o", "json", "--output-file", "-")
    first, second = (json.loads(inside(*build).out) for _ in range(2))
    assert first == second
    assert first["title"] == "Operations in March 2025"
    assert len(first["services"][0]["ribbon"]) == 31
