"""Rules and dashboards name what the page shows, and a real Prometheus takes both."""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from opskit.alerts.model import RuleFile
from opskit.core.metrics import Family
from opskit.outside.documents import parse
from opskit.outside.files import content_root
from opskit.outside.models import validate
from opskit.serve.exporter import CONTENT_TYPE, page
from tests.rig.plugin import require
from tests.rig.prometheus import Prometheus, available

ALERTS = content_root() / "alerts"
RULES = sorted((ALERTS / "opskit").glob("*.yaml"))
DASHBOARDS = sorted((ALERTS / "dashboards").glob("*.json"))
NAME = re.compile(r"(?<![\w:])(?:opskit_\w+|service:\w[\w:]*)")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def rules(path: Path) -> RuleFile:
    found = validate(parse(path), RuleFile)
    assert found is not None
    return found


def in_rules() -> Iterator[tuple[str, str]]:
    for path in RULES:
        for group in rules(path).groups:
            for rule in group.rules:
                yield f"{path.stem}/{rule.alert or rule.record}", str(rule.expr)


def in_dashboards() -> Iterator[tuple[str, str]]:
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        for variable in board["templating"]["list"]:
            yield f"{path.stem}/{variable['name']}", variable.get("definition", "")
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}/{panel['title']}", target["expr"]


def recorded() -> set[str]:
    return {r.record for path in RULES for g in rules(path).groups for r in g.rules if r.record}


def test_rules_and_dashboards_name_only_what_the_page_shows(families: tuple[Family, ...]) -> None:
    known = {family.name for family in families} | recorded()
    named = {
        (place, name)
        for place, expr in (*in_rules(), *in_dashboards())
        for name in NAME.findall(QUOTED.sub('""', expr))
    }
    assert len(named) > 60
    assert [(place, name) for place, name in sorted(named) if name not in known] == []


def test_each_family_is_named_for_its_unit_and_each_label_can_be_a_target_s(
    families: tuple[Family, ...],
) -> None:
    taken = {"job", "instance", "env", "region", "owner", "type"}
    for family in families:
        assert re.fullmatch(r"opskit_[a-z0-9_]+", family.name)
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert not family.name.endswith("_created")
        assert family.help.endswith(".")
        assert not {name for sample in family.samples for name, _ in sample.labels} & taken


def test_panels_of_a_dashboard_lie_side_by_side_and_are_told_apart() -> None:
    uids = set()
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        uids.add(board["uid"])
        numbers = [panel["id"] for panel in board["panels"]]
        assert len(set(numbers)) == len(numbers)
        cells = [
            (x, y)
            for panel in board["panels"]
            for at in [panel["gridPos"]]
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) < 24
    assert len(uids) == len(DASHBOARDS) == 3


@pytest.fixture
def served(families: tuple[Family, ...]) -> Iterator[str]:
    """Serve the page; return its address."""
    text = page(families)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def asked(url: str, **query: str) -> Any:
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
        return json.load(answer)["data"]


def test_a_real_prometheus_scrapes_the_page_and_loads_the_rules(
    served: str, families: tuple[Family, ...], tmp_path: Path
) -> None:
    require(available())
    files = "".join(f"  - {path}\n" for path in RULES)
    config = (
        "global: {scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 100ms}\n"
        f"rule_files:\n{files}"
        "scrape_configs:\n"
        f"  - {{job_name: opskit, static_configs: [{{targets: ['{served}']}}]}}\n"
    )
    shown = sum(len(family.samples) for family in families)
    with Prometheus(tmp_path, (), config=config) as server:
        until = threading.Event()
        for _ in range(300):
            scraped = asked(f"{server.url}/api/v1/query", query="scrape_samples_scraped")["result"]
            alerts = asked(f"{server.url}/api/v1/rules", type="alert")["groups"]
            states = {rule["name"]: rule["state"] for group in alerts for rule in group["rules"]}
            if (
                scraped
                and float(scraped[0]["value"][1]) > 0
                and states["ServiceDown"] != "inactive"
            ):
                break
            until.wait(0.1)
        groups = asked(f"{server.url}/api/v1/rules")["groups"]
    assert int(scraped[0]["value"][1]) == shown
    assert states["ServiceDown"] == "pending"
    healths = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    assert len(healths) == sum(len(g.rules) for path in RULES for g in rules(path).groups)
    assert "err" not in healths.values()
