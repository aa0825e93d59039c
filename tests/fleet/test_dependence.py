"""What a standard may depend on that no fingerprint of a host shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.fleet.dependence import of_files, of_settings, of_text, uses

BASELINE = Path(__file__).resolve().parents[2] / "playbooks"


@pytest.mark.parametrize(
    "text",
    [
        "content: '{{ now() }}'", "{{ ansible_date_time.iso8601 }}", "{{ '%Y' | strftime }}",
        "{{ ansible_facts['date_time'] }}", "{{ ansible_facts.mounts }}", "{{ ansible_facts[x] }}",
        "{{ ansible_facts | to_json }}", "{{ ansible_env.HOME }}", "{{ ansible_local.x }}",
        "{{ lookup('env', 'HOME') }}", "{{ query('pipe', 'date') }}", "{{ lookup(name) }}",
        "{{ lookup('file', '/etc/x') }}", "{{ lookup('file', '../x') }}", "with_fileglob: x",
        "{{ hostvars['a'].b }}", "run_once: true", "serial: 1", "any_errors_fatal: true",
        "strategy: free", "collections: [a.b]", "{{ x | community.general.random_mac }}",
        "vars_files: [/etc/x.yml]", "vars_files:\n  - ~/x.yml", "{{ 9 | random }}",
        "{{ ansible_memfree_mb }}", "when: ansible_run_tags", "$ANSIBLE_VAULT;1.1;AES256\n00",
        "ansible_become_user: bob", "{{ s.stat.atime }}",
    ],
)  # fmt: skip
def test_is_a_reason_to_let_ansible_look(text: str) -> None:
    assert of_text(text).reasons


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("{{ ansible_facts['distribution'] }}", {"os"}),
        ("{{ ansible_facts.default_ipv4.address }}", {"network"}),
        ("{{ ansible_hostname }} {{ ansible_managed }}", {"name"}),
        ("{{ ansible_check_mode }}", set()),
        ("{{ lookup('ansible.builtin.dict', x) }} {{ lookup('file', 'x.txt') }}", set()),
        ("with_items: [1]\nloop: [2]", set()),
        ("{{ x | ansible.builtin.combine(y) }} | cat /usr/a.b.c", set()),
        ("vars_files: [x.yml]", set()),
    ],
)
def test_is_covered_by_facts(text: str, facts: set[str]) -> None:
    found = of_text(text)
    assert (found.reasons, found.facts) == (frozenset(), frozenset(facts))


def test_files_are_read_by_what_ansible_makes_of_them() -> None:
    now = b"{{ now() }}"
    assert not of_files([("README.md", now), ("roles/a/files/x", now)]).reasons
    assert of_files([("roles/a/templates/x.j2", now)]).reasons == {"the time"}
    assert of_files([("filter_plugins/x.py", b"")]).reasons == {"a plugin of its own, x.py"}
    assert not of_files([("roles/a/library/own.py", now)]).reasons
    assert of_files([("roles/a/library/copy.py", b"")]).reasons
    assert of_files([("x.yml", b"\xff")]).reasons == {"a file that is no text, x.yml"}


def test_the_baseline_depends_on_facts_and_on_how_long_a_reboot_waits() -> None:
    names = ("baseline.yml", "roles")
    paths = [path for name in names for path in [BASELINE / name, *(BASELINE / name).rglob("*")]]
    files = [(str(p.relative_to(BASELINE)), p.read_bytes()) for p in paths if p.is_file()]
    found = of_files(files)
    assert found.reasons <= {"the time"}
    assert found.facts <= {"os", "virtual", "init"}


def test_settings_that_are_not_known_are_a_reason() -> None:
    assert not of_settings("[defaults]\nforks = 5\n", ["ANSIBLE_PIPELINING"]).reasons
    found = of_settings("[defaults]\nfilter_plugins = /x\n", ["ANSIBLE_LIBRARY"])
    assert found.reasons == {"the setting filter_plugins", "the setting library"}


def test_a_result_that_another_task_reads_is_used() -> None:
    assert uses("register: a\nwhen: a.rc == 0") == "a"
    assert not uses("register: a")
    assert uses("set_fact: {b: 1}") == "set_fact"
