"""The status page, badges and targets: what they say, and how the page lies in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from opskit.app import App
from opskit.core.clock import DAY, HOUR, Duration, FrozenClock, Instant
from opskit.core.interval import State
from opskit.monitor import discovery
from opskit.monitor.catalogue import Target
from opskit.monitor.model import Observation, Seen
from opskit.outside.eventlog import EventLog
from opskit.serve import pages
from opskit.serve.answer import Asked
from opskit.serve.badge import badge_json, badge_svg
from opskit.serve.site import Site
from opskit.serve.statusview import ServiceNow, sentence
from tests.conftest import Opskit
from tests.rig import browser
from tests.serve.live import lay_out, probe_of, service

NOW = Instant(1_790_000_000_000_000)
HOURLY = {"interval": "1h"}
MARKUP = "<script>alert(1)</script>\" onload=x '&"
NASTY = "<script>alert(1)</script>\x1b[31m\u202e\" onload=x '&"


class World:
    """An ops repository with a past, and its site."""

    def __init__(self, root: Path, **serve: object) -> None:
        names = {
            "shop": service(probe_of("127.0.0.1:1", **HOURLY)),
            "wiki": service(probe_of("127.0.0.1:2", **HOURLY)),
            "mail": service(probe_of("127.0.0.1:3", **HOURLY)),
            "never": service(probe_of("127.0.0.1:4", **HOURLY)),
            "all": {"owner": MARKUP, "made_of": ["shop", "wiki"]},
        }
        lay_out(root, names, serve=serve)
        self.clock = FrozenClock(Instant(NOW - 30 * DAY))
        self.app = replace(App.find(root, {}), clock=self.clock)
        self.app.recorder.begin(self.app.catalogue)
        for hour in range(30 * 24, 0, -1):
            shop = Seen.DOWN if hour <= 3 else Seen.UP
            self._see("shop", hour, shop, NASTY)
            self._see("wiki", hour, Seen.UP, "")
            if hour > 100:
                self._see("mail", hour, Seen.UP, "")
        self.clock.at = NOW
        self.site = Site.of(self.app, EventLog())

    def _see(self, name: str, hour: int, seen: Seen, reason: str) -> None:
        at = Instant(NOW - hour * HOUR + 1)
        one = Observation(f"{name}/tcp", at, seen, reason, Duration(1), HOUR)
        self.app.recorder.record([one])

    def page(self) -> str:
        return pages.status(self.site, Asked("GET", "")).body.decode()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("status") / "ops")
    yield found
    found.app.database.close()


def test_the_worst_comes_first(world: World) -> None:
    data = json.loads(pages.status_json(world.site, Asked("GET", "")).body)
    found = [(one["service"], one["state"]) for one in data["services"]]
    assert found == [
        ("all", "down"),
        ("shop", "down"),
        ("mail", "unknown"),
        ("never", "unknown"),
        ("wiki", "up"),
    ]
    shop = data["services"][1]
    assert shop["since"] == "2026-09-21T11:13:20Z"
    assert shop["uptime"]["coverage"] == "1"


class Reader(HTMLParser):
    """Collects tags and attributes as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_nothing_that_is_shown_does_anything(world: World) -> None:
    text = world.page()
    reader = Reader()
    reader.feed(text)
    assert not reader.tags & {"script", "iframe", "img", "object", "form", "link", "base"}
    assert not [name for name in reader.attributes if name.startswith("on") or name == "style"]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;" in text


def test_the_page_says_how_things_are(world: World) -> None:
    text = world.page()
    assert "Of 5\xa0services 2\xa0are down, 2\xa0are not known, 1\xa0is up." in text
    assert text.count('class="ribbon-row"') == 5
    assert '<meta http-equiv="refresh" content="60">' in text


def test_where_all_may_see_it_it_says_neither_who_nor_why(tmp_path: Path) -> None:
    world = World(tmp_path / "ops", public_status=True)
    text = world.page()
    assert "web" not in text.split("<main>")[1]
    assert "script&gt;" not in text
    data = pages.status_json(world.site, Asked("GET", "")).body
    assert b"reason" not in data
    assert b"owner" not in data
    world.app.database.close()


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([State.UP], "The one service is up."),
        ([State.UP] * 3, "All 3 services are up."),
        ([State.DOWN], "Of 1 service 1 is down."),
        ([State.UNKNOWN] * 2, "Of 2 services 2 are not known."),
        ([State.UP, State.MAINTENANCE], "Of 2 services 1 is in maintenance, 1 is up."),
    ],
)
def test_the_sentence_claims_no_more_than_is_known(states: list[State], said: str) -> None:
    assert sentence([ServiceNow("a", "", state, None, "") for state in states]) == said


