"""Whatever anybody does: nobody approves for themselves, nothing outlives its end.

Everybody tries every verb, hosts go away and come back, somebody else is at work on them, the files
are edited, the database is restored, processes are killed, opskit is not run for days, and the
clock moves. After each step records and hosts are held against what `witness.py` knows by itself.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from opskit.access import due, holding, reviews, revocation
from opskit.access.arrivals import onboard
from opskit.access.certificates import Wanted, issue
from opskit.access.deciding import Say, Word, decide
from opskit.access.departures import leaving, offboard
from opskit.access.drills import drill
from opskit.access.ending import give_back, review_emergency, revoke
from opskit.access.judgment import Ask
from opskit.access.lifecycle import GrantState
from opskit.access.reconcile import look
from opskit.access.registry import Registry
from opskit.access.repair import repair
from opskit.access.requesting import extend, request, withdraw
from opskit.access.settling import start_now
from opskit.access.store import grants, requests, reviews as stored, usage
from opskit.access.store.tables import REQUESTS
from opskit.access.store.usage import Used
from opskit.access.workplace import Workplace
from opskit.core.clock import HOUR, MINUTE, Duration, FrozenClock, Instant, from_datetime
from opskit.core.errors import ExitCode, OpskitError
from opskit.outside import sshlogin
from opskit.outside.ansible.inventory import Way
from opskit.outside.database import Database, sqlite_url
from opskit.outside.krl import RevokedCertificate
from opskit.outside.sshca import Template
from opskit.outside.sshlogin import Attempt, Door, Login
from opskit.records.ledger import LEDGER, verify
from tests.access.ground import Ground
from tests.access.witness import ACCOUNTS, ZONE, Witness
from tests.access.world import PLACES, World, ask, registry
from tests.conftest import EXAMPLES

T = TypeVar("T")


def key(name: str) -> str:
    """Return a public key that is one, as far as anybody can see."""
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + name.encode().ljust(32, b"-")
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def files(ends: dict[str, str] | None = None, **changes: dict[str, object]) -> Registry:
    """Return the office's files, in which all there is to drive can be driven."""
    plain = registry()
    people = {
        name: {**one.model_dump(mode="json"), "keys": [{"key": key(name)}],
               "ends": (ends or {}).get(name) or one.model_dump(mode="json")["ends"]}
        for name, one in plain.people.people.items()
    }  # fmt: skip
    accounts = {
        name: {"purpose": "Works.", "owner": owner, "keys": [{"key": key(name)}]}
        for name, owner in (("deploy", "web"), ("canary", "platform"))
    }
    roles = {name: one.model_dump(mode="json") for name, one in plain.roles.roles.items()}
    roles["web-admin"]["risk"] = "high"
    roles["auditor"]["max_duration"] = "4d"
    roles["nginx-operator"]["linux"]["login"] = "certificate"
    roles["canary"] = {"purpose": "Drills.", "owners": ["platform"], "targets": ["web"],
                       "linux": {"login": "key"}}  # fmt: skip
    policy = plain.policy.model_dump(mode="json")
    let_in = {"name": "canary", "who": ["canary"], "roles": ["canary"], "decide": "approve"}
    signs = {"key_file": "ca"}
    given: dict[str, dict[str, object]] = {
        "people": {
            "people": people, "service_accounts": accounts,
            "teams": {"web": {"purpose": "Web.", "bundle": ["nginx-operator", "auditor"]},
                      "platform": {"purpose": "All of it."}},
        },
        "roles": {"roles": roles},
        "targets": {"targets": {
            name: {"kind": "linux", "hosts": name, "environment": environment,
                   "administrators": ["root", "ops"]}
            for name, environment in (("web", "production"), ("staging", "staging"))
        }},
        "policy": {
            "rules": [*policy["rules"], let_in],
            "authorities": {"production": signs, "staging": signs},
            "drills": {"account": "canary", "role": "canary"},
            "reviews": {"within": "2h", "revoke_after": "2h", "unused_after": "1h"},
        },
    }  # fmt: skip
    for part, more in changes.items():
        given[part] = {**given[part], **more}
    return registry(**given)


