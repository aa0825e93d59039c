"""What cannot be looked at ends with the right code and one line, and never hangs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.conftest import CASES as FILES
from tests.fleet.repository import LOCAL, Repository

PLAY = """---
- hosts: all
  gather_facts: false
  tasks: [{name: Looks, ansible.builtin.debug: {msg: looked}}]
"""


@dataclass(frozen=True)
class Case:
    """A standard and an inventory that cannot work, and how opskit says so."""

    code: int
    says: str
    standard: str = PLAY
    inventory: str = f"web1 {LOCAL}\n"
    arguments: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("run.started", "run.failed")


CASES = {
    "a-prompt": Case(
        5,
        "refused: the standard asks for 'answer' and nobody is there to answer",
        PLAY.replace("tasks:", "vars_prompt: [{name: answer, prompt: well}]\n  tasks:"),
    ),
    "a-syntax-error": Case(2, "playbooks/standard.yml:5:", PLAY + "   - bad: indent\n"),
    "an-unknown-module": Case(2, "ansible.builtin.debgu", PLAY.replace("debug", "debgu")),
    "no-playbook": Case(2, "there is no ", arguments=("-p", "no.yml"), kinds=()),
    "no-inventory": Case(2, "there is no ", arguments=("-i", "no.ini"), kinds=()),
    "an-empty-inventory": Case(5, "no host to look at", inventory=""),
    "an-inventory-that-is-none": Case(2, "inventory/hosts.ini", inventory="web1 no such = thing"),
    "a-limit-that-matches-nothing": Case(5, "nobody", arguments=("-l", "nobody")),
    "a-limit-that-excludes-all": Case(5, "no host", arguments=("-l", "web1:!web1")),
    "a-bad-variable": Case(2, "'no-name' is no variable", arguments=("--var", "no-name"), kinds=()),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_refused_with_one_line(case: Case, lay_out: Callable[..., Repository]) -> None:
    here = lay_out("", case.standard)
    here.write("inventory/hosts.ini", case.inventory)
    done = here.opskit("fleet", "check", *case.arguments)
    assert done.code == case.code, done.err
    said = [line for line in done.err.splitlines() if line.startswith("opskit: ")]
    assert len(said) == 1
    assert case.says in said[0]
    assert "  next: " in done.err
    assert not done.out
    assert tuple(here.kinds()) == case.kinds
    assert not here.runs


def test_a_prompt_that_is_answered_by_a_variable_is_none(repository: Repository) -> None:
    prompt = "vars_prompt: [{name: wanted, prompt: well}]\n  tasks:"
    repository.write("playbooks/standard.yml", PLAY.replace("tasks:", prompt))
    assert repository.check("--var", "wanted=this").code == 0


def test_a_password_that_nobody_types_is_not_waited_for(repository: Repository) -> None:
    asks = "[defaults]\nask_pass = true\nask_vault_pass = true\n"
    become = "[privilege_escalation]\nbecome_ask_pass = true\n"
    repository.write("ansible.cfg", asks + become)
    assert repository.check().code == 1


NO_PASSWORD = ("no vault secrets found", "vault_password_file in ansible.cfg")


@pytest.mark.parametrize(
    ("settings", "says", "hint"),
    [
        pytest.param("", *NO_PASSWORD, id="no-password"),
        pytest.param(
            "[defaults]\nvault_identity_list=prod@prompt\n",
            "Invalid vault password",
            NO_PASSWORD[1],
            id="a-password-to-type",
        ),
        pytest.param(
            "[defaults]\nvault_password_file=ansible.cfg\n",
            "Decryption failed",
            "is it the right password?",
            id="another-password",
        ),
    ],
)
def test_a_vault_that_cannot_be_opened_ends_the_run_at_once(
    repository: Repository, settings: str, says: str, hint: str
) -> None:
    vault = (FILES / "fleet" / "vault.txt").read_text()
    repository.write("inventory/group_vars/all/vault.yml", vault)
    repository.write("ansible.cfg", settings)
    done = repository.opskit("fleet", "check")
    assert done.code == 2
    (said, following) = done.err.splitlines()[-2:]
    assert says in said
    assert hint in following
    assert repository.kinds() == ["run.started", "run.failed"]
    assert not repository.processes()


def test_a_task_that_asks_somebody_fails_and_is_not_waited_for(repository: Repository) -> None:
    asks = "{name: Asks, ansible.builtin.pause: {prompt: go on?}}"
    not_asked = asks.replace("}}", "}, when: false}")
    waits = "{name: Waits, ansible.builtin.pause: {seconds: 0}}"
    play = PLAY.replace("tasks: [", f"tasks: [{not_asked}, {waits}, {asks}, ")
    repository.write("playbooks/standard.yml", play)
    checked = repository.check("-l", "web1")
    assert checked.code == 3
    assert checked.verdicts == {"web1": "failed"}
    assert checked.host("web1")["reason"].startswith("Asks: ")
    assert "nobody is there to answer" in checked.host("web1")["reason"]
    assert checked.host("web1")["tasks_observed"] == 1


@pytest.mark.parametrize("locale", ["LC_ALL=C", "LANG=xx_XX.UTF-8"])
def test_the_callers_locale_does_not_matter(repository: Repository, locale: str) -> None:
    name, _, value = locale.partition("=")
    repository.write("playbooks/standard.yml", PLAY)
    assert repository.check(**{name: value}).code == 0


def test_hosts_that_do_not_answer_are_unreachable(lay_out: Callable[..., Repository]) -> None:
    ping = PLAY.replace("debug: {msg: looked}", "ping: {}")
    inventory = (
        "nameless ansible_host=no.such.invalid\nclosed ansible_host=127.0.0.1 ansible_port=1\n"
    )
    checked = lay_out(f"web1 {LOCAL}\n{inventory}", ping).check()
    assert checked.code == 3
    unreachable = dict.fromkeys(("nameless", "closed"), "unreachable")
    assert checked.verdicts == {"web1": "compliant", **unreachable}
    assert "no.such.invalid" in checked.host("nameless")["reason"]
    assert "refused" in checked.host("closed")["reason"]
