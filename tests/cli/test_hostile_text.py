"""Text from outside never drives the terminal: not from a host, a server, a file or a name."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from opskit.core.clock import MINUTE, SECOND, Instant, SystemClock
from opskit.core.errors import ExitCode
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.model import Observation, Seen
from opskit.monitor.record import Recorder
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.cli.inside import Inside
from tests.cli.terminal import STYLE, on_terminal

# All 256 bytes as characters, then what hides, turns around or ends a line beyond them.
EVERY = "".join(map(chr, range(256)))
BEYOND = "\u061c\u200b\u200e\u202a\u202e\u2028\u2029\u2066\u2069\ufeff\ue000\U000e0041"
SEQUENCES = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;https://evil.example\x1b\\link \x9b2J"
MARKUP = "[red]loud[/red] [link=https://evil.example]link[/link] :bomb: {{ 7 * 7 }} %s"
HOSTILE = EVERY + BEYOND + SEQUENCES + MARKUP
# Two joiners are part of how several scripts are written; they neither hide nor reorder.
ALLOWED = {"\n", "\u200c", "\u200d"}
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
SERVICES = json.dumps(
    {
        "services": {
            "shop": {
                "owner": MARKUP,
                "runbook": MARKUP,
                "serves": [MARKUP],
                "probes": [{"kind": "http", "url": "http://127.0.0.1:1/", "contains": MARKUP}],
            }
        }
    }
)
MONITOR: list[tuple[str, ...]] = [
    ("monitor", "status"),
    ("monitor", "uptime", "--last", "1h"),
    ("monitor", "explain", "shop", "--last", "1h"),
    ("config", "show"),
]
COMMANDS = [
    *((*words, "-o", form) for words in MONITOR for form in ("table", "json", "yaml")),
    *(("check", "-o", form) for form in ("table", "json", "yaml", "junit", "sarif")),
    ("ledger", "export"),
    ("ledger", "verify"),
    ("report", "build", "--last", "1h", "-o", "json", "--output-file", "-"),
    ("report", "build", "--last", "1h", "-o", "html", "--output-file", "-"),
]  # fmt: skip


def raw(text: str) -> set[str]:
    """Return the characters in a text that a terminal could obey or that hide something."""
    return {one for one in text if unicodedata.category(one) in FORBIDDEN and one not in ALLOWED}


@pytest.fixture
def hostile(ops: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Plant hostile text wherever somebody else may choose one."""
    monkeypatch.setenv("SUDO_USER", HOSTILE.replace("\0", ""))
    (ops / "services.yaml").write_text(SERVICES)
    (ops / "alerts").mkdir()
    (ops / "alerts" / "bad.yaml").write_bytes(HOSTILE.encode("utf-8", "surrogatepass"))
    (ops / "alerts" / "worse.yaml").write_text(json.dumps({HOSTILE: HOSTILE, "groups": HOSTILE}))
    (ops / "alerts" / "na\x1b[31mme\u202e.yaml").write_text("groups: []\n")
    for path in (ops / "playbooks" / "standard.yml", ops / "inventory" / "hosts.ini"):
        path.unlink()
    clock = SystemClock()
    database = Database.open(sqlite_url(ops / ".opskit" / "opskit.db"))
    recorder = Recorder(database, Ledger(clock, HOSTILE), Outbox(database, clock))
    recorder.begin(Catalogue.model_validate_json(SERVICES, strict=True))
    now = clock.now()
    # As an older opskit, or somebody with a hand in the database, could have written it.
    recorder.record([Observation("shop/http", Instant(now), Seen.UP, "", SECOND, MINUTE)])
    later = Instant(now + SECOND // 10)
    text = HOSTILE.replace("\0", "")
    recorder.record([Observation("shop/http", later, Seen.DOWN, text, SECOND, MINUTE)])
    recorder.seal(clock.now())
    database.close()
    return ops


def ids(arguments: Sequence[str]) -> str:
    return " ".join(arguments)


@pytest.mark.parametrize("arguments", COMMANDS, ids=ids)
def test_no_character_that_a_terminal_obeys_is_printed(
    hostile: Path, inside: Inside, arguments: Sequence[str]
) -> None:
    done = inside(*arguments)
    assert done.code != ExitCode.BUG, done.err
    assert done.out
    assert raw(done.out) == set()
    assert raw(done.err) == set()


def test_markup_is_shown_as_it_was_written(
    hostile: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "2000")
    assert MARKUP in inside("monitor", "status").out


def test_machines_get_the_text_itself(hostile: Path, inside: Inside) -> None:
    as_json = json.loads(inside("monitor", "status", "-o", "json").out)
    as_yaml = yaml.safe_load(inside("monitor", "status", "-o", "yaml").out)
    assert as_json["targets"][0]["owner"] == as_yaml["targets"][0]["owner"] == MARKUP


def test_junit_stays_well_formed(hostile: Path, inside: Inside) -> None:
    assert int(ET.fromstring(inside("check", "-o", "junit").out).attrib["tests"]) > 3


def test_on_a_terminal_only_our_own_styles_are_sent(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR")
    shown = on_terminal("monitor", "status", cwd=hostile, width=200)
    assert shown.code == ExitCode.FINDINGS
    assert STYLE.search(shown.out)
    assert raw(STYLE.sub("", shown.out)) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("init", "na\x1b[31mme\u202e"),
        ("monitor", "explain", "na\x1b[31mme\u202e"),
        ("config", "show", "--config", "na\x1b[31mme\u202e"),
        ("fl\x1b[31meet",),
        ("fleet", "check", "--na\x1bme"),
        ("fleet", "check", "--var", "na\x1bme"),
        ("monitor", "uptime", "--last", "na\x1bme"),
        ("schema", "na\x1b[31mme\u202e"),
    ],
    ids=lambda words: words[0] if len(words) == 1 else " ".join(words[:2]),
)
def test_an_argument_is_not_repeated_raw(
    ops: Path, inside: Inside, arguments: Sequence[str]
) -> None:
    (ops / "services.yaml").write_text(SERVICES)
    done = inside(*arguments)
    assert done.code != ExitCode.BUG
    assert raw(done.out + done.err) == set()
    assert r"\x1b" in done.out + done.err


def test_bytes_that_are_no_text_are_no_bug(ops: Path, inside: Inside) -> None:
    name = os.fsdecode(b"na\xff\xfeme")
    done = inside("init", name)
    assert done.code == ExitCode.OK, done.err
    assert raw(done.out + done.err) == set()
    assert (ops / name / "opskit.yaml").is_file()


@pytest.mark.parametrize("form", ["table", "json", "yaml"])
def test_a_repository_whose_path_is_hostile(
    ops: Path, tmp_path: Path, inside: Inside, form: str
) -> None:
    place = tmp_path / "op\x1b[31ms\u202e"
    ops.rename(place)
    done = inside("config", "show", "-o", form, cwd=place)
    assert done.code == ExitCode.OK, done.err
    assert raw(done.out + done.err) == set()