def narrower() -> dict[str, object]:
    roles = {name: one.model_dump(mode="json") for name, one in files().roles.roles.items()}
    roles["web-admin"]["linux"]["sudo"] = [{"commands": ["/usr/bin/systemctl restart nginx"]}]
    roles["auditor"]["linux"]["groups"] = ["adm", "systemd-journal"]
    return {"roles": roles}


FILES = {
    "plain": files(),
    "two eyes more": files(policy={"approvals": {
        name: {"all_of": [{"among": ["owners"], "at_least": 2}], "signed": False}
        for name in ("default", "two")
    }}),
    "nobody may": files(policy={"rules": []}),
    "other roles": files(roles=narrower()),
    "alice leaves today": files({"alice": "2026-10-01"}),
    "alice leaves later": files({"alice": "2026-10-03"}),
    "bob has left": files({"bob": "2026-09-30"}),
}  # fmt: skip
PEOPLE = st.sampled_from(["alice", "bob", "charlie", "dora", "eve", "deploy"])
TRUSTED = st.sampled_from(["bob", "charlie", "dora", "dora"])
# Who asks for what: mostly what is allowed, so that something comes of it.
ASKING = st.sampled_from(["alice"] * 3 + ["bob", "dora", "charlie", "deploy", "eve"])
ROLES = st.sampled_from(["nginx-operator"] * 3 + ["web-admin", "auditor", "auditor"])
HOURS = st.sampled_from([1, 1, 2, 4, 9]).map(lambda hours: Duration(hours * HOUR))
ALL_PLACES = [place for found in PLACES.values() for place in found]
START = Instant(from_datetime(datetime(2026, 10, 1, 12, tzinfo=UTC)))


@dataclass(frozen=True)
class Pen:
    """Who signs: what is signed can be read."""

    public: str = key("authority")

    def sign(self, template: Template) -> str:
        return f"{template.key} {template.key_id}"


class Dead(BaseException):
    """The process is gone."""


