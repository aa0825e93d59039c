"""Which things on a host decide what a task's check says: (module, arguments) -> resources. Pure.

A resource is (kind, name); `opskit/outside/remote.py` knows how to look at each kind. A task is
covered if its result in check mode cannot differ while its resources are the same. `None` says
that this cannot be told: Ansible must look. Only names and paths go into a resource, never a
content. Standard library only: the callback imports this inside Ansible.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Resource = tuple[str, str]
Resources = tuple[Resource, ...]
Values = Mapping[str, Any]

# What these say follows from variables, facts and registered results, which are looked at already.
_IN_MEMORY = frozenset(
    [
        "assert",
        "debug",
        "fail",
        "gather_facts",
        "import_playbook",
        "import_role",
        "import_tasks",
        "include_role",
        "include_tasks",
        "meta",
        "ping",
        "set_fact",
        "setup",
        "validate_argument_spec",
    ]
)
# What these read is told to people, and nothing of the standard follows from it: they are only
# covered while no later task can use what they found.
_TOLD = frozenset(["opskit_posture"])
# Check mode never runs these, whatever the host is like.
_NEVER_RUN = frozenset(["fetch", "raw", "tempfile", "uri"])
_CONTEXT = ("attributes", "selevel", "serole", "setype", "seuser")
_LONGEST = 4_096
_MOST = 500


def resources(
    action: str, arguments: Values, result: Values, *, check: bool, registered: bool = False
) -> Resources | None:
    """Return what decides the result of a task that was ok or skipped, or nothing if unknown.

    `arguments` are the task's, resolved; `result` is what the module returned, its invocation
    included; `check` is whether check mode was in force for this very task, `registered`
    whether later tasks can use its result.
    """
    name = action.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
    if name in _IN_MEMORY:
        return ()
    if name in _TOLD:
        return None if registered else ()
    if name in _NEVER_RUN:
        return () if check else None
    find = _COVERED.get(name)
    found = find(_Task(arguments, result, check=check)) if find else None
    return _sound(found) if found is not None else None


def _sound(found: Iterable[Resource]) -> Resources | None:
    unique = tuple(dict.fromkeys(found))
    good = all(0 < len(name) <= _LONGEST and "\0" not in name for _, name in unique)
    return unique if good and len(unique) <= _MOST else None


class _Task:
    """A task's arguments as it was given them, and as the module understood them."""

    def __init__(self, arguments: Values, result: Values, *, check: bool) -> None:
        invocation = result.get("invocation")
        ran = invocation.get("module_args") if isinstance(invocation, Mapping) else None
        self.given = arguments
        self.ran: Values = ran if isinstance(ran, Mapping) else {}
        self.result = result
        self.check = check

    def value(self, *names: str) -> Any:  # noqa: ANN401  # an argument may be anything
        """Return an argument under its name or an alias: the module's reading comes first."""
        for source in (self.ran, self.given):
            for name in names:
                if source.get(name) is not None:
                    return source[name]
        return None

    def true(self, name: str) -> bool:
        """Return whether a boolean argument is on."""
        return str(self.value(name)).lower() in {"true", "yes", "on", "1", "y", "t"}

    def any(self, *names: str) -> bool:
        """Return whether one of these arguments is given and not empty."""
        return any(self.value(name) not in (None, "", [], {}, False) for name in names)

    def rights(self) -> Resources | None:
        """Return what the owner and group of a file are resolved by."""
        if self.any(*_CONTEXT):
            return None
        named = (("owner", self.value("owner")), ("group-id", self.value("group")))
        return tuple((kind, str(name)) for kind, name in named if name is not None)


def _absolute(*values: object) -> list[str] | None:
    paths = [value for value in values if value is not None]
    good = all(isinstance(path, str) and path.startswith("/") for path in paths)
    return [str(path) for path in paths] if paths and good else None


def _at(task: _Task, kind: str, *values: object) -> Resources | None:
    paths, rights = _absolute(*values), task.rights()
    if paths is None or rights is None:
        return None
    return (*((kind, path) for path in paths), *rights)


def _file(task: _Task) -> Resources | None:
    state = task.value("state")
    times = [task.value("modification_time"), task.value("access_time")]
    if state in {"touch", "hard"} or any(time not in (None, "", "preserve") for time in times):
        return None
    kind = "tree" if task.true("recurse") else "path"
    return _at(task, kind, task.value("path", "dest", "name"))


