"""The report as JSON: the whole model, for programs and for whoever recomputes it."""

from __future__ import annotations

import json

from opskit.report.model import Report


def render(report: Report) -> str:
    """Return the model, sorted by key, so that two reports can be compared line by line.

    Strings stay exactly as recorded: JSON's own escapes make them harmless, and a hash over a
    cleaned string would no longer match.
    """
    return json.dumps(report.as_json(), indent=2, sort_keys=True) + "\n"
