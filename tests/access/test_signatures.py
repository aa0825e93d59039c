"""Signed decisions: stock ssh-keygen makes and verifies them, and nothing else passes."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.access import signatures
from opskit.access.auditing import export
from opskit.access.deciding import Word, decide, pending
from opskit.access.model import Key
from opskit.access.registry import Registry
from opskit.access.requesting import request
from opskit.access.store import decisions
from opskit.core.clock import DAY, FrozenClock
from opskit.core.errors import OutsideError, Refused
from opskit.outside import sshsig
from tests.access.world import World, ask, registry

SIGNED = registry(
    policy={"approvals": {"default": {"all_of": [{"among": ["owners"]}], "signed": True}}}
)
ENVIRONMENT = {"PATH": os.environ["PATH"]}


def keypair(directory: Path, name: str) -> tuple[Path, str]:
    path = directory / name
    command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path))
    subprocess.run(command, check=True)
    return path, path.with_suffix(".pub").read_text().strip()


@pytest.fixture
def bobs(tmp_path: Path) -> tuple[Path, str]:
    return keypair(tmp_path, "bob")


def knowing(files: Registry, person: str, **key: object) -> Registry:
    """Return the files with another key of a person, which signs."""
    one = Key.model_validate({"use": ["sign"], **key})
    known = files.people.people[person]
    changed = known.model_copy(update={"keys": (*known.keys, one)})
    people = {**files.people.people, person: changed}
    return replace(files, people=files.people.model_copy(update={"people": people}))


@pytest.fixture
def office(world: World, bobs: tuple[Path, str]) -> World:
    """Return the office where production needs a signature, and bob has a key for it."""
    files = knowing(SIGNED, "bob", key=bobs[1])
    return World(world.database, world.clock, world.kind, files, ENVIRONMENT)


def signed(office: World, key: Path, *, by: str = "bob", say: str = "approve") -> str:
    seen = pending(office.as_(by), 1)
    return sshsig.sign(signatures.statement(seen, by, say), key, signatures.NAMESPACE, ENVIRONMENT)


def test_a_signed_yes_counts_and_anybody_can_verify_it_without_opskit(
    office: World, bobs: tuple[Path, str], tmp_path: Path
) -> None:
    request(office.as_("alice"), ask())
    word = Word("bob", "approve", signature=signed(office, bobs[0]))
    assert decide(office.as_("bob"), 1, word).grant is not None
    with office.database.read() as connection:
        (kept,) = decisions.of(connection, 1)
    (tmp_path / "signature").write_text(kept.signature)
    blob = " ".join(bobs[1].split()[:2])
    (tmp_path / "allowed").write_text(f"bob {blob}\n")
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-n", "opskit-decision", "-I", "bob", "-f", "allowed",
         "-s", "signature"],
        cwd=tmp_path, input=kept.statement, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert kept.key in done.stdout
    assert kept.key.startswith("SHA256:")


def test_an_auditor_verifies_every_signature_with_what_is_exported(
    office: World, bobs: tuple[Path, str], tmp_path: Path
) -> None:
    request(office.as_("alice"), ask())
    decide(office.as_("bob"), 1, Word("bob", "approve", signature=signed(office, bobs[0])))
    found = export(office.as_("charlie"))
    assert (found.requests, found.signed) == (1, 1)
    for name, text in found.files.items():
        (tmp_path / "audit" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "audit" / name).write_text(text)
    command = ["sh", str(tmp_path / "audit" / "verify.sh")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Good" in done.stdout
    (signed_text,) = (tmp_path / "audit" / "decisions").glob("*.txt")
    signed_text.write_text(signed_text.read_text().replace("approve", "approvE"))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_an_unsigned_yes_does_not_count_where_a_signature_is_wanted(office: World) -> None:
    request(office.as_("alice"), ask())
    with pytest.raises(Refused, match="needs signed decisions"):
        decide(office.as_("bob"), 1, Word("bob", "approve"))
    assert decide(office.as_("bob"), 1, Word("bob", "deny")).request.state.value == "denied"


def test_a_signature_over_something_else_is_refused(office: World, bobs: tuple[Path, str]) -> None:
    request(office.as_("alice"), ask())
    wrong = sshsig.sign("approve everything\n", bobs[0], signatures.NAMESPACE, ENVIRONMENT)
    other = signed(office, bobs[0], say="deny")
    elsewhere = sshsig.sign(
        signatures.statement(pending(office.as_("bob"), 1), "bob", "approve"),
        bobs[0], "file", ENVIRONMENT,
    )  # fmt: skip
    for signature in (wrong, other, elsewhere, "", "-----BEGIN SSH SIGNATURE-----\nAAAA\n"):
        with pytest.raises(Refused):
            decide(office.as_("bob"), 1, Word("bob", "approve", signature=signature))


def test_somebody_elses_key_is_refused(office: World, tmp_path: Path) -> None:
    request(office.as_("alice"), ask())
    stranger, _ = keypair(tmp_path, "mallory")
    with pytest.raises(Refused, match="no valid signature of bob"):
        decide(office.as_("bob"), 1, Word("bob", "approve", signature=signed(office, stranger)))


@pytest.mark.parametrize(
    "over", [{"expires": "2026-09-30"}, {"revoked": "2026-09-30"}, {"added": "2026-10-02"}]
)
def test_a_key_that_is_over_signs_nothing(
    world: World, bobs: tuple[Path, str], over: dict[str, str]
) -> None:
    files = knowing(SIGNED, "bob", key=bobs[1], **over)
    office = World(world.database, world.clock, world.kind, files, ENVIRONMENT)
    request(office.as_("alice"), ask())
    with pytest.raises(Refused, match="no valid signature"):
        decide(office.as_("bob"), 1, Word("bob", "approve", signature=signed(office, bobs[0])))


def test_a_key_counts_until_the_end_of_its_last_day(
    world: World, clock: FrozenClock, bobs: tuple[Path, str]
) -> None:
    files = knowing(SIGNED, "bob", key=bobs[1], expires="2026-10-01")
    office = World(world.database, world.clock, world.kind, files, ENVIRONMENT)
    request(office.as_("alice"), ask())
    signature = signed(office, bobs[0])
    clock.advance(DAY // 2 - 1)
    assert decide(office.as_("bob"), 1, Word("bob", "approve", signature=signature)).grant


def test_a_key_for_logging_in_signs_no_decision(world: World, bobs: tuple[Path, str]) -> None:
    files = knowing(SIGNED, "bob", key=bobs[1], use=["login"])
    office = World(world.database, world.clock, world.kind, files, ENVIRONMENT)
    request(office.as_("alice"), ask())
    with pytest.raises(Refused, match="no valid signature"):
        decide(office.as_("bob"), 1, Word("bob", "approve", signature=signed(office, bobs[0])))


def test_a_key_that_cannot_be_used_is_told_in_words(office: World, tmp_path: Path) -> None:
    request(office.as_("alice"), ask())
    with pytest.raises(OutsideError, match="cannot sign with"):
        signed(office, tmp_path / "missing")
