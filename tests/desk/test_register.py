"""What is written down at the desk is numbered, told by its entries, and never changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from opskit.core.clock import FrozenClock, Instant
from opskit.core.errors import ConfigError, Refused
from opskit.desk.register import Kind, Record, Register
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, verify

START = Instant(1_790_000_000_000_000)
RISK = Kind("risk", "RISK")


def register(database: Database, kind: Kind = RISK) -> Register:
    clock = FrozenClock(START)
    return Register(database, Ledger(clock, "ada"), clock, "ada", kind, "opskit risk list")


def test_entries_tell_a_record_in_the_order_they_were_written(
    both: tuple[Database, Database],
) -> None:
    risks = register(both[0])
    number = risks.add({"text": "one disk", "hosts": ["web1", "web2"]})
    register(both[0], Kind("win", "WIN")).add({"text": "of another kind"})
    earlier = Instant(START - 5)
    told = risks.say(f"RISK-{number}", "closed", {"text": "two disks"}, earlier)
    assert [(one.verb, one.at, one.by) for one in told] == [
        ("added", START, "ada"),
        ("closed", earlier, "ada"),
    ]
    assert risks.one("1") == risks.one("risk-1") == told
    assert told[0].data == {"text": "one disk", "hosts": ["web1", "web2"]}
    assert risks.every() == (told,)
    assert verify(both[0]).broken_at is None


def test_two_who_write_at_once_get_two_numbers(both: tuple[Database, Database]) -> None:
    with ThreadPoolExecutor(2) as pool:
        work = [pool.submit(register(both[n % 2]).add, {"n": n}) for n in range(8)]
        assert sorted(one.result() for one in work) == list(range(1, 9))


def test_what_must_not_be_said_is_not_written(both: tuple[Database, Database]) -> None:
    risks = register(both[0])
    risks.add({"text": "one disk"})

    def never(record: Record) -> None:
        raise Refused(f"{risks.name(record)} is closed")

    with pytest.raises(Refused, match="RISK-1 is closed"):
        risks.say("RISK-1", "closed", {}, allowed=never)
    assert len(risks.one("RISK-1")) == 1


@pytest.mark.parametrize("name", ["RISK-2", "WIN-1", "", "RISK-", "-1", "9" * 30, "٣"])
def test_a_name_of_none_says_where_they_are_listed(
    both: tuple[Database, Database], name: str
) -> None:
    risks = register(both[0])
    risks.add({"text": "one disk"})
    with pytest.raises(ConfigError) as refused:
        risks.one(name)
    assert refused.value.hint == "opskit risk list"


def test_secrets_and_control_characters_are_not_kept(both: tuple[Database, Database]) -> None:
    risks = register(both[0])
    risks.add(
        {"text": "password=hunter2hunter2\x1b[31m", "more": [{"a": "token=abcdefgh12345678"}]}
    )
    kept = str(risks.one("1")[0].data)
    assert "hunter2" not in kept
    assert "abcdefgh" not in kept
    assert "\x1b" not in kept
