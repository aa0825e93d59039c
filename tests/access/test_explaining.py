"""What somebody may ask for, and for one role which rule says what; from the command line, too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from opskit.access.explaining import explain, offers
from opskit.core.clock import DAY, HOUR, Duration, SystemClock
from opskit.core.errors import ConfigError
from opskit.granting import Granting
from tests.access.used import LOGS
from tests.access.world import OFFICE, PLACES, Obedient, World, registry
from tests.cli.inside import Inside, inside
from tests.conftest import Finished


def test_offers_are_what_the_rules_allow_with_who_approves_and_what_it_is_worth(
    world: World,
) -> None:
    found = {(one.role, one.targets): one for one in offers(world.as_("alice"), "alice")}
    operator = found["nginx-operator", ("web",)]
    assert operator.at_most == 8 * HOUR
    assert [(one.at_least, one.eligible) for one in operator.approval] == [
        (1, ("bob", "charlie", "dora"))
    ]
    assert operator.root_through == ()
    assert found["nginx-operator", ("staging",)].approval == ()  # a rule approves it
    admin = found["web-admin", ("web",)]
    assert admin.root_through == ("every command",)
    assert [one.at_least for one in admin.approval] == [2, 1]
    assert len(found) == 4


def test_who_is_kept_to_less_is_offered_less(world: World) -> None:
    found = {(one.role, one.targets): one for one in offers(world.as_("bob"), "bob")}
    assert found["nginx-operator", ("web",)].at_most == 4 * HOUR
    assert ("web-admin", ("web",)) not in found
    assert offers(world.as_("bob"), "eve") == ()  # who has left
    with pytest.raises(ConfigError, match="no person 'alise'"):
        offers(world.as_("bob"), "alise")


def test_a_service_account_is_offered_what_its_owners_may_ask_for_it(world: World) -> None:
    assert {one.role for one in offers(world.as_("alice"), "deploy")} >= {"nginx-operator"}


def test_each_rule_that_speaks_is_told_and_which_decides(world: World) -> None:
    told = explain(world.as_("alice"), "alice", "nginx-operator", ("web", "staging"), None)
    assert [(one.target, one.rule, one.decides) for one in told.steps] == [
        ("web", "web-team", True),
        ("staging", "web-team", False),
        ("staging", "staging", True),
    ]
    assert told.steps[0].says == "approval default, for 8 h at most"
    assert told.steps[1].why == "staging approves by itself"
    assert told.ask.duration == 8 * HOUR
    assert "on web (production, 2 hosts) and staging (staging, 1 host) for 8 h" in told.blast
    assert not told.is_refused
    assert dict(told.enforced)["web"].startswith("sshd ends the key by expiry-time; sudo ends")


def test_a_rule_that_denies_wins_and_the_way_is_named(world: World) -> None:
    deny = {
        "name": "no-web", "who": ["alice"], "targets": ["web"], "decide": "deny",
        "because": "Leave it alone.",
    }  # fmt: skip
    rules = [{"name": "web-team", "who": ["web"]}, deny]
    files = registry(policy={"rules": rules, "break_glass": None})
    told = explain(world.as_("alice", files), "alice", "nginx-operator", ("web",), Duration(HOUR))
    assert told.is_refused
    assert [(one.rule, one.decides, one.why) for one in told.steps] == [
        ("web-team", False, "no-web denies"), ("no-web", True, "a rule that denies wins"),
    ]  # fmt: skip
    assert told.judgment.refusals[0].rule == "rule no-web"


def test_too_long_and_nobodys_are_told_as_such(world: World) -> None:
    told = explain(world.as_("bob"), "bob", "nginx-operator", ("web",), Duration(DAY))
    assert told.is_refused
    assert told.steps[0].why == "1 d is too long for it"
    none = explain(world.as_("bob"), "bob", "web-admin", (), None)
    assert none.is_refused
    assert none.steps[0].says == "nothing"


def test_who_is_named_and_may_not_decide_is_told_with_the_reason(world: World) -> None:
    told = explain(world.as_("charlie"), "charlie", "nginx-operator", ("web",), None)
    assert dict(told.barred) == {
        "bob": "they answer to charlie", "charlie": "it is their own request",
        "dora": "they answer to charlie",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("role", "target", "names"),
    [
        ("nginx-oprator", "web", "role 'nginx-oprator'"),
        ("nginx-operator", "wob", "target 'wob'"),
    ],
)
def test_what_is_not_there_is_said(world: World, role: str, target: str, names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        explain(world.as_("alice"), "alice", role, (target,), None)


# From the command line

Run = Callable[..., Finished]


@pytest.fixture
def access(ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `opskit access` as somebody of the office."""
    shutil.copytree(OFFICE, ops / "access")
    kind = Obedient(SystemClock())
    monkeypatch.setattr(Granting, "_kind", lambda _self, _registry, _name: kind)
    monkeypatch.setattr(Granting, "_places", lambda _self, _registry, name: PLACES[name])
    call: Inside = inside(ops, monkeypatch, capsys)

    def run(who: str, *arguments: str) -> Finished:
        monkeypatch.setattr("opskit.outside.process.account", lambda: who)
        return call("access", *arguments)

    return run


def test_explain_as_a_table_and_as_json_with_its_codes(access: Run) -> None:
    offered = access("alice", "explain")
    assert (offered.code, "nginx-operator" in offered.out) == (0, True)
    data = json.loads(access("alice", "explain", "--who", "bob", "--json").out)
    assert {one["role"] for one in data["offers"]} == {"nginx-operator", "auditor"}
    one = access("alice", "explain", "web-admin", "--for", "2h")
    assert one.code == 0
    for words in ("web-team", "2 of owners", "SUDO-ALL-NOPASSWD", "NOTAFTER"):
        assert words in one.out
    refused = access("bob", "explain", "web-admin", "--json")
    assert refused.code == 5
    assert json.loads(refused.out)["verdict"] == "refused"
    assert access("bob", "explain", "web-admin").code == 5


def test_usage_and_rightsize_from_the_command_line(access: Run, tmp_path: Path) -> None:
    log = str(LOGS / "debian12-auth.log")
    assert access("bob", "usage", log).code == 2
    assert access("bob", "usage").code == 2
    read = access("bob", "usage", log, "--host", "web1")
    assert read.code == 0
    assert "web1" in read.out
    again = access("bob", "usage", str(LOGS / "sudo-own.log"), "--host", "web1", "--json")
    assert again.code == 3
    assert "no login" in json.loads(again.out)["places"][0]["why_not_covered"]
    sized = access("bob", "rightsize", "nginx-operator")
    assert sized.code == 3
    assert "cannot tell" in sized.out
    data = json.loads(access("bob", "rightsize", "--json").out)
    assert [one["role"] for one in data["roles"]] == ["nginx-operator", "web-admin", "auditor"]
    patch = access("bob", "rightsize", "-o", "patch")
    assert (patch.code, patch.out) == (3, "")
    assert "nothing can be taken out" in patch.err
