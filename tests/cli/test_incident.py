"""`opskit incident`: what somebody types, and reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside

HOSTILE = "[red]x[/red] \x1b[31m# *a* <b> =1+1 \u202e"


@pytest.fixture
def repository(ops: Path) -> Path:
    (ops / "access").mkdir()
    (ops / "access" / "people.yaml").write_text(
        "---\nteams:\n  web:\n    purpose: Builds it.\n"
        "people:\n  ben:\n    name: Ben\n    team: web\n"
    )
    (ops / "services.yaml").write_text(
        "---\nservices:\n  shop:\n    owner: web\n    kind: customer-facing\n    probes:\n"
        "      - kind: tcp\n        address: 127.0.0.1:22\n"
    )
    return ops


def test_from_the_first_word_to_the_cause(repository: Path, inside: Inside) -> None:
    opened = inside("incident", "open", "Orders fail", "--service", "shop", "--started", "00:00")
    assert (opened.code, opened.out) == (ExitCode.OK, "INC-1\n")
    assert inside("incident", "ack", "INC-1").code == ExitCode.OK
    assert inside("incident", "note", "1", "a full disk").code == ExitCode.OK
    assert inside("incident", "link", "1", "run", "12").code == ExitCode.OK
    assert inside("incident", "assign", "1", "ben").code == ExitCode.OK
    assert inside("incident", "rate", "1", "critical").code == ExitCode.OK
    assert inside("incident", "list").code == ExitCode.FINDINGS
    assert inside("incident", "mitigate", "1", "more room").code == ExitCode.OK
    assert inside("incident", "resolve", "1", "--cause", "logs grew").code == ExitCode.OK
    shown = json.loads(inside("incident", "show", "1", "--json").out)
    one = shown["incident"]
    assert (one["service"], one["team"], one["visible"]) == ("shop", "web", True)
    assert (one["status"], one["severity"], one["owner"]) == ("resolved", "critical", "ben")
    assert [one[f"{name}_at"] is None for name in ("acknowledged", "mitigated", "resolved")] == [
        False, False, False,
    ]  # fmt: skip
    assert one["links"] == [{"what": "run", "name": "12"}]
    assert inside("incident", "list").code == ExitCode.OK
    assert "INC-1" in inside("incident", "list", "--last", "1").out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("resolve", "1", "--cause", "again"), ExitCode.REFUSED, "was resolved"),
        (("resolve", "1", "--cause", " "), ExitCode.USAGE, "the text is empty"),
        (("merge", "1", "INC-1"), ExitCode.REFUSED, "into itself"),
        (("ack", "INC-9"), ExitCode.USAGE, "there is no incident"),
        (("note", "1", "then", "--at", "1999-01-01"), ExitCode.REFUSED, "before INC-1 began"),
        (("note", "1", "then", "--at", "soon"), ExitCode.USAGE, "10:30"),
        (("split", "1", "9", "--title", "x"), ExitCode.USAGE, "has 2 lines"),
        (("split", "1", "1", "--title", "x"), ExitCode.REFUSED, "no such event"),
        (("open", "x", "--service", "shp"), ExitCode.USAGE, "did you mean shop"),
        (("open", " "), ExitCode.USAGE, "say what is wrong"),
        (("reopen", "1", "back", "--config", "nowhere"), ExitCode.USAGE, "there is no"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    repository: Path, inside: Inside, words: tuple[str, ...], code: ExitCode, says: str
) -> None:
    inside("incident", "open", "Orders fail")
    inside("incident", "resolve", "1", "--cause", "restarted")
    done = inside("incident", *words)
    assert done.code == code
    assert says in done.err
    assert "Traceback" not in done.err


def test_an_unknown_person_gets_nothing(repository: Path, inside: Inside) -> None:
    inside("incident", "open", "Orders fail")
    done = inside("incident", "assign", "1", "bne")
    assert (done.code, "did you mean ben" in done.err) == (ExitCode.USAGE, True)


def test_text_of_strangers_is_text_everywhere(repository: Path, inside: Inside) -> None:
    inside("incident", "open", HOSTILE)
    inside("incident", "note", "1", HOSTILE + "\n# heading\n")
    for words in (("list",), ("show", "1"), ("export", "1")):
        out = inside("incident", *words).out
        assert "\x1b" not in out
        assert "\u202e" not in out
    story = inside("incident", "export", "1").out
    assert [line for line in story.splitlines() if line.startswith("#")] == [
        story.splitlines()[0], "## Timeline",
    ]  # fmt: skip
    assert "<b>" not in story


def test_the_largest_text_that_fits_a_command_line_is_kept(
    repository: Path, inside: Inside
) -> None:
    inside("incident", "open", "Big")
    assert inside("incident", "note", "1", "x" * 100_000).code == ExitCode.OK
    shown = json.loads(inside("incident", "show", "1", "--json").out)
    assert len(shown["events"][-1]["data"]["text"]) == 100_000
