"""Matchers are read, written and decided as Alertmanager does."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from opskit.alerts.routing.matchers import Matcher, Operator, all_hold, parsed


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ('severity="page"', {"severity": "page"}, True),
        ("severity=page", {"severity": "page"}, True),
        ('severity="page"', {"severity": "ticket"}, False),
        ('severity!="page"', {}, True),
        ('severity=""', {}, True),
        ('severity=~".+"', {}, False),
        ('env=~"dev|test"', {"env": "test"}, True),
        ('env=~"dev|test"', {"env": "contest"}, False),
        ('env!~"dev|test"', {"env": "contest"}, True),
        ('{severity="page",env=~"p.*"}', {"severity": "page", "env": "prod"}, True),
        ('{severity="page",env=~"p.*"}', {"severity": "page", "env": "dev"}, False),
        ('{severity="page"} ', {"severity": "page"}, True),
        (' a = "x" , b = "y" ', {"a": "x", "b": "y"}, True),
        (r'a="say \"no\""', {"a": 'say "no"'}, True),
        ('a="x,y=z}"', {"a": "x,y=z}"}, True),
        ('a=~"x\\\\d"', {"a": "x1"}, True),
        ('"with space"="x"', {"with space": "x"}, True),
        ('a=~"x.*"', {"a": "x\ny"}, True),
    ],
)
def test_a_matcher_holds_or_not(text: str, labels: dict[str, str], holds: bool) -> None:
    assert all_hold(parsed(text), labels) is holds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a matcher is missing"),
        ("{}", "a matcher is missing"),
        ("severity", "is no matcher"),
        ('severity=="page"', "is no matcher"),
        ('severity="page', "is no matcher"),
        ('a="x" b="y"', "is no matcher"),
        ('a=~"("', "no regular expression"),
        (f'a="{"x" * 1_001}"', "at most 1000"),
    ],
)
def test_what_is_none_is_said(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parsed(text)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.sampled_from([Operator.IS, Operator.IS_NOT]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
)
def test_what_is_written_is_read_again(name: str, operator: Operator, value: str) -> None:
    one = Matcher(name, operator, value)
    assert parsed(str(one)) == (one,)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b", "(a|a)*b", "(.*)*x", "(a{1,9}){1,9}b", ".*.*.*.*x", "(?P<n>a)(?P=n)",
        "(a*|b)(a*|b)(a*|b)(a*|b)x", "a?" * 30 + "a" * 30, "(a|a)" * 30, "(?x)(a+) +b",
        "(a+)(?#)+b",
    ],
)  # fmt: skip
def test_a_regular_expression_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="could take too long"):
        parsed(f'name=~"{pattern}"')


@pytest.mark.parametrize(
    "pattern", [".*", "web-[0-9]+", "(dev|test).*", "a.*|b.*|c.*|d.*", "[*+]+[)]*", ".*-db-.*"]
)
def test_usual_regular_expressions_are_taken(pattern: str) -> None:
    assert parsed(f'name=~"{pattern}"')