def _written(task: _Task) -> Resources | None:
    """Cover a single file whose wanted content is known before: copy, template, assemble."""
    source = task.given.get("src")
    inside = source is None or _inside(source)
    if task.true("remote_src") or not inside or not task.result.get("checksum"):
        return None
    given = task.given.get("dest")
    named = given if str(given).startswith("/") else None  # a directory, if a name was added to it
    places = (named, task.value("dest"), task.result.get("dest"), task.result.get("path"))
    return _at(task, "path", *places)


def _inside(source: object) -> bool:
    """Return whether a file of the controller lies in the standard, which is hashed."""
    text = str(source)
    return not text.startswith(("/", "~")) and ".." not in text.split("/")


def _edited(task: _Task) -> Resources | None:
    return _at(task, "path", task.value("path", "dest", "destfile", "name"))


def _stat(task: _Task) -> Resources | None:
    return _at(task, "stat", task.value("path", "dest", "name"))


def _slurp(task: _Task) -> Resources | None:
    return _at(task, "path", task.value("src", "path"))


def _find(task: _Task) -> Resources | None:
    paths = task.value("paths", "path", "name")
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, Sequence) or task.any("age"):
        return None
    deep = task.true("recurse") or task.any("contains", "get_checksum")
    return _at(task, "tree" if deep else "list", *paths)


def _get_url(task: _Task) -> Resources | None:
    checksum = str(task.value("checksum") or "")
    if not checksum or "://" in checksum or task.true("force"):
        return None
    return _at(task, "path", task.value("dest"), task.result.get("dest"))


def _cron(task: _Task) -> Resources | None:
    file, user = task.value("cron_file"), task.value("user")
    if file:
        return (("path", str(file) if str(file).startswith("/") else f"/etc/cron.d/{file}"),)
    if not isinstance(user, str) or "/" in user:
        return None
    spool = ("/var/spool/cron/crontabs", "/var/spool/cron")
    return tuple(("path", f"{place}/{user}") for place in spool)


def _authorized_key(task: _Task) -> Resources | None:
    user, keys = task.value("user"), task.result.get("keyfile")
    found = _absolute(keys)
    if not isinstance(user, str) or found is None or "://" in str(task.value("key")):
        return None
    return (("user", user), ("path", found[0]), ("path", found[0].rpartition("/")[0] or "/"))


def _user(task: _Task) -> Resources | None:
    name, groups = task.value("name", "user"), task.value("groups") or []
    if not isinstance(name, str) or task.any("generate_ssh_key", "seuser", "authorization"):
        return None
    several = groups.split(",") if isinstance(groups, str) else groups
    named = [*several, *filter(None, [task.value("group")])]
    return (("user", name), *(("group", str(one).strip()) for one in named if str(one).strip()))


def _group(task: _Task) -> Resources | None:
    name = task.value("name")
    return (("group", name),) if isinstance(name, str) else None


def _service(task: _Task) -> Resources | None:
    name, state = task.value("name", "service", "unit"), task.value("state")
    scope, use = task.value("scope"), task.value("use")
    plain = state in (None, "started", "stopped") and scope in (None, "system")
    if not plain or use not in (None, "auto", "systemd"):
        return None
    if not isinstance(name, str) or task.any("pattern", "runlevel", "arguments", "args"):
        return None
    return (("unit", name),)


def _apt(task: _Task) -> Resources | None:
    names = task.value("name", "pkg", "package")
    names = names.split(",") if isinstance(names, str) else names
    kind = _PACKAGE_STATES.get(str(task.value("state") or "present"))
    more = ("deb", "upgrade", "autoremove", "autoclean", "clean", "default_release")
    if not names or kind is None or task.any(*more):
        return None
    plain = [str(name).strip().partition("=")[0].partition(":")[0] for name in names]
    odd = any(not set("*?[^~/").isdisjoint(str(name)) for name in names)
    return None if odd else tuple((kind, name) for name in plain)


_PACKAGE_STATES = {
    "present": "package",
    "installed": "package",
    "absent": "package-absent",
    "removed": "package-absent",
}


def _sysctl(task: _Task) -> Resources | None:
    name, file = task.value("name", "key"), task.value("sysctl_file") or "/etc/sysctl.conf"
    if not isinstance(name, str) or _absolute(file) is None:
        return None
    return (("sysctl", name), ("path", str(file)))


