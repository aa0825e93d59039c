"""No form of a report names a person, whatever people wrote, and wherever they wrote it."""

from __future__ import annotations

import io
import json
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import TypeGuard

import pypdf
import pytest
import sqlalchemy as sa

from opskit.access import reviews
from opskit.access.deciding import Word, decide
from opskit.access.ending import review_emergency
from opskit.access.requesting import request
from opskit.access.settling import settle, start_now
from opskit.app import App
from opskit.core.clock import DAY, HOUR, FrozenClock, Instant
from opskit.core.errors import Refused
from opskit.core.interval import Interval
from opskit.fleet.store.episodes import EPISODES
from opskit.monitor.store import maintenance
from opskit.outside.database import Database
from opskit.report.built import Built
from opskit.report.document import View
from opskit.report.pages import teams
from opskit.report.reader import Reader, drawn
from opskit.report.render.forms import FORMS
from opskit.reporting import Reporting
from tests.access import world as office
from tests.access.world import Obedient, World, ask, registry

# Nobody is called so, and no word of a report is.
CALLED = {
    "alice": ("zyxalice", "Alyss Zyxwright"),
    "bob": ("zyxbob", "Bo Zyxbaum"),
    "charlie": ("zyxcharlie", "Chaz Zyxcombe"),
    "dora": ("zyxdora", "Dot Zyxdale"),
    "eve": ("zyxeve", "Evka Zyxelmann"),
}
ALICE, BOB, CHARLIE = (CALLED[name][0] for name in ("alice", "bob", "charlie"))
UNKNOWN = "zyxstranger"
# Long enough not to stand in a picture's letters by chance.
NAMED = {word.lower() for pair in CALLED.values() for word in (pair[0], pair[1].split()[1])}
NAMED |= {UNKNOWN}
EVERYBODY = f"{ALICE}, {CALLED['bob'][1]} and {CHARLIE}'s friend"


def renamed(text: str) -> str:
    for name, (key, full) in CALLED.items():
        text = text.replace(f"name: {name.title()}\n", f"name: {full}\n").replace(name, key)
    return text


def lay_out(root: Path) -> None:
    """Write access of the office with its people renamed, a person's service and number."""
    (root / "access").mkdir()
    for path in office.OFFICE.glob("*.yaml"):
        (root / "access" / path.name).write_text(renamed(path.read_text()))
    probe = {"kind": "tcp", "address": "127.0.0.1:1"}
    owners = {"shop": ALICE, "mail": CALLED["bob"][1]}
    services = {name: {"owner": one, "probes": [probe]} for name, one in owners.items()}
    (root / "services.yaml").write_text(json.dumps({"services": services}))
    row = {"unit": "minutes", "low": 1, "likely": 2, "high": 3, "owner": CHARLIE}
    row |= {"source": f"{BOB} tried it", "said_on": "2026-01-01", "expires_on": "2027-01-01"}
    (root / "assumptions.yaml").write_text(json.dumps({"assumptions": {"minutes.grant": row}}))


def live(world: World, clock: FrozenClock) -> None:
    """Let everything happen in which people are named and may name others."""
    asked = request(world.as_(ALICE), ask(ALICE, reason=EVERYBODY)).request
    grant = decide(world.as_(BOB), asked.id, Word(BOB, "approve", EVERYBODY)).grant
    assert grant is not None
    start_now(world.as_(BOB), grant)
    denied = request(world.as_(ALICE), ask(ALICE, reason=f"again, {EVERYBODY}")).request
    decide(world.as_(BOB), denied.id, Word(BOB, "deny", EVERYBODY))
    urgent = ask(ALICE, "web-admin", break_glass=True, duration=HOUR, reason=EVERYBODY)
    request(world.as_(ALICE), urgent)
    with pytest.raises(Refused):
        request(world.as_(ALICE), ask(CALLED["eve"][0]))
    reviews.open_(world.as_(CHARLIE))
    reviews.decide(world.as_(BOB), 1, 1, "keep", EVERYBODY)
    clock.advance(3 * HOUR)
    settle(world.as_(BOB))
    review_emergency(world.as_(BOB), 2, EVERYBODY)
    for kind in ("person.onboarding", "person.offboarding", "person.gone"):
        with world.database.write() as connection:
            world.as_(BOB).ledger.append(connection, kind, ALICE, {"team": "web"})
    clock.advance(HOUR)


def stand(connection: sa.Connection, start: Instant) -> None:
    """Write work that was announced, and deviations of people's accounts."""
    maintenance.insert(
        connection, service="shop", began_at=start, planned_until=start + HOUR,
        reason=f"{UNKNOWN} and {EVERYBODY}", opened_seq=1, until_healthy=False,
    )  # fmt: skip
    same = {"host": "web1", "path": "p", "control": "C-1", "severity": "low", "detected_seq": 1}
    for item in (ALICE, UNKNOWN):
        for task in ("The account is there", f"The key of {BOB} is there"):
            row = {**same, "task": task, "item": item, "detected_at": start}
            connection.execute(sa.insert(EPISODES).values(**row))


@pytest.fixture
def told(
    ops: Path, database: Database, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> Built:
    """Return the report of a day on which all that happened."""
    lay_out(ops)
    monkeypatch.setattr(office, "OFFICE", ops / "access")
    noon, app = clock.now(), App.find(ops / "opskit.yaml", {})
    live(World(database, clock, Obedient(clock, fences=False), registry()), clock)
    with database.write() as connection:
        stand(connection, noon)
    day = Interval(Instant(noon - DAY), Instant(noon + DAY))
    return Reporting(app.config, database, clock, app.catalogue).report(day)


def texts(name: str, data: bytes) -> list[str]:
    """Return all that a form says, unpacked."""
    if name == "csv":
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            return [one + bundle.read(one).decode() for one in bundle.namelist()]
    if name.startswith("pdf"):
        read = pypdf.PdfReader(io.BytesIO(data))
        carried = [one.decode() for every in read.attachments.values() for one in every]
        return [*carried, *(page.extract_text() for page in read.pages)]
    if name == "mail":
        message = message_from_bytes(data)
        parts = [one.get_payload(decode=True) for one in message.walk()]
        return [str(message.items()), *(one.decode("latin-1") for one in parts if _is_data(one))]
    return [data.decode()]


def _is_data(payload: object) -> TypeGuard[bytes]:
    """Tell whether a part of a mail has content of its own."""
    return isinstance(payload, bytes)


def test_no_form_names_a_person(told: Built) -> None:
    access = told.inputs.ground.evidence.access
    assert access is not None
    groups = ("requests", "grants", "refusals", "emergencies", "reviews", "arrivals", "departures")
    assert [name for name in groups if not getattr(access, name)] == []
    views: list[tuple[View, str]] = [(view, "") for view in View if view is not View.TEAM]
    views += [(View.TEAM, team) for team in teams(told)]
    said = [told.embedded.decode()]
    for form in FORMS.values():
        for view, team in views if form.name in {"html", "text"} else [(form.view, "")]:
            data = drawn(told, form, Reader(view, team))
            said += texts(form.name, data)
    assert not [word for word in NAMED for text in said if word in text.lower()]


def test_who_is_left_out_is_still_told_apart(told: Built) -> None:
    evidence = told.inputs.ground.evidence
    assert {one.name: one.owner for one in evidence.services} == {"shop": "web", "mail": "somebody"}
    assert told.inputs.ground.assumptions.numbers["minutes.grant"].owner == "platform"
    assert len({one.task for one in evidence.drifts}) == 4
    assert "drift.found" in {one.id for one in told.report.figures}