class Office(RuleBasedStateMachine):
    """The office, with everybody in it."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(dir=_fast())
        self.clock = FrozenClock(START)
        self.path = Path(self.directory.name) / "opskit.db"
        self.ground = Ground(self.clock, head=self._head)
        self.world = World(self._opened(), self.clock, self.ground, FILES["plain"])
        self.witness, self.saved = Witness(), Witness()
        self.edit("plain")
        self.killed = False
        self.looks()
        self.patched = pytest.MonkeyPatch()
        self.patched.setattr(revocation, "revocation_list", _written_list)
        self.patched.setattr("opskit.access.drills.ThreadPoolExecutor", _OneByOne)
        self.patched.setattr("opskit.access.repair.ThreadPoolExecutor", _OneByOne)
        self.patched.setattr(sshlogin, "made_key", _made_key)
        self.patched.setattr(sshlogin, "attempt", self._attempt)
        self.patched.setattr("opskit.access.drills.Session", self._session)

    def teardown(self) -> None:
        self.patched.undo()
        assert verify(self.world.database).broken_at is None
        self.world.database.close()
        self.directory.cleanup()

    def _opened(self) -> Database:
        if not self.path.exists():
            shutil.copy(_template(), self.path)
        return Database.open(sqlite_url(self.path))

    def _head(self) -> int:
        with self.world.database.read() as connection:
            return connection.execute(sa.select(sa.func.max(LEDGER.c.seq))).scalar() or 0

    # Doing

    def as_(self, who: str) -> Workplace:
        work = self.world.as_(who, self.files)
        return replace(work, zone=ZONE, authority=lambda _environment: Pen())

    def tries(self, who: str, deed: Callable[[Workplace], T]) -> T | None:
        """Do something that may be refused."""
        with contextlib.suppress(OpskitError):
            return deed(self.as_(who))
        return None

    def asks(self, who: str, asked: object) -> int | None:
        found = self.tries(who, lambda work: request(work, asked))  # type: ignore[arg-type]
        if found is None:
            return None
        self.witness.asked(found.request.ask, self.clock.now())
        if found.grant is not None:
            self.starts(found.grant)
        return found.request.id

    def starts(self, grant: grants.Grant) -> None:
        self.tries("bob", lambda work: start_now(work, grant))

    def says(self, number: int, who: str, say: Say = "approve") -> bool:
        """Let somebody decide; return whether that was the last word."""
        found = self.tries(who, lambda work: decide(work, number, Word(who, say)))
        if found is None or say == "deny":
            return found is not None
        ask, now = found.request.ask, self.clock.now()
        self.witness.agreed(number, who, ask, now)
        if found.grant is not None and ask.extends is not None:
            self.witness.extended(ask, now)
        elif found.grant is not None:
            self.starts(found.grant)
        return found.grant is not None

    def looks(self) -> None:
        """Look at what there is to choose from, once a step."""
        with self.world.database.read() as connection:
            ids = sa.select(REQUESTS.c.id).order_by(REQUESTS.c.id.desc())
            self.requests = [*connection.execute(ids).scalars()]
            self.held = {one.id: one for one in grants.everything(connection)}
            self.campaigns = [one.id for one in stored.campaigns(connection)][::-1]
            self.asked_about = [
                (one.id, item.grant_id)
                for one in stored.campaigns(connection, still_open=True)
                for item in stored.items(connection, one.id)
            ]

    def grant(self, data: st.DataObject) -> grants.Grant:
        """Return a grant: mostly one that is in force."""
        every = sorted(self.held.values(), key=lambda one: one.state not in _GIVEN)
        usable = [one for one in every if one.state in _GIVEN]
        return data.draw(st.sampled_from([*usable * 3, *every]))

    def somebody(self, data: st.DataObject, *fitting: str) -> str:
        """Return somebody: mostly one of those who may."""
        return data.draw(st.sampled_from([*fitting * 3, "alice", "bob", "dora", "eve", "deploy"]))

    @initialize(
        roles=st.lists(ROLES, min_size=1, max_size=3, unique=True),
        hours=st.sampled_from([2, 4, 8]).map(lambda hours: Duration(hours * HOUR)),
    )
    def some_work_already(self, roles: list[str], hours: Duration) -> None:
        for role in roles:
            self.ask_and_get(("alice", "alice"), role, hours, later=False)

    # Asking and deciding

    @rule(
        who=ASKING, role=ROLES, hours=HOURS, on=st.sampled_from(["web"] * 4 + ["staging"]),
        instead=st.sampled_from([None] * 4 + ["alice", "bob", "dora"]), odd=st.integers(0, 19),
    )  # fmt: skip
    def ask_for(
        self, who: str, role: str, hours: Duration, on: str, instead: str | None, odd: int
    ) -> None:
        starts_at = self.clock.now() + HOUR if odd < 3 else None
        self.asks(instead or who, ask(
            who, role, requester=instead or who, duration=hours, targets=(on,),
            starts_at=starts_at, break_glass=odd == 0,
        ))  # fmt: skip

    @rule(
        pair=st.sampled_from([
            ("alice", "alice"), ("bob", "bob"), ("dora", "dora"), ("dora", "deploy"),
            ("bob", "alice"),
        ]),
        role=ROLES, hours=HOURS, later=st.booleans(),
    )  # fmt: skip
    def ask_and_get(
        self, pair: tuple[str, str], role: str, hours: Duration, *, later: bool
    ) -> None:
        """Ask, and have everybody say yes, who asked first of all."""
        starts_at = self.clock.now() + 12 * HOUR if later else None
        asker, who = pair
        number = self.asks(
            asker, ask(who, role, requester=asker, duration=hours, starts_at=starts_at)
        )
        if number is not None:
            any(self.says(number, one) for one in (asker, who, "bob", "dora", "charlie"))

    @rule(who=st.sampled_from(["alice", "alice", "bob", "dora", "eve"]))
    def break_the_glass(self, who: str) -> None:
        self.asks(who, ask(who, "web-admin", duration=Duration(HOUR), break_glass=True))

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), who=PEOPLE, say=st.sampled_from(["approve"] * 5 + ["deny"]))
    def say(self, data: st.DataObject, who: str, say: Say) -> None:
        self.says(data.draw(st.sampled_from(self.requests)), who, say)

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def everybody_says_yes(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.requests))
        for who in ("alice", "bob", "charlie", "dora", "eve"):
            self.says(number, who)

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), who=PEOPLE)
    def take_back(self, data: st.DataObject, who: str) -> None:
        number = data.draw(st.sampled_from(self.requests))
        self.tries(who, lambda work: withdraw(work, number))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), hours=HOURS, agreed=st.booleans())
    def ask_for_more(self, data: st.DataObject, hours: Duration, *, agreed: bool) -> None:
        grant = self.grant(data)
        who = self.somebody(data, grant.person)
        found = self.tries(who, lambda work: extend(work, grant.id, hours, "more"))
        if found is None:
            return
        ask_, now = found.request.ask, self.clock.now()
        self.witness.asked(ask_, now)
        if found.grant is not None:
            self.witness.extended(ask_, now)
        for one in ("bob", "dora", "charlie") if agreed else ():
            self.says(found.request.id, one)

    # Ending

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def hand_back(self, data: st.DataObject) -> None:
        grant = self.grant(data)
        self.tries(self.somebody(data, grant.person), lambda work: give_back(work, grant.id))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), who=PEOPLE)
    def take_away(self, data: st.DataObject, who: str) -> None:
        number = self.grant(data).id
        self.tries(who, lambda work: revoke(work, (number,), "enough"))

    @precondition(lambda self: any(one.break_glass for one in self.held.values()))
    @rule(data=st.data(), who=st.sampled_from(["bob", "dora", "alice", "charlie", "eve"]))
    def look_at_emergency(self, data: st.DataObject, who: str) -> None:
        taken = [one.id for one in self.held.values() if one.break_glass]
        number = data.draw(st.sampled_from(taken))
        found = self.tries(who, lambda work: review_emergency(work, number, "seen"))
        if found is not None:
            self.witness.reviewed(who, found, self.ask_of(found), self.clock.now())

    def ask_of(self, grant: grants.Grant) -> Ask:
        with self.world.database.read() as connection:
            return requests.one(connection, grant.request).ask

    # Reviewing

    @rule(place=st.sampled_from(ALL_PLACES))
    def use(self, place: str) -> None:
        """Use all that there is on a host."""
        at, known = self.clock.now(), self.held
        for number in (int(name[1:]) for name in self.ground.live(place)):
            if number not in known:
                continue
            with self.world.database.write() as connection:
                usage.add(connection, Used(number, place, "login", at, at, 1))
            self.witness.used[number] = at

    @precondition(lambda self: not self.asked_about)
    @rule(who=st.sampled_from(["charlie", "dora", "alice", "eve"]))
    def open_review(self, who: str) -> None:
        found = self.tries(who, reviews.open_)
        if found is not None:
            assert not self.witness.is_gone(who, self.clock.now())
            may = {"alice", "bob", "charlie", "dora", "deploy"} if self.files.policy.rules else ()
            self.witness.kept_themselves(found.items, self.held, self.clock.now(), may)

    @precondition(lambda self: self.asked_about)
    @rule(
        data=st.data(), who=st.sampled_from(["dora", "bob", "charlie", "alice", "eve"]),
        answer=st.sampled_from(["keep", "keep", "revoke"]),
    )  # fmt: skip
    def answer(self, data: st.DataObject, who: str, answer: reviews.Answer) -> None:
        campaign, grant = data.draw(st.sampled_from(self.asked_about))
        found = self.tries(who, lambda work: reviews.decide(work, campaign, grant, answer, "so"))
        if found is not None:
            one = self.held[grant]
            self.witness.reviewed(who, one, self.ask_of(one), self.clock.now())

    @precondition(lambda self: self.asked_about)
    @rule(later=st.booleans())
    def nobody_answers(self, *, later: bool) -> None:
        self.clock.advance(2 * HOUR)
        self.work()
        if later:
            self.clock.advance(2 * HOUR)
            self.work()

    @precondition(lambda self: self.campaigns)
    @rule(who=PEOPLE)
    def close_review(self, who: str) -> None:
        number = self.campaigns[0]
        found = self.tries(who, lambda work: reviews.close(work, number))
        assert found is None or not found.unanswered

    # People

    @rule(data=st.data(), by=st.sampled_from(["charlie", "dora", "alice", "bob"]))
    def somebody_comes(self, data: st.DataObject, by: str) -> None:
        """Onboard whoever is new, or was offboarded."""
        away = sorted(self.witness.offboarded)
        who = data.draw(st.sampled_from([*away * 3, "alice", "eve"]))
        back = who in self.witness.offboarded
        found = self.tries(by, lambda work: onboard(work, who))
        if found is not None:
            assert not self.witness.is_gone(by, self.clock.now())
            assert not back or by != who, "somebody brought themselves back"
            self.witness.offboarded.discard(who)

    @precondition(lambda self: not self.witness.offboarded)
    @rule(who=st.sampled_from(["alice", "alice", "bob", "deploy"]), by=TRUSTED)
    def somebody_leaves(self, who: str, by: str) -> None:
        done = self.tries(by, lambda work: offboard(work, leaving(work, who), "leaves"))
        if done is None:
            return
        self.witness.offboarded.add(who)
        if done.exit_code is ExitCode.OK:
            assert not self.ground.unreachable
            assert not any(
                one.person == who for place in ALL_PLACES
                for one in self.ground.live(place).values()
            ), "gone, it was said, and still let in"  # fmt: skip

    # Certificates

    @precondition(lambda self: self.held)
    @rule(data=st.data(), with_=st.sampled_from(["own"] * 4 + ["alice", "deploy"]))
    def get_certificate(self, data: st.DataObject, with_: str) -> None:
        grant = self.grant(data)
        who = self.somebody(data, *(ACCOUNTS.get(grant.person) or [grant.person]))
        line = key(grant.person if with_ == "own" else with_)
        found = self.tries(who, lambda work: issue(work, Wanted(grant.id, line)))
        if found is not None:
            assert key(found.person).split()[1] in found.certificate
            self.witness.issued(found, who, self.clock.now())

    @precondition(lambda self: self.witness.pocket)
    @rule(data=st.data(), who=PEOPLE)
    def revoke_certificate(self, data: st.DataObject, who: str) -> None:
        one = data.draw(st.sampled_from(self.witness.pocket[::-1]))
        what = data.draw(st.sampled_from([str(one.serial), one.grant]))
        found = self.tries(who, lambda work: revocation.revoke(work, what, "lost"))
        for place in found.published.placed if found else ():
            listed = json.loads(self.ground.lists[place])
            assert {one.serial for one in found.certificates} <= set(listed)  # type: ignore[union-attr]

    # What goes on by itself, and what others do

    @rule()
    def work(self) -> None:
        due.go(self.as_("bob"))
        with self.world.database.read() as connection:
            self.witness.settled(connection, self.ground)

    @rule(writes=st.integers(0, 9))
    def work_and_be_killed(self, writes: int) -> None:
        work = self.as_("bob")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(work.database, "write", _dying(work.database.write, writes))
            patched.setattr(holding, "name", _of_the_dead)
            with contextlib.suppress(Dead):
                due.go(work)
        self.killed = True

    @rule()
    def clean_up(self) -> None:
        if self.ground.unreachable:
            return

        def fixed(work: Workplace) -> None:
            repair(work, look(work))

        self.tries("charlie", fixed)
        self.tries("charlie", fixed)  # what is known by another name now is found the second time
        for _ in range(2):
            self.clock.advance(16 * MINUTE)
            due.go(self.as_("charlie"))
        self.looks()
        known = {one.name: one for one in self.held.values()}
        assert not self.ground.rogue
        for place in ALL_PLACES:
            for name, one in self.ground.live(place).items():
                assert name in known, "nobody granted it, and it is still there"
                assert (known[name].person, known[name].state in _GIVEN) == (one.person, True)

    @precondition(lambda self: self.files.policy.rules)
    @rule(place=st.sampled_from(ALL_PLACES), hosts=st.booleans())
    def run_drill(self, place: str, *, hosts: bool) -> None:
        ways = {name: Way(("ssh", name)) for name in ALL_PLACES if hosts or name != place}
        done = self.tries("dora", lambda work: drill(work, lambda: ways))
        for proof in done.proofs if done else ():
            if proof.outcome.value == "proven":
                held = self.ground.live(proof.host).values()
                assert not any(one.person == "canary" for one in held)

    @rule(minutes=st.sampled_from([1, 1, 20, 20, 61, 125, 300, 1_500]))
    def wait(self, minutes: int) -> None:
        self.clock.advance(minutes * MINUTE)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def wait_for_the_very_end(self, data: st.DataObject) -> None:
        grant = self.grant(data)
        if grant.ends_at is not None and grant.ends_at > self.clock.now():
            self.clock.advance(grant.ends_at - self.clock.now())

    @rule(name=st.sampled_from(["plain"] * 6 + sorted(FILES)))
    def edit(self, name: str) -> None:
        self.files = FILES[name]
        people = self.files.people.people
        self.witness.ends = {who: one.ends for who, one in people.items() if one.ends}

    @rule(place=st.sampled_from(ALL_PLACES))
    def unplug(self, place: str) -> None:
        self.ground.unreachable ^= {place}

    @rule(place=st.sampled_from(ALL_PLACES), what=st.sampled_from(["lose", "give"]))
    def somebody_else(self, place: str, what: str) -> None:
        """Be root on a host, and not opskit."""
        if what == "give":
            self.ground.rogue.add((place, "alice"))
        elif self.ground.held.get(place):
            self.ground.held[place].pop(max(self.ground.held[place]))

    @rule()
    def back_up(self) -> None:
        self.world.database.close()
        shutil.copy(self.path, self.path.with_suffix(".old"))
        self.saved = copy.deepcopy(self.witness)
        self.world = replace(self.world, database=self._opened())

    @rule()
    def restore(self) -> None:
        """Bring an old database back: what was done since is on hosts, and nobody knows of it."""
        if self.path.with_suffix(".old").exists():
            self.world.database.close()
            shutil.copy(self.path.with_suffix(".old"), self.path)
            self.witness = copy.deepcopy(self.saved)
            self.world = replace(self.world, database=self._opened())
            self.edit(next(name for name, one in FILES.items() if one is self.files))

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        with self.world.database.read() as connection:
            self.witness.look(connection, self.ground, killed=self.killed)
        self.killed = False
        self.looks()

    # The canary

    def _attempt(self, login: Login, way: tuple[str, ...], _environment: object) -> Attempt:
        place = way[1]
        if place in self.ground.unreachable:
            return Attempt(Door.UNKNOWN, "no route to host")
        public = login.key.read_text()
        live = self.ground.live(place).values()
        opens = any(public in one.keys and one.account == login.account for one in live)
        return Attempt(Door.OPEN if opens else Door.SHUT, "")

    def _session(self, login: Login, way: tuple[str, ...], *_: object) -> _Session:
        return _Session(self._attempt(login, way, None).door is Door.OPEN)


_GIVEN = {GrantState.PROVISIONING, GrantState.ACTIVE, GrantState.PARTIAL, GrantState.FAILED}


@dataclass(frozen=True)
class _Session:
    opened: bool
    said: str = "refused"

    def opens(self) -> bool:
        return self.opened

    def ends(self, _seconds: float) -> bool:
        return True

    def close(self) -> None: ...


class _OneByOne:
    """A pool without threads: nothing here waits for anything."""

    def __init__(self, _threads: int) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    map = staticmethod(map)


def _made_key(directory: Path, _environment: object) -> tuple[Path, str]:
    path = directory / "key"
    path.write_text(key("thrown away"))
    return path, key("thrown away")


def _written_list(found: list[RevokedCertificate], _keys: object, *_: object) -> bytes:
    return json.dumps([one.serial for one in found]).encode()


def _dying(real: Callable[[], object], after: int) -> Callable[[], object]:
    left = [after]

    @contextlib.contextmanager
    def write() -> Iterator[sa.Connection]:
        left[0] -= 1
        if left[0] < 0:
            raise Dead
        with real() as connection:  # type: ignore[attr-defined]  # a context manager
            yield connection

    return write


def _of_the_dead(actor: str) -> str:
    import platform

    return f"{actor} (process 4194304 since 1.00 on {platform.node()}, 0123abcd)"


def _fast() -> str | None:
    """Return where a file need not wait for a disk; nothing here is about the disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


_made: list[tuple[tempfile.TemporaryDirectory[str], Path]] = []


def _template() -> Path:
    """Return an empty, migrated database: making one takes longer than a whole run."""
    if not _made:
        directory = tempfile.TemporaryDirectory()
        path = Path(directory.name) / "empty.db"
        Database.open(sqlite_url(path)).close()
        _made.append((directory, path))
    return _made[0][1]


Office.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
TestOffice = Office.TestCase
