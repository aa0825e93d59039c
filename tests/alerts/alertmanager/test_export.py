"""Routes for an Alertmanager: it accepts them, sends alike, and what it cannot do is named."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings, strategies as st

from opskit.alerts.alertmanager.export import Callback, exported
from opskit.alerts.routing.plan import planned
from opskit.alerts.routing.settings import Routes
from opskit.core.errors import ConfigError
from tests.cli.inside import Inside
from tests.rig import alertmanager
from tests.rig.plugin import require

BACK = Callback("http://127.0.0.1:9720/webhook/am", "/etc/opskit/am.token")
NAMES = ("ops", "db", "web")
VALUES = ("", "a", "b", 'a "quoted" one', "back\\slash", "two\nlines", "tab\there", "é, {x}")
LABELS = st.dictionaries(st.sampled_from(["team", "env"]), st.sampled_from(VALUES[1:]))
EXPRESSIONS = ("a|b", "a.*", "", ".+", "[^a]", r"a\s.*", r"\w\\s.*", "é.*", '.*"q.*')


def matcher(name: str, operator: str, value: str) -> str:
    return f"{name}{operator}{json.dumps(value, ensure_ascii=False)}"


MATCHERS = st.one_of(
    st.builds(
        matcher,
        st.sampled_from(["team", "env"]),
        st.sampled_from(["=", "!="]),
        st.sampled_from(VALUES),
    ),
    st.builds(
        matcher,
        st.sampled_from(["team", "env"]),
        st.sampled_from(["=~", "!~"]),
        st.sampled_from(EXPRESSIONS),
    ),
)
LENGTHS = st.sampled_from(["30s", "1h30m", "250ms", "1w", "0s"])
OWN = {
    "receiver": st.sampled_from(NAMES),
    "group_by": st.lists(st.sampled_from(["team", "env", "..."]), max_size=3),
    "group_wait": LENGTHS,
    "group_interval": LENGTHS,
    "repeat_interval": LENGTHS,
    "mute_time_intervals": st.just(["nights"]),
    "active_time_intervals": st.just(["hours", "nights"]),
}
LOWER = {"matchers": st.lists(MATCHERS, max_size=2), "continue": st.booleans()}


def node(below: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    more = {**OWN, **LOWER, "routes": st.lists(below, min_size=1, max_size=3)}
    return st.fixed_dictionaries({}, optional=more)


NODES = st.recursive(st.fixed_dictionaries({}, optional={**OWN, **LOWER}), node, max_leaves=6)
TREES = st.fixed_dictionaries(
    {"receiver": st.sampled_from(NAMES), "routes": st.lists(NODES, max_size=4)},
    optional={name: one for name, one in OWN.items() if name != "receiver"},
)
TIMES = [
    {"name": "hours", "time_intervals": [
        {"times": [{"start_time": "09:00", "end_time": "17:00"}], "weekdays": ["Monday:friday"],
         "location": "Europe/Berlin"}]},
    {"name": "nights", "time_intervals": [
        {"times": [{"start_time": "00:00", "end_time": "07:00"},
                   {"start_time": "19:00", "end_time": "24:00"}]},
        {"days_of_month": ["-3:-1", "1:5"], "months": ["may:july", "12"], "years": ["2026:2030"]}]},
]  # fmt: skip
INHIBITS = [
    {
        "source_matchers": ['team="a"'],
        "target_matchers": ["env=~b.*"],
        "equal": ["site"],
    },
    {"source_matchers": ['env!=""'], "target_matchers": ['team="b"']},
]


def routes(tree: dict[str, Any], **more: object) -> Routes:
    receivers = [{"name": name, "channels": ["mail"]} for name in NAMES]
    file = {"route": tree, "receivers": receivers, "time_intervals": TIMES, **more}
    return Routes.model_validate_json(json.dumps(file))


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["amtool", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.real
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, labels=st.lists(LABELS, min_size=1, max_size=3))
@example(  # the first route of Alertmanager has no times
    tree={
        "receiver": "ops",
        "mute_time_intervals": ["nights"],
        "routes": [{"matchers": ['team="a"'], "receiver": "db", "continue": True}],
    },
    labels=[{"team": "a"}, {"team": "b"}],
)
def test_alertmanager_accepts_it_and_sends_alike(
    tmp_path: Path, tree: dict[str, Any], labels: list[dict[str, str]]
) -> None:
    require(alertmanager.available())
    ours = routes(tree, inhibit_rules=INHIBITS)
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(exported(ours, BACK, {}).document, allow_unicode=True))
    checked = amtool("check-config", str(path))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for one in labels:
        # amtool takes labels as matchers, with their escapes.
        given = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in one.items()]
        assume(not any("\\t" in text or "," in text for text in given))
        told = amtool("config", "routes", "test", f"--config.file={path}", *given)
        ends = planned(ours).router.ends(one)
        assert told.stdout.strip().split(",") == [end.receiver for end in ends], told.stderr


WHOLE = """\
route: {receiver: ops, routes: [{matchers: [severity=page], receiver: oncall, escalation: up}]}
receivers:
  - {name: ops, channels: ["mail:ops@example.com", chat], send_resolved: false}
  - {name: oncall, rota: primary}
