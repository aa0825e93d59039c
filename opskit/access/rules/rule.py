"""What a rule is: an id, how bad it is, what it speaks of, where it comes from, and its check."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from opskit.access.findings import AccessFinding, Scope
from opskit.core.findings import Severity

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Rule(Generic[Subject]):
    """One rule of the catalogue. `severity` is its usual one; a finding may carry another.

    `references` maps a source to an id in it, such as `CIS Debian 13` to `5.2.4`.
    `needs` names parts of a host that must have been looked at: without them the rule is not
    evaluated there, which is told and is no pass.
    """

    id: str
    severity: Severity
    scope: Scope
    check: Callable[[Subject], Iterator[AccessFinding]]
    references: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    @property
    def documentation(self) -> str:
        """Return what the rule detects, why it matters, what to do, with examples."""
        return inspect.getdoc(self.check) or ""

    @property
    def title(self) -> str:
        """Return the first line of the documentation."""
        return self.documentation.partition("\n")[0]


class Family(Generic[Subject]):
    """The rules of one module, entered by its decorator in the order they stand there."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._rules: dict[str, Rule[Subject]] = {}

    def rule(
        self,
        name: str,
        severity: Severity,
        *,
        references: Mapping[str, str] | None = None,
        needs: tuple[str, ...] = (),
        scope: Scope | None = None,
    ) -> Callable[
        [Callable[[Subject], Iterator[AccessFinding]]],
        Callable[[Subject], Iterator[AccessFinding]],
    ]:
        """Enter the function below as a rule."""

        def enter(
            check: Callable[[Subject], Iterator[AccessFinding]],
        ) -> Callable[[Subject], Iterator[AccessFinding]]:
            if name in self._rules:
                raise ValueError(f"rule {name} is there twice")
            rule = Rule(name, severity, scope or self._scope, check, references or {}, needs)
            self._rules[name] = rule
            return check

        return enter

    @property
    def rules(self) -> tuple[Rule[Subject], ...]:
        """Return them all."""
        return tuple(self._rules.values())
