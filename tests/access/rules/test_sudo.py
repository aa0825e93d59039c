"""The rules on sudo, each by hosts as files: those it must find something on, and those not."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from opskit.access.findings import AccessFinding
from opskit.access.hosts.model import File, HostState
from opskit.access.rules.rule import Rule
from opskit.access.rules.sudo import SUDO, SudoView, lint, view_of
from opskit.core.clock import Instant
from tests.access.sudoers.trees import host_of
from tests.conftest import CASES

NOW = Instant(1_795_000_000_000_000)
RULES = CASES / "access" / "rules"
TREES = sorted(one.parent for one in RULES.glob("SUDO-*/*/expect.yaml"))


def case(tree: Path) -> tuple[HostState, dict[str, Any]]:
    told = yaml.safe_load((tree / "expect.yaml").read_text())
    return host_of(tree, told), told


def of_rule(tree: Path, found: tuple[AccessFinding, ...]) -> list[AccessFinding]:
    return [one for one in found if one.rule == tree.parent.name]


@pytest.mark.parametrize("tree", TREES, ids=lambda one: f"{one.parent.name}/{one.name}")
def test_a_rule_finds_what_its_cases_hold_and_nothing_else(tree: Path) -> None:
    state, told = case(tree)
    found = of_rule(tree, lint(state, NOW)[0])
    assert sorted({one.subject for one in found}) == sorted(told["subjects"])
    lines = {f"{at.file}:{at.line}" for one in found for at in one.evidence}
    assert set(told["lines"]) <= lines
    assert bool(found) is tree.name.startswith("fail-")
    if "severity" in told:
        assert {one.severity.value for one in found} == {told["severity"]}


def test_one_right_is_one_finding_of_a_rule() -> None:
    tree = RULES / "SUDO-ALL" / "fail-one-finding-for-two-lines"
    assert len(of_rule(tree, lint(case(tree)[0], NOW)[0])) == 1


@pytest.mark.parametrize("rule", SUDO.rules, ids=lambda one: one.id)
def test_every_rule_is_documented_and_has_a_case_for_and_against(rule: Rule[SudoView]) -> None:
    for part in ("Why:", "Fix:", "Bad:", "Good:"):
        assert part in rule.documentation
    assert rule.title.endswith(".")
    names = [one.name for one in (RULES / rule.id).iterdir()]
    assert any(name.startswith("fail-") for name in names)
    assert any(name.startswith("pass-") for name in names)


def test_the_catalogue_is_whole() -> None:
    assert {one.id for one in SUDO.rules} == {one.parent.name for one in TREES}


@pytest.mark.parametrize("tree", TREES, ids=lambda one: f"{one.parent.name}/{one.name}")
def test_an_edit_of_spacing_and_place_leaves_a_fingerprint_as_it_is(tree: Path) -> None:
    state, _ = case(tree)
    main = state.files["/etc/sudoers"]
    text = "# a line more\n\n" + main.text.replace(" ALL=", "  ALL = ").replace(", ", ",   ")
    files = {**state.files, "/etc/sudoers": replace(main, text=text)}
    before = {one.fingerprint for one in of_rule(tree, lint(state, NOW)[0])}
    after = {one.fingerprint for one in of_rule(tree, lint(replace(state, files=files), NOW)[0])}
    assert after == before


def test_what_could_not_be_looked_at_is_told() -> None:
    state, _ = case(RULES / "SUDO-ALL" / "fail-standing")
    _, missing = lint(state, NOW)
    assert {one.rule for one in missing} == {"SUDO-WRITABLE-CMD", "SUDO-MISSING-CMD"}
    _, none = lint(replace(state, paths={}), NOW)
    assert none == ()
    found, missing = lint(replace(state, files={}), NOW)
    assert (found, {one.rule for one in missing}) == ((), {one.id for one in SUDO.rules})


def test_hosts_judged_once_are_told_apart() -> None:
    state, _ = case(RULES / "SUDO-ALL" / "fail-standing")
    found = {name: lint(replace(state, name=name), NOW)[0] for name in ("a", "b")}
    assert [one.target for one in found["a"]] == ["a"] * len(found["a"])
    assert [one.message for one in found["a"]] == [one.message for one in found["b"]]
    assert len({one.fingerprint for one in (*found["a"], *found["b"])}) == 2 * len(found["a"])


def test_the_same_is_found_whether_or_not_another_host_was_judged_before() -> None:
    rng = random.Random(7)
    trees = rng.sample(TREES, len(TREES))
    for tree in trees:
        state, _ = case(tree)
        plain = {one.fingerprint for one in lint(state, NOW)[0]}
        named = {one.fingerprint for one in lint(replace(state, paths=state.paths or {}), NOW)[0]}
        assert plain == named


def test_a_sudoers_file_made_of_anything_is_judged_without_falling() -> None:
    rng = random.Random(3)
    words = [*'=():,!%+#"\\\n ^$*\x00\udcff\tA', "alice", "ALL", "/bin/sh", "Defaults"]
    words += ["User_Alias", "NOPASSWD:", "CWD=", "sha256:", "@include"]
    for _ in range(300):
        text = "".join(rng.choice(words) for _ in range(rng.randint(1, 60)))
        state = HostState("web1", {"/etc/sudoers": File("/etc/sudoers", text)}, (), ())
        view_of(state, NOW)
        lint(state, NOW)
