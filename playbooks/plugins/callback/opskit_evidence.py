"""What happened on each host, as opskit needs it: the second truth beside ansible-runner's events.

Runner's events lose `changed` under `no_log`, lose results over 700,000 characters, and give no
reason for a skip. This callback keeps them. It writes one JSON object per line to a private file;
secrets are taken out before the line is written. It never raises into the run. Where a line cannot
be written any more, an apply is stopped: what nobody could know of afterwards must not be changed.
"""

from __future__ import annotations

import getpass
import json
import os
import signal
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from ansible._internal._datatag._tags import Origin  # no public way to where a value came from
from ansible.errors import AnsibleError
from ansible.executor.task_executor import TaskExecutor
from ansible.parsing.vault import EncryptedString
from ansible.playbook.block import Block
from ansible.playbook.handler import Handler
from ansible.playbook.play_context import PlayContext
from ansible.plugins import loader as plugin_loader
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

from opskit.core.change import keyed_hash
from opskit.core.redact import Redactor, secret_values
from opskit.core.text import clean_block
from opskit.fleet.coverage import resources
from opskit.fleet.dependence import Dependence, of_text

DOCUMENTATION = r"""
name: opskit_evidence
type: notification
short_description: Writes what opskit needs to know of a run
description:
  - One JSON object per line into the run directory that opskit names in the environment.
requirements:
  - started by opskit, which sets E(OPSKIT_RUN_DIRECTORY)
"""

MESSAGE_LIMIT = 2_000
DIFF_LIMIT = 20_000
# Of all texts of one result together. Nobody reads more, and runner drops what is over 700,000.
RESULT_LIMIT = 10_000_000
POSTURE_LIMIT = 1_000_000
_SETS_VARIABLES = {"include_vars", "set_fact"}
_PASSWORDS = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")