@pytest.mark.parametrize("state", list(State))
def test_a_badge_is_well_formed_whatever_the_name_is(state: State) -> None:
    now = ServiceNow(NASTY, "", state, None, "")
    picture = ET.fromstring(badge_svg(now))
    assert {one.tag.rpartition("}")[2] for one in picture.iter()} <= {
        "svg", "title", "rect", "path", "g", "text",
    }  # fmt: skip
    assert now.word in "".join(picture.itertext())
    data = badge_json(now)
    assert data["schemaVersion"] == 1
    assert data["message"] == now.word


_SIZES = """<script>onload = () => {
  const page = document.querySelector("iframe").contentDocument.documentElement;
  document.title = page.scrollWidth + " in " + page.clientWidth;
}</script>"""


@pytest.mark.parametrize("width", [320, 390, 740, 1280])
def test_the_page_fits_a_phone_and_a_screen(world: World, tmp_path: Path, width: int) -> None:
    assert browser.available() is None
    text = escape(world.page())
    frame = tmp_path / "frame.html"
    frame.write_text(f'{_SIZES}<iframe width="{width}" height="800" srcdoc="{text}"></iframe>')
    title = browser.dump_dom(frame).split("<title>")[1].split("</title>")[0]
    wanted, has = map(int, title.split(" in "))
    assert width - 60 < has <= width
    assert wanted <= has


def test_the_page_is_drawn(world: World, tmp_path: Path) -> None:
    path, picture = tmp_path / "status.html", tmp_path / "status.png"
    path.write_text(world.page())
    browser.screenshot(path, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


# Targets


def test_hosts_and_probes_become_targets(world: World) -> None:
    listing = {
        "_meta": {
            "hostvars": {
                "web1": {"ansible_host": "10.0.0.1"},
                "web2": {"ansible_host": "fd00::1"},
                "web3": {"ansible_host": "{{ secret }}"},
                "web4": {"ansible_connection": "local"},
            }
        },
        "all": {"children": ["web"]},
        "web": {"hosts": ["web1", "web2", "web3", "web4"]},
        "east": {"hosts": ["web1"]},
    }
    found = discovery.of_inventory(listing, 9100)
    assert [one.targets for one in found] == [
        ("10.0.0.1:9100",),
        ("[fd00::1]:9100",),
        ("web3:9100",),
        ("127.0.0.1:9100",),
    ]
    assert found[0].labels["__meta_opskit_groups"] == ",east,web,"
    probes = discovery.of_catalogue(world.app.catalogue)
    assert [one.targets[0] for one in probes] == [f"127.0.0.1:{n}" for n in (1, 2, 3, 4)]
    assert {one.labels["__meta_opskit_module"] for one in probes} == {"tcp_connect"}


def test_a_password_in_a_url_is_told_to_nobody(world: World) -> None:
    class Probe:
        kind = "http"
        url = "http://me:hunter2@127.0.0.1/"

    class Catalogue:
        def targets(self) -> list[Target]:
            return [Target("shop/http", "shop", Probe())]  # type: ignore[arg-type]

    assert discovery.of_catalogue(Catalogue()) == ()  # type: ignore[arg-type]


def test_targets_are_written_in_one_step(ops: Path, opskit: Opskit) -> None:
    (ops / "services.yaml").write_text(
        json.dumps({"services": {"shop": service(probe_of("127.0.0.1:1"))}})
    )
    listed = opskit("monitor", "targets", "-o", "http_sd", "--source", "inventory")
    assert listed.code == 0
    assert [one["targets"] for one in json.loads(listed.out)] == [
        ["127.0.0.1:9100"],
        ["127.0.0.1:9100"],
    ]
    sd = ops / "sd.json"
    sd.write_text("[]")
    before = sd.stat().st_ino
    done = opskit("monitor", "targets", "-o", "file_sd", "--output-file", str(sd))
    assert done.code == 0
    assert sd.stat().st_ino != before
    assert len(json.loads(sd.read_text())) == 3
    assert "shop/tcp" in opskit("monitor", "targets").out
