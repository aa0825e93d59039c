"""The demo's standard: it converges, stays, and writes below its root only."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from opskit.outside.files import content_root
from tests.fleet.repository import Checked, Repository

CONTROLS = {"OPS-DIR-01", "OPS-SSH-02", "OPS-SUDO-03", "OPS-KRN-01", "OPS-NOTE-01", "OPS-FILE-02"}


@pytest.fixture(scope="module")
def place(lay_out: Callable[..., Repository]) -> Repository:
    here = lay_out()
    shutil.copy(content_root() / "playbooks" / "demo.yml", here.root / "playbooks" / "standard.yml")
    hosts = here.root / "inventory" / "hosts.ini"
    own = "opskit_root={{ scratch }}/{{ inventory_hostname }}\n"
    hosts.write_text(f"{hosts.read_text()}{own}")
    for name in ("web1", "web2"):
        (here.scratch / name / "etc").mkdir(parents=True)
    return here


@pytest.fixture(scope="module")
def applied(place: Repository) -> Checked:
    return place.apply("-l", "web1")


def test_a_fresh_host_has_drift_and_no_failure(applied: Checked, place: Repository) -> None:
    first = place.entries("run.finished")[0]
    assert json.loads(first.data)["hosts"] == {"web1": "drifted"}
    found = {json.loads(entry.data)["control"] for entry in place.entries("drift.found")}
    assert found == CONTROLS


def test_it_converges_and_touches_nothing_else(place: Repository, applied: Checked) -> None:
    assert applied.code == 0, applied.finished.err
    assert applied.verdicts == {"web1": "compliant"}
    assert {path.name for path in (place.scratch / "web1").iterdir()} == {"etc"}
    assert not list((place.scratch / "web2" / "etc").iterdir())


def test_a_change_by_hand_is_found_where_it_was_made(place: Repository, applied: Checked) -> None:
    (place.scratch / "web1" / "etc" / "issue").write_text("Debian 12\n")
    (place.scratch / "web1" / "etc" / "shadow-like").chmod(0o644)
    found = place.check("-l", "web1").host("web1")["drift"]
    assert {drift["control"] for drift in found} == {"OPS-NOTE-01", "OPS-FILE-02"}
