"""A secret that Ansible handles is found nowhere afterwards: 0 hits in every byte that is left."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from tests.conftest import CASES, Finished
from tests.fleet.repository import DEADLINE, LOCAL, Repository

# One canary for each place a secret can come from. None of these names says what it is, but the
# names of the variables do, or they came out of a vault.
SLOTS = {
    "db_password": "canary-of-a-host",
    "api_token": "canary-of-a-group",
    "nested": "canary-of-a-list",
    "plain_name": "canary-of-a-vaulted-value",
    "deep": "canary-of-a-deep-vaulted-value",
    "other_name": "canary-of-a-vaulted-file",
    "pin": "84739271",
    "late": "canary-of-an-included-vault",
    "app_secret": "canary-of-a-play",
    "made_password": "canary-of-a-fact",
    "given_token": "canary-of-an-argument",
    "uri": "canary-of-a-uri",
    "tls_private_key": "canary-of-a-key-line-1\ncanary-of-a-key-line-2",
}
STANDARD = (CASES / "fleet" / "secrets.yml").read_text()
INVENTORY = f"""web1 {LOCAL} db_password={SLOTS["db_password"]}
[all:vars]
api_token={SLOTS["api_token"]}
"""


def vault(directory: Path, *files: Path) -> None:
    """Encrypt FILES with the password in DIRECTORY."""
    command = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt"]
    password = ["--vault-password-file", str(directory / "vault-password")]
    subprocess.run(
        [*command, *password, *map(str, files)], cwd=directory, check=True, capture_output=True
    )


def inline(text: str, indent: int) -> str:
    """Return a vaulted TEXT as a value in YAML."""
    return "!vault |\n" + "".join(f"{' ' * indent}{line}\n" for line in text.splitlines())


@pytest.fixture(scope="module")
def place(lay_out: Callable[..., Repository]) -> Repository:
    here = lay_out(INVENTORY, STANDARD)
    outside = here.root.parent
    (outside / "vault-password").write_text("open sesame\n")
    values = [outside / "one", outside / "two"]
    for path, name in zip(values, ("plain_name", "deep"), strict=True):
        path.write_text(SLOTS[name])
    group = "inventory/group_vars/all"
    whole = here.write(
        f"{group}/vault.yml", f"other_name: {SLOTS['other_name']}\npin: {SLOTS['pin']}\n"
    )
    late = here.write("playbooks/late.yml", f"late: {SLOTS['late']}\n")
    vault(outside, *values, whole, late)
    key = SLOTS["tls_private_key"].replace("\n", "\n  ")
    here.write(
        f"{group}/plain.yml",
        f"users: [{{name: al, password: {SLOTS['nested']}}}]\n"
        f"plain_name: {inline(values[0].read_text(), 2)}"
        f"deep:\n  inside:\n    - {inline(values[1].read_text(), 8)}"
        f"tls_private_key: |\n  {key}\n",
    )
    here.write("ansible.cfg", f"[defaults]\nvault_password_file={outside / 'vault-password'}\n")
    return here


@dataclass
class Sampled:
    """What a run printed, and what a look at the process list showed meanwhile."""

    finished: dict[str, Finished] = field(default_factory=dict)
    arguments: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def sampled(place: Repository) -> Sampled:
    found = Sampled()
    variables = place.root.parent / "variables"
    variables.write_text(f"given_token={SLOTS['given_token']}")
    for form in ("table", "json", "junit"):
        words = ("fleet", "check", "-o", form, "--var", variables.read_text())
        with place.started(*words) as process:
            while process.poll() is None and form == "json":
                found.arguments |= set(_arguments())
                time.sleep(0.02)
            out, err = process.communicate(timeout=DEADLINE)
        found.finished[form] = Finished(process.returncode, out, err)
    return found


def _arguments() -> Iterator[str]:
    """Yield every process's command line but opskit's own, which is what the tester typed."""
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if words[2:4] != ["fleet", "check"]:
            yield " ".join(words)


def forms(secret: str) -> set[bytes]:
    """Return how a secret could be written."""
    return {
        form
        for line in (secret, *secret.splitlines())
        for form in (
            line.encode(),
            base64.b64encode(line.encode()).rstrip(b"="),
            quote(line, safe="").encode(),
        )
    }


@pytest.mark.parametrize("slot", SLOTS)
def test_no_byte_of_the_state_holds_it(sampled: Sampled, place: Repository, slot: str) -> None:
    assert len(place.entries("drift.found")) > 1
    files = [path for path in (place.root / ".opskit").rglob("*") if path.is_file()]
    for path in files:
        data = path.read_bytes()
        assert not [form for form in forms(SLOTS[slot]) if form in data], path


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("form", ["table", "json", "junit"])
def test_nothing_that_was_printed_holds_it(sampled: Sampled, form: str, slot: str) -> None:
    finished = sampled.finished[form]
    assert finished.code == 3
    assert "[redacted]" in finished.out
    said = (finished.out + finished.err).encode()
    assert not [one for one in forms(SLOTS[slot]) if one in said]


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot != "api_token"])
def test_no_command_line_held_it(sampled: Sampled, slot: str) -> None:
    lines = [line.encode() for line in sampled.arguments]
    assert any(b"ansible-playbook" in line for line in lines)
    assert not [form for form in forms(SLOTS[slot]) if any(form in line for line in lines)]


def test_no_file_of_the_run_is_left(sampled: Sampled, place: Repository) -> None:
    assert not place.runs
    assert "[redacted]" in sampled.finished["json"].out


def test_a_difference_in_secrets_only_is_still_a_difference(
    sampled: Sampled, place: Repository
) -> None:
    """The keyed hash is of the text before it was redacted."""
    first = json.loads(sampled.finished["json"].out)["hosts"][0]["drift"][0]
    second = place.check("--var", "given_token=canary-of-another").host("web1")["drift"][0]
    assert first["after"] == second["after"]
    assert first["after_hash"] != second["after_hash"]
