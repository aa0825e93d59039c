"""The JSON form: the whole model, the same for the same report."""

from __future__ import annotations

import json as standard
from dataclasses import replace

import pytest

from opskit.report.render import json
from tests.report.render import samples


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_the_same_report_gives_the_same_text(name: str) -> None:
    assert json.render(samples.SAMPLES[name]()) == json.render(samples.SAMPLES[name]())


def test_the_model_is_there_whole() -> None:
    built = samples.month()
    report = built.report
    text = json.render(built)
    read = standard.loads(text)

    assert read.pop("inputs") == standard.loads(built.embedded)
    assert read == standard.loads(standard.dumps(report.as_json()))
    assert read["format_version"] == 2
    assert [figure["id"] for figure in read["figures"]] == [one.id for one in report.figures]
    assert read["figures"][0]["tag"] == "measured"


@pytest.mark.parametrize("rows", [0, 1, 20, 21, 1_000, 2_500])
def test_inputs_written_in_parts_read_as_written_at_once(rows: int) -> None:
    months = [{"z": None, "a": {"rows": [{"b": n, "a": "é"} for n in range(rows)], "no": {}}}] * 3
    inputs = {"past": months, "few": [1, "x"], "none": [], "rows": list(range(rows))}
    built = replace(samples.month(), embedded=standard.dumps(inputs).encode())
    (line,) = (one for one in json.render(built).splitlines() if one.startswith('  "inputs": '))

    assert line.removesuffix(",") == f'  "inputs": {standard.dumps(inputs, sort_keys=True)}'


def test_it_is_sorted_and_ends_with_a_newline() -> None:
    text = json.render(samples.month())
    keys = [line.split('"')[1] for line in text.splitlines() if line.startswith('  "')]

    assert keys == sorted(keys)
    assert text.endswith("}\n")


def test_a_hostile_string_comes_back_as_it_was_recorded_and_harms_no_terminal() -> None:
    text = json.render(samples.hostile())

    assert text.isascii()
    assert "\x1b" not in text
    assert standard.loads(text)["services"][0]["name"] == samples.HOSTILE
