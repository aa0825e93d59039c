"""`opskit alerts backtest`: what it prints, and that too little history is no good news."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from opskit.alerts.promql.series import NAME, Labels
from opskit.alerts.store.samples import Writer
from opskit.core.clock import Instant, iso
from opskit.core.errors import ExitCode
from opskit.outside.database import Database, sqlite_url
from tests.cli.inside import Inside

RULES = """
groups:
  - name: queues
    rules:
      - record: queue:length
        expr: sum by (service) (queue_length)
      - alert: QueueLong
        expr: queue:length > 10
        for: 2m
        labels: {severity: page}
"""
STEP = 60_000
MINUTES = 300
WEB = Labels.of({NAME: "queue_length", "service": "web"})
COLUMNS = (
    "id,incident_number,description,service_id,service_name,escalation_policy_id,"
    "escalation_policy_name,created_on,resolved_on,seconds_to_first_ack,seconds_to_resolve,"
    "auto_resolved,acknowledge_count,assignment_count,acknowledged_by_user_ids,"
    "acknowledged_by_user_names,assigned_to_user_ids,assigned_to_user_names,"
    "resolved_by_user_id,resolved_by_user_name,urgency"
)


@pytest.fixture
def began(ops: Path) -> int:
    """Lay out a rule, and five hours in which the queue was long from minute 100 to 120."""
    (ops / "alerts").mkdir()
    (ops / "alerts" / "queues.yaml").write_text(RULES)
    start = int(time.time() * 1_000) // STEP * STEP - MINUTES * STEP
    database = Database.open(sqlite_url(ops / ".opskit" / "opskit.db"))
    writer = Writer()
    with database.write() as connection:
        for minute in range(MINUTES):
            value = 50.0 if 100 <= minute < 120 else 1.0
            writer.write(connection, start + minute * STEP, STEP, {WEB: value})
    database.close()
    return start


def incident(ops: Path, inside: Inside, started: int) -> None:
    """Bring in an incident of ten minutes, from an export of half a day."""
    times = [iso(Instant(one * 1_000)) for one in (started, started + 10 * STEP)]
    row = f"Q1,1,Queue,P1,web,E,Ops,{times[0]},{times[1]},60,600,false,1,1,,,,,,,high"
    (ops / "incidents.csv").write_text(f"{COLUMNS}\n{row}\n")
    done = inside(
        "import", "pagerduty", "incidents.csv",
        "--from", iso(Instant((started - 720 * STEP) * 1_000)),
        "--to", iso(Instant(int(time.time()) * 1_000_000)),
    )  # fmt: skip
    assert done.code == ExitCode.OK, done.err


def test_an_alert_that_no_outage_follows_is_false(began: int, ops: Path, inside: Inside) -> None:
    incident(ops, inside, began + 20 * STEP)
    done = inside("alerts", "backtest", "QueueLong", "--since", "5h", "--horizon", "10m", "--json")

    found = json.loads(done.out)
    assert done.code == ExitCode.FINDINGS
    assert found["counts"] == {"fired": 1, "true": 0, "false": 1, "not_judged": 0, "missed": 1}
    (one,) = found["fired"]
    assert one["from"] == iso(Instant((began + 102 * STEP) * 1_000))
    assert one["to"] == iso(Instant((began + 120 * STEP) * 1_000))
    assert (one["labels"]["service"], one["value"], one["judged"]) == ("web", 50.0, "false")
    assert found["coverage"] > 0.99


@pytest.mark.parametrize("form", ["table", "md"])
def test_an_alert_before_an_outage_is_true_and_tells_how_long_before(
    began: int, ops: Path, inside: Inside, form: str
) -> None:
    incident(ops, inside, began + 110 * STEP)
    done = inside("alerts", "backtest", "QueueLong", "--since", "5h", "-o", form)

    assert done.code == ExitCode.OK
    assert "8 min before the outage" in done.out
    assert "service=web" in done.out.replace("\\", "")
    assert "Evaluating QueueLong" in done.err


def test_another_for_and_a_rule_of_a_file_may_be_tried(
    began: int, ops: Path, inside: Inside
) -> None:
    incident(ops, inside, began + 20 * STEP)
    longer = inside("alerts", "backtest", "QueueLong", "--since", "5h", "--for", "30m")
    assert longer.code == ExitCode.OK
    assert "0 times" in longer.out

    draft = "groups: [{name: d, rules: [{alert: Draft, expr: 'queue:length > 20'}]}]"
    (ops / "draft.yaml").write_text(draft)
    done = inside("alerts", "backtest", "Draft", "--file", "draft.yaml", "--since", "5h", "--json")
    assert done.code == ExitCode.FINDINGS
    assert json.loads(done.out)["counts"]["fired"] == 1


def test_too_little_history_and_metrics_without_any_are_no_good_news(
    began: int, ops: Path, inside: Inside
) -> None:
    done = inside("alerts", "backtest", "QueueLong", "--since", "30d", "--step", "5m")
    assert done.code == ExitCode.UNDETERMINED
    assert "not enough" in done.err

    draft = "groups: [{name: d, rules: [{alert: Draft, expr: 'other > 20'}]}]"
    (ops / "draft.yaml").write_text(draft)
    done = inside("alerts", "backtest", "Draft", "--file", "draft.yaml", "--since", "5h")
    assert done.code == ExitCode.UNDETERMINED
    assert "no history of other" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("QueueLogn",), "did you mean 'QueueLong'?"),
        (("QueueLong", "--since", "5"), "--since"),
        (("QueueLong", "--step", "0s"), "--step"),
        (("QueueLong", "--for", "soon"), "--for"),
        (("QueueLong", "--since", "999999999d"), "evaluations"),
    ],
)
def test_what_cannot_be_asked_is_said(
    ops: Path, inside: Inside, arguments: tuple[str, ...], said: str
) -> None:
    (ops / "alerts").mkdir()
    (ops / "alerts" / "queues.yaml").write_text(RULES)
    done = inside("alerts", "backtest", *arguments)

    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert said in done.err
