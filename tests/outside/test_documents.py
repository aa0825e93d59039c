"""Files people write: every mistake with its line, and nothing that hurts to read.

Each `tests/cases/documents/MODEL-NAME.yaml` has a `.expected` beside it with the findings, one per
line, as `line:column rule subject: message (fix)`; none for a file that is accepted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, strategies as st

from opskit.access.model import People
from opskit.alerts.model import RuleFile
from opskit.core.errors import ConfigError, DataError
from opskit.core.findings import Finding
from opskit.core.text import clean
from opskit.monitor.catalogue import Catalogue
from opskit.outside.config import Settings
from opskit.outside.documents import MAX_BYTES, Document, parse
from opskit.outside.models import Model, json_schema, read, validate
from tests.conftest import CASES

MODELS: dict[str, type[Model]] = {
    "settings": Settings,
    "services": Catalogue,
    "people": People,
    "alerts": RuleFile,
}
FILES = sorted((CASES / "documents").glob("*.yaml"))
CHECKOUT = Path(__file__).resolve().parents[2]
SHIPPED: dict[str, type[Model]] = {
    "opskit.yaml": Settings,
    "services.yaml": Catalogue,
    "access/people.yaml": People,
    "alerts/baseline/host.yaml": RuleFile,
}


def as_line(finding: Finding) -> str:
    assert finding.location is not None
    place = f"{finding.location.line}:{finding.location.column}"
    head = " ".join(filter(None, (place, finding.rule, finding.subject)))
    fix = f" ({finding.fix})" if finding.fix else ""
    return f"{head}: {finding.message}{fix}"


def findings(path: Path, model: type[Model]) -> tuple[Finding, ...]:
    try:
        read(path, model)
    except DataError as error:
        return error.findings
    return ()


def in_file_order(finding: Finding) -> tuple[int, int, str]:
    assert finding.location is not None
    return finding.location.line, finding.location.column, finding.rule


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_accepted_or_every_mistake_in_it_is_named(path: Path) -> None:
    found = sorted(findings(path, MODELS[path.stem.partition("-")[0]]), key=in_file_order)
    expected = path.with_suffix(".expected").read_text(encoding="utf-8").splitlines()
    assert [as_line(finding) for finding in found] == expected


def test_every_case_has_its_answer_and_every_answer_its_case() -> None:
    answers = {path.stem for path in (CASES / "documents").glob("*.expected")}
    assert {path.stem for path in FILES} == answers


def test_a_python_tag_runs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "opskit.yaml"
    marker = tmp_path / "was-here"
    path.write_text(f'standard: !!python/object/apply:os.system ["touch {marker}"]\n')
    assert findings(path, Settings)
    assert not marker.exists()


def test_the_error_counts_the_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "opskit.yaml"
    path.write_text("forks: -1\n")
    with pytest.raises(DataError, match=r"^opskit\.yaml has a mistake$"):
        read(path, Settings, name="opskit.yaml")
    path.write_text("forks: -1\ntimezone: 5\n")
    with pytest.raises(DataError, match=r"^opskit\.yaml has 2 mistakes$"):
        read(path, Settings, name="opskit.yaml")


def test_places_are_named_as_the_caller_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "opskit.yaml"
    path.write_text("timezone: UTC\nforks: -1\n")
    found = parse(path, name="ops/opskit.yaml")
    validate(found, Settings)
    assert [str(finding.location) for finding in found.findings] == ["ops/opskit.yaml:2:1"]


# Files that are not there, or too big


@pytest.mark.parametrize("name", ["missing.yaml", "missing/missing.yaml", "directory"])
def test_what_is_no_file_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(ConfigError, match=name):
        parse(tmp_path / name)


ONE_READ = """
import resource, sys
from pathlib import Path
from opskit.outside.documents import parse
resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))
(finding,) = parse(Path(sys.argv[1]), name="big.yaml").findings
print(finding.location, finding.rule, finding.message)
"""


def test_a_huge_file_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.touch()
    os.truncate(path, 20_000_000_000)  # sparse: it takes no room on the disk
    done = subprocess.run(
        [sys.executable, "-c", ONE_READ, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
    )
    assert done.stdout == "big.yaml file-too-large larger than 4,000,000 bytes\n", done.stderr


def test_a_file_as_big_as_is_allowed_is_read(tmp_path: Path) -> None:
    path = tmp_path / "opskit.yaml"
    head = "timezone: UTC\n# "
    path.write_text(head + "x" * (MAX_BYTES - len(head)))
    assert read(path, Settings).timezone == "UTC"
    path.write_text(head + "x" * (MAX_BYTES - len(head) + 1))
    assert [finding.rule for finding in findings(path, Settings)] == ["file-too-large"]


# Values and places


def parsed(tmp_path: Path, text: str, *, any_tag: bool = False) -> Document:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return parse(path, name="file.yaml", any_tag=any_tag)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("y", "y"),
        ("0", 0),
        ("-5", -5),
        ("+5", 5),
        ("007", 7),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("22:22", "22:22"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.2.3", "1.2.3"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("=", "="),
        ("<<", "<<"),
        ("2026-11-21", "2026-11-21"),
        ("2024-13-45", "2024-13-45"),
        ("123456789012345678", 123456789012345678),
        ("1234567890123456789", "1234567890123456789"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("''", ""),
        ("|\n  5\n", "5\n"),
        ("\u0665", "\u0665"),
        ("\uff11.\uff15", "\uff11.\uff15"),
    ],
)
def test_a_value_is_what_yaml_1_2_says(tmp_path: Path, written: str, value: object) -> None:
    found = parsed(tmp_path, f"key: {written}\n")
    assert found.findings == []
    assert found.value == {"key": value}
    assert isinstance(found.value, dict)
    assert type(found.value["key"]) is type(value)


def test_every_value_knows_its_place(tmp_path: Path) -> None:
    found = parsed(tmp_path, "a:\n  - b: 1\n  - c\n'd': {e: 2}\n")
    wanted = {
        (): "1:1",
        ("a",): "1:1",
        ("a", 0): "2:5",
        ("a", 0, "b"): "2:5",
        ("a", 1): "3:5",
        ("d",): "4:1",
        ("d", "e"): "4:7",
    }
    assert {key: str(place) for key, place in found.places.items()} == {
        key: f"file.yaml:{place}" for key, place in wanted.items()
    }
    assert str(found.place(("a", 7, "x"))) == "file.yaml:1:1"
    assert str(found.place(("a", 0, "missing"))) == "file.yaml:2:5"


def test_tags_may_be_let_stand(tmp_path: Path) -> None:
    found = parsed(tmp_path, "a: !vault |\n  ciphertext\nb: !x [1]\n", any_tag=True)
    assert found.findings == []
    assert found.value == {"a": "ciphertext\n", "b": [1]}


# Whatever is written, there is an answer


KEYS: st.SearchStrategy[str] = st.sampled_from(
    ["timezone", "forks", "webhook", "url", "services", "web", "owner", "probes", "kind", "people"]
) | st.text(max_size=5)
SMALL = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
PIECES = st.sampled_from(
    [
        *("services:\n", "  web:\n", "    owner: a\n", "    probes:\n", "      - kind: http\n"),
        *(" ", "\n", "  ", "- ", ": ", "? ", "[", "]", "{", "}", ",", "&a ", "*a", "!x ", "!!int "),
        *("'", '"', "|\n", ">-\n", "#", "%", "@", "`", "---\n", "...\n", "<<: *a\n", "\t", "\\"),
        *("1", "60s", "1e999", ".inf", "22:22", "NO", "\x00", "\x1b", "\x85", "\u2028", "\u202e"),
        *("\ufeff", "é", "💥", "!!set ", "!!python/name:os ", "%YAML 1.1\n", "~", "\r"),
    ]
)
RAW = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=80).map(str.encode),
    st.lists(PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode()),
    SMALL.map(lambda value: yaml.safe_dump(value, allow_unicode=True).encode()),
    st.builds(
        lambda value: yaml.safe_dump(value).encode(),
        st.fixed_dictionaries({}, optional={"services": SMALL, "timezone": SMALL, "people": SMALL}),
    ),
)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@given(raw=RAW)
def test_any_bytes_are_a_value_or_findings(
    tmp_path_factory: pytest.TempPathFactory, model: type[Model], raw: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    document = parse(path, name="any.yaml")
    value = validate(document, model)
    assert (value is None) is bool(document.findings)
    lines = raw.count(b"\n") + raw.count(b"\r") + raw.count("\x85".encode()) + 1
    for finding in document.findings:
        assert finding.location is not None
        assert 1 <= finding.location.line <= lines + raw.count("\u2028".encode()) + 1
        assert finding.message == clean(finding.message)
        assert finding.subject == clean(finding.subject)


# The schema that editors complete from


@pytest.mark.parametrize("name", MODELS)
def test_the_schema_is_one_of_draft_07(name: str) -> None:
    schema = json_schema(MODELS[name])
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)
    assert "$defs" not in str(schema)


def as_json(path: Path) -> Any:
    document = parse(path)
    assert document.findings == []
    return document.value


@pytest.mark.parametrize("name", SHIPPED)
def test_the_schema_accepts_what_ships_with_opskit(name: str) -> None:
    schema = json_schema(SHIPPED[name])
    jsonschema.Draft7Validator(schema).validate(as_json(CHECKOUT / name))


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if not path.with_suffix(".expected").read_text(encoding="utf-8")],
    ids=lambda path: path.stem,
)
def test_the_schema_accepts_what_opskit_accepts(path: Path) -> None:
    schema = json_schema(MODELS[path.stem.partition("-")[0]])
    jsonschema.Draft7Validator(schema).validate(as_json(path) or {})


@pytest.mark.parametrize(
    "case",
    [
        "settings-unknown-key",
        "settings-wrong-type",
        "services-bad-durations",
        "services-unknown-key",
        "services-missing-key-in-probe",
        "services-unknown-kind",
        "services-empty-probes",
        "people-bad-email",
        "alerts-unknown-key",
    ],
)
def test_the_schema_underlines_in_the_editor_what_opskit_refuses(case: str) -> None:
    schema = json_schema(MODELS[case.partition("-")[0]])
    value = as_json(CASES / "documents" / f"{case}.yaml")
    assert not jsonschema.Draft7Validator(schema).is_valid(value)