rotas:
  - name: primary
    zone: UTC
    layers: [{people: [ada], start: "2026-11-23T09:00"}]
escalations: [{name: up, steps: [{after: 15m, receiver: ops}]}]
quiet: [{name: lunch, time_intervals: [noon]}]
time_intervals:
  - {name: noon, time_intervals: [{times: [{start_time: "12:00", end_time: "13:00"}]}]}
contacts: {ada: ["mail:ada@example.com"]}
"""
SETTINGS = """\
mail: {server: smtp.example.com, from: opskit@example.com, to: [all@example.com],
  user: opskit, password_file: mail.password}
channels: {chat: {kind: slack, secret_file: chat.url}}
"""


@pytest.fixture
def repository(ops: Path) -> Path:
    (ops / "alerts").mkdir(exist_ok=True)
    (ops / "alerts/routes.yaml").write_text(WHOLE)
    with (ops / "opskit.yaml").open("a") as file:
        file.write(SETTINGS)
    return ops


def receivers(text: str) -> dict[str, Any]:
    return {one["name"]: one for one in yaml.safe_load(text)["receivers"]}


def test_what_it_cannot_do_is_named_above_it_and_on_stderr(
    inside: Inside, repository: Path
) -> None:
    done = inside("alerts", "export", "--alertmanager")
    assert done.code == 0
    for words in (
        "rotas stay in opskit: primary", "escalations stay in opskit: up",
        "quiet times stay in opskit: lunch", "acknowledgements, dependencies", "flaps",
        "call opskit back", "serve.webhooks",
    ):  # fmt: skip
        assert words in done.err
        head = done.out.partition("---")[0]
        assert words in head
        assert all(line.startswith("# ") for line in head.splitlines())
    assert set(receivers(done.out)["ops"]) == {"name", "webhook_configs"}


def test_who_calls_back_has_a_file_with_a_token(inside: Inside, repository: Path) -> None:
    with (repository / "opskit.yaml").open("a") as file:
        file.write("serve: {webhooks: {am: {kind: alertmanager, secret_file: am.token}}}\n")
    done = inside("alerts", "export", "--alertmanager", "--url", "https://ops.example.com/")
    assert "serve.webhooks" not in done.err
    (back,) = receivers(done.out)["ops"]["webhook_configs"]
    assert back["url"] == "https://ops.example.com/webhook/am"
    assert back["send_resolved"] is False
    file = back["http_config"]["authorization"]["credentials_file"]
    assert file == str(repository / "am.token")


@pytest.mark.real
def test_what_alertmanager_can_tell_itself_needs_no_secret_in_it(
    inside: Inside, repository: Path, tmp_path: Path
) -> None:
    require(alertmanager.available())
    target = tmp_path / "alertmanager.yml"
    done = inside("alerts", "export", "--alertmanager", str(target), "--receivers", "native")
    assert done.code == 0
    assert "told twice" in done.err
    assert amtool("check-config", str(target)).returncode == 0
    own = receivers(target.read_text())
    assert set(own["oncall"]) == {"name", "webhook_configs"}
    (mail,) = own["ops"]["email_configs"]
    assert mail["to"] == "ops@example.com"
    assert mail["auth_password_file"] == str(repository / "mail.password")
    (chat,) = own["ops"]["slack_configs"]
    assert chat == {"api_url_file": str(repository / "chat.url"), "send_resolved": False}


WRONG = {
    "looks ahead": ({"matchers": ["team=~(?=a).*"]}, {}),
    "refers back": ({"matchers": [r"team=~(a)\1"]}, {}),
    "another name": ({"matchers": ['"team.name"=a']}, {}),
    "a name to group by": ({"group_by": ["team.name"]}, {}),
    "hours that end before they begin": (
        {}, {"times": [{"start_time": "22:00", "end_time": "06:00"}]},
    ),
    "days that end before they begin": ({}, {"days_of_month": ["-3:3"]}),
}  # fmt: skip


@pytest.mark.parametrize(("below", "times"), WRONG.values(), ids=WRONG)
def test_what_means_nothing_to_it_is_refused(below: dict[str, Any], times: dict[str, Any]) -> None:
    intervals = [*TIMES, *([{"name": "x", "time_intervals": [times]}] if times else [])]
    ours = routes({"receiver": "ops", "routes": [below]}, time_intervals=intervals)
    with pytest.raises(ConfigError):
        exported(ours, BACK, {})