class CallbackModule(CallbackBase):
    """Writes plays, tasks, results and statistics as they happen."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "opskit_evidence"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        directory = os.environ.get("OPSKIT_RUN_DIRECTORY")
        self.disabled = directory is None
        if directory is None:
            return
        job = json.loads(Path(directory, "job.json").read_text(encoding="utf-8"))
        self._check = job["mode"] == "check"
        self._key = bytes.fromhex(job["hash_key"])
        self._redact = Redactor()
        self._known_secrets = set()
        self._given = None
        self._started = {}
        self._last_task = {}
        self._ways = {}
        self._depends_on = {}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            self._events = os.open(Path(directory, "events.jsonl"), flags, 0o600)
            self._append({"k": "begin", "pid": os.getpid()})
        except OSError as error:
            # Of any other exception Ansible makes a warning, and goes on.
            message = f"what happens cannot be written down: {error.strerror}"
            raise SystemExit(message) from error
        _answer_nothing()

    def _append(self, record):
        line = json.dumps(record, ensure_ascii=True, default=str) + "\n"
        data = line.encode()
        while data:
            data = data[os.write(self._events, data) :]

    def _write(self, **record):
        try:
            self._append(record)
        except OSError:
            if not self._check:  # which changes nothing, and may go on
                os.kill(os.getpid(), signal.SIGINT)

    def _text(self, value, limit=MESSAGE_LIMIT):
        text = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
        return clean_block(self._redact.start_of(text, limit))[:limit]

    # Plays and tasks

    def v2_playbook_on_start(self, playbook):
        hosts = {}
        for play in playbook.get_plays():
            inventory = play.get_variable_manager()._inventory  # noqa: SLF001  # as below
            try:
                hosts |= dict.fromkeys(host.name for host in inventory.get_hosts(play.hosts))
            except AnsibleError:
                continue  # named by a variable: known when the play starts
        self._write(k="expected", hosts=list(hosts))

    def v2_playbook_on_play_start(self, play):
        manager = play.get_variable_manager()
        inventory = manager._inventory  # noqa: SLF001  # no public way to the limited host list
        hosts = inventory.get_hosts(play.hosts, ignore_restrictions=True)
        self._play = play
        self._learn_secrets(hosts)
        self._write(
            k="play",
            name=self._text(play.get_name()),
            hosts=[host.name for host in hosts],
            tasks=[self._task(task) for task in self._planned(play, manager)],
        )

    def _learn_secrets(self, hosts):
        manager = self._play.get_variable_manager()
        given = manager.extra_vars
        if self._given is None:
            # The same for each host, and there may be as much of it as there are hosts.
            self._given = _depends(given)
            self._known_secrets |= {*secret_values(given), *_vaulted(given)}
        for host in hosts:
            known = manager.get_vars(play=self._play, host=host)
            same = {"hostvars", "vars", *given}
            own = {key: value for key, value in known.items() if key not in same}
            self._known_secrets |= {*secret_values(own), *_vaulted(own)}
            self._learn_dependences(host, own)
        self._redact = Redactor().with_secrets(self._known_secrets)

    def _planned(self, play, manager):
        variables = manager.get_vars(play=play)
        for block in play.compile():
            filtered = block.filter_tagged_tasks(variables)
            if filtered.has_tasks():
                yield from self._flat([*filtered.block, *filtered.always])

    def _flat(self, tasks):
        for task in tasks:
            if isinstance(task, Block):
                yield from self._flat([*task.block, *task.always])
            elif task.action not in ("meta", "ansible.builtin.meta"):
                yield task

    def _task(self, task):
        return {
            "uuid": task._uuid,  # noqa: SLF001  # the only identity a task has
            # Without the role in front: the path says where the task is.
            "name": self._text(task.name or task.get_name()),
            "path": task.get_path() or "",
            "action": task.action,
            "tags": [str(tag) for tag in task.tags],
            "handler": isinstance(task, Handler),
            "run_once": bool(task.run_once),
            "notify": _names(task.notify),
            "listen": _names(getattr(task, "listen", None)),
        }

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._write(k="task", **self._task(task))

    def v2_playbook_on_handler_task_start(self, task):
        self._write(k="task", **self._task(task))

    def v2_playbook_on_include(self, included_file):
        for host in included_file._hosts:  # noqa: SLF001  # as the other callbacks read it
            self._write(k="include", host=host.name, uuid=included_file._task._uuid)  # noqa: SLF001

    def v2_playbook_on_no_hosts_matched(self):
        self._write(k="no_hosts")

    def v2_playbook_on_vars_prompt(self, varname, *_args, **_kwargs):
        self._write(k="prompt", name=str(varname))

    # Results

    def v2_runner_on_start(self, host, task):
        self._started[host.name, task._uuid] = time.monotonic()  # noqa: SLF001
        self._write(k="start", host=host.name, uuid=task._uuid)  # noqa: SLF001

    def v2_runner_on_ok(self, result):
        self._result(result, "changed" if result.is_changed() else "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):  # noqa: FBT002  # as Ansible calls it
        self._result(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result):
        self._result(result, "unreachable")

    def v2_runner_on_skipped(self, result):
        self._result(result, self._skip(result))

    def v2_runner_item_on_ok(self, result):
        self._result(result, "changed" if result.is_changed() else "ok", item=True)

    def v2_runner_item_on_failed(self, result):
        self._result(result, "failed", item=True)

    def v2_runner_item_on_skipped(self, result):
        self._result(result, self._skip(result), item=True)

    def _skip(self, result):
        data = result.result
        # An empty loop and an unmet verbosity have `skipped_reason`, an unmet condition of a
        # `meta` task says "conditional" in the middle.
        by_condition = (
            "false_condition" in data
            or "skipped_reason" in data
            or "onditional" in str(data.get("skip_reason", ""))
        )
        return "skipped" if by_condition or not self._check else "unsupported"

    def _result(self, result, outcome, *, item=False):
        data = result.result
        if result.task.action.rpartition(".")[2] in _SETS_VARIABLES:
            self._learn_secrets([result.host])
        label = {"item": self._text(self._get_item_label(data), 200)} if item else {}
        if outcome in ("ok", "changed") and _size(data) > RESULT_LIMIT:
            outcome = "too large"
        if outcome == "ok" and isinstance(data.get("posture"), dict):
            self._posture(result)
        self._presence(result, data)
        if outcome in ("ok", "changed") and isinstance(data.get("opskit_told"), str):
            # Whole and as it is: opskit's own modules leave secrets where they are.
            self._write(k="told", host=result.host.name, told=data["opskit_told"])
        self._outcome(
            result.host.name,
            result.task,
            outcome,
            **label,
            reason=self._reason(data, outcome),
            diff=self._diffs(data) if outcome == "changed" else [],
            delegated=self._delegated(data),
            hidden="censored" in data,
            **self._looked_at(result, outcome, data),
        )

    def _presence(self, result, data):
        """Write whether a grant is in force, as the playbook itself concluded it.

        Only `set_fact` counts: it runs here, while any module's facts are what a host claims.
        """
        told = (data.get("ansible_facts") or {}).get("opskit_present")
        if isinstance(told, bool) and result.task.action.rpartition(".")[2] == "set_fact":
            self._write(k="presence", host=result.host.name, present=told)

    def _posture(self, result):
        """Write what the posture module read, and what the inventory says of the host."""
        text = self._redact(json.dumps(result.result["posture"], default=str))
        known = self._play.get_variable_manager().get_vars(play=self._play, host=result.host)
        ports, owner = known.get("opskit_ports"), known.get("opskit_owner", "")
        with suppress(ValueError):  # the redacted text is no JSON any more
            facts = json.loads(text[:POSTURE_LIMIT])
            told = {"ports": [str(port) for port in ports]} if isinstance(ports, list) else {}
            host = result.host.name
            self._write(k="posture", host=host, facts=facts, owner=self._text(owner, 200), **told)

    def _outcome(self, host, task, outcome, **details):
        uuid = task._uuid  # noqa: SLF001
        started = self._started.get((host, uuid))
        took = round((time.monotonic() - started) * 1_000_000) if started else 0
        self._write(k="result", host=host, uuid=uuid, outcome=outcome, took=took, **details)

    def _reason(self, data, outcome):
        if outcome in ("ok", "changed"):
            return ""
        told = data.get("false_condition") or data.get("msg") or data.get("skip_reason") or ""
        # Of a loop it says only that it is over; the item that was lost or failed says why.
        for item in data.get("results") or ():
            if isinstance(item, dict) and (item.get("unreachable") or item.get("failed")):
                told = item.get("msg") or told
                break
        # Gathering facts says only that a module failed; what it printed is one level down.
        for module in (data.get("failed_modules") or {}).values():
            told = f"{told} {module.get('module_stderr') or module.get('msg') or ''}".strip()
        return self._text(told)

    def _delegated(self, data):
        return str((data.get("_ansible_delegated_vars") or {}).get("ansible_host", ""))

    # Differences

    def _diffs(self, data):
        found = data.get("diff") or []
        return [
            self._diff(part)
            for part in (found if isinstance(found, list) else [found])
            if isinstance(part, dict)
            and ("before" in part or "after" in part or "prepared" in part)
        ]

    def _diff(self, part):
        if "prepared" in part:
            return self._sides("", str(part["prepared"]))
        told = self._sides(self._side(part.get("before")), self._side(part.get("after")))
        # Of owner, mode and the like a check tells less than the apply that follows.
        attributes = isinstance(part.get("before"), dict) or isinstance(part.get("after"), dict)
        return {**told, "attributes": attributes}

    def _side(self, value):
        if isinstance(value, dict):
            return "".join(f"{key}: {value[key]}\n" for key in sorted(value) if key != "path")
        return "" if value is None else str(value)

    def _sides(self, before, after):
        return {
            "before": self._text(before, DIFF_LIMIT),
            "after": self._text(after, DIFF_LIMIT),
            "before_hash": keyed_hash(self._key, before),
            "after_hash": keyed_hash(self._key, after),
            "cut": max(len(before), len(after)) > DIFF_LIMIT,
        }

    # What a fingerprint may stand for

    def _looked_at(self, result, outcome, data):
        """Return what decides this result, by names and paths only, and how the host was reached.

        Without `look` the task is not covered: only Ansible can tell.
        """
        task = result.task
        plain = outcome in ("ok", "skipped", "unsupported") and "censored" not in data
        own = any(str(name).startswith("ansible_") for name in task.get_vars())
        odd = task.delegate_to or task.async_val or any(task.environment or ()) or own
        if not self._check or not plain or odd:
            return {"facts": "ansible_facts" in data}
        if outcome == "skipped":
            return {"look": []}
        known = {"check": bool(task.check_mode), "registered": bool(task.register)}
        found = resources(task.action, task.args, data, **known)
        if found is None or any(self._redact(name) != name for _, name in found):
            return {"facts": "ansible_facts" in data}
        return {"look": found, "way": self._way(result.host, task)} if found else {"look": []}

    def _way(self, host, task):
        """Return a number for how a task reaches its host and as whom, the same for the same."""
        fields = ("remote_user", "port", "become", "become_method", "become_user")
        asked = tuple(str(getattr(task, name)) for name in (*fields, "become_exe", "become_flags"))
        asked += (_transport(task.connection),)
        ways = self._ways.setdefault(host.name, {})
        return ways.setdefault(asked, (len(ways), host, self._play, task))[0]

    def _connections(self):
        for name, ways in self._ways.items():
            for number, host, play, task in ways.values():
                try:
                    told = self._connection(host, play, task)
                except Exception as error:  # noqa: BLE001  # whatever it is, Ansible must look
                    told = {"plugin": "", "why": type(error).__name__}
                self._write(k="connection", host=name, way=number, **told)

    def _connection(self, host, play, task):
        """Return how Ansible itself reaches a host for this task."""
        manager, loader = play.get_variable_manager(), play.get_loader()
        known = manager.get_vars(play=play, host=host, task=task)
        executor = TaskExecutor(
            host, task, known, PlayContext(play=play), loader, plugin_loader, None, manager
        )
        templar = executor._task_templar  # noqa: SLF001  # Ansible's own resolution, not a second
        context = executor._play_context.set_task_and_variable_override(  # noqa: SLF001
            task=task, variables=known, templar=templar
        )
        context.post_validate(templar=templar)
        context.remote_addr = context.remote_addr or host.address
        executor._play_context = context  # noqa: SLF001
        plugin = _transport(templar.template(known.get("ansible_connection") or task.connection))
        connection = executor._get_connection(known, templar, plugin)  # noqa: SLF001
        executor._connection = connection  # noqa: SLF001
        executor._set_connection_options(known, templar)  # noqa: SLF001
        return {
            "plugin": connection.ansible_name.removeprefix("ansible.builtin."),
            "argv": self._argv(connection),
            "user": self._user(connection),
            "become": self._become(connection),
            "password": bool(context.password) or any(known.get(name) for name in _PASSWORDS),
            "python": self._python(known, templar),
        }

    def _user(self, connection):
        if connection.ansible_name.removeprefix("ansible.builtin.") == "local":
            return getpass.getuser()
        return str(connection.get_option("remote_user") or "")

    def _argv(self, connection):
        if connection.ansible_name.removeprefix("ansible.builtin.") != "ssh":
            return []
        address = connection.get_option("host") or connection._play_context.remote_addr  # noqa: SLF001
        program = connection.get_option("ssh_executable")
        words = [
            os.fsdecode(word)
            for word in connection._build_command(program, "ssh", address)  # noqa: SLF001
        ]
        return words if self._redact("\n".join(words)) == "\n".join(words) else []

    def _become(self, connection):
        become = connection.become
        if become is None:
            return {}
        given = {name: become.get_option(f"become_{name}") for name in ("user", "exe", "flags")}
        secret = bool(become.get_option("become_pass"))
        return {"method": become.name.removeprefix("ansible.builtin."), "password": secret, **given}

    def _python(self, known, templar):
        named = templar.template(known.get("ansible_python_interpreter") or "auto")
        found = known.get("ansible_facts", {}).get("discovered_interpreter_python", "")
        return str(found if str(named).startswith("auto") else named)

    def _learn_dependences(self, host, variables):
        """Note which facts the variables of a host depend on, and what else beside the host.

        Once for each play, before it runs: what tasks set later is no text of the standard's.
        """
        if self._check and (self._play._uuid, host.name) not in self._depends_on:  # noqa: SLF001
            found = self._given | _depends(variables)
            self._depends_on[self._play._uuid, host.name] = found  # noqa: SLF001

    def _dependences(self):
        for (_, name), found in self._depends_on.items():
            told = {"facts": sorted(found.facts), "reasons": sorted(found.reasons)}
            self._write(k="depends", host=name, **told)

    def v2_playbook_on_stats(self, stats):
        if self._check:
            self._connections()
            self._dependences()
        hosts = sorted(stats.processed)
        self._write(k="stats", hosts={host: stats.summarize(host) for host in hosts})


def _transport(plugin):
    """Return how a host is reached: items of a loop name the plugin in short, others in full.

    Through mitogen some tasks name what took the plugin's place; their host is reached alike.
    """
    return str(plugin).removeprefix("ansible.builtin.").removeprefix("mitogen_")


def _answer_nothing():
    """Let a task fail that asks a person: on the terminal that runner gives it, it would wait."""
    waits = Display.prompt_until

    def asked(display, msg, private=False, seconds=None, **more):  # noqa: FBT002  # as Ansible's
        if seconds is None:
            message = f"it asks {msg!r} and nobody is there to answer"
            raise AnsibleError(message)
        return waits(display, msg, private=private, seconds=seconds, **more)

    Display.prompt_until = asked


def _names(value):
    # Before a task has run, one name may still be a text instead of a list.
    return [value] if isinstance(value, str) else [str(name) for name in value or []]


def _depends(value):
    """Return what the templates in a variable depend on; other text depends on nothing."""
    found = Dependence()
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            found |= _depends(item)
    elif isinstance(value, str | EncryptedString):
        try:
            text = str(value)
        except AnsibleError:
            return Dependence(reasons=frozenset({"what a vault holds"}))
        found = of_text(text) if "{{" in text or "{%" in text else found
    return found


def _size(data):
    return sum(len(value) for value in data.values() if isinstance(value, str))


def _vaulted(value):
    """Yield what came out of a vault, whatever its name: somebody thought it worth encrypting."""
    if isinstance(value, EncryptedString):
        with suppress(AnsibleError):  # what cannot be opened cannot be shown either
            yield str(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _vaulted(item)
    elif isinstance(value, list):
        for item in value:
            yield from _vaulted(item)
    elif isinstance(value, str | int) and "{{" not in str(value):
        origin = Origin.get_tag(value)
        if origin is not None and _is_encrypted(origin.path):
            yield str(value)


@cache
def _is_encrypted(path):
    if path is None:
        return False
    try:
        with Path(path).open("rb") as stream:
            return stream.read(14) == b"$ANSIBLE_VAULT"
    except OSError:
        return False
