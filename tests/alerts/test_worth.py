"""What alerts were worth: what followed each firing, and what is proposed for its rule."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from opskit.alerts.firing import Firing, fingerprint
from opskit.alerts.proposing import LEAST, Verdict, backtest, never_acted, proposal
from opskit.alerts.worth import ACTIONS, AFTER, Deed, Kind, Outcome, RuleWorth, by_rule, judged
from opskit.core.clock import DAY, HOUR, MINUTE, Duration, Instant

NOW = Instant(400 * DAY)


def fired(
    number: int, at: int, lasted: int | None = 10 * MINUTE, rule: str = "shop/Slow", **labels: str
) -> Firing:
    """Return a firing, on host web1 unless told otherwise; None: it still fires."""
    told = {"alertname": rule, "severity": "critical", **(labels or {"host": "web1"})}
    begun = Instant(at)
    ended = None if lasted is None else Instant(at + lasted)
    return Firing(
        number, fingerprint(told), "", rule, told, {}, 1.0, begun, begun, ends_at=ended
    )  # fmt: skip


def done(kind: Kind, at: int, until: int | None = None, **labels: str) -> Deed:
    """Return a deed, to host web1 unless told otherwise."""
    over = None if until is None else Instant(until)
    return Deed(kind, Instant(at), labels or {"host": "web1"}, until=over)


def worth(firings: list[Firing], deeds: list[Deed]) -> RuleWorth:
    """Return what the only rule was worth."""
    (one,) = by_rule(judged(firings, deeds, NOW), lambda at: at % DAY < 8 * HOUR)
    return one


@pytest.mark.parametrize(
    ("kinds", "outcome"),
    [
        ((), Outcome.NOTHING),
        ((Kind.ACKNOWLEDGEMENT,), Outcome.SEEN),
        ((Kind.ACKNOWLEDGEMENT, Kind.SILENCE), Outcome.SILENCED),
        ((Kind.SILENCE, Kind.OUTAGE), Outcome.RIGHT),
        ((Kind.OUTAGE, Kind.CHANGE), Outcome.ACTED),
        *(((kind,), Outcome.ACTED) for kind in sorted(ACTIONS)),
    ],
)
def test_the_strongest_of_what_followed_tells_what_became_of_it(
    kinds: tuple[Kind, ...], outcome: Outcome
) -> None:
    deeds = [done(kind, DAY + MINUTE) for kind in kinds]
    (one,) = judged([fired(1, DAY)], deeds, NOW)
    assert one.outcome is outcome


@pytest.mark.parametrize(
    ("labels", "deed", "followed"),
    [
        ({"instance": "web1:9100"}, {"host": "web1"}, True),
        ({"instance": "web2:9100"}, {"host": "web1"}, False),
        ({"instance": "::1"}, {"host": "::1"}, True),
        ({"instance": "[::1]:9100"}, {"host": "::1"}, True),
        ({"service": "shop"}, {"service": "shop", "target": "shop/web"}, True),
        ({"target": "shop/db"}, {"service": "shop", "target": "shop/web"}, False),
        ({"target": "shop/db"}, {"service": "shop"}, True),
        ({"host": "web1", "service": "shop"}, {"host": "web2", "service": "shop"}, False),
        ({"team": "shop"}, {"service": "shop"}, False),
    ],
)
def test_a_deed_concerns_what_the_most_telling_label_says(
    labels: dict[str, str], deed: dict[str, str], followed: bool
) -> None:
    own = fired(1, DAY, 10 * MINUTE, "shop/Slow", **labels)
    (one,) = judged([own], [done(Kind.CHANGE, DAY + 1, None, **deed)], NOW)
    assert bool(one.deeds) is followed


def test_what_was_done_before_it_fired_or_long_after_is_not_because_of_it() -> None:
    ended = DAY + 10 * MINUTE
    for at, outcome in (
        (DAY - 1, Outcome.NOTHING),
        (DAY, Outcome.ACTED),
        (ended + AFTER - 1, Outcome.ACTED),
        (ended + AFTER, Outcome.NOTHING),
    ):
        (one,) = judged([fired(1, DAY)], [done(Kind.CHANGE, at)], NOW)
        assert one.outcome is outcome, at


def test_an_outage_that_was_there_before_its_alert_makes_it_right_without_a_lead() -> None:
    one = worth([fired(1, DAY)], [done(Kind.OUTAGE, DAY - MINUTE, until=DAY + HOUR)])
    assert (one.count(Outcome.RIGHT), one.lead) == (1, None)
    one = worth([fired(1, DAY)], [done(Kind.OUTAGE, DAY - HOUR, until=DAY - MINUTE)])
    assert one.count(Outcome.NOTHING) == 1


def test_as_long_as_something_may_follow_nothing_is_decided() -> None:
    recent = fired(1, NOW - HOUR)
    one = worth([recent, fired(2, NOW - 2 * DAY, None, host="web2")], [])
    assert (one.firings, one.decided, one.count(Outcome.OPEN)) == (2, 0, 2)
    assert worth([recent], [done(Kind.CHANGE, NOW - MINUTE)]).acted == 1


def test_times_are_in_the_middle_and_repeats_are_counted() -> None:
    begun = [n * DAY + 9 * HOUR for n in (1, 2, 3)]
    deeds = [
        done(Kind.ACKNOWLEDGEMENT, at + minutes * MINUTE)
        for at, minutes in zip(begun, (1, 3, 9), strict=True)
    ]
    outages = [done(Kind.OUTAGE, begun[0] + 8 * MINUTE)]
    own = [fired(number, at) for number, at in enumerate(begun)]
    one = worth([*own, fired(9, 4 * DAY)], [*deeds, *outages])
    assert (one.answered, one.lead) == (3 * MINUTE, 8 * MINUTE)
    assert (one.repeats, one.after_hours) == (3, 1)


# Properties

LABELS = st.sampled_from([{"host": "web1"}, {"host": "web2"}, {"target": "shop/web"}])
FIRINGS = st.lists(
    st.tuples(
        st.integers(0, 48), st.integers(1, 12) | st.none(), st.sampled_from(["a", "b"]), LABELS
    ),
    max_size=8,
).map(
    lambda some: [
        fired(n, at * HOUR, None if lasted is None else lasted * HOUR, rule, **labels)
        for n, (at, lasted, rule, labels) in enumerate(some)
    ]
)
DEEDS = st.lists(
    st.builds(
        lambda kind, at, labels: done(kind, at * HOUR // 2, **labels),
        st.sampled_from(Kind), st.integers(0, 120), LABELS,
    ),
    max_size=8,
)  # fmt: skip


@given(FIRINGS, DEEDS, st.randoms())
def test_the_order_of_evidence_does_not_matter(
    firings: list[Firing], deeds: list[Deed], random: object
) -> None:
    first = judged(firings, deeds, NOW)
    random.shuffle(firings)  # type: ignore[attr-defined]  # it is a Random
    random.shuffle(deeds)  # type: ignore[attr-defined]  # the same
    assert judged([*firings, *firings], deeds, NOW) == first


@given(FIRINGS, DEEDS)
def test_a_deed_counts_for_two_firings_of_a_rule_only_if_both_were_open(
    firings: list[Firing], deeds: list[Deed]
) -> None:
    for deed in deeds:
        holders = [one.firing for one in judged(firings, [deed], NOW) if one.deeds]
        for rule in {one.rule for one in holders}:
            own = [one for one in holders if one.rule == rule]
            is_open = [one.ends_at is None or deed.at < one.ends_at for one in own]
            assert len(own) == 1 or all(is_open)


# Proposals


def many(count: int, lasted: int = 2 * MINUTE, first: int = 1, **labels: str) -> list[Firing]:
    """Return firings a day apart."""
    return [fired(first + n, (first + n) * DAY, lasted, **labels) for n in range(count)]


def test_too_few_are_not_judged() -> None:
    assert proposal(worth(many(LEAST - 1), [])).verdict is Verdict.TOO_FEW
    assert proposal(worth(many(LEAST), [])).verdict is not Verdict.TOO_FEW


def test_what_nobody_acts_on_is_downgraded_and_what_is_lowest_already_goes() -> None:
    found = proposal(worth(many(12), []))
    assert (found.verdict, found.reason) == (
        Verdict.DOWNGRADE, "none of 12 firings was acted on or came true",
    )  # fmt: skip
    low = proposal(worth(many(12, host="web1", severity="ticket"), []))
    assert low.verdict is Verdict.REMOVE


def test_what_is_mostly_silenced_goes() -> None:
    own = many(12)
    deeds = [done(Kind.SILENCE, n * DAY + MINUTE) for n in range(1, 8)]
    assert proposal(worth(own, deeds)).verdict is Verdict.REMOVE
    assert proposal(worth(own, deeds[:5])).verdict is Verdict.DOWNGRADE


def test_acknowledging_alone_keeps_no_rule() -> None:
    deeds = [done(Kind.ACKNOWLEDGEMENT, n * DAY + MINUTE) for n in range(1, 13)]
    assert proposal(worth(many(12), deeds)).verdict is Verdict.DOWNGRADE


def test_a_longer_for_is_proposed_where_it_spares_and_loses_nothing() -> None:
    useful = [fired(50 + n, (50 + n) * DAY, HOUR) for n in range(3)]
    deeds = [done(Kind.CHANGE, (50 + n) * DAY + 40 * MINUTE) for n in range(3)]
    found = proposal(worth([*many(9), *useful], deeds))
    assert found.verdict is Verdict.REWINDOW
    assert found.backtest is not None
    assert (found.backtest.longer, found.backtest.spared) == (2 * MINUTE, 9)
    assert found.reason == (
        "a for longer by 2 min would have spared 9 of 9 firings that led to nothing, "
        "and kept all 3 that did"
    )


def test_no_longer_for_is_proposed_that_would_have_come_after_the_action() -> None:
    useful = [fired(50 + n, (50 + n) * DAY, HOUR) for n in range(3)]
    deeds = [done(Kind.CHANGE, (50 + n) * DAY + MINUTE) for n in range(3)]
    assert proposal(worth([*many(9), *useful], deeds)).verdict is Verdict.KEEP


@given(FIRINGS, DEEDS)
def test_a_backtest_never_loses_what_was_worth_it(firings: list[Firing], deeds: list[Deed]) -> None:
    every = judged(firings, deeds, NOW)
    found = backtest(every)
    if found is None:
        return
    worth_it = [one for one in every if one.was_worth_it and one.lasted is not None]
    assert all((one.lasted or 0) > found.longer for one in worth_it)
    assert 0 < found.spared <= found.idle


def test_never_acted_on_needs_ninety_days() -> None:
    one = worth(many(12), [])
    assert never_acted(one, Duration(90 * DAY))
    assert not never_acted(one, Duration(89 * DAY))
    acted = worth(many(12), [done(Kind.CHANGE, DAY + MINUTE)])
    assert not never_acted(acted, Duration(90 * DAY))
