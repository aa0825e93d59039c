"""Channels in trouble: they rest, others are told, order is kept, and what waited is named."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from opskit.core.clock import HOUR, MINUTE, SECOND, FrozenClock, Instant
from opskit.core.errors import OpskitError, OutsideError, Throttled
from opskit.core.notice import Notice, as_body
from opskit.outside.database import Database
from opskit.records.ledger import LEDGER
from opskit.records.messages import Delivered, Message, Terms
from opskit.records.outbox import Outbox
from opskit.records.owed import OUTBOX

NOT_NOW = OutsideError("mail answered 451", retryable=True)
NEVER = OutsideError("mail answered 554")
NOTHING = Delivered(0, 0, 0)


@dataclass
class Post:
    """Takes messages while `trouble` is empty; `again` is when each is to be sent once more."""

    trouble: list[OpskitError | None] = field(default_factory=list)
    down: bool = False
    again: list[int] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    tried: int = 0

    def send(self, message: Message) -> Instant | None:
        self.tried += 1
        if self.down:
            raise NOT_NOW
        error = self.trouble.pop(0) if self.trouble else None
        if error is not None:
            raise error
        self.taken.append(message)
        return Instant(self.again.pop(0)) if self.again else None

    @property
    def keys(self) -> list[str]:
        return [one.key.removesuffix("-mail") for one in self.taken]


def owe(database: Database, clock: FrozenClock, keys: Iterable[str], group: str = "") -> None:
    with database.write() as connection:
        for key in keys:
            body = as_body(Notice(f"title of {key}", group=group))
            Outbox(database, clock).owe(connection, key, "mail", body, group)


def column(database: Database, name: str) -> dict[str, object]:
    with database.read() as connection:
        return {row.key: getattr(row, name) for row in connection.execute(sa.select(OUTBOX))}


def told(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        rows = connection.execute(sa.select(LEDGER).order_by(LEDGER.c.seq))
        return [(row.kind, row.subject) for row in rows]


@pytest.fixture
def outbox(database: Database, clock: FrozenClock) -> Outbox:
    return Outbox(database, clock, jitter=lambda: 0.0)


# Waiting and resting


def test_waits_are_spread_by_up_to_a_fifth(database: Database, clock: FrozenClock) -> None:
    owe(database, clock, "ab")
    numbers = iter([0.0, 0.5])
    Outbox(database, clock, jitter=lambda: next(numbers)).deliver({"mail": Post(down=True)})
    now = clock.now()
    waits = [due - now for due in column(database, "due_at").values() if isinstance(due, int)]
    assert sorted(waits) == [4_500_000, 5_000_000]


def test_a_channel_that_fails_again_and_again_rests_and_then_one_is_tried(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, "abcdefgh")
    post = Post(down=True)
    assert outbox.deliver({"mail": post}) == Delivered(0, 5, 0)
    clock.advance(30 * SECOND - 1)
    assert outbox.deliver({"mail": post}) == NOTHING
    clock.advance(1)
    assert outbox.deliver({"mail": post}) == Delivered(0, 1, 0)
    clock.advance(60 * SECOND - 1)
    assert outbox.deliver({"mail": post}) == NOTHING
    clock.advance(1)
    post.down = False
    assert outbox.deliver({"mail": post}).sent == 8
    assert sorted(post.keys) == list("abcdefgh")


def test_while_one_is_tried_another_courier_waits(
    database: Database, second: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, "abcdefgh")
    outbox.deliver({"mail": Post(down=True)})
    clock.advance(30 * SECOND)
    other = Post()

    class Looking(Post):
        def send(self, message: Message) -> Instant | None:
            Outbox(second, clock).deliver({"mail": other})
            return super().send(message)

    outbox.deliver({"mail": Looking()}, limit=1)
    assert other.taken == []


def test_a_channel_that_rests_keeps_no_other_back(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, "abcdef")
    with database.write() as connection:
        outbox.owe(connection, "x", "pager", {})
    pager = Post()
    assert outbox.deliver({"mail": Post(down=True), "pager": pager}) == Delivered(1, 5, 0)


def test_who_asks_to_be_left_alone_is_by_all_messages(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, "ab")
    post = Post([Throttled("answered 429", seconds=120)])
    assert outbox.deliver({"mail": post}) == Delivered(0, 1, 0)
    clock.advance(120 * SECOND - 1)
    assert outbox.deliver({"mail": post}) == NOTHING
    clock.advance(1)
    assert outbox.deliver({"mail": post}).sent == 2


# Digests

MANY = [f"m{number:02}" for number in range(30)]
TERMS = {"mail": Terms(digest_over=10)}


def recovered(clock: FrozenClock, outbox: Outbox, post: Post) -> Post:
    outbox.deliver({"mail": Post(down=True)}, TERMS)
    clock.advance(HOUR)
    outbox.deliver({"mail": post}, TERMS)
    return post


def test_much_that_waited_goes_as_messages_that_name_all(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, MANY)
    first, *rest = recovered(clock, outbox, Post()).taken
    assert first.key == "m00-mail"
    said = [json.loads(one.body)["notice"] for one in rest]
    assert [one["status"] for one in said] == ["digest", "digest"]
    named = [line for one in said for line in one["lines"]]
    assert [line.partition(" ")[2] for line in named] == [f"title of {key}" for key in MANY[1:]]
    assert set(column(database, "state").values()) == {"sent"}
    by = {key: digest for key, digest in column(database, "digest").items() if "digest" not in key}
    assert set(by.values()) == {"", *(one.key for one in rest)}


def test_little_that_waited_goes_as_it_is(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, MANY[:11])
    assert len(recovered(clock, outbox, Post()).taken) == 11


def test_what_a_refused_digest_named_goes_by_itself(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, MANY[:15])
    post = recovered(clock, outbox, Post([None, NEVER]))
    assert sorted(post.keys) == MANY[:15]


def test_what_concerns_somebody_is_in_no_digest(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, MANY[:15])
    with database.write() as connection:
        body = as_body(Notice("for bob", to=("bob@example.org",)))
        outbox.owe(connection, "own", "mail", body)
    post = recovered(clock, outbox, Post())
    assert [one.key for one in post.taken if "digest" not in one.key] == ["m00-mail", "own-mail"]
    assert not any("for bob" in one.body for one in post.taken if "digest" in one.key)


# Order


def test_a_later_message_of_a_group_waits_for_the_earlier_one(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, ["fires", "ends"], group="disk")
    owe(database, clock, ["other"], group="cpu")
    post = Post([NOT_NOW])
    outbox.deliver({"mail": post})
    assert post.keys == ["other"]
    clock.advance(5 * SECOND)
    outbox.deliver({"mail": post})
    assert post.keys == ["other", "fires", "ends"]


def test_what_is_being_sent_is_not_overtaken_by_another_courier(
    database: Database, second: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, ["fires", "ends"], group="disk")
    other = Post()

    class Slow(Post):
        def send(self, message: Message) -> Instant | None:
            Outbox(second, clock).deliver({"mail": other})
            return super().send(message)

    slow = Slow()
    outbox.deliver({"mail": slow})
    assert (slow.keys, other.keys) == (["fires", "ends"], [])


def test_one_that_can_never_be_sent_lets_its_group_go_on(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, ["fires", "ends"], group="disk")
    post = Post([NEVER])
    assert outbox.deliver({"mail": post}) == Delivered(1, 0, 1)
    assert post.keys == ["ends"]


def test_what_a_digest_names_is_not_overtaken(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, MANY[:15], group="disk")
    post = recovered_in_order(database, clock, outbox)
    assert [one.key.partition("-")[0] for one in post.taken] == ["m00", "digest", "ends"]


def recovered_in_order(database: Database, clock: FrozenClock, outbox: Outbox) -> Post:
    for _ in range(5):
        outbox.deliver({"mail": Post(down=True)}, TERMS)
        clock.advance(HOUR * 24)
    # The digest is tried and fails; what comes after must wait for it.
    post = Post([None, NOT_NOW])
    outbox.deliver({"mail": post}, TERMS)
    owe(database, clock, ["ends"], group="disk")
    outbox.deliver({"mail": post}, TERMS)
    assert post.keys == ["m00"]
    clock.advance(HOUR)
    outbox.deliver({"mail": post}, TERMS)
    return post


# Sent again until it is over


def test_what_stands_is_sent_again_until_something_newer_of_its_group_is(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, ["fires"], group="disk")
    post = Post(again=[clock.now() + 2 * MINUTE, clock.now() + 4 * MINUTE])
    outbox.deliver({"mail": post})
    clock.advance(2 * MINUTE)
    outbox.deliver({"mail": post})
    owe(database, clock, ["ends"], group="disk")
    outbox.deliver({"mail": post})
    clock.advance(HOUR)
    outbox.deliver({"mail": post})
    assert post.keys == ["fires", "fires", "ends"]
    assert [one.attempts for one in post.taken] == [0, 0, 0]


def test_what_could_not_be_sent_again_is_tried_again_soon(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, ["fires"], group="disk")
    post = Post(again=[clock.now() + 2 * MINUTE])
    outbox.deliver({"mail": post})
    clock.advance(2 * MINUTE)
    post.trouble = [NOT_NOW]
    assert outbox.deliver({"mail": post}) == Delivered(0, 1, 0)
    with database.read() as connection:
        assert outbox.states(connection, "fires", ["mail"]) == {"mail": "sent"}
    clock.advance(30 * SECOND)
    assert outbox.deliver({"mail": post}).sent == 1


def test_what_is_over_is_not_sent_again_while_its_end_waits(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, ["fires"], group="disk")
    post = Post(again=[clock.now() + 2 * MINUTE])
    outbox.deliver({"mail": post})
    owe(database, clock, ["ends"], group="disk")
    post.trouble = [Throttled("answered 429", seconds=240)]
    outbox.deliver({"mail": post})
    clock.advance(240 * SECOND)
    outbox.deliver({"mail": post})
    assert post.keys == ["fires", "ends"]


# Somebody else


def pager(after: int) -> dict[str, Terms]:
    from opskit.core.clock import Duration

    return {"mail": Terms(fallback="pager", fallback_after=Duration(after))}


def test_what_waits_too_long_is_told_by_another_channel_too(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, "a")
    mail, other, terms = Post(down=True), Post(), pager(10 * MINUTE)
    outbox.deliver({"mail": mail, "pager": other}, terms)
    clock.advance(10 * MINUTE - 1)
    outbox.deliver({"mail": mail, "pager": other}, terms)
    assert other.taken == []
    clock.advance(1)
    for _ in range(3):
        outbox.deliver({"mail": mail, "pager": other}, terms)
    assert [one.key for one in other.taken] == ["a-pager"]
    mail.down = False
    clock.advance(HOUR)
    outbox.deliver({"mail": mail, "pager": other}, terms)
    assert mail.keys == ["a"]


def test_what_is_refused_for_good_is_told_by_another_channel_at_once(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, "a")
    other = Post()
    done = outbox.deliver({"mail": Post([NEVER]), "pager": other}, pager(HOUR))
    assert done == Delivered(1, 0, 1)
    assert [one.key for one in other.taken] == ["a-pager"]


def test_a_refusal_for_good_stands_in_the_ledger(
    database: Database, clock: FrozenClock, outbox: Outbox
) -> None:
    owe(database, clock, "a")
    outbox.deliver({"mail": Post([NEVER])})
    assert told(database) == [("delivery.refused", "channel/mail")]
