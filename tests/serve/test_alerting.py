"""Alerts and silences of one real process: what Prometheus, Alertmanager and amtool make of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from opskit.alerts.firing import fingerprint
from opskit.core.clock import HOUR, MINUTE, SystemClock, iso
from opskit.serve.openapi import document
from opskit.serve.routes import ROUTES
from tests.monitor.live import rows, soon
from tests.monitor.servers import Server, page
from tests.rig import alertmanager, prometheus
from tests.rig.alertmanager import Alertmanager
from tests.rig.plugin import require
from tests.rig.prometheus import Prometheus
from tests.serve.live import TOKEN, Reply, Serving, bearer, lay_out, probe_of, secret, service

AM_TOKEN = "t0k3n-of-the-alertmanager"
REPOSITORY = Path(__file__).parents[2]
ROUTES_FILE = """\
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 0s
  routes: [{matchers: ['severity="page"'], receiver: oncall}]
inhibit_rules:
  - source_matchers: ['alertname="SiteDown"']
    target_matchers: ['alertname=~".*Slow"']
    equal: [site]
receivers:
  - {name: ops, channels: [m]}
  - {name: oncall, channels: [m]}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("alerting") / "ops"
    serve = {
        "token_file": "token",
        "webhooks": {"am": {"kind": "alertmanager", "secret_file": "am.token"}},
    }
    channel = {"kind": "webhook", "url": "http://127.0.0.1:1/", "secret_file": "am.token"}
    more = {"alerts": {"evaluator": "prometheus"}, "channels": {"m": {**channel, "gets": "routed"}}}
    lay_out(root, {"shop": service(probe_of("127.0.0.1:1"))}, serve=serve, **more)
    (root / "alerts").mkdir()
    (root / "alerts/routes.yaml").write_text(ROUTES_FILE)
    secret(root / "token")
    secret(root / "am.token", AM_TOKEN + "\n")
    return root


@pytest.fixture(scope="module")
def serving(root: Path) -> Iterator[Serving]:
    with Serving(root) as found:
        found.ready()
        yield found
        assert not any(" bug" in line for line in found.lines), "\n".join(found.lines)


def asked(
    serving: Serving, path: str, method: str = "GET", data: object = None, token: str = TOKEN
) -> Reply:
    body = b"" if data is None else json.dumps(data).encode()
    return serving.ask(
        path, method, body, Authorization=bearer(token), Content_Type="application/json"
    )


def post(serving: Serving, until: int = 5 * MINUTE, **labels: str) -> None:
    now = SystemClock().now()
    one = {"labels": labels, "startsAt": iso(now - MINUTE), "endsAt": iso(now + until)}
    assert asked(serving, "/api/v2/alerts", "POST", [one]).status == 200


def names(serving: Serving, query: str = "") -> list[str]:
    found = asked(serving, f"/api/v2/alerts?{query}").json
    return sorted(one["labels"]["alertname"] for one in found)


def firings(root: Path, source: str, name: str) -> list[tuple[Any, ...]]:
    query = "SELECT starts_at, ends_at FROM alerts_firings WHERE source='{}' AND rule='{}'"
    return rows(root, query.format(source, name))


# The API


def test_a_posted_alert_is_shown_until_it_ends(serving: Serving) -> None:
    post(serving, alertname="Posted", severity="page", set="a")
    (one,) = asked(serving, "/api/v2/alerts?filter=set%3D%22a%22").json
    assert one["labels"] == {"alertname": "Posted", "severity": "page", "set": "a"}
    assert one["receivers"] == [{"name": "oncall"}]
    assert one["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": []}
    post(serving, 0, alertname="Posted", severity="page", set="a")
    assert names(serving, "filter=set%3D%22a%22") == []


def test_what_is_silenced_or_inhibited_is_told_apart(serving: Serving) -> None:
    post(serving, alertname="SiteDown", site="1", set="b")
    post(serving, alertname="ShopSlow", site="1", set="b")
    post(serving, alertname="Disk", site="2", set="b")
    own = "filter=set%3D%22b%22"
    made = asked(serving, "/api/v2/silences", "POST", silence("alertname", "Disk")).json
    assert names(serving, own) == ["Disk", "ShopSlow", "SiteDown"]
    assert names(serving, f"{own}&silenced=false") == ["ShopSlow", "SiteDown"]
    assert names(serving, f"{own}&inhibited=false") == ["Disk", "SiteDown"]
    assert names(serving, f"{own}&active=false") == ["Disk", "ShopSlow"]
    assert names(serving, f"{own}&receiver=op.*") == ["Disk", "ShopSlow", "SiteDown"]
    assert names(serving, f"{own}&receiver=oncall") == []
    assert names(serving, f"{own}&filter=site%3D~%221%7C3%22") == ["ShopSlow", "SiteDown"]
    assert asked(serving, f"/api/v2/silence/{made['silenceID']}", "DELETE").status == 200
    assert names(serving, f"{own}&silenced=false") == ["Disk", "ShopSlow", "SiteDown"]


