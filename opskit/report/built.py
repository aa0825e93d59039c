"""A report together with what it was built from, as every form of it carries both."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.report.inputs import Inputs
from opskit.report.model import Report


@dataclass(frozen=True, slots=True)
class Built:
    """A report, its inputs, and these as canonical JSON, whose SHA-256 is the report's id."""

    report: Report
    inputs: Inputs
    embedded: bytes
