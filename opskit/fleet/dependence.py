"""What the text of a standard depends on beside hosts: facts, clocks, the controller. Pure.

A fingerprint may stand for a check only if all that the check depends on is compared. So the text
is searched for what could depend on anything else; each find is a reason to let Ansible look at
everything. It is meant to be too strict: a word in a comment is enough. Standard library only: the
callback imports this inside Ansible, for variables of the inventory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from opskit.fleet.coverage import is_unknown

# Facts that keep their value while what the probe looks at is the same.
_PROBES = {
    "os": "distribution distribution_file_parsed distribution_file_path distribution_file_variety"
    " distribution_major_version distribution_minor_version distribution_release"
    " distribution_version lsb os_family",
    "kernel": "architecture kernel kernel_version machine system userspace_architecture"
    " userspace_bits",
    "name": "hostname nodename",
    "full-name": "domain fqdn",
    "virtual": "virtualization_role virtualization_tech_guest virtualization_tech_host"
    " virtualization_type",
    "init": "service_mgr",
    "network": "all_ipv4_addresses all_ipv6_addresses default_ipv4 default_ipv6 interfaces",
    "processor": "processor processor_cores processor_count processor_nproc"
    " processor_threads_per_core processor_vcpus",
    "memory": "memtotal_mb swaptotal_mb",
    "python": "python python_version",
    "security": "apparmor fips selinux selinux_python_present",
    "dmi": "bios_date bios_vendor bios_version board_name board_vendor form_factor product_name"
    " product_serial product_uuid product_version system_vendor",
    "packages": "pkg_mgr",
    "account": "effective_group_id effective_user_id real_group_id real_user_id user_dir"
    " user_gecos user_gid user_id user_shell user_uid",
    "machine-id": "machine_id",
    "boot": "cmdline proc_cmdline",
    "resolver": "dns",
}
_FACTS = {fact: probe for probe, facts in _PROBES.items() for fact in facts.split()}
# Variables of Ansible's own that follow from the standard, the inventory and the settings.
_MAGIC = frozenset(
    [
        "check_mode",
        "config_file",
        "diff_mode",
        "forks",
        "host",
        "index_var",
        "inventory_sources",
        "loop",
        "loop_var",
        "managed",
        "parent_role_names",
        "parent_role_paths",
        "playbook_python",
        "port",
        "role_name",
        "role_names",
        "ssh_private_key_file",
        "user",
        "verbosity",
        "version",
    ]
)
_PURE = frozenset(
    [
        "dict",
        "flattened",
        "indexed_items",
        "items",
        "list",
        "nested",
        "sequence",
        "subelements",
        "together",
        "varnames",
        "vars",
    ]
)
_WORDS = (
    (r"\bnow\s*\(|strftime|to_datetime|date_time|template_run_date|template_mtime", "the time"),
    (r"\buptime|loadavg|memfree|swapfree|memory_mb|\bepoch", "how busy or old a host is"),
    (r"size_available|block_used|block_available|inode_|\batime\b", "how full or used a disk is"),
    (r"\brandom|\bshuffle\b", "chance"),
    (r"\bhostvars\b|\bplay_hosts\b|\bansible_play_|\brun_once\b", "other hosts"),
    (r"\bdelegate_facts\b|\badd_host\b|\bgroup_by\b", "other hosts"),
    (r"any_errors_fatal|max_fail_percentage|\bserial\s*:", "whether other hosts fail"),
    (r"\bstrategy\s*:|\bcollections\s*:|\bvars_prompt\b|\bansible_run_tags\b|\bansible_skip_tags\b",
     "how Ansible is run"),
    (r"\|\s*(?!ansible\.builtin\.)[a-z_]\w*\.[a-z_]\w*\.[a-z_]\w*", "a filter of a collection"),
    (r"vars_files\s*:\s*(?:\[\s*|\n\s*-\s*)?['\"]?[/{~]|\.\./", "a file outside the standard"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), about) for pattern, about in _WORDS)
_LOOKUP = re.compile(
    r"\b(?:lookup|query|q)\s*\(\s*(['\"]([\w.]+)['\"])?\s*(,\s*['\"]([^'\"]*)['\"])?"
)
_WITH = re.compile(r"\bwith_(\w+)\s*:")
_FACT = re.compile(r"\bansible_facts\b(?:\s*\[\s*['\"](\w+)['\"]\s*\]|\.(\w+))?")
_OWN = re.compile(r"(?<![\w./-])ansible_(?!facts\b)(\w+)")


@dataclass(frozen=True, slots=True)
class Dependence:
    """The probes of facts that a text depends on, and why a fingerprint cannot stand for it."""

    facts: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()

    def __or__(self, other: Dependence) -> Dependence:
        """Return what both depend on."""
        return Dependence(self.facts | other.facts, self.reasons | other.reasons)


def of_text(text: str) -> Dependence:
    """Return what a playbook, a template or a variable depends on."""
    if text.startswith("$ANSIBLE_VAULT"):
        return Dependence(reasons=frozenset({"what a vault holds"}))
    facts, unknown = _facts(text)
    reasons = {about for pattern, about in _COMPILED if pattern.search(text)}
    reasons |= {f"the fact {name}" for name in unknown} | set(_lookups(text))
    return Dependence(frozenset(facts), frozenset(reasons))


def _facts(text: str) -> tuple[set[str], set[str]]:
    named = {first or second or "as a whole" for first, second in _FACT.findall(text)}
    named |= {name for name in _OWN.findall(text) if name not in _MAGIC}
    return {_FACTS[name] for name in named & _FACTS.keys()}, named - _FACTS.keys()


def _lookups(text: str) -> Iterable[str]:
    for _, plugin, _, term in _LOOKUP.findall(text):
        name = plugin.removeprefix("ansible.builtin.")
        own = name in {"file", "template"} and term and _lies_inside(term)
        if name not in _PURE and not own:
            yield f"the controller, by a lookup {name}".rstrip()
    for name in _WITH.findall(text):
        if name not in _PURE:
            yield f"the controller, by with_{name}"


def _lies_inside(term: str) -> bool:
    return not term.startswith(("/", "~")) and ".." not in term and "{" not in term


def of_files(files: Iterable[tuple[str, bytes]]) -> Dependence:
    """Return what the files of a standard depend on; each is (path below it, content)."""
    whole = Dependence()
    for path, content in files:
        whole |= _of_file(path, content)
    return whole


def _of_file(path: str, content: bytes) -> Dependence:
    parts = path.split("/")
    if parts[0] == "opskit_access":
        return Dependence()  # how opskit itself gives access: no standard makes use of it
    if path.endswith(".md") or "callback" in parts[:-1] or "files" in parts[:-1]:
        return Dependence()  # for people, about results, or copied as it is
    if "library" in parts[:-1] and is_unknown(parts[-1].removesuffix(".py")):
        return Dependence()  # a module of its own: no fingerprint covers its tasks
    if path.endswith((".py", ".pyc", ".so")):
        return Dependence(reasons=frozenset({f"a plugin of its own, {parts[-1]}"}))
    try:
        return of_text(content.decode())
    except UnicodeDecodeError:
        return Dependence(reasons=frozenset({f"a file that is no text, {parts[-1]}"}))


# Settings of ansible.cfg that change how fast or how loud Ansible is, or that the connection
# facts contain already.
_SETTINGS = frozenset(
    [
        "ansible_managed",
        "ask_pass",
        "become",
        "become_ask_pass",
        "become_flags",
        "become_method",
        "become_user",
        "callback_result_format",
        "callback_whitelist",
        "callbacks_enabled",
        "command_warnings",
        "control_path",
        "control_path_dir",
        "deprecation_warnings",
        "diff_always",
        "display_failed_stderr",
        "display_ok_hosts",
        "display_skipped_hosts",
        "forks",
        "gather_subset",
        "gathering",
        "hash_behaviour",
        "host_key_checking",
        "host_pattern_mismatch",
        "interpreter_python",
        "inventory",
        "inventory_unparsed_warning",
        "log_path",
        "nocolor",
        "nocows",
        "pipelining",
        "private_key_file",
        "remote_port",
        "remote_tmp",
        "remote_user",
        "result_format",
        "retry_files_enabled",
        "scp_if_ssh",
        "ssh_args",
        "ssh_common_args",
        "ssh_extra_args",
        "ssh_executable",
        "stdout_callback",
        "system_warnings",
        "timeout",
        "transfer_method",
        "localhost_warning",
        "any_unparsed_is_failed",
        "config",
        "local_temp",
        "home",
        "collections_path",
        "roles_path",
    ]
)
_SETTING = re.compile(r"^\s*([a-z_]+)\s*[=:]", re.MULTILINE)


def of_settings(text: str, environment: Iterable[str]) -> Dependence:
    """Return what an ansible.cfg and the names of variables of the environment depend on."""
    named = set(_SETTING.findall(text.lower()))
    named |= {name.removeprefix("ANSIBLE_").lower() for name in environment}
    odd = named - _SETTINGS - {name for name in named if name.startswith(("display_", "color_"))}
    return Dependence(reasons=frozenset(f"the setting {name}" for name in odd))


_REGISTER = re.compile(r"\bregister\s*:\s*['\"]?(\w+)")
_SET = re.compile(r"\b(?:set_fact|include_vars)\b")


def uses(text: str) -> str:
    """Return a variable that one task sets and any other place may read, or nothing.

    Then some tasks of the standard cannot be checked without the others.
    """
    setter = _SET.search(text)
    names = Counter(_REGISTER.findall(text))
    words = Counter(re.findall(r"\w+", text))
    read = (name for name, count in names.items() if words[name] > count)
    return setter[0] if setter else next(read, "")
