"""Certificates from asking to revoked: who gets one, for how long, and who is told it is over."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from opskit.access import certificates, due, reviews, revocation
from opskit.access.certificates import Wanted, issue, own_grant, window
from opskit.access.consistency import Places, consistency
from opskit.access.deciding import Word, decide
from opskit.access.ending import give_back
from opskit.access.model import AccessPolicy, Environment, Key as RegisteredKey, Reviews
from opskit.access.registry import Registry
from opskit.access.requesting import request
from opskit.access.settling import settle, start_now
from opskit.access.store import certificates as stored, grants
from opskit.access.targets.kinds import Answer
from opskit.access.workplace import Workplace
from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, Duration, FrozenClock, Instant, SystemClock
from opskit.core.errors import ConfigError, Refused
from opskit.core.findings import Location
from opskit.granting import Granting
from opskit.outside.database import Database
from opskit.outside.models import Model
from opskit.outside.sshca import Signer, signer
from opskit.records.ledger import entries
from tests.access.targets.deputy import Key
from tests.access.world import PLACES, Obedient, World, ask, registry
from tests.cli.inside import inside
from tests.conftest import Finished
from tests.outside.test_sshca import read, refuses


@dataclass
class Listening(Obedient):
    """Targets in memory that can be told of revoked keys; `deaf` ones have no RevokedKeys."""

    lists: dict[str, bytes] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)

    def revoke_keys(self, targets: Sequence[str], krl: bytes) -> Mapping[str, Answer]:
        return {name: self._told(name, krl) for name in targets}

    def _told(self, name: str, krl: bytes) -> Answer:
        sight = self._sight(name, ())
        if name in self.unreachable:
            return Answer(sight, failed=sight.reason)
        if name in self.deaf:
            return Answer(sight, failed="revoked keys: sshd has no RevokedKeys")
        self.lists[name] = krl
        return Answer(sight)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    for name in ("ca", "alice", "bob", "laptop"):
        Key.made(directory / name)
    return directory


def public(keys: Path, name: str) -> str:
    return (keys / f"{name}.pub").read_text().strip()


def files(keys: Path, **rights: object) -> Registry:
    """Return the office where nginx-operator is opened by certificates, and keys are real."""
    found = registry(
        policy={"authorities": {"production": {"key_file": "ca"}}},
    )
    role = found.roles.roles["nginx-operator"]
    assert role.linux is not None
    linux = role.linux.model_copy(update={"login": "certificate", **rights})
    roles = {**found.roles.roles, "nginx-operator": role.model_copy(update={"linux": linux})}
    people = {
        name: one.model_copy(update={"keys": (RegisteredKey(key=public(keys, name)),)})
        if name in {"alice", "bob"}
        else one
        for name, one in found.people.people.items()
    }
    return replace(
        found,
        roles=found.roles.model_copy(update={"roles": roles}),
        people=found.people.model_copy(update={"people": people}),
    )


@dataclass(frozen=True)
class Office(World):
    """The office with somebody who signs."""

    signs: Signer | None = None

    def as_(self, user: str, files: Registry | None = None) -> Workplace:
        assert self.signs is not None
        signs = self.signs
        return replace(super().as_(user, files), authority=lambda _environment: signs)


@pytest.fixture
def kind(clock: FrozenClock) -> Listening:
    return Listening(clock)


@pytest.fixture
def office(database: Database, clock: FrozenClock, kind: Listening, keys: Path) -> Office:
    signs = signer(keys / "ca", None, os.environ)
    return Office(database, clock, kind, files(keys), dict(os.environ), signs=signs)


def granted(office: Office, who: str = "alice", **values: object) -> int:
    one = request(office.as_(who), replace(ask(who), **values)).request  # type: ignore[arg-type]
    decided = decide(office.as_("dora"), one.id, Word("dora", "approve"))
    assert decided.grant is not None
    start_now(office.as_("dora"), decided.grant)
    return decided.grant.id


def issued(office: Office, keys: Path, grant: int, who: str = "alice") -> stored.Certificate:
    return issue(office.as_(who), Wanted(grant, public(keys, who)))


def told(office: Office, kind: str) -> list[dict[str, object]]:
    with office.database.read() as connection:
        return [json.loads(one.data) for one in entries(connection) if one.kind == kind]


def test_a_certificate_names_its_grant_and_is_written_down(
    office: Office, keys: Path, clock: FrozenClock
) -> None:
    number = granted(office)
    found = issued(office, keys, number)
    said = read(found.certificate)
    assert said.split("Principals:")[1].split("Critical")[0].split() == [f"grant-g{number}-alice"]
    assert f'Key ID: "g{number}:alice"' in said
    assert f"Serial: {found.serial}" in said
    assert "Valid: from 2026-10-01T11:55:00 to 2026-10-01T13:00:00" in said
    assert said.split("Extensions:")[1].split() == ["permit-pty"]
    (entry,) = told(office, "certificate.issued")
    assert entry["serial"] == found.serial
    assert entry["fingerprint"] == found.fingerprint
    assert (entry["valid_after"], entry["valid_before"]) == (
        clock.now() - 5 * MINUTE, clock.now() + HOUR,
    )  # fmt: skip


def test_the_last_one_ends_with_the_grant(office: Office, keys: Path, clock: FrozenClock) -> None:
    number = granted(office)
    clock.advance(HOUR + 30 * MINUTE)
    assert issued(office, keys, number).valid_before == clock.now() + 30 * MINUTE
    clock.advance(30 * MINUTE)
    with pytest.raises(Refused, match="g1 is over"):
        issued(office, keys, number)


def test_what_the_role_says_is_in_it(office: Office, keys: Path) -> None:
    wider = files(keys, forwarding=True, source_addresses=("10.0.0.0/8",))
    office = replace(office, files=wider)
    said = read(issued(office, keys, granted(office)).certificate)
    assert "source-address 10.0.0.0/8" in said
    assert "permit-port-forwarding" in said


def test_nobody_gets_one_for_another(office: Office, keys: Path) -> None:
    number = granted(office)
    with pytest.raises(Refused, match="g1 is alice's"):
        issued(office, keys, number, who="bob")
    with pytest.raises(Refused, match=r"people\.yaml has no key"):
        issue(office.as_("alice"), Wanted(number, public(keys, "laptop")))
    with pytest.raises(Refused, match=r"people\.yaml has no key"):  # bob's, for alice's grant
        issue(office.as_("alice"), Wanted(number, public(keys, "bob")))
    with pytest.raises(Refused, match="no public key"):
        issue(office.as_("alice"), Wanted(number, "ssh-ed25519 AAAA"))
    assert told(office, "certificate.issued") == []
    assert [one["by"] for one in told(office, "certificate.refused")] == ["bob", *["alice"] * 3]


def test_a_key_that_is_over_gets_none(office: Office, keys: Path) -> None:
    number = granted(office)
    alice = office.files.people.people["alice"]
    for over in ({"expires": "2026-09-30"}, {"revoked": "2026-10-01"}):
        key = RegisteredKey.model_validate({"key": public(keys, "alice"), **over}, strict=False)
        people = {
            **office.files.people.people, "alice": alice.model_copy(update={"keys": (key,)}),
        }  # fmt: skip
        edited = replace(
            office.files, people=office.files.people.model_copy(update={"people": people})
        )
        with pytest.raises(Refused, match=r"people\.yaml has no key"):
            issue(office.as_("alice", edited), Wanted(number, public(keys, "alice")))


def test_only_a_grant_in_force_that_wants_one_gets_one(office: Office, keys: Path) -> None:
    other = granted(office, role="auditor")
    with pytest.raises(Refused, match="auditor is not opened by a certificate"):
        issued(office, keys, other)
    number = granted(office)
    give_back(office.as_("alice"), number)
    with pytest.raises(Refused, match="g2 is over"):
        issued(office, keys, number)
    one = request(office.as_("alice"), ask(starts_at=Instant(office.clock.now() + DAY))).request
    decided = decide(office.as_("dora"), one.id, Word("dora", "approve"))
    assert decided.grant is not None
    with pytest.raises(Refused, match="g3 is scheduled"):
        issued(office, keys, decided.grant.id)


def test_the_one_grant_need_not_be_named(office: Office, keys: Path) -> None:
    with pytest.raises(ConfigError, match="no grant in force"):
        own_grant(office.as_("alice"))
    number = granted(office)
    granted(office, role="auditor")
    assert own_grant(office.as_("alice")) == number
    granted(office)
    with pytest.raises(ConfigError, match="g1, g3"):
        own_grant(office.as_("alice"))


def test_without_a_signer_there_is_none(office: Office, keys: Path) -> None:
    number = granted(office)
    bare = replace(office.files, policy=office.files.policy.model_copy(update={"authorities": {}}))
    with pytest.raises(ConfigError, match="nobody signs"):
        issue(office.as_("alice", bare), Wanted(number, public(keys, "alice")))
    with pytest.raises(ConfigError, match="nobody signs"):
        certificates.planting(office.as_("alice", bare))


def test_each_environment_has_its_own_signer(office: Office, keys: Path) -> None:
    number = granted(office, targets=("web", "staging"))
    with pytest.raises(ConfigError, match="2 environments") as error:
        issued(office, keys, number)
    assert error.value.hint == "--environment production or --environment staging"
    wanted = Wanted(number, public(keys, "alice"), Environment.DEVELOPMENT)
    with pytest.raises(ConfigError, match="opens nothing in development"):
        issue(office.as_("alice"), wanted)
    found = issue(office.as_("alice"), replace(wanted, environment=Environment.PRODUCTION))
    assert found.grant == "g1"


def test_what_to_plant_is_what_sshd_takes(office: Office, keys: Path) -> None:
    found = certificates.planting(office.as_("alice"))
    assert " ".join(public(keys, "ca").split()[:2]) in found
    for keyword in ("TrustedUserCAKeys", "AuthorizedPrincipalsFile", "RevokedKeys"):
        assert f"\n{keyword} /etc/ssh/" in found


@given(
    now=st.integers(10 * MINUTE, 2**52),
    length=st.integers(SECOND, DAY),
    left=st.integers(-DAY, 30 * DAY),
)
def test_no_window_goes_beyond_the_grant(now: int, length: int, left: int) -> None:
    ends_at = Instant(now + left)
    try:
        after, before = window(Instant(now), Duration(length), ends_at)
    except Refused:
        assert min(left, length) // SECOND <= 1
        return
    assert after <= now - 5 * MINUTE < after + SECOND
    assert now < before <= min(now + length, ends_at)
    assert after % SECOND == before % SECOND == 0
    assert min(now + length, ends_at) - before < SECOND


@given(st.lists(st.integers(1, 6), min_size=60, max_size=60))
def test_serials_never_meet_again(drawn: list[int]) -> None:
    taken: list[int] = []
    left = [*drawn, *range(1, 7)]

    class Known:
        @staticmethod
        def taken(_connection: object, serial: int) -> bool:
            return serial in taken

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "taken", Known.taken)
        for _ in range(6):
            work = _Records()
            serial = certificates._serial(work, lambda: left.pop(0))  # type: ignore[arg-type]
            assert serial not in taken
            taken.append(serial)
    assert sorted(taken) == [1, 2, 3, 4, 5, 6]


class _Records:
    """Records that are read without a database."""

    @property
    def database(self) -> _Records:
        return self

    def read(self) -> _Records:
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_serials_are_drawn_from_all_there_are() -> None:
    found = {certificates.drawn() for _ in range(1_000)}
    assert len(found) == 1_000
    assert min(found) > 0
    assert 2**56 < max(found) < 2**63


@pytest.mark.parametrize("validity", ["25h", "0s", "soon"])
def test_no_policy_makes_them_long(validity: str) -> None:
    text = json.dumps({"authorities": {"production": {"key_file": "ca", "validity": validity}}})
    model: type[Model] = AccessPolicy
    with pytest.raises(ValueError, match=validity):
        model.model_validate_json(text)


# Revoking


def test_a_grant_that_ends_early_takes_its_certificates_along(
    office: Office, keys: Path, kind: Listening, tmp_path: Path
) -> None:
    number, other = granted(office), granted(office)
    mine, kept = issued(office, keys, number), issued(office, keys, other)
    give_back(office.as_("alice"), number)
    assert set(kind.lists) == {"web1", "web2"}
    for krl in kind.lists.values():
        assert refuses(krl, mine.certificate, tmp_path)
        assert not refuses(krl, kept.certificate, tmp_path)
    (entry,) = told(office, "certificate.revoked")
    assert (entry["serial"], entry["reason"]) == (mine.serial, "returned")
    assert len(told(office, "revocations.placed")) == 2


def test_a_grant_that_is_suspended_shuts_out_its_certificates(
    office: Office, keys: Path, kind: Listening, clock: FrozenClock, tmp_path: Path
) -> None:
    soon = office.files.policy.model_copy(update={"reviews": Reviews(within="30m")})
    office = replace(office, files=replace(office.files, policy=soon))
    mine = issued(office, keys, granted(office))
    reviews.open_(office.as_("dora"))
    clock.advance(30 * MINUTE)
    due.go(office.as_("dora"))
    assert {one.serial for one in revocation.unended(office.as_("dora"))} == {mine.serial}
    assert refuses(kind.lists["web1"], mine.certificate, tmp_path)


def test_one_that_ended_by_itself_is_on_no_list(
    office: Office, keys: Path, kind: Listening, clock: FrozenClock
) -> None:
    number = granted(office)
    issued(office, keys, number)
    clock.advance(2 * HOUR)
    settle(office.as_("dora"))
    assert kind.lists == {}
    assert told(office, "certificate.revoked") == []


def test_entries_go_once_their_certificate_is_over(
    office: Office, keys: Path, clock: FrozenClock, tmp_path: Path
) -> None:
    number = granted(office)
    first = issued(office, keys, number)
    clock.advance(30 * MINUTE)
    second = issued(office, keys, number)
    work = office.as_("alice")
    revocation.revoke(work, f"g{number}", "laptop lost")
    assert refuses(revocation.current(work), first.certificate, tmp_path)
    clock.advance(30 * MINUTE)
    assert not refuses(revocation.current(work), first.certificate, tmp_path)
    assert refuses(revocation.current(work), second.certificate, tmp_path)
    assert [one.serial for one in revocation.unended(work)] == [second.serial]


def test_a_serial_is_revoked_and_the_grant_goes_on(
    office: Office, keys: Path, kind: Listening, tmp_path: Path
) -> None:
    number = granted(office)
    mine, other = issued(office, keys, number), issued(office, keys, number)
    done = revocation.revoke(office.as_("dora"), str(mine.serial), "laptop lost")
    assert done.published.placed == ("web1", "web2")
    assert refuses(kind.lists["web1"], mine.certificate, tmp_path)
    assert not refuses(kind.lists["web1"], other.certificate, tmp_path)
    with office.database.read() as connection:
        assert not grants.one(connection, number).state.is_ending
    with pytest.raises(Refused, match="nothing of"):
        revocation.revoke(office.as_("dora"), str(mine.serial), "again")


def test_a_revoked_key_is_refused_everywhere_and_never_certified_again(
    office: Office, keys: Path, kind: Listening, tmp_path: Path
) -> None:
    number = granted(office)
    mine = issued(office, keys, number)
    revocation.revoke(office.as_("dora"), mine.fingerprint, "laptop lost")
    assert set(kind.lists) == {"web1", "web2", "stage1"}
    assert refuses(kind.lists["stage1"], public(keys, "alice"), tmp_path)
    assert refuses(kind.lists["web1"], mine.certificate, tmp_path)
    with pytest.raises(Refused, match="was revoked"):
        issued(office, keys, number)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("SHA256:AAAA", "nobody in people.yaml has the key"),
        ("7", "there is no certificate 7"),
        (str(2**63 + 1), "there is no certificate"),
        ("9" * 5_000, "no serial, grant or fingerprint"),
        ("²", "no serial, grant or fingerprint"),
        ("g9", "there is no grant g9"),
        ("laptop", "no serial, grant or fingerprint"),
        ("g1", "nothing of g1 could still be used"),
    ],
)
def test_what_cannot_be_revoked_is_told(office: Office, what: str, words: str) -> None:
    granted(office)
    with pytest.raises((Refused, ConfigError), match=words):
        revocation.revoke(office.as_("dora"), what, "laptop lost")
    with pytest.raises(ConfigError, match="needs a reason"):
        revocation.revoke(office.as_("dora"), what, " ")


def test_a_host_that_is_away_is_told_when_it_is_back(
    office: Office, keys: Path, kind: Listening, clock: FrozenClock, tmp_path: Path
) -> None:
    number = granted(office)
    mine = issued(office, keys, number)
    kind.unreachable.add("web2")
    kind.deaf.add("web1")
    done = revocation.revoke(office.as_("dora"), f"g{number}", "laptop lost")
    assert done.published.not_set_up == ("web1",)
    assert dict(done.published.owed) == {"web2": "no route to host"}
    assert done.published.placed == ()
    kind.unreachable.clear()
    settle(office.as_("dora"))
    assert kind.lists == {}  # it is not its turn yet
    clock.advance(30 * SECOND)
    settle(office.as_("dora"))
    assert set(kind.lists) == {"web2"}
    assert refuses(kind.lists["web2"], mine.certificate, tmp_path)


def test_what_is_revoked_while_a_list_is_on_its_way_stays_owed(
    office: Office, keys: Path, kind: Listening, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = granted(office)
    mine, later = issued(office, keys, number), issued(office, keys, number)
    real = Listening.revoke_keys

    def meanwhile(own: Listening, targets: Sequence[str], krl: bytes) -> Mapping[str, Answer]:
        monkeypatch.setattr(Listening, "revoke_keys", real)
        found = real(own, targets, krl)
        with office.database.write() as connection:
            revocation._revoke(office.as_("dora"), connection, [later], "as well")
        return found

    monkeypatch.setattr(Listening, "revoke_keys", meanwhile)
    revocation.revoke(office.as_("dora"), str(mine.serial), "laptop lost")
    assert not refuses(kind.lists["web1"], later.certificate, tmp_path)
    settle(office.as_("dora"))
    assert refuses(kind.lists["web1"], later.certificate, tmp_path)


def test_kinds_that_know_no_lists_are_told_of_and_stay_owed(
    database: Database, clock: FrozenClock, keys: Path
) -> None:
    signs = signer(keys / "ca", None, os.environ)
    office = Office(database, clock, Obedient(clock), files(keys), dict(os.environ), signs=signs)
    number = granted(office)
    issued(office, keys, number)
    done = revocation.revoke(office.as_("dora"), f"g{number}", "laptop lost")
    assert dict(done.published.owed) == dict.fromkeys(
        ("web1", "web2"), "it cannot be told of revoked keys"
    )


# From the command line


@pytest.fixture
def access(
    ops: Path,
    keys: Path,
    kind: Listening,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Finished]:
    """Run `opskit access` as somebody of the office, whose keys are real, with real signers."""
    monkeypatch.setattr(kind, "clock", SystemClock())
    monkeypatch.setattr(Granting, "_kind", lambda _self, _registry, _name: kind)
    monkeypatch.setattr(Granting, "_places", lambda _self, _registry, name: PLACES[name])
    known = files(keys)
    (ops / "access").mkdir()
    for name in ("people", "roles", "targets", "policy"):
        model = getattr(known, name)
        text = json.dumps(model.model_dump(mode="json", exclude_defaults=True))
        (ops / "access" / f"{name}.yaml").write_text(text)
    shutil.copy(keys / "ca", ops / "ca")
    (ops / "ca").chmod(0o600)
    call = inside(ops, monkeypatch, capsys)

    def run(who: str, *arguments: str) -> Finished:
        monkeypatch.setattr("opskit.outside.process.account", lambda: who)
        return call("access", *arguments)

    return run


def test_a_certificate_from_the_command_line(
    access: Callable[..., Finished], keys: Path, tmp_path: Path, kind: Listening, ops: Path
) -> None:
    words = ("nginx-operator", "--on", "web", "--for", "2h", "--reason", "OPS-412")
    assert access("alice", "request", *words).code == 0
    assert access("dora", "approve", "r1", "--yes").code == 0
    key = tmp_path / "id.pub"
    key.write_text(public(keys, "alice"))
    done = access("alice", "cert", "g1", "--key", str(key))
    assert done.code == 0, done.err
    assert "g1: serial " in done.err
    assert "grant-g1-alice" in read((tmp_path / "id-cert.pub").read_text())
    assert "grant-g1-alice" in read(access("alice", "cert", "--key", str(key), "--out", "-").out)
    planted = access("alice", "cert", "--authority").out
    assert "TrustedUserCAKeys" in planted
    assert "PRIVATE" not in planted
    listed = json.loads(access("alice", "cert", "list", "--json").out)["certificates"]
    assert [one["grant"] for one in listed] == ["g1", "g1"]
    assert "live" in access("alice", "cert", "list").out
    kind.deaf.add("web2")
    revoked = access("dora", "cert", "revoke", "g1", "--reason", "laptop lost", "--yes")
    assert revoked.code == 0, revoked.err
    assert "revoked 2 certificates" in revoked.err
    assert "web1: refused from now on" in revoked.err
    assert "web2: sshd has no RevokedKeys" in revoked.err
    (ops / "ca").chmod(0o644)
    loose = access("alice", "cert", "g1", "--key", str(key))
    assert loose.code == 2
    assert "others can get at it" in loose.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("cert", "g9"), 2, "there is no grant g9"),
        (("cert", "g1", "--key", "/none.pub"), 2, "/none.pub"),
        (("cert",), 2, "no grant in force of alice"),
        (("cert", "isue"), 2, "Did you mean 'issue'"),
        (("cert", "revoke", "g9", "--reason", "x"), 5, "--yes"),
    ],
)
def test_a_mistake_with_certificates_is_told(
    access: Callable[..., Finished],
    monkeypatch: pytest.MonkeyPatch,
    keys: Path,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    home = Path(os.environ["HOME"]) / ".ssh"
    home.mkdir()
    shutil.copy(keys / "alice.pub", home / "id_ed25519.pub")
    done = access("alice", *arguments)
    assert done.code == code, done.err
    assert words in done.err


def test_a_private_key_is_not_taken_for_a_public_one(
    access: Callable[..., Finished], keys: Path
) -> None:
    done = access("alice", "cert", "g1", "--key", str(keys / "alice"))
    assert done.code == 2
    assert "is a private key" in done.err


# What does not hold between the files


def test_a_canary_that_is_nobody_and_a_signer_for_all_are_found() -> None:
    found = registry(
        policy={
            "drills": {"account": "canary", "role": "canary"},
            "authorities": {"production": {"key_file": "ca"}, "staging": {"key_file": "ca"}},
        }
    )

    def nowhere(_path: tuple[str | int, ...]) -> Location:
        return Location("access/policy.yaml")

    odd = consistency(found, Places(nowhere, nowhere, nowhere), date(2026, 10, 1))
    named = {"drills.account", "drills.role", "authorities.production", "authorities.staging"}
    assert {(one.rule, one.subject) for one in odd if one.subject in named} == {
        ("access-unknown-account", "drills.account"),
        ("access-unknown-role", "drills.role"),
        ("access-authority-twice", "authorities.staging"),
    }
