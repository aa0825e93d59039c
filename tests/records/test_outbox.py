"""The outbox: whatever dies, nothing owed is lost and repeats carry the same key."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from opskit.core.clock import HOUR, MINUTE, SECOND, FrozenClock
from opskit.core.errors import OutsideError, Throttled
from opskit.outside.database import Database
from opskit.records.messages import Delivered, Message, Terms
from opskit.records.outbox import Outbox
from opskit.records.owed import OUTBOX
from tests.records.waiting import until_blocked

# Standard Webhooks, "Retry schedule"; then once a day.
WAITS = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, *(hours * HOUR for hours in (2, 5, 10, 14, 24, 24)))
NOT_NOW = OutsideError("http://receiver/ answered 503", retryable=True)
NEVER = OutsideError("http://receiver/ answered 410", retryable=False)
A_LONG_TIME = 30 * 24 * HOUR


class Died(BaseException):
    """Stands for a process that is no more."""


@dataclass
class Receiver:
    """Keeps what arrives; `before` and `after` say what happens around it."""

    before: list[BaseException | None] = field(default_factory=list)
    after: list[BaseException | None] = field(default_factory=list)
    arrived: list[Message] = field(default_factory=list)
    meanwhile: Callable[[], object] = object
    unconfirmed: int = 0

    def send(self, message: Message) -> None:
        trouble = self.before.pop(0) if self.before else None
        if trouble is not None:
            raise trouble
        self.arrived.append(message)
        self.meanwhile()
        trouble = self.after.pop(0) if self.after else None
        if trouble is not None:
            self.unconfirmed += 1
            raise trouble

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.arrived]


def owe(database: Database, clock: FrozenClock, *keys: str, channel: str = "webhook") -> None:
    outbox = Outbox(database, clock)
    with database.write() as connection:
        for key in keys:
            outbox.owe(connection, key, channel, {"key": key})


def states(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {row.key: row.state for row in connection.execute(sa.select(OUTBOX))}


def test_what_is_owed_is_sent_once_oldest_first(database: Database, clock: FrozenClock) -> None:
    owe(database, clock, "b", "a", "c")
    receiver, outbox = Receiver(), Outbox(database, clock)
    assert outbox.deliver({"webhook": receiver}) == Delivered(sent=3, failed=0, dead=0)
    assert outbox.deliver({"webhook": receiver}) == Delivered(0, 0, 0)
    assert receiver.arrived == [
        Message(key, "webhook", json.dumps({"key": key}, separators=(",", ":")), 0) for key in "bac"
    ]
    assert set(states(database).values()) == {"sent"}


def test_a_round_may_be_limited(database: Database, clock: FrozenClock) -> None:
    owe(database, clock, *"abcde")
    receiver, outbox = Receiver(), Outbox(database, clock)
    assert outbox.deliver({"webhook": receiver}, limit=2).sent == 2
    assert outbox.deliver({"webhook": receiver}, limit=2).sent == 2
    assert receiver.keys == list("abcd")


def test_a_debt_stands_or_falls_with_what_caused_it(database: Database, clock: FrozenClock) -> None:
    def fail() -> None:
        with database.write() as connection:
            Outbox(database, clock).owe(connection, "a", "webhook", {})
            raise Died

    with pytest.raises(Died):
        fail()
    assert states(database) == {}


@pytest.mark.parametrize("settled", [False, True])
def test_the_same_key_is_owed_only_once(
    database: Database, clock: FrozenClock, settled: bool
) -> None:
    receiver, outbox = Receiver(), Outbox(database, clock)
    owe(database, clock, "a", "a")
    if settled:
        outbox.deliver({"webhook": receiver})
    owe(database, clock, "a")
    clock.advance(A_LONG_TIME)
    outbox.deliver({"webhook": receiver})
    assert receiver.keys == ["a"]


def test_two_that_owe_the_same_at_once_owe_it_once(database: Database, clock: FrozenClock) -> None:
    outbox = Outbox(database, clock)
    errors: list[BaseException] = []

    def other() -> None:
        try:
            owe(database, clock, "a", "b")
        except BaseException as error:  # noqa: BLE001  # shown by the assertion below
            errors.append(error)

    thread = threading.Thread(target=other)
    with database.write() as connection:
        outbox.owe(connection, "a", "webhook", {"key": "a"})
        thread.start()
        until_blocked(database, thread)
    thread.join()
    assert errors == []
    assert sorted(states(database)) == ["a", "b"]


def test_a_channel_nobody_serves_stays_owed(database: Database, clock: FrozenClock) -> None:
    owe(database, clock, "p", channel="pager")
    owe(database, clock, "w")
    receiver, outbox = Receiver(), Outbox(database, clock)
    assert outbox.deliver({"webhook": receiver}) == Delivered(1, 0, 0)
    assert outbox.deliver({}) == Delivered(0, 0, 0)
    clock.advance(A_LONG_TIME)
    assert outbox.deliver({"pager": receiver}) == Delivered(1, 0, 0)
    assert receiver.keys == ["w", "p-pager"]


# Trouble


def test_each_failure_waits_longer(database: Database, clock: FrozenClock) -> None:
    owe(database, clock, "a")
    receiver = Receiver(before=[NOT_NOW] * len(WAITS))
    outbox = Outbox(database, clock, jitter=lambda: 0.0)
    for wait in WAITS:
        assert outbox.deliver({"webhook": receiver}) == Delivered(0, 1, 0)
        clock.advance(wait - 1)
        assert outbox.deliver({"webhook": receiver}) == Delivered(0, 0, 0)
        clock.advance(1)
    assert outbox.deliver({"webhook": receiver}) == Delivered(1, 0, 0)
    assert [message.attempts for message in receiver.arrived] == [len(WAITS)]


def test_one_that_fails_does_not_hold_up_the_others(database: Database, clock: FrozenClock) -> None:
    owe(database, clock, *"abc")
    receiver = Receiver(before=[None, NOT_NOW])
    assert Outbox(database, clock).deliver({"webhook": receiver}) == Delivered(2, 1, 0)
    assert receiver.keys == ["a", "c"]


def test_one_that_can_never_succeed_is_kept_with_its_reason(
    database: Database, clock: FrozenClock
) -> None:
    owe(database, clock, "a")
    reason = OutsideError("http://receiver/ said \x1b[31mno\n" + "x" * 500, retryable=False)
    outbox = Outbox(database, clock)
    assert outbox.deliver({"webhook": Receiver(before=[reason])}) == Delivered(0, 0, 1)
    clock.advance(A_LONG_TIME)
    receiver = Receiver()
    assert outbox.deliver({"webhook": receiver}) == Delivered(0, 0, 0)
    assert receiver.arrived == []
    with database.read() as connection:
        row = connection.execute(sa.select(OUTBOX)).one()
    assert row.state == "dead"
    assert row.last_error.startswith(r"http://receiver/ said \x1b[31mno\n")
    assert len(row.last_error) <= 200


def test_the_last_trouble_is_forgotten_once_it_is_sent(
    database: Database, clock: FrozenClock
) -> None:
    owe(database, clock, "a")
    outbox = Outbox(database, clock)
    outbox.deliver({"webhook": Receiver(before=[NOT_NOW])})
    clock.advance(WAITS[0])
    outbox.deliver({"webhook": Receiver()})
    with database.read() as connection:
        row = connection.execute(sa.select(OUTBOX)).one()
    assert (row.state, row.last_error, row.attempts) == ("sent", "", 2)


# A process that dies


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_loses_nothing_and_repeats_with_the_same_key(
    database: Database, second: Database, clock: FrozenClock, moment: str
) -> None:
    owe(database, clock, "a", "b")
    receiver = Receiver(before=[Died()]) if moment == "before" else Receiver(after=[Died()])
    with pytest.raises(Died):
        Outbox(database, clock).deliver({"webhook": receiver})
    outbox = Outbox(second, clock)
    # The message it was at is left alone for a while: it may still be on its way.
    outbox.deliver({"webhook": receiver})
    assert Counter(receiver.keys) == ({"a": 1, "b": 1} if moment == "after" else {"b": 1})
    clock.advance(2 * MINUTE)
    assert outbox.deliver({"webhook": receiver}) == Delivered(1, 0, 0)
    repeat = receiver.arrived[-1]
    assert (repeat.key, repeat.body, repeat.attempts) == ("a", '{"key":"a"}', 1)
    assert set(states(database).values()) == {"sent"}


def test_a_bug_in_a_sender_is_raised_and_the_message_stays_owed(
    database: Database, clock: FrozenClock
) -> None:
    owe(database, clock, "a")
    outbox = Outbox(database, clock)
    with pytest.raises(ZeroDivisionError):
        outbox.deliver({"webhook": Receiver(before=[ZeroDivisionError()])})
    clock.advance(2 * MINUTE)
    receiver = Receiver()
    assert outbox.deliver({"webhook": receiver}).sent == 1


# Several processes


def test_nobody_else_sends_what_is_being_sent(
    database: Database, second: Database, clock: FrozenClock
) -> None:
    owe(database, clock, "a")
    receiver = Receiver()
    receiver.meanwhile = lambda: Outbox(second, clock).deliver({"webhook": receiver})
    assert Outbox(database, clock).deliver({"webhook": receiver}).sent == 1
    assert receiver.keys == ["a"]


@pytest.mark.parametrize("trouble", [NEVER, NOT_NOW])
def test_a_sender_that_comes_to_its_end_late_does_not_undo_what_was_sent(
    database: Database, second: Database, clock: FrozenClock, trouble: OutsideError
) -> None:
    owe(database, clock, "a")
    receiver, slow = Receiver(), Receiver(after=[trouble])

    def oversleep() -> None:
        clock.advance(3 * MINUTE)
        Outbox(second, clock).deliver({"webhook": receiver})

    slow.meanwhile = oversleep
    Outbox(database, clock).deliver({"webhook": slow})
    assert receiver.keys == ["a"]
    assert states(database) == {"a": "sent"}
    clock.advance(A_LONG_TIME)
    assert Outbox(database, clock).deliver({"webhook": receiver}) == Delivered(0, 0, 0)


def test_several_senders_at_once_send_each_message_once(
    database: Database, url: str, clock: FrozenClock
) -> None:
    keys = [f"k{number}" for number in range(30)]
    owe(database, clock, *keys)
    receiver, barrier = Receiver(), threading.Barrier(3)

    def work() -> None:
        with closing(Database.open(url)) as own:
            outbox = Outbox(own, clock)
            barrier.wait()
            while "owed" in states(own).values():
                outbox.deliver({"webhook": receiver}, limit=5)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(receiver.keys) == dict.fromkeys(keys, 1)
    assert set(states(database).values()) == {"sent"}


# Whatever happens, in any order


TOGETHER = {"webhook": Terms(together=10)}


def attempts(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {row.key: row.attempts for row in connection.execute(sa.select(OUTBOX))}


def test_what_was_claimed_with_one_that_failed_was_not_tried(
    database: Database, clock: FrozenClock
) -> None:
    owe(database, clock, "a", "b", "c")
    receiver = Receiver(before=[None, NOT_NOW])
    done = Outbox(database, clock).deliver({"webhook": receiver}, TOGETHER, limit=3)
    assert (done.sent, done.failed) == (2, 1)
    assert receiver.keys == ["a", "c"]
    assert attempts(database) == {"a": 1, "b": 1, "c": 1}


def test_who_asks_to_be_left_alone_is_whatever_arrived_just_before(
    database: Database, clock: FrozenClock
) -> None:
    owe(database, clock, *"abcd")
    receiver = Receiver(before=[None, Throttled("slow down", seconds=600)])
    outbox = Outbox(database, clock)
    outbox.deliver({"webhook": receiver}, TOGETHER)
    clock.advance(9 * MINUTE)
    outbox.deliver({"webhook": receiver}, TOGETHER)
    assert receiver.keys == ["a"]
    clock.advance(2 * MINUTE)
    outbox.deliver({"webhook": receiver}, TOGETHER)
    assert sorted(receiver.keys) == list("abcd")


def test_one_that_never_succeeds_keeps_none_of_the_others_back(
    database: Database, clock: FrozenClock
) -> None:
    owe(database, clock, "a", "b", "c")
    receiver = Receiver(before=[None, NEVER])
    done = Outbox(database, clock).deliver({"webhook": receiver}, TOGETHER)
    assert (done.sent, done.dead) == (2, 1)
    assert states(database) == {"a": "sent", "b": "dead", "c": "sent"}


def test_who_is_slow_gives_back_what_was_claimed_before_the_claim_is_over(
    database: Database, clock: FrozenClock
) -> None:
    owe(database, clock, *"abcdef")
    receiver = Receiver(meanwhile=lambda: clock.advance(40 * SECOND))
    done = Outbox(database, clock).deliver({"webhook": receiver}, TOGETHER)
    assert done.sent == 6
    assert receiver.keys == list("abcdef")
    assert set(attempts(database).values()) == {1}


def test_what_is_told_in_order_stays_so_however_many_go_together(
    database: Database, clock: FrozenClock
) -> None:
    outbox = Outbox(database, clock)
    with database.write() as connection:
        for number in range(3):
            for group in ("x", "y"):
                outbox.owe(connection, f"{group}{number}", "webhook", {}, group)
    receiver = Receiver(before=[NOT_NOW])
    outbox.deliver({"webhook": receiver}, TOGETHER)
    clock.advance(MINUTE)
    outbox.deliver({"webhook": receiver}, TOGETHER)
    assert [key for key in receiver.keys if key[0] == "x"] == ["x0", "x1", "x2"]
    assert [key for key in receiver.keys if key[0] == "y"] == ["y0", "y1", "y2"]


class Deliveries(RuleBasedStateMachine):
    """Owes, waits, sends and dies as it likes; the receiver and a small model keep count."""

    def __init__(self, database: Database, clock: FrozenClock) -> None:
        super().__init__()
        self.database = database
        self.clock = clock
        self.receiver = Receiver()
        self.owed: set[str] = set()

    @initialize()
    def begin(self) -> None:
        with self.database.write() as connection:
            connection.execute(sa.delete(OUTBOX))

    @rule(key=st.sampled_from("abcdef"))
    def owe(self, key: str) -> None:
        owe(self.database, self.clock, key)
        self.owed.add(key)

    @rule(wait=st.sampled_from([1, SECOND, *WAITS]))
    def wait(self, wait: int) -> None:
        self.clock.advance(wait)

    @rule(
        before=st.lists(st.sampled_from([None, None, NOT_NOW, NEVER, Died()]), max_size=3),
        after=st.lists(st.sampled_from([None, None, NOT_NOW, Died()]), max_size=3),
        limit=st.integers(1, 4),
        together=st.sampled_from([1, 3]),
    )
    def deliver(
        self,
        before: list[BaseException | None],
        after: list[BaseException | None],
        limit: int,
        together: int,
    ) -> None:
        self.receiver.before, self.receiver.after = before, after
        terms = {"webhook": Terms(together=together)}
        try:
            outbox = Outbox(self.database, self.clock)
            outbox.deliver({"webhook": self.receiver}, terms, limit=limit)
        except Died:
            pass  # the next one carries on

    @invariant()
    def nothing_is_lost_or_invented(self) -> None:
        found = states(self.database)
        assert found.keys() == self.owed
        arrived = set(self.receiver.keys)
        assert {key for key, state in found.items() if state == "sent"} <= arrived <= self.owed

    @invariant()
    def a_message_repeats_only_where_nobody_knew_that_it_arrived(self) -> None:
        repeats = len(self.receiver.keys) - len(set(self.receiver.keys))
        assert repeats <= self.receiver.unconfirmed

    def teardown(self) -> None:
        self.receiver.before, self.receiver.after = [], []
        self.clock.advance(A_LONG_TIME)
        Outbox(self.database, self.clock).deliver({"webhook": self.receiver})
        found = states(self.database)
        assert set(found.values()) <= {"sent", "dead"}
        assert {key for key, state in found.items() if state == "sent"} <= set(self.receiver.keys)


def test_nothing_is_lost_whatever_happens(database: Database, clock: FrozenClock) -> None:
    class Here(Deliveries):
        def __init__(self) -> None:
            super().__init__(database, clock)

    run_state_machine_as_test(Here, settings=settings(max_examples=25, stateful_step_count=20))


def test_each_channel_is_owed_the_same_key_once(database: Database, clock: FrozenClock) -> None:
    for channel in ("webhook", "mail", "mail", "slack"):
        owe(database, clock, "a", channel=channel)
    assert set(states(database)) == {"a", "a-mail", "a-slack"}


def test_who_asks_to_be_left_alone_is(database: Database, clock: FrozenClock) -> None:
    owe(database, clock, "a")
    receiver = Receiver(before=[Throttled("answered 429", seconds=3_600)])
    outbox = Outbox(database, clock)
    assert outbox.deliver({"webhook": receiver}) == Delivered(0, 1, 0)
    clock.advance(3_600 * SECOND - 1)
    assert outbox.deliver({"webhook": receiver}) == Delivered(0, 0, 0)
    clock.advance(1)
    assert outbox.deliver({"webhook": receiver}) == Delivered(1, 0, 0)
