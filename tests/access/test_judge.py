"""Who may have what, who decides, and what a refusal says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from opskit.access.approvers import Seats, satisfiable, satisfied
from opskit.access.judge import judge
from opskit.access.judgment import Ask, Verdict
from opskit.core.clock import HOUR, Duration
from tests.access.world import ask, registry

TODAY = date(2026, 10, 1)
FILES = registry()


@pytest.mark.parametrize(
    ("asked", "words", "way"),
    [
        (ask("alice", "nginx-oprator"), "there is no role", "did you mean nginx-operator?"),
        (ask("mallory"), "there is no person", "access/people.yaml"),
        (ask("eve"), "last day is over", "ends"),
        (ask(reason=" "), "no reason", "--reason"),
        (ask(targets=()), "no target", "web, staging"),
        (ask(targets=("wbe",)), "there is no target", "did you mean web?"),
        (ask("alice", "web-admin", targets=("staging",)), "not given on staging", "given on web"),
        (ask(duration=Duration(9 * HOUR)), "too long", "8 h or less"),
        (ask("bob", "nginx-operator", duration=Duration(5 * HOUR)), "too long", "4 h or less"),
        (ask("deploy"), "service account", "--who NAME"),
        (ask("alice", break_glass=True), "not for emergencies", "web-admin"),
        (ask("alice", "web-admin", break_glass=True), "too long", "1 h"),
    ],
)
def test_a_refusal_says_which_rule_and_the_way_forward(asked: Ask, words: str, way: str) -> None:
    judged = judge(asked, FILES, TODAY)
    assert judged.verdict is Verdict.REFUSED
    assert any(words in one.message and way in one.way for one in judged.refusals)
    assert all(one.rule and one.whose for one in judged.refusals)


def test_what_a_rule_denies_no_other_rule_gives() -> None:
    denying = {"name": "never", "who": ["alice"], "decide": "deny", "because": "She is on leave."}
    files = registry(policy={"rules": [denying, *(r.model_dump() for r in FILES.policy.rules)]})
    judged = judge(ask(targets=("staging",)), files, TODAY)
    assert [one.rule for one in judged.refusals] == ["rule never"]
    assert "on leave" in judged.refusals[0].message


def test_a_rule_approves_by_itself_only_where_it_holds_for_every_target() -> None:
    assert judge(ask(targets=("staging",)), FILES, TODAY).verdict is Verdict.APPROVED
    both = judge(ask(targets=("staging", "web")), FILES, TODAY)
    assert both.verdict is Verdict.ASK
    assert [one.eligible for one in both.groups] == [("bob", "charlie", "dora")]


def test_who_asks_their_reports_and_who_shares_their_key_decide_nothing() -> None:
    files = registry()
    shared = replace(files, people=files.people.model_copy(update={"people": {
        **files.people.people,
        "dora": files.people.people["dora"].model_copy(
            update={"keys": files.people.people["bob"].keys}
        ),
    }}))  # fmt: skip
    asked = ask("bob", "nginx-operator")
    assert judge(asked, files, TODAY).groups[0].eligible == ("charlie", "dora")
    assert judge(asked, shared, TODAY).groups[0].eligible == ("charlie",)
    # Everybody else on the team answers to charlie.
    refused = judge(ask("charlie", "nginx-operator"), files, TODAY)
    assert "nobody can approve this" in refused.refusals[0].message


def test_every_group_must_agree_and_nobody_counts_twice() -> None:
    groups = judge(ask("alice", "web-admin"), FILES, TODAY).groups
    assert [(one.at_least, one.eligible) for one in groups] == [
        (2, ("bob", "charlie", "dora")), (1, ("charlie",)),
    ]  # fmt: skip
    assert not satisfied(groups, {"bob", "charlie"})
    assert not satisfied(groups, {"bob", "dora"})
    assert satisfied(groups, {"bob", "dora", "charlie"})


def test_two_groups_with_one_person_between_them_cannot_be_satisfied() -> None:
    groups = (Seats("owners", 1, ("bob",)), Seats("manager", 1, ("bob",)))
    assert not satisfiable(groups)
    assert satisfiable((*groups[:1], Seats("manager", 1, ("bob", "charlie"))))


def test_a_digest_changes_with_what_the_role_gives_and_with_nothing_else() -> None:
    before = judge(ask(), FILES, TODAY).digest
    role = FILES.roles.roles["nginx-operator"]
    for change, same in (({"purpose": "Other words."}, False), ({"max_duration": "6h"}, False)):
        other = role.model_copy(update=change)
        files = replace(FILES, roles=FILES.roles.model_copy(update={
            "roles": {**FILES.roles.roles, "nginx-operator": other}
        }))  # fmt: skip
        assert (judge(ask(), files, TODAY).digest == before) is same
    unrelated = {name: one for name, one in FILES.roles.roles.items() if name != "auditor"}
    files = replace(FILES, roles=FILES.roles.model_copy(update={"roles": unrelated}))
    assert judge(ask(), files, TODAY).digest == before


def test_production_is_decided_by_signature_unless_the_approval_says_otherwise() -> None:
    unsaid = {"approvals": {"default": {"all_of": [{"among": ["owners"]}]}}}
    assert judge(ask(), registry(policy=unsaid), TODAY).signed
    assert not judge(ask(), FILES, TODAY).signed
