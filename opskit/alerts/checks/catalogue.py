"""Every check of a rule, in the order in which they are told."""

from __future__ import annotations

from typing import Final

from opskit.alerts.checks import carried, habits, names, never
from opskit.alerts.checks.subject import Check

CHECKS: Final[tuple[Check, ...]] = (
    carried.severities,
    carried.texts,
    carried.owners,
    names.metrics,
    names.labels,
    names.shadowed,
    names.templates,
    never.results,
    never.matchers,
    never.comparisons,
    never.together,
    never.meetings,
    never.truths,
    habits.windows,
    habits.kinds,
    habits.burn_rates,
    habits.sparse,
    habits.forecasts,
    habits.waits,
)
