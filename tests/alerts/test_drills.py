"""`opskit drill`: a fault of its own, seen by the real probe, sent, confirmed by a human."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opskit.alerts.drill import Sighting
from opskit.alerts.drilling import Drills
from opskit.alerts.evidence import AlertsEvidence
from opskit.alerts.metrics import drills as families
from opskit.alerts.reviewing import Reviewing
from opskit.core.clock import DAY, HOUR, Duration, FrozenClock, Instant, SystemClock
from opskit.core.errors import Conflict, ExitCode, Refused
from opskit.core.evidence import DrillEvidence
from opskit.core.interval import Interval
from opskit.deeds import RecordedDeeds
from opskit.drilling import LoopbackFault
from opskit.monitor.kinds import Around
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, entries
from opskit.records.messages import Message
from opskit.records.outbox import Outbox
from tests.cli.inside import Inside, inside as runner
from tests.monitor.servers import Server, page
from tests.outside.smtp import MailServer, reply


def reviewing(database: Database) -> Reviewing:
    """Return what says what followed alerts, by the clocks of UTC."""
    return Reviewing(database, RecordedDeeds(database), ZoneInfo("UTC"))


CODE = re.compile(r"opskit drill confirm ([0-9A-Z-]{9})")


@pytest.fixture
def inside(
    ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    """Run commands in the ops repository, inside this process."""
    return runner(ops, monkeypatch, capsys)


def mailing(ops: Path, port: int) -> None:
    """Let mail go to a server on loopback."""
    with (ops / "opskit.yaml").open("a") as stream:
        stream.write(
            f"mail: {{server: 127.0.0.1, port: {port}, from: opskit@example.org, "
            "to: [oncall@example.org], tls: none}\n"
        )


def hooked(ops: Path, address: str) -> None:
    """Let webhooks go to a server on loopback."""
    (ops / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (ops / "secret").chmod(0o600)
    with (ops / "opskit.yaml").open("a") as stream:
        stream.write(
            f"webhook: {{url: 'http://{address}/hook', secret_file: secret, allow_private: true}}\n"
        )


def listed(inside: Inside) -> list[dict[str, Any]]:
    """Return every drill."""
    return list(json.loads(inside("drill", "list", "--json").out)["drills"])


def test_the_whole_way_from_the_fault_to_a_human(ops: Path, inside: Inside) -> None:
    with MailServer() as mail, Server(page()) as hook:
        mailing(ops, mail.port)
        hooked(ops, hook.address)
        done = inside("drill", "alerts", "--yes")
        assert done.code == ExitCode.OK, done.err
        (letter,) = mail.letters
    text = message_from_bytes(letter.data, policy=default)
    assert "DRILL" in str(text["Subject"])
    found = CODE.search(text.get_content())
    assert found is not None
    # The code is for whoever reads the message, and for nobody else.
    assert found[1] not in done.out + done.err
    ledger = inside("ledger", "export").out
    assert found[1] not in ledger
    (drill,) = listed(inside)
    assert (drill["seen"], drill["routed"], drill["state"]) == (True, True, "waiting")
    assert drill["routes"] == {"mail": "sent", "webhook": "sent"}

    assert inside("drill", "confirm", found[1].lower()).code == ExitCode.OK
    (drill,) = listed(inside)
    assert drill["state"] == "confirmed"
    assert inside("drill", "confirm", found[1]).code == ExitCode.REFUSED
    report = inside("report", "build", "-o", "json", "--output-file", "-")
    ground = json.loads(report.out)["inputs"]["ground"]
    (row,) = ground["evidence"]["warnings"]["drills"]
    assert (row["seen"], row["routed"], row["received"]) == (True, True, True)
    assert "opskit_alerts_drill_proven_age_seconds" in inside("metrics").out


def test_a_drill_without_a_channel_says_so(inside: Inside) -> None:
    done = inside("drill", "alerts")
    assert (done.code, "no channel is configured" in done.err) == (ExitCode.USAGE, True)
    assert listed(inside) == []


def test_nobody_there_to_ask_sends_nothing(ops: Path, inside: Inside) -> None:
    mailing(ops, 1)
    assert inside("drill", "alerts").code == ExitCode.REFUSED
    assert listed(inside) == []


def test_a_channel_that_refuses_fails_the_drill(ops: Path, inside: Inside) -> None:
    with MailServer({"taken": reply("554 5.7.1 no")}) as mail:
        mailing(ops, mail.port)
        done = inside("drill", "alerts", "--yes")
    assert (done.code, "not sent to mail" in done.err) == (ExitCode.FAILED, True)
    assert listed(inside)[0]["state"] == "failed"
    assert inside("drill", "list").code == ExitCode.FINDINGS


def test_an_unknown_code_confirms_nothing(inside: Inside) -> None:
    done = inside("drill", "confirm", "AAAA-AAAA")
    assert (done.code, "no drill has that code" in done.err) == (ExitCode.USAGE, True)


@pytest.mark.parametrize("within", ["5", "1s", "8d", "soon"])
def test_a_deadline_that_is_none_is_told(inside: Inside, within: str) -> None:
    assert inside("drill", "alerts", "--yes", "--within", within).code == ExitCode.USAGE


# With a clock that stands


@dataclass
class Told:
    """A fault that shows what it is told to."""

    sighting_: Sighting

    def sighting(self) -> Sighting:
        """Return it."""
        return self.sighting_


@dataclass
class Channel:
    """A channel that keeps what it is sent."""

    bodies: list[str]

    def send(self, message: Message) -> None:
        """Take a message."""
        self.bodies.append(message.body)


@dataclass
class Stand:
    """Drills with one channel, and a clock that is moved by hand."""

    drills: Drills
    clock: FrozenClock
    channel: Channel
    database: Database

    def code(self) -> str:
        """Return the code of the last message."""
        found = CODE.search(self.channel.bodies[-1])
        assert found is not None
        return found[1]

    def kinds(self) -> list[str]:
        """Return the kinds of all ledger entries."""
        with self.database.read() as connection:
            return [one.kind for one in entries(connection)]

    def rows(self, until: Instant) -> tuple[DrillEvidence, ...]:
        """Return the evidence up to an instant."""
        found = AlertsEvidence(self.database, reviewing(self.database)).evidence(
            Interval(Instant(0), until)
        )
        return found.warnings.drills if found.warnings else ()


SEEN = Told(Sighting(seen=True, reason="tcp on loopback down: connection refused"))


@pytest.fixture
def stand(database: Database, clock: FrozenClock) -> Stand:
    """Set drills up."""
    outbox, channel = Outbox(database, clock), Channel([])
    drills = Drills(
        database, Ledger(clock, "tests"), outbox, clock, ZoneInfo("UTC"), ("webhook",),
        lambda: outbox.deliver({"webhook": channel}),
    )  # fmt: skip
    return Stand(drills, clock, channel, database)


def test_each_step_is_in_the_ledger(stand: Stand) -> None:
    stand.drills.begin(SEEN, HOUR)
    stand.drills.confirm(stand.code())
    assert stand.kinds() == ["drill.begun", "drill.seen", "drill.routed", "drill.confirmed"]
    (row,) = stand.rows(Instant(stand.clock.now() + 1))
    assert (row.proved, row.refs) == (True, (1, 2, 3, 4))


def test_what_nobody_confirms_in_time_is_missed(stand: Stand) -> None:
    stand.drills.begin(SEEN, HOUR)
    stand.clock.advance(HOUR)
    with pytest.raises(Refused):
        stand.drills.confirm(stand.code())
    stand.drills.settle()
    assert stand.kinds()[-1] == "drill.missed"
    assert stand.kinds().count("drill.missed") == 1
    (row,) = stand.rows(stand.clock.now())
    assert (row.received, row.proved) == (False, False)


def test_at_the_end_of_a_period_a_later_answer_is_not_known(stand: Stand) -> None:
    begun = stand.clock.now()
    stand.drills.begin(SEEN, Duration(4 * HOUR))
    stand.clock.advance(HOUR)
    stand.drills.confirm(stand.code())
    (row,) = stand.rows(Instant(begun + 1))
    assert row.received is None


def test_a_fault_that_is_not_seen_is_told_to_nobody(stand: Stand) -> None:
    drill = stand.drills.begin(Told(Sighting(seen=False, reason="up")), HOUR)
    assert (drill.seen, stand.channel.bodies) == (False, [])
    assert stand.kinds() == ["drill.begun", "drill.unseen"]
    stand.clock.advance(DAY)
    stand.drills.settle()
    assert stand.kinds() == ["drill.begun", "drill.unseen"]


def test_one_drill_at_a_time(stand: Stand) -> None:
    stand.drills.begin(SEEN, HOUR)
    with pytest.raises(Conflict):
        stand.drills.begin(SEEN, HOUR)
    stand.clock.advance(HOUR)
    assert stand.drills.begin(SEEN, HOUR).id == 2


def test_the_metric_is_the_age_of_the_last_proof(stand: Stand) -> None:
    assert [one.samples for one in families(stand.database, stand.clock.now())] == [(), ()]
    stand.drills.begin(SEEN, HOUR)
    stand.drills.confirm(stand.code())
    stand.clock.advance(DAY)
    age, broken = families(stand.database, stand.clock.now())
    assert [one.samples[0].value for one in (age, broken)] == [86_400, 0]


def test_the_real_probe_sees_the_fault(tmp_path: Path) -> None:
    sighting = LoopbackFault(Around(tmp_path, SystemClock(), {})).sighting()
    assert sighting.seen
    assert "down" in sighting.reason
