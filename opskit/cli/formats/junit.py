"""JUnit XML, as CI systems read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from opskit.core.text import clean_block

# What XML 1.0 cannot hold even escaped; the cleaner made most of it visible already.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One test case; `outcome` is one of passed, failure, error, skipped."""

    name: str
    outcome: str
    message: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases under one name: a host, a file."""

    name: str
    cases: Sequence[Case]


def render(name: str, suites: Sequence[Suite]) -> str:
    """Return the XML document."""
    root = ET.Element("testsuites", {"name": name, **_counts([c for s in suites for c in s.cases])})
    for suite in suites:
        element = ET.SubElement(
            root, "testsuite", {"name": _text(suite.name), **_counts(suite.cases)}
        )
        for case in suite.cases:
            _case(element, suite, case)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    outcomes = [case.outcome for case in cases]
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
    }


def _case(suite_element: ET.Element, suite: Suite, case: Case) -> None:
    attributes = {"classname": _text(suite.name), "name": _text(case.name)}
    element = ET.SubElement(suite_element, "testcase", attributes)
    if case.outcome != "passed":
        outcome = ET.SubElement(element, case.outcome, {"message": _text(case.message)})
        outcome.text = _text(case.detail) or None


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", clean_block(text))