def _command(task: _Task) -> Resources | None:
    """Cover a command that check mode leaves out, or one that is known to look only."""
    if not task.check:
        return _known(task)
    guards = [guard for name in ("creates", "removes") if (guard := task.value(name)) is not None]
    if not guards:
        return ()
    paths = _absolute(*guards)
    return tuple(("glob", path) for path in paths) if paths is not None else None


def _known(task: _Task) -> Resources | None:
    argv = task.given.get("argv") or _words(task.given.get("_raw_params"))
    if task.any("chdir", "creates", "removes", "stdin", "_uses_shell") or not argv:
        return None
    words = [str(word) for word in argv]
    return next((found for look in _LOOKS if (found := look(words)) is not None), None)


def _words(text: object) -> list[str]:
    try:
        return shlex.split(str(text or ""))
    except ValueError:
        return []


def _presence(argv: list[str]) -> Resources | None:
    """Cover `find PATH... -maxdepth 0`: which of the paths are there."""
    if argv[0] != "/usr/bin/find" or argv[-2:] != ["-maxdepth", "0"]:
        return None
    paths = _absolute(*argv[1:-2])
    return tuple(("presence", path) for path in paths) if paths is not None else None


def _running_kernel(argv: list[str]) -> Resources | None:
    """Cover `sysctl --ignore KEY...`: values of the running kernel."""
    keys = argv[2:]
    if argv[:2] != ["/sbin/sysctl", "--ignore"] or any(key.startswith("-") for key in keys):
        return None
    return tuple(("sysctl", key) for key in keys) if keys else None


def _program(argv: list[str]) -> Resources | None:
    """Cover a program that only looks: the same program is run for the fingerprint."""
    return (("program", json.dumps(argv)),) if _only_looks(argv) else None


# Programs that read, print and end: with just these words, or with any. What is not listed is
# never run for a fingerprint.
_PROGRAMS = (
    ["/usr/bin/apt-config", "dump"],
    ["/usr/sbin/sshd", "-T"],
    ["/usr/sbin/visudo", "-cf", "/etc/sudoers"],
)
_READERS = frozenset(["/bin/grep", "/usr/bin/grep"])
# Of the firewall in force one chain, without the counters that each packet moves.
_CHAIN = ["/usr/sbin/nft", "--stateless", "list", "chain"]
_NAME = re.compile(r"[A-Za-z0-9_]+")


def _only_looks(argv: list[str]) -> bool:
    chain = argv[:4] == _CHAIN and all(map(_NAME.fullmatch, argv[4:]))
    return argv in _PROGRAMS or argv[0] in _READERS or chain


def allowed(resource: Sequence[object]) -> bool:
    """Return whether a resource may be looked at: a program only if it is known to look only."""
    kind, name = (str(part) for part in resource)
    return kind != "program" or _only_looks(json.loads(name))


_LOOKS: tuple[Callable[[list[str]], Resources | None], ...] = (_presence, _running_kernel, _program)


def _guarded(task: _Task) -> Resources | None:
    """Cover what check mode leaves out unless a file says otherwise."""
    return None if not task.check or task.any("creates", "removes") else ()


def _include_vars(task: _Task) -> Resources | None:
    sources = [task.given.get(name) for name in ("file", "dir", "_raw_params")]
    return () if all(source is None or _inside(source) for source in sources) else None


_COVERED: Mapping[str, Callable[[_Task], Resources | None]] = {
    "apt": _apt,
    "ansible.posix.authorized_key": _authorized_key,
    "ansible.posix.sysctl": _sysctl,
    "assemble": _written,
    "blockinfile": _edited,
    "command": _command,
    "copy": _written,
    "cron": _cron,
    "file": _file,
    "find": _find,
    "get_url": _get_url,
    "group": _group,
    "include_vars": _include_vars,
    "known_hosts": _edited,
    "lineinfile": _edited,
    "replace": _edited,
    "script": _guarded,
    "service": _service,
    "shell": _command,
    "slurp": _slurp,
    "stat": _stat,
    "systemd": _service,
    "systemd_service": _service,
    "template": _written,
    "user": _user,
}


def is_unknown(module: str) -> bool:
    """Return whether a module of this name is never taken for one that is covered."""
    return module not in _COVERED and module not in _IN_MEMORY | _NEVER_RUN
