"""The archive in a browser: every issued report, in every form, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.app import App
from opskit.core.calendar import month
from opskit.core.clock import FrozenClock, parse_instant
from opskit.outside.eventlog import EventLog
from opskit.records import metrics
from opskit.serve import reports
from opskit.serve.answer import Answer, Asked
from opskit.serve.routes import ROUTES
from opskit.serve.site import Site
from opskit.verifying.judging import Outcome, verify
from tests.serve.live import lay_out, probe_of, service

NOW = "2026-11-05T08:00:00+00:00"


class World:
    """An ops repository whose October was issued, and its site."""

    def __init__(self, root: Path) -> None:
        lay_out(root, {"shop": service(probe_of("127.0.0.1:1"))})
        app = App.find(root, {})
        clock = FrozenClock(parse_instant(NOW, app.config.zone))
        self.app = replace(app, clock=clock)
        self.site = Site.of(self.app, EventLog())

    def issue(self) -> str:
        issued = self.app.issuing.report(month(2026, 10, self.app.config.zone)).issued
        assert issued is not None
        return issued.id

    def listing(self) -> str:
        return reports.listing(self.site, Asked("GET", "")).body.decode()

    def file(self, name: str, **headers: str) -> Answer:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return reports.report(self.site, Asked("GET", "", {"file": name}, headers=named))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path / "ops")
    yield found
    found.app.database.close()


def test_before_the_first_it_says_how_one_is_issued(world: World) -> None:
    assert "No report was issued yet" in world.listing()
    assert "opskit report build --month last" in world.listing()


def test_every_report_is_listed_and_every_link_leads_to_it(world: World) -> None:
    name = world.issue()
    page = world.listing()
    assert f'<a href="reports/{name}.html">2026-10</a>' in page
    for suffix in (".html", ".json", ".zip", ".pdf"):
        assert f'href="reports/{name}{suffix}"' in page
        answer = world.file(name + suffix)
        assert answer.status == 200
        assert f"opskit-2026-10-v1{suffix}" in answer.headers["content-disposition"]


def test_what_is_fetched_can_be_verified(world: World, tmp_path: Path) -> None:
    name = world.issue()
    for suffix in (".json", ".zip"):
        path = tmp_path / f"report{suffix}"
        path.write_bytes(world.file(name + suffix).body)
        assert verify(path).outcome is Outcome.SAME


def test_who_has_it_already_is_told_so(world: World) -> None:
    name = world.issue()
    first = world.file(f"{name}.json")
    again = world.file(f"{name}.json", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"
    assert "default-src 'none'" in first.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name", ["0" * 64 + ".html", "..html", "../../etc/passwd", "x.html", "0" * 64, ""]
)
def test_anything_else_is_not_there(world: World, name: str) -> None:
    world.issue()
    assert world.file(name).status == 404


def test_no_form_but_those_that_carry_their_evidence_is_given(world: World) -> None:
    name = world.issue()
    assert [world.file(name + end).status for end in (".md", ".txt", ".eml")] == [404] * 3


def test_a_token_is_needed_for_all_of_it() -> None:
    assert {one.needs for one in ROUTES if one.path.startswith("/reports")} == {"token"}


def test_the_metrics_say_up_to_when_reports_go(world: World) -> None:
    def values() -> dict[str, list[float]]:
        families = metrics.archive(world.app.database)
        return {one.name: [sample.value for sample in one.samples] for one in families}

    assert values()["opskit_report_newest_period_end_timestamp_seconds"] == []
    world.issue()
    found = values()
    end = month(2026, 10, world.app.config.zone).end
    assert found["opskit_report_newest_period_end_timestamp_seconds"] == [end / 1e6]
    assert found["opskit_reports_issued_total"] == [1]
