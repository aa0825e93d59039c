"""Check playbooks and inventories before a host is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from opskit.core.findings import Finding, Location, Severity
from opskit.core.text import clean, shorten
from opskit.outside.ansible.door import environment, find_program
from opskit.outside.documents import Document, KeyPath, parse
from opskit.outside.process import Completed, run

_SECONDS = 120.0
_PAUSES = frozenset({"pause", "ansible.builtin.pause", "ansible.legacy.pause"})


def lint_playbooks(directory: Path, root: Path) -> Iterator[Finding]:
    """Yield mistakes in every YAML file of the Ansible content, without starting Ansible."""
    for path in sorted((*directory.rglob("*.yml"), *directory.rglob("*.yaml"))):
        document = parse(path, name=str(path.relative_to(root)), any_tag=True)
        yield from document.findings
        yield from _tasks(document, document.value, ())


def _tasks(document: Document, value: object, key_path: KeyPath) -> Iterator[Finding]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _tasks(document, item, (*key_path, index))
    elif isinstance(value, dict):
        yield from _task(document, value, key_path)
        for key, item in value.items():
            yield from _tasks(document, item, (*key_path, key))


def _task(document: Document, task: Mapping[str, object], key_path: KeyPath) -> Iterator[Finding]:
    name = str(task.get("name", "a task"))
    if _says_no(task.get("check_mode")) and not _says_no(task.get("changed_when")):
        yield Finding(
            "fleet-acts-in-check",
            Severity.HIGH,
            name,
            "check_mode: false makes this task act during a check",
            document.place((*key_path, "check_mode")),
            "add changed_when: false if it only reads, or remove check_mode: false",
        )
    if "vars_prompt" in task:
        yield Finding(
            "fleet-asks",
            Severity.MEDIUM,
            name,
            "vars_prompt waits for an answer that nobody gives in CI",
            document.place((*key_path, "vars_prompt")),
            "make it a variable and give it: --var NAME=VALUE",
        )
    for action in _PAUSES & task.keys():
        if not {"minutes", "seconds"} & _arguments(task[action]).keys():
            yield Finding(
                "fleet-asks",
                Severity.MEDIUM,
                name,
                "pause without a time waits for somebody at a keyboard",
                document.place((*key_path, action)),
                "give it seconds, or ask before the run",
            )


def _says_no(value: object) -> bool:
    """Return whether Ansible takes a value for false: it reads YAML 1.1, `no` and `off` too."""
    return str(value).lower() in {"false", "no", "off", "n", "f", "0"}


def _arguments(value: object) -> Mapping[str, object]:
    """Return a module's arguments, also where they are written `seconds=5`."""
    if isinstance(value, dict):
        return value
    return dict(word.partition("=")[::2] for word in str(value).split())


def lint_inventory(
    inventory: tuple[Path, ...], project: Path, caller: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield what is wrong with the inventories: unreadable, or without a host."""
    place = Location(", ".join(_shown(path, project) for path in inventory))
    missing = [path for path in inventory if not path.exists()]
    if missing:
        yield Finding(
            "fleet-inventory", Severity.HIGH, "inventory", f"there is no {missing[0]}", place
        )
        return
    sources = [part for path in inventory for part in ("-i", str(path))]
    done = _ansible(["ansible-inventory", *sources, "--list"], project, caller)
    if done.status != 0:
        yield Finding("fleet-inventory", Severity.HIGH, "inventory", _error(done), place)
    elif not _host_count(done.stdout):
        message = "no host in it: a check over zero hosts is no check"
        yield Finding("fleet-inventory-empty", Severity.HIGH, "inventory", message, place)


def _host_count(listing: str) -> int:
    try:
        groups = json.loads(listing)
    except ValueError:
        return 0
    return len({host for group in groups.values() for host in group.get("hosts", ())})


def lint_syntax(
    playbook: Path, inventory: tuple[Path, ...], project: Path, caller: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield what Ansible itself says of a playbook without running it."""
    place = Location(_shown(playbook, project))
    if not playbook.exists():
        yield Finding(
            "fleet-standard", Severity.HIGH, "standard", "there is no such playbook", place
        )
        return
    sources = [part for path in inventory if path.exists() for part in ("-i", str(path))]
    done = _ansible(
        ["ansible-playbook", *sources, "--syntax-check", str(playbook)], project, caller
    )
    if done.status != 0:
        yield Finding("fleet-syntax", Severity.HIGH, "standard", _error(done), place)


def _ansible(argv: list[str], project: Path, caller: Mapping[str, str]) -> Completed:
    own = environment(project, caller)
    return run(
        [find_program(argv[0]), *argv[1:]], timeout=_SECONDS, environment=own, directory=project
    )


def _error(done: Completed) -> str:
    if done.timed_out:
        return f"Ansible did not answer within {_SECONDS:g} s"
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line] or lines[-1:]
    message = (
        errors[0].removeprefix("[ERROR]:").removeprefix("ERROR!")
        if errors
        else "Ansible refused it"
    )
    return shorten(clean(message.strip()), 300)


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
