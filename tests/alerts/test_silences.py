"""`opskit alerts silence`: kept here, or by an Alertmanager; either way who asked is on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.inside import Inside
from tests.rig import alertmanager
from tests.rig.plugin import require


@pytest.fixture(params=["here", "alertmanager"])
def keeping(
    request: pytest.FixtureRequest, inside: Inside, ops: Path, tmp_path: Path
) -> Iterator[Inside]:
    if request.param == "here":
        yield inside
        return
    require(alertmanager.available())
    directory = tmp_path / "am"
    directory.mkdir()
    config = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
    with alertmanager.Alertmanager(directory).running(config) as server:
        with (ops / "opskit.yaml").open("a") as stream:
            stream.write(f"alertmanager: {{url: '{server.url}'}}\n")
        yield inside


def silences(inside: Inside) -> list[dict[str, object]]:
    done = inside("alerts", "silence", "list", "--json")
    assert done.code == 0, done.err
    return list(json.loads(done.out)["silences"])


def test_a_silence_is_made_prolonged_and_ended(keeping: Inside) -> None:
    add = ("alerts", "silence", "add", "ServiceDown", "service=~shop|web", "--comment", "new disk")
    done = keeping(*add, "--for", "2h")
    assert done.code == 0, done.err
    (one,) = silences(keeping)
    assert one["matchers"] == ['alertname="ServiceDown"', 'service=~"shop|web"']
    assert one["comment"] == "new disk"
    assert keeping("alerts", "silence", "extend", str(one["id"]), "--for", "1d").code == 0
    (longer,) = silences(keeping)
    assert longer["id"] != one["id"]
    assert str(longer["ends_at"]) > str(one["ends_at"])
    assert keeping("alerts", "silence", "end", str(longer["id"])[:8]).code == 0
    assert silences(keeping) == []
    again = keeping("alerts", "silence", "end", str(longer["id"])[:8])
    assert (again.code, "no silence begins with" in again.err) == (2, True)
    entries = keeping("ledger", "export").out.splitlines()
    kinds = [json.loads(line)["kind"] for line in entries]
    assert kinds == ["silence.created", "silence.created", "silence.ended", "silence.ended"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["service=~.*", "--comment", "x"], "silence every alert"),
        (["service=shop", "--comment", " "], "needs a comment"),
        (["service=shop", "--comment", "x", "--for", "500d"], "too long"),
        (["service=~(", "--comment", "x"], "no regular expression"),
    ],
)
def test_what_cannot_be_silenced_says_why(inside: Inside, arguments: list[str], says: str) -> None:
    done = inside("alerts", "silence", "add", *arguments)
    assert (done.code, says in done.err) == (2, True), done.err
