"""`opskit report build`, and a scripted morning whose report is computed a second time by hand."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.monitor.live import rows
from tests.monitor.servers import Server, page

LOCAL = 'ansible_connection=local ansible_python_interpreter="{{ ansible_playbook_python }}"'


def test_by_default_it_is_a_page_in_this_directory(ops: Path, inside: Inside) -> None:
    done = inside("report", "build")
    assert (done.code, done.out) == (ExitCode.OK, "")
    assert "written to report.html" in done.err
    assert (ops / "report.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(("form", "start"), [("html", "<!DOCTYPE html>"), ("json", "{\n")])
def test_a_dash_is_stdout(ops: Path, inside: Inside, form: str, start: str) -> None:
    done = inside("report", "build", "-o", form, "--output-file", "-")
    assert (done.code, done.err) == (ExitCode.OK, "")
    assert done.out.startswith(start)
    assert not list(ops.glob("report.*"))


def test_the_file_is_named_after_its_form(ops: Path, inside: Inside) -> None:
    assert inside("report", "build", "-o", "json").code == ExitCode.OK
    assert json.loads((ops / "report.json").read_text())["format_version"] == 2


def test_people_are_told_the_first_sentence(inside: Inside) -> None:
    assert "No service is monitored; no host was checked." in inside("report", "build").err


def test_a_directory_is_no_file(ops: Path, inside: Inside) -> None:
    done = inside("report", "build", "--output-file", "playbooks")
    assert done.code == ExitCode.USAGE
    assert "next: name a file" in done.err


@pytest.mark.parametrize(
    "period",
    [("--month", "2999-01"), ("--last", "7"), ("--from", "2999-01-01"), ("--month", "2026-13")],
    ids=" ".join,
)
def test_a_period_that_is_none_builds_nothing(
    ops: Path, inside: Inside, period: Sequence[str]
) -> None:
    assert inside("report", "build", *period).code == ExitCode.USAGE
    assert not list(ops.glob("report.*"))


def test_a_period_that_goes_on_ends_now(inside: Inside) -> None:
    text = inside(
        "report",
        "build",
        "--from",
        "2025-01-01",
        "--to",
        "2999-01-01",
        "-o",
        "json",
        "--output-file",
        "-",
    ).out
    report = json.loads(text)
    assert report["period"]["end"] <= time.time() * 1e6


def test_a_catalogue_with_a_mistake_is_no_empty_report(ops: Path, inside: Inside) -> None:
    (ops / "services.yaml").write_text("services: {shop: {}}\n")
    done = inside("report", "build")
    assert done.code == ExitCode.USAGE
    assert "services.yaml:1:" in done.err
    assert not list(ops.glob("report.*"))


@dataclass(frozen=True)
class Morning:
    """What opskit wrote down of a morning, in its own files' form."""

    root: Path
    report: dict[str, Any]
    again: dict[str, Any]
    ledger: list[dict[str, Any]]

    def entries(self, kind: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return (entry, its data) of one kind, in order."""
        return [(one, json.loads(one["data"])) for one in self.ledger if one["kind"] == kind]

    def figure(self, name: str) -> dict[str, Any]:
        return next(one for one in self.report["figures"] if one["id"] == name)


def lay_out(root: Path, address: str) -> None:
    """Write a repository with two hosts off standard, one that is away, and a shop."""
    for name in ("playbooks", "inventory", "managed"):
        (root / name).mkdir(parents=True)
    (root / "opskit.yaml").write_text(
        "standard: playbooks/standard.yml\ninventory: [inventory/hosts.ini]\n"
    )
    away = "away ansible_host=127.0.0.1 ansible_port=1"
    (root / "inventory" / "hosts.ini").write_text(f"web1 {LOCAL}\nweb2 {LOCAL}\n{away}\n")
    (root / "playbooks" / "standard.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - name: The banner is shown\n      ansible.builtin.copy:\n"
        f"        dest: {root}/managed/{{{{ inventory_hostname }}}}.txt\n"
        '        content: "authorized use only\\n"\n        mode: "0644"\n'
        "      tags: [control:OPS-BAN-01, severity:low]\n"
    )
    # A long timeout: a look that begins a tenth of it late, on a busy machine, tells nothing.
    quick = {"confirm_after": "100ms", "timeout": "20s"}
    probe = {"kind": "http", "url": f"http://{address}/", **quick}
    shop = {"owner": "web", "objective": {"availability": "99%"}, "probes": [probe]}
    (root / "services.yaml").write_text(json.dumps({"services": {"shop": shop}}))


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Morning:
    """Let the shop go down and come back, put two hosts right, and report it."""
    place = tmp_path_factory.mktemp("morning")
    root, home = place / "ops", place / "home"
    home.mkdir()
    own = {name: text for name, text in os.environ.items() if not name.startswith("OPSKIT_")}

    def opskit(*arguments: str, expect: ExitCode = ExitCode.OK) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "opskit", *arguments],
            cwd=root, env={**own, "HOME": str(home)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == expect, done.stderr
        return done.stdout

    with Server(page()) as server:
        lay_out(root, server.address)
        opskit("monitor", "probe")
        server.stop()
        opskit("monitor", "probe", expect=ExitCode.FINDINGS)
        opskit("fleet", "apply", "--yes", expect=ExitCode.UNDETERMINED)
        server.start()
        opskit("monitor", "probe")
    build = ("report", "build", "--last", "1h", "-o", "json", "--output-file", "-")
    report, again = (json.loads(opskit(*build)) for _ in range(2))
    ledger = [json.loads(line) for line in opskit("ledger", "export").splitlines()]
    return Morning(root, report, again, ledger)


def test_the_exported_chain_can_be_recomputed_by_anybody(morning: Morning) -> None:
    previous = "0" * 64
    for one in morning.ledger:
        fields = (previous, one["seq"], one["at"], one["actor"], one["kind"], one["subject"])
        text = "\n".join([*map(str, fields), one["data"]])
        assert (one["prev_hash"], one["hash"]) == (
            previous,
            hashlib.sha256(text.encode()).hexdigest(),
        )
        previous = one["hash"]
    assert morning.report["seal"]["hash"] == previous
    assert morning.report["seal"]["seq"] == len(morning.ledger)


def test_drift_is_what_the_ledger_says(morning: Morning) -> None:
    found, fixed = morning.entries("drift.found"), morning.entries("drift.fixed")
    assert [one["subject"] for one, _ in found] == ["web1", "web2"]
    assert morning.figure("drift.found")["value"] == str(len(found))
    assert morning.figure("drift.fixed")["value"] == str(len(fixed))
    assert morning.figure("drift.open")["value"] == str(len(found) - len(fixed))
    exposed = sum(row["fixed_at"] - row["detected_at"] for row in morning.report["drifts"])
    assert morning.figure("drift.exposure")["value"] == str(exposed)
    by_number = {one["seq"]: one["at"] for one, _ in found}
    for (one, data), row in zip(fixed, morning.report["drifts"], strict=True):
        assert row["fixed_at"] == one["at"]
        assert row["detected_at"] <= by_number[data["found"]]


def test_runs_and_compliance_are_what_the_ledger_says(morning: Morning) -> None:
    finished = [data for _, data in morning.entries("run.finished")]
    assert [one["mode"] for one in finished] == ["check", "apply", "check"]
    assert morning.figure("runs.finished")["value"] == str(len(finished))
    checks = [one["hosts"] for one in finished if one["mode"] == "check"]
    hosts = {host: verdict for seen in checks for host, verdict in seen.items()}
    assert hosts == {"web1": "compliant", "web2": "compliant", "away": "unreachable"}
    compliant = Fraction(list(hosts.values()).count("compliant"), len(hosts))
    assert Fraction(morning.figure("fleet.compliant")["value"]) == compliant


def test_downtime_and_availability_are_what_the_ledger_says(morning: Morning) -> None:
    (down, up) = [data["since"] for _, data in morning.entries("target.flipped")]
    assert morning.figure("downtime.total")["value"] == str(up - down)
    # Watching began with the first look.
    ((first,),) = rows(morning.root, "SELECT first_at FROM monitor_series")
    watched = morning.report["period"]["end"] - int(str(first))
    value = Fraction(morning.figure("availability.shop")["value"])
    assert value == 1 - Fraction(up - down, watched)
    (shop,) = morning.report["services"]
    ((start, end),) = [(one["start"], one["end"]) for one in shop["outages"]]
    assert (start, end) == (down, up)
    assert morning.figure("objectives.met")["value"] == "0"


def test_an_outage_names_both_of_its_flips(morning: Morning) -> None:
    (shop,) = morning.report["services"]
    flips = {one["seq"] for one, _ in morning.entries("target.flipped")}
    assert flips <= set(shop["outages"][0]["refs"])


def test_the_evidence_in_the_report_is_the_ledger_s(morning: Morning) -> None:
    by_number = {one["seq"]: one for one in morning.ledger}
    for row in morning.report["entries"]:
        assert row == {name: by_number[row["seq"]][name] for name in row}
    named = {ref for figure in morning.report["figures"] for ref in figure["refs"]}
    assert named == {row["seq"] for row in morning.report["entries"]}


def test_a_host_that_was_away_is_a_gap_each_time(morning: Morning) -> None:
    """An apply goes to the hosts that it can change, and so does the look after it."""
    runs = [(one["subject"], data["hosts"]) for one, data in morning.entries("run.finished")]
    asked = [run for run, hosts in runs if hosts.get("away") == "unreachable"]
    assert len(asked) == 1
    for run in asked:
        assert {"subject": run, "reason": "1 host unreachable"} in morning.report["gaps"]


def test_built_again_it_says_the_same_of_what_was_over(morning: Morning) -> None:
    # The hour moved on between the two, and with it the end of the period; what is counted did not.
    for name in ("drift.found", "drift.fixed", "drift.open", "downtime.total", "runs.finished"):
        again = next(one for one in morning.again["figures"] if one["id"] == name)
        assert again == morning.figure(name)
    assert morning.again["entries"] == morning.report["entries"]
