"""`opskit schema`: an editor that follows it accepts what opskit accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from opskit.core.errors import ExitCode
from opskit.monitor.catalogue import Catalogue
from opskit.outside.files import content_root
from tests.cli.cases import Case, cases
from tests.cli.inside import Inside

SHIPPED = {
    "opskit": "opskit.yaml",
    "services": "services.yaml",
    "people": "access/people.yaml",
    "alerts": "alerts/baseline/host.yaml",
}
WRITTEN = (*SHIPPED, "policy")
# What no schema can say: things that must agree with each other, and what YAML itself forbids.
BEYOND = {
    "alias_bomb", "duplicate_key", "endless_nesting", "escape_sequence", "head_and_a_text",
    "interval_too_long", "interval_too_short", "not_utf8", "objective_above_all", "open_quote",
    "tab", "tag", "text_that_runs_backward", "timeout_does_not_fit", "two_probes_of_one_name",
    "address_port_out_of_range", "address_without_brackets", "address_without_port",
    "address_with_a_user", "auth_of_both_kinds", "body_with_get", "capture_of_two_kinds",
    "dns_server_without_port", "every_and_schedule", "exact_of_nothing",
    "host_fails_before_it_warns", "json_path", "limit_without_a_bound",
    "neither_every_nor_schedule", "pattern_that_is_none", "pattern_that_looks_ahead",
    "schedule_that_never_comes", "scrape_of_nothing", "selector", "step_uses_what_is_not_captured",
    "tls_without_tls", "two_steps_of_one_name", "zone",
}  # fmt: skip


def schema(inside: Inside, name: str) -> dict[str, Any]:
    """Return a schema as opskit prints it."""
    done = inside("schema", name)
    assert (done.code, done.err) == (ExitCode.OK, "")
    printed: dict[str, Any] = json.loads(done.out)
    return printed


def plain(path: Path) -> object:
    """Return a file as an editor's server reads it: dates stay text."""
    return yaml.load(path.read_bytes(), Loader=yaml.BaseLoader)


@pytest.mark.parametrize("name", WRITTEN)
def test_it_is_a_schema_that_editors_read(inside: Inside, name: str) -> None:
    printed = schema(inside, name)
    assert printed["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(printed)
    assert "$defs" not in json.dumps(printed)


@pytest.mark.parametrize(("name", "path"), SHIPPED.items())
def test_it_accepts_the_shipped_file(inside: Inside, name: str, path: str) -> None:
    text = (content_root() / path).read_text(encoding="utf-8")
    document = json.loads(json.dumps(yaml.safe_load(text), default=str))
    jsonschema.Draft7Validator(schema(inside, name)).validate(document)


@pytest.mark.parametrize("name", WRITTEN)
def test_it_says_of_each_key_at_the_top_what_it_is(inside: Inside, name: str) -> None:
    printed = schema(inside, name)
    assert printed["additionalProperties"] is False
    assert printed["description"]


@pytest.mark.parametrize("case", [one for one in cases("monitor") if str(one.id) not in BEYOND])
def test_it_refuses_what_opskit_refuses(inside: Inside, case: Case) -> None:
    document = yaml.safe_load(case.path.read_bytes()) or {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema(inside, "services")).validate(document)


def properties(node: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each property anywhere in a schema, by name."""
    if isinstance(node, dict):
        named = node.get("properties", {})
        yield from named.items()
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from properties(child)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_default_is_written_as_a_user_would_write_it(inside: Inside, name: str) -> None:
    printed = schema(inside, name)
    for key, one in properties(printed):
        if "default" in one:
            found = jsonschema.Draft7Validator(
                {**one, "definitions": printed.get("definitions", {})}
            )
            assert list(found.iter_errors(one["default"])) == [], f"{key}: {one['default']!r}"


def test_the_defaults_in_the_schema_are_those_in_force(inside: Inside) -> None:
    probe = {"kind": "tcp", "address": "localhost:1"}
    shown = dict(properties(schema(inside, "services")))
    written = {name: shown[name]["default"] for name in ("interval", "timeout", "confirm_after")}
    validated = (
        Catalogue.model_validate_json(
            json.dumps({"services": {"shop": {"owner": "web", "probes": [one]}}}), strict=True
        )
        for one in (probe, {**probe, **written})
    )
    assert next(validated) == next(validated)


def test_an_unknown_name_is_answered_with_the_known_ones(inside: Inside) -> None:
    done = inside("schema", "servces")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert all(name in done.err for name in SHIPPED)