def silence(name: str, value: str, **more: object) -> dict[str, object]:
    now = SystemClock().now()
    matcher = {"name": name, "value": value, "isRegex": False, "isEqual": True}
    times = {"startsAt": iso(now - MINUTE), "endsAt": iso(now + HOUR)}
    return {"matchers": [matcher], **times, "createdBy": "ada", "comment": "work", **more}


def test_a_silence_takes_the_place_of_another(serving: Serving, root: Path) -> None:
    first = asked(serving, "/api/v2/silences", "POST", silence("a", "b")).json["silenceID"]
    again = asked(serving, "/api/v2/silences", "POST", silence("a", "c", id=first))
    second = again.json["silenceID"]
    shown = {one["id"]: one for one in asked(serving, "/api/v2/silences").json}
    assert shown[first]["status"]["state"] == "expired"
    assert shown[second]["matchers"][0]["value"] == "c"
    assert asked(serving, f"/api/v2/silence/{second}").json == shown[second]
    query = "SELECT kind FROM ledger WHERE subject='silence/{}'"
    assert rows(root, query.format(first)) == [("silence.created",), ("silence.ended",)]
    assert rows(root, query.format(second)) == [("silence.created",)]


WRONG = {
    "no matcher": {"matchers": []},
    "all that has no label": {"matchers": [{"name": "a", "value": "", "isRegex": False}]},
    "everything": {"matchers": [{"name": "a", "value": ".*", "isRegex": True}]},
    "no expression": {"matchers": [{"name": "a", "value": "(", "isRegex": True}]},
    "over": {"startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-02T00:00:00Z"},
    "backwards": {"endsAt": "2020-01-02T00:00:00Z"},
    "by nobody": {"createdBy": ""},
    "no comment": {"comment": ""},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_silence_that_is_none_is_refused(serving: Serving, wrong: dict[str, Any]) -> None:
    body = silence("a", "b", **wrong)
    assert asked(serving, "/api/v2/silences", "POST", body).status == 400


def test_a_silence_that_there_is_not_is_404(serving: Serving) -> None:
    for method in ("GET", "DELETE"):
        assert asked(serving, "/api/v2/silence/none", method).status == 404
    assert asked(serving, "/api/v2/silences", "POST", silence("a", "b", id="x")).status == 404


def test_nobody_acts_without_the_token(serving: Serving) -> None:
    for method, path in (
        ("GET", "alerts"), ("POST", "alerts"), ("GET", "silences"), ("POST", "silences"),
        ("DELETE", "silence/x"), ("GET", "status"), ("GET", "receivers"),
    ):  # fmt: skip
        assert serving.ask(f"/api/v2/{path}", method).status == 401
    refused = serving.ask("/api/v2/alerts", "POST", b"[]", Authorization=bearer())
    assert refused.status == 415


# The document


def test_the_document_names_every_route_there_is(serving: Serving) -> None:
    said = asked(serving, "/api/openapi.json").json
    assert said == document()
    named = {(path, method.upper()) for path, one in said["paths"].items() for method in one}
    for route in ROUTES:
        if route.path.startswith(("/api/", "/webhook")):
            assert (route.path, route.methods[0]) in named


# amtool


def amtool(serving: Serving, home: Path, *arguments: str) -> str:
    config = home / "amtool.http.yml"
    config.write_text(f"authorization: {{credentials: {TOKEN}}}\n")
    url = f"--alertmanager.url=http://127.0.0.1:{serving.port}"
    argv = ["amtool", url, f"--http.config.file={config}", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.real
def test_amtool_works_with_it(serving: Serving, tmp_path: Path) -> None:
    require(alertmanager.available())
    own = partial(amtool, serving, tmp_path)
    post(serving, alertname="Full", disk="sda", set="c")
    assert "sda" in own("alert", "query", "-o", "extended", "set=c")
    made = own("silence", "add", "--author=ada", "--comment=work", "set=c", "disk=~s.*").strip()
    assert "Full" not in own("alert", "query", "set=c")
    assert "Full" in own("alert", "query", "--silenced", "set=c")
    assert made in own("silence", "query", "-q")
    assert made in own("silence", "query", "-q", "disk=~s.*")
    own("silence", "expire", made)
    assert made not in own("silence", "query", "-q")
    assert made in own("silence", "query", "-q", "--expired")
    assert "Full" in own("alert", "query", "set=c")
    own("alert", "add", "alertname=Manual", "set=d", "--annotation=summary=x")
    assert names(serving, "filter=set%3D%22d%22") == ["Manual"]


# The webhook, and everything together


def told(**more: object) -> dict[str, object]:
    one = {"status": "firing", "labels": {"alertname": "Told"}, "startsAt": "2026-11-23T10:00:00Z"}
    return {"version": "4", "alerts": [{**one, **more}], "truncatedAlerts": 0}


def test_a_webhook_is_taken_from_who_has_its_token(serving: Serving, root: Path) -> None:
    for token in ("", TOKEN, AM_TOKEN + "x"):
        assert asked(serving, "/webhook/am", "POST", told(), token).status == 401
    assert asked(serving, "/webhook/nobody", "POST", told(), AM_TOKEN).status == 401
    assert firings(root, "am", "Told") == []
    assert asked(serving, "/webhook/am", "POST", told(), AM_TOKEN).status == 200
    assert len(firings(root, "am", "Told")) == 1
    assert asked(serving, "/webhook/am", "POST", {"version": "5"}, AM_TOKEN).status == 400


def test_who_is_told_of_what_came_in_is_said_by_the_routes(serving: Serving, root: Path) -> None:
    labels = {"alertname": "Routed", "severity": "page"}
    assert asked(serving, "/webhook/am", "POST", told(labels=labels), AM_TOKEN).status == 200
    query = f"SELECT told FROM alerts_notices WHERE firing LIKE '%{fingerprint(labels)}%'"
    soon(lambda: rows(root, query) == [('["m"]',)], "somebody is told")


def test_what_was_left_out_of_a_message_is_noted(serving: Serving, root: Path) -> None:
    message = {**told(), "truncatedAlerts": 7}
    assert asked(serving, "/webhook/am", "POST", message, AM_TOKEN).status == 200
    query = "SELECT data FROM ledger WHERE kind='webhook.truncated'"
    assert rows(root, query) == [('{"alerts":7}',)]


def test_a_message_with_a_million_labels_is_refused_before_it_is_read(serving: Serving) -> None:
    connection = serving.raw()
    with connection:
        connection.sendall(
            b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12000000\r\n\r\n"
        )
        assert connection.recv(64).startswith(b"HTTP/1.1 413")


def alerting(serving: Serving, am: Alertmanager, toy: int, rules: Path) -> str:
    """Return the settings of a Prometheus that sends to an Alertmanager and to opskit."""
    (rules / "toy.yaml").write_text(
        "groups: [{name: toy, rules: [{alert: ToyDown, expr: 'up{job=\"toy\"} == 0'}]}]\n"
    )
    return f"""\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}
scrape_configs: [{{job_name: toy, static_configs: [{{targets: ['127.0.0.1:{toy}']}}]}}]
rule_files: ['{rules}/*.yaml']
alerting:
  alertmanagers:
    - {{static_configs: [{{targets: ['127.0.0.1:{am.port}']}}]}}
    - static_configs: [{{targets: ['127.0.0.1:{serving.port}']}}]
      authorization: {{credentials: {TOKEN}}}
"""


def calling_back(serving: Serving) -> str:
    """Return the settings of an Alertmanager that tells opskit at once."""
    return f"""\
route: {{receiver: opskit, group_wait: 10ms, group_interval: 100ms, repeat_interval: 1h}}
receivers:
  - name: opskit
    webhook_configs:
      - url: http://127.0.0.1:{serving.port}/webhook/am
        http_config: {{authorization: {{credentials: {AM_TOKEN}}}}}
"""


@pytest.mark.real
def test_what_prometheus_finds_comes_in_both_ways(
    serving: Serving, root: Path, tmp_path: Path
) -> None:
    require(alertmanager.available())
    require(prometheus.available())
    rules, toy = tmp_path / "rules", Server(page("x 1\n"))
    rules.mkdir()
    shipped = [one for one in (REPOSITORY / "alerts").glob("*/*.yaml") if "tests" not in one.parts]
    for one in shipped:
        shutil.copy(one, rules)
    subprocess.run(["promtool", "check", "rules", *shipped], check=True, capture_output=True)
    with toy, Alertmanager(tmp_path).running(calling_back(serving)) as am:
        toy.stop()
        config = alerting(serving, am, toy.port, rules)
        with Prometheus(tmp_path, (), config) as server:
            for source in ("am", "api"):
                soon(partial(fires, root, source), f"fires by {source}")
            toy.start()
            for source in ("am", "api"):
                soon(partial(ended, root, source), f"ends by {source}")
            soon(partial(healthy, server, len(shipped) + 1), "all rules are healthy")
    kinds = "SELECT kind FROM ledger WHERE data LIKE '%\"ToyDown\"%' ORDER BY kind"
    assert [one for (one,) in rows(root, kinds)] == 2 * ["alert.fired"] + 2 * ["alert.resolved"]


def fires(root: Path, source: str) -> bool:
    return bool(firings(root, source, "ToyDown"))


def ended(root: Path, source: str) -> bool:
    """Return whether the one time that it fired is over."""
    ((begun, end),) = firings(root, source, "ToyDown")
    return end is not None and begun < end <= SystemClock().now()


def healthy(server: Prometheus, files: int) -> bool:
    """Return whether all rules of so many files were evaluated, and none failed."""
    with urllib.request.urlopen(f"{server.url}/api/v1/rules", timeout=10) as answer:
        groups = json.load(answer)["data"]["groups"]
    found = {rule["health"] for one in groups for rule in one["rules"]}
    assert "err" not in found
    return found == {"ok"} and len({one["file"] for one in groups}) == files
