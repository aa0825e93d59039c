"""Gather the facts of a host once in a check, where to gather them again could show nothing else.

Ansible's own setting for this, `gathering: smart`, asks only whether a host's facts were gathered
at all. Facts gathered in part, as another user, by an earlier run, or before a task that acted are
taken for those of a later play: then a condition there is decided wrongly, and nobody sees it.
Here they stand for a later play only if it would gather them in the very same way and nothing has
acted since. An apply changes hosts and gathers anew in each play.
"""

from __future__ import annotations

from ansible import constants as C  # noqa: N812  # as everywhere in Ansible
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: opskit_facts
type: notification
short_description: Gathers facts once where that is enough
description:
  - Does nothing if a setting of the user's says how facts are gathered, or keeps them over runs.
requirements:
  - enabled by opskit, for checks only
"""

_SETTING = "DEFAULT_GATHERING"
# What decides, of a play, how the implicit gathering of facts is done.
_FIELDS = (
    "gather_subset", "gather_timeout", "fact_path", "module_defaults", "environment", "timeout",
    "connection", "port", "remote_user", "strategy", "collections",
    "become", "become_method", "become_user", "become_exe", "become_flags",
)  # fmt: skip
# Of the variables that Ansible sets itself these are another in each play, and reach no host.
_OF_THE_PLAY = ("ansible_play_", "ansible_role_names", "ansible_dependent_role_names")
_GATHERS = {"gather_facts", "ansible.builtin.gather_facts", "ansible.legacy.gather_facts"}
# They give facts too, but none that gathering gives.
_SETS_VARIABLES = {"include_vars", "set_fact"}


class CallbackModule(CallbackBase):
    """Says before each play whether the facts at hand will do."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "opskit_facts"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _, origin = C.config.get_config_value_and_origin(_SETTING)
        # Facts that are kept over runs are of another day.
        self.disabled = origin != "default" or C.CACHE_PLUGIN not in (
            "memory",
            "ansible.builtin.memory",
        )
        self._ways = {}
        self._hold = True

    def v2_playbook_on_play_start(self, play):
        C.DEFAULT_GATHERING = "implicit"  # also if what follows fails
        if play.gather_facts is not False and self._hold:
            self._hold = all(self._as_before(*one) for one in _ways(play))
            C.DEFAULT_GATHERING = "smart" if self._hold else "implicit"

    def _as_before(self, name, way):
        """Tell whether it is certain that facts are gathered as they were the first time."""
        return "{{" not in str(way) and self._ways.setdefault(name, way) == way

    # What may have moved the facts

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._hold = self._hold and task.check_mode is True

    def v2_playbook_on_handler_task_start(self, task):
        self._hold = self._hold and task.check_mode is True

    def v2_runner_on_ok(self, result):
        self._see(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):  # noqa: FBT002  # as Ansible calls it
        self._see(result)

    def v2_runner_item_on_ok(self, result):
        self._see(result)

    def _see(self, result):
        task = result.task
        kept_for_good = task.args.get("cacheable")
        sets = task.action.rpartition(".")[2] in _SETS_VARIABLES and not kept_for_good
        # The gathering that a play implies is written in no file.
        implied = task.action in _GATHERS and task.get_ds() is None
        if "ansible_facts" in result.result and not sets and not implied:
            self._hold = False


def _ways(play):
    """Yield how the play, and each of its hosts, would have facts gathered."""
    manager = play.get_variable_manager()
    inventory = manager._inventory  # noqa: SLF001  # no public way to the limited host list
    yield "", [str(getattr(play, name)) for name in _FIELDS]
    for host in inventory.get_hosts(play.hosts, ignore_restrictions=True):
        yield host.name, _connection(manager.get_vars(play=play, host=host))


def _connection(known):
    """Return the variables that may decide how a host is reached and asked, facts left out."""
    facts = known.get("ansible_facts") or {}
    return {
        name: value
        for name, value in known.items()
        if name.startswith("ansible_")
        and not name.startswith(_OF_THE_PLAY)
        and name != "ansible_facts"
        and name not in facts
        and name.removeprefix("ansible_") not in facts
    }
