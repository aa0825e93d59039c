"""What people are told: each kind as its golden file says, through the verbs that tell it.

`OPSKIT_TEST_REWRITE=1` writes the golden files anew; read the difference before it is kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from opskit.access import due, reviews, revocation
from opskit.access.deciding import Word, decide
from opskit.access.registry import Registry
from opskit.access.requesting import request
from opskit.access.settling import settle, start_now
from opskit.access.store import certificates
from opskit.access.store.grants import Grant
from opskit.access.telling import TOLD
from opskit.core.clock import HOUR, MINUTE, FrozenClock
from opskit.outside.notify.words import notice
from opskit.records.owed import OUTBOX
from tests.access.world import OFFICE, World, ask, registry
from tests.conftest import CASES

GOLDEN = CASES / "access" / "notices"
Tell = Callable[[World, FrozenClock], None]


@pytest.fixture
def world(world: World) -> World:
    """Give everybody an address."""
    return replace(world, files=with_addresses())


def with_addresses(**changes: Mapping[str, object]) -> Registry:
    from opskit.outside.documents import parse

    people = parse(OFFICE / "people.yaml").value["people"]  # type: ignore[index]
    known = {name: {**one, "email": f"{name}@example.org"} for name, one in people.items()}
    return registry(people={"people": known}, **changes)


def granted(world: World, **values: object) -> Grant:
    one = request(world.as_("alice"), ask(**values)).request  # type: ignore[arg-type]  # its fields
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(world.as_("bob"), grant)
    return grant


def submitted(world: World, clock: FrozenClock) -> None:
    request(world.as_("alice"), ask(ticket="OPS-7"))


def approved(world: World, clock: FrozenClock) -> None:
    granted(world)


def denied(world: World, clock: FrozenClock) -> None:
    one = request(world.as_("alice"), ask()).request
    decide(world.as_("bob"), one.id, Word("bob", "deny", "use the\npipeline <!channel>"))


def partial(world: World, clock: FrozenClock) -> None:
    world.kind.unreachable.add("web2")
    granted(world)


def failed(world: World, clock: FrozenClock) -> None:
    world.kind.refusing.update({"web1", "web2"})
    granted(world)


def deferred(world: World, clock: FrozenClock) -> None:
    world.kind.fences = False
    granted(world)
    world.kind.unreachable.add("web2")
    clock.advance(2 * HOUR)
    settle(world.as_("bob"))


def overdue(world: World, clock: FrozenClock) -> None:
    deferred(world, clock)
    clock.advance(20 * MINUTE)
    settle(world.as_("bob"))


def opened(world: World, clock: FrozenClock) -> None:
    request(
        world.as_("alice"),
        ask(role="web-admin", break_glass=True, reason="the shop is down", duration=HOUR),
    )


def unreviewed(world: World, clock: FrozenClock) -> None:
    opened(world, clock)
    clock.advance(25 * HOUR)
    due.go(world.as_("bob"))


def review_opened(world: World, clock: FrozenClock) -> None:
    granted(world)
    reviews.open_(world.as_("charlie"))


def review_missed(world: World, clock: FrozenClock) -> None:
    granted(world, duration=8 * HOUR)
    world = replace(world, files=with_addresses(policy={"reviews": {"within": "1h"}}))
    reviews.open_(world.as_("charlie"))
    clock.advance(2 * HOUR)
    due.go(world.as_("bob"))


def list_owed(world: World, clock: FrozenClock) -> None:
    granted(world)
    with world.database.write() as connection:
        certificates.insert(
            connection, serial=7412, grant_id=1, person="alice", authority="ssh-ed25519 AAAA",
            fingerprint="SHA256:abc", certificate="ssh-ed25519-cert-v01@openssh.com AAAA",
            valid_after=clock.now(), valid_before=clock.now() + HOUR, issued_at=clock.now(),
        )  # fmt: skip
    revocation.revoke(world.as_("bob"), "7412", "laptop lost")
    for _ in range(3):  # once for each host, however often it is looked at
        clock.advance(15 * MINUTE)
        settle(world.as_("bob"))


STORIES: Mapping[str, Tell] = {
    "request.submitted": submitted,
    "request.approved": approved,
    "request.denied": denied,
    "grant.activated": approved,
    "grant.partial": partial,
    "grant.failed": failed,
    "grant.revoke_deferred": deferred,
    "grant.revoke_overdue": overdue,
    "breakglass.opened": opened,
    "breakglass.overdue": unreviewed,
    "review.opened": review_opened,
    "review.missed": review_missed,
    "revocations.overdue": list_owed,
}


def owed(world: World, kind: str = "", channel: str = "mail") -> list[dict[str, Any]]:
    """Return the bodies that a channel is owed, oldest first."""
    query = sa.select(OUTBOX.c.body).where(OUTBOX.c.channel == channel).order_by(OUTBOX.c.id)
    with world.database.read() as connection:
        found = [json.loads(text) for text in connection.execute(query).scalars()]
    return [one for one in found if not kind or one["type"] == kind]


def test_every_kind_has_a_story_and_a_golden_file() -> None:
    assert set(STORIES) == TOLD
    assert {path.stem for path in GOLDEN.glob("*.txt")} == TOLD


@pytest.mark.parametrize("kind", sorted(STORIES))
def test_the_words_are_those_of_the_golden_file(
    world: World, clock: FrozenClock, kind: str
) -> None:
    world = replace(world, channels=("mail", "slack", "webhook"))
    STORIES[kind](world, clock)
    body = owed(world, kind)[0]
    said = notice(json.dumps(body))
    urgent = "urgent\n" if said.urgent else ""
    text = f"{said.title}\nto: {', '.join(said.to) or 'nobody'}\n{urgent}\n{said.text}\n"
    path = GOLDEN / f"{kind}.txt"
    if os.environ.get("OPSKIT_TEST_REWRITE"):
        path.write_text(text)
    assert text == path.read_text()
    slack = owed(world, kind, "slack")[0]
    assert slack["notice"] == body["notice"]


def test_nobody_is_bothered_where_a_rule_says_yes_but_machines_are_told(world: World) -> None:
    world = replace(world, channels=("mail", "webhook"))
    request(world.as_("alice"), ask(targets=("staging",)))
    assert [one["type"] for one in owed(world)] == ["request.approved"]
    assert [one["type"] for one in owed(world, channel="webhook")] == [
        "request.submitted",
        "request.approved",
    ]


def test_machines_get_no_addresses(world: World) -> None:
    world = replace(world, channels=("mail", "webhook"))
    submitted(world, FrozenClock(world.clock.now()))
    (told,) = owed(world, channel="webhook")
    assert "@" not in json.dumps(told)
    assert told["notice"]["commands"][1] == "opskit access approve r1"


def test_each_channel_is_owed_each_message_once(world: World, clock: FrozenClock) -> None:
    world = replace(world, channels=("mail", "slack", "webhook"))
    approved(world, clock)
    kinds = [one["type"] for one in owed(world)]
    assert kinds == ["request.submitted", "request.approved", "grant.activated"]
    assert kinds == [one["type"] for one in owed(world, channel="slack")]
    assert kinds == [one["type"] for one in owed(world, channel="webhook")]


def test_a_review_in_which_all_keeps_itself_asks_nobody(world: World) -> None:
    world = replace(world, channels=("mail",))
    reviews.open_(world.as_("charlie"))
    assert owed(world) == []


def test_who_owns_a_service_account_is_told_in_its_place_unless_they_left(world: World) -> None:
    world = replace(world, channels=("mail",))
    one = request(world.as_("bob"), ask("bob", beneficiary="deploy")).request
    decide(world.as_("charlie"), one.id, Word("charlie", "approve"))
    (told,) = owed(world, "request.approved")
    assert told["to"] == ["bob@example.org", "alice@example.org"]


def test_a_host_that_was_not_told_of_a_revocation_is_paged_for_once_while_it_matters(
    world: World, clock: FrozenClock
) -> None:
    world = replace(world, channels=("mail",))
    list_owed(world, clock)
    pages = owed(world, "revocations.overdue")
    assert [one["subject"] for one in pages] == ["web1", "web2"]
    assert {one["since"] for one in pages} == {clock.now() - 45 * MINUTE}


def test_nobody_is_woken_for_a_list_that_would_keep_nothing_out_any_more(
    world: World, clock: FrozenClock
) -> None:
    late = replace(world, files=with_addresses(policy={"page_after": "2h"}), channels=("mail",))
    list_owed(late, clock)
    clock.advance(2 * HOUR)
    settle(late.as_("bob"))
    assert owed(late, "revocations.overdue") == []
