"""Ways to get a yes that is none, each tried through the verbs: refused, and told."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from opskit.access import deciding, revocation, signatures
from opskit.access.auditing import export
from opskit.access.certificates import Wanted, issue
from opskit.access.consistency import Places, consistency
from opskit.access.deciding import Decided, Word, decide
from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.access.model import People
from opskit.access.registry import Registry
from opskit.access.requesting import check, extend, request
from opskit.access.settling import start_now
from opskit.access.store import decisions, grants, requests
from opskit.core.clock import DAY, HOUR, FrozenClock
from opskit.core.errors import Conflict, Refused
from opskit.core.findings import Location
from opskit.outside.documents import parse
from opskit.outside.files import write_directory
from opskit.outside.models import validate
from opskit.outside.sshsig import sign
from tests.access.world import OFFICE, World, ask, registry


def people(**changes: Mapping[str, object]) -> Registry:
    """Return the office with some of its people changed."""
    known = parse(OFFICE / "people.yaml").value["people"]  # type: ignore[index]
    merged = {name: {**one, **changes.get(name, {})} for name, one in known.items()}
    return registry(people={"people": merged})


def roles(**changes: Mapping[str, object]) -> Registry:
    """Return the office with some of its roles changed."""
    known = parse(OFFICE / "roles.yaml").value["roles"]  # type: ignore[index]
    return registry(roles={"roles": known | {n: known[n] | one for n, one in changes.items()}})


def asked(world: World, **values: object) -> int:
    return request(world.as_("alice"), ask(**values)).request.id  # type: ignore[arg-type]


def given(world: World, **values: object) -> grants.Grant:
    done = decide(world.as_("bob"), asked(world, **values), Word("bob", "approve"))
    assert done.grant is not None
    start_now(world.as_("bob"), done.grant)
    return done.grant


# One who passes for two


def test_two_who_share_a_key_count_as_one(world: World) -> None:
    twins = people(bob={"keys": [{"key": "ssh-ed25519 SAME x"}]},
                   dora={"keys": [{"key": "ssh-ed25519 SAME y"}]})  # fmt: skip
    world = replace(world, files=twins)
    number = asked(world, role="web-admin")
    decide(world.as_("bob"), number, Word("bob", "approve"))
    with pytest.raises(Refused, match="shares a key with bob"):
        decide(world.as_("dora"), number, Word("dora", "approve"))
    assert "decision.refused_self" in world.kinds_of_entries()


def test_one_key_is_written_in_one_way() -> None:
    fields = (b"ssh-rsa", b"\x01\x00\x01", b"\x00\xaa\xbb")
    blob = b"".join(len(one).to_bytes(4, "big") + one for one in fields)
    text = base64.b64encode(blob).decode()
    public_key(f"ssh-rsa {text}")
    assert text.endswith("w==")
    other = text.replace("w==", "x==")  # the same bytes, and bits that mean nothing
    assert base64.b64decode(other) == blob
    with pytest.raises(NoKeyError):
        public_key(f"ssh-rsa {other}")


@pytest.mark.parametrize(
    "name",
    ["b*", "bob,eve", "!eve", "../bob", "a b", "-o", "", "b\u043eb", "b\u202eob", "$(id)", "a\n"],
)
def test_no_name_is_more_than_a_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(json.dumps({"people": {name: {"name": "X"}}}))
    document = parse(path)
    assert validate(document, People) is None
    assert document.findings


# What is changed between asking and a yes


@pytest.mark.parametrize(
    "changed",
    [
        people(alice={"keys": [{"key": "ssh-ed25519 MALLORY"}]}),
        people(alice={"account": "root"}),
        registry(targets={"targets": {
            "web": {"kind": "linux", "hosts": "all"},
            "staging": {"kind": "linux", "hosts": "staging", "environment": "staging"},
        }}),
    ],
    ids=["whose key", "which account", "which hosts"],
)  # fmt: skip
def test_nobody_approves_one_thing_and_gives_another(world: World, changed: Registry) -> None:
    number = asked(world)
    with pytest.raises(Conflict, match="checked anew"):
        decide(world.as_("bob", changed), number, Word("bob", "approve"))


def test_more_time_is_not_given_for_what_a_role_gave_once(world: World) -> None:
    grant = given(world)
    narrower = roles(**{"nginx-operator": {"linux": {"groups": ["adm"]}}})
    with pytest.raises(Refused, match="gives something else than when g1 was given"):
        extend(world.as_("alice", narrower), grant.id, HOUR, "not done")
    later = extend(world.as_("alice"), grant.id, HOUR, "not done").request.id
    with pytest.raises(Conflict):  # it is judged by the new role, which is seen first
        decide(world.as_("bob", narrower), later, Word("bob", "approve"))
    with pytest.raises(Refused, match="gives something else"):
        decide(world.as_("bob", narrower), later, Word("bob", "approve"))


def test_separated_duties_do_not_meet_while_two_decide_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = asked(world, role="auditor"), asked(world, role="web-admin")
    decide(world.as_("bob"), second, Word("bob", "approve"))
    decide(world.as_("dora"), second, Word("dora", "approve"))
    real = deciding._proven

    def meanwhile(*arguments: object, **options: bool) -> tuple[str, str]:
        monkeypatch.setattr(deciding, "_proven", real)
        decide(world.as_("bob"), first, Word("bob", "approve"))
        return "", ""

    monkeypatch.setattr(deciding, "_proven", meanwhile)
    with pytest.raises(Conflict, match="was changed just now"):
        decide(world.as_("charlie"), second, Word("charlie", "approve"))
    with world.database.read() as connection:
        held = {one.role for one in grants.held(connection, "alice")}
    assert held == {"auditor"}


# Signatures


@pytest.fixture
def signing(world: World, tmp_path: Path) -> tuple[World, dict[str, Path]]:
    """Return the office where bob and charlie sign, and where their keys are."""
    keys = {name: tmp_path / name for name in ("bob", "charlie")}
    for path in keys.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    lines = {
        name: {"keys": [{"key": path.with_suffix(".pub").read_text().strip(), "use": ["sign"]}]}
        for name, path in keys.items()
    }
    files = people(**lines)
    default = files.policy.approvals["default"].model_copy(update={"signed": True})
    policy = files.policy.model_copy(
        update={"approvals": {**files.policy.approvals, "default": default}}
    )
    return replace(world, files=replace(files, policy=policy)), keys


def signed(world: World, number: int, who: str, key: Path, namespace: str = "") -> Decided:
    with world.database.read() as connection:
        seen = requests.one(connection, number)
    text = signatures.statement(seen, who, "approve")
    said = sign(text, key, namespace or signatures.NAMESPACE, {})
    return decide(world.as_(who), number, Word(who, "approve", signature=said))


def test_what_was_signed_for_one_request_serves_no_other(
    signing: tuple[World, dict[str, Path]],
) -> None:
    world, keys = signing
    first, second = asked(world), asked(world, reason="another")
    with world.database.read() as connection:
        text = signatures.statement(requests.one(connection, first), "bob", "approve")
    replayed = sign(text, keys["bob"], signatures.NAMESPACE, {})
    for number, who, said in (
        (second, "bob", replayed), (first, "charlie", replayed),
        (first, "bob", sign(text, keys["bob"], "git", {})),
        (first, "bob", sign(text, keys["charlie"], signatures.NAMESPACE, {})),
        (first, "bob", "-----BEGIN SSH SIGNATURE-----\n\n-----END SSH SIGNATURE-----\n"),
    ):  # fmt: skip
        with pytest.raises(Refused, match="no valid signature"):
            decide(world.as_(who), number, Word(who, "approve", signature=said))
    with pytest.raises(Refused, match="needs signed decisions"):
        decide(world.as_("bob"), first, Word("bob", "approve"))
    assert signed(world, first, "bob", keys["bob"]).grant is not None


def test_a_key_that_was_revoked_apart_from_the_files_approves_nothing(
    signing: tuple[World, dict[str, Path]],
) -> None:
    world, keys = signing
    number = asked(world)
    done = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(keys["bob"])], capture_output=True, text=True, check=True
    )
    revocation.revoke(world.as_("dora"), done.stdout.split()[1], "laptop lost")
    with pytest.raises(Refused, match="no valid signature"):
        signed(world, number, "bob", keys["bob"])
    assert signed(world, number, "charlie", keys["charlie"]).grant is not None


def test_the_script_of_an_export_runs_nothing_but_ssh_keygen(world: World, tmp_path: Path) -> None:
    number = asked(world)
    with world.database.write() as connection:  # as from before names were held to a form
        decisions.insert(
            connection, request=number, approver="$(touch pwned)", verdict="approve", reason="",
            at=world.clock.now(), check_hash="0", statement='{"policy_version": "; touch pwned"}',
            signature="none", key="",
        )  # fmt: skip
    directory = tmp_path / "audit"
    write_directory(directory, export(world.as_("bob")).files)
    done = subprocess.run(["sh", "verify.sh"], cwd=directory, capture_output=True, check=False)
    assert done.returncode == 1
    assert not list(directory.rglob("pwned"))


# What is written by hand


def exported(world: World, directory: Path) -> tuple[tuple[str, ...], int]:
    """Return what an export finds unproven, and how its script ends."""
    found = export(world.as_("bob"))
    write_directory(directory, found.files)
    done = subprocess.run(["sh", "verify.sh"], cwd=directory, capture_output=True, check=False)
    return found.unproven, done.returncode


def test_what_opskit_wrote_is_proven(world: World, tmp_path: Path) -> None:
    grant = given(world)
    extend(world.as_("alice"), grant.id, HOUR, "not done")
    decide(world.as_("bob"), asked(world, role="auditor"), Word("bob", "deny", "no"))
    assert exported(world, tmp_path / "audit") == ((), 0)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (("INSERT INTO access_decisions (request, approver, verdict, reason, at, check_hash,"
         " statement, signature, key) SELECT request, 'dora', verdict, reason, at, check_hash,"
         " statement, signature, key FROM access_decisions"),
         "the ledger knows no approve of r1 by dora"),
        ("UPDATE access_decisions SET reason = 'asked for it'", "no approve of r1 by bob"),
        ("UPDATE access_requests SET reason = 'harmless'", "r1 is not what the ledger says"),
        ("UPDATE access_grants SET id = 7", "the ledger knows no g7 given for r1"),
    ],
)  # fmt: skip
def test_what_somebody_wrote_into_the_tables_is_not_proven(
    world: World, tmp_path: Path, statement: str, words: str
) -> None:
    number = asked(world)
    decide(world.as_("bob"), number, Word("bob", "approve"))
    with world.database.write() as connection:
        connection.exec_driver_sql(statement)
    (odd,), code = exported(world, tmp_path / "audit")
    assert words in odd
    assert code == 0  # each for itself: the ledger holds


def test_an_entry_written_by_hand_is_found_by_the_script_of_an_export(
    world: World, tmp_path: Path
) -> None:
    given(world)
    with world.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE ledger SET data = replace(data, 'alice', 'carol') WHERE seq = 3"
        )
    assert exported(world, tmp_path / "audit")[1] == 1


# What is seen before a yes


def test_a_reason_stays_on_one_line(world: World) -> None:
    number = asked(world, reason="x\napproval  of  who may\n\x1b[2J\udcff", ticket="a\nb")
    with world.database.read() as connection:
        kept = requests.one(connection, number).ask
    assert kept.reason == r"x\napproval  of  who may\n\x1b[2J\udcff"
    assert kept.ticket == r"a\nb"


@pytest.mark.parametrize(
    ("values", "words"),
    [({"reason": "x" * 2_001}, "2,000 characters"), ({"duration": 0}, "no time at all"),
     ({"duration": -HOUR}, "no time at all"),
     ({"starts_at": 253_402_300_000_000_000}, "more than a year")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    world: World, values: dict[str, object], words: str
) -> None:
    (refusal,) = check(world.as_("alice"), ask(**values)).refusals  # type: ignore[arg-type]
    assert words in refusal.message


def test_no_role_is_given_for_an_age() -> None:
    with pytest.raises(AssertionError, match="longer than ten years"):
        roles(auditor={"max_duration": "99999999999999d"})


def test_somebody_whose_name_is_no_account_is_told_to_enter_one(world: World) -> None:
    named = {"first.last": {"name": "F", "team": "web", "keys": [{"key": "ssh-ed25519 A"}]}}
    known = parse(OFFICE / "people.yaml").value["people"]  # type: ignore[index]
    files = registry(people={"people": {**known, **named}})
    (refusal,) = check(world.as_("first.last", files), ask("first.last")).refusals
    assert "'first.last' is no name of an account" in refusal.message


# Who has left


def test_who_has_left_gets_no_certificate(world: World, clock: FrozenClock) -> None:
    files = people(alice={"ends": "2026-10-01"})
    world = replace(world, files=files)
    grant = given(world)
    clock.advance(DAY)
    with pytest.raises(Refused, match="has left"):
        issue(world.as_("alice"), Wanted(grant.id, "ssh-ed25519 AAAA"))


def test_who_answers_to_themselves_is_found() -> None:
    files = people(charlie={"manager": "dora"}, bob={"manager": "bob"}, alice={"manager": "bob"})

    def nowhere(_path: tuple[str | int, ...]) -> Location:
        return Location("access/people.yaml")

    found = consistency(files, Places(nowhere, nowhere, nowhere), date(2026, 10, 1))
    circles = {one.subject for one in found if one.rule == "access-manager-circle"}
    assert circles == {"people.bob.manager", "people.charlie.manager", "people.dora.manager"}
