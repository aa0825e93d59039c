"""Facts stand for a later play only where gathering them again could show nothing else."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.vars.manager import VariableManager

from opskit.outside.ansible.door import callback_directory

Data = Mapping[str, Any]


class Run:
    """A check as the callback sees it: plays and tasks, without a host to look at."""

    def __init__(self, directory: Path, hosts: str) -> None:
        inventory = directory / "hosts.ini"
        inventory.write_text(hosts)
        self.loader = DataLoader()
        self.inventory = InventoryManager(loader=self.loader, sources=[str(inventory)])
        self.variables = VariableManager(loader=self.loader, inventory=self.inventory)
        path = callback_directory() / "opskit_facts.py"
        spec = importlib.util.spec_from_file_location("opskit_facts", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.callback = module.CallbackModule()

    def play(self, **fields: object) -> str:
        """Start a play; return how Ansible is told to gather facts in it."""
        data = {"hosts": "all", **fields}
        play = Play.load(data, variable_manager=self.variables, loader=self.loader)
        self.callback.v2_playbook_on_play_start(play)
        return str(constants.DEFAULT_GATHERING)

    def task(self, action: str, args: Data, result: Data, *, check_mode: object = True) -> None:
        """Do a task that is written in a file; RESULT is what came of it."""
        task = Task()
        task.action, task.args, task.check_mode = action, args, check_mode
        task._ds = {action: args}
        self.callback.v2_playbook_on_task_start(task, False)
        self.callback.v2_runner_on_ok(SimpleNamespace(task=task, result=result))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    monkeypatch.setattr(constants, "DEFAULT_GATHERING", "implicit")
    return lambda hosts="web1\nweb2\n": Run(tmp_path, hosts)


GIVES = {"ansible_facts": {"distribution": "Debian"}}


def test_plays_that_gather_alike_share_their_facts(run: Callable[..., Run]) -> None:
    check = run()
    assert check.play(name="first") == "smart"
    check.task("ansible.builtin.stat", {"path": "/"}, {})
    check.task("ansible.builtin.set_fact", {"x": 1}, {"ansible_facts": {"x": 1}})
    assert check.play(name="none", gather_facts=False) == "implicit"
    assert check.play(name="second", roles=[], hosts="web1") == "smart"


@pytest.mark.parametrize(
    "fields",
    [
        {"gather_subset": ["min"]},
        {"gather_timeout": 1},
        {"fact_path": "/etc/other"},
        {"become": True},
        {"become_user": "nobody"},
        {"remote_user": "nobody"},
        {"connection": "local"},
        {"port": 2222},
        {"environment": {"LANG": "de"}},
        {"module_defaults": {"setup": {"filter": "ansible_d*"}}},
        {"vars": {"ansible_become": True}},
        {"strategy": "free"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_play_that_gathers_in_another_way_gathers_anew(
    run: Callable[..., Run], fields: Data
) -> None:
    check = run()
    assert check.play() == "smart"
    assert check.play(**fields) == "implicit"
    assert check.play() == "implicit", "the facts at hand are of two kinds now"


@pytest.mark.parametrize(
    ("action", "args", "result", "check_mode"),
    [
        ("ansible.builtin.command", {}, {}, False),
        ("ansible.builtin.command", {}, {}, "{{ acts }}"),
        ("ansible.builtin.setup", {"filter": "x"}, GIVES, True),
        ("ansible.builtin.gather_facts", {"gather_subset": ["min"]}, GIVES, True),
        ("ansible.builtin.hostname", {"name": "x"}, GIVES, True),
        ("ansible.builtin.set_fact", {"x": 1, "cacheable": True}, GIVES, True),
    ],
)
def test_what_may_have_moved_facts_ends_it(
    run: Callable[..., Run], action: str, args: Data, result: Data, check_mode: object
) -> None:
    check = run()
    assert check.play() == "smart"
    check.task(action, args, result, check_mode=check_mode)
    assert check.play() == "implicit"


def test_who_a_host_is_reached_as_may_not_hang_on_anything(run: Callable[..., Run]) -> None:
    assert run("web1 ansible_become='{{ wanted }}'\n").play() == "implicit"


def test_a_setting_of_the_users_is_left_alone(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_GATHERING", "explicit")
    assert run().callback.disabled


def test_facts_that_are_kept_over_runs_are_not_shared(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = run()
    monkeypatch.setattr(constants, "CACHE_PLUGIN", "jsonfile")
    assert type(check.callback)().disabled
