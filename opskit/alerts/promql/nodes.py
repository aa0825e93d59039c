"""A checked expression: what `parsing` makes of text and `evaluation` walks. Pure.

Lengths and instants are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from opskit.alerts.promql.series import Matcher
from opskit.core.errors import OpskitError


class QueryError(OpskitError):
    """An expression that cannot be read, is not supported or has no answer."""


class NotSupportedError(QueryError):
    """What Prometheus reads and opskit does not answer, or what has no answer when it is asked."""


class Bound(Enum):
    """An end of the whole query, as `@ start()` and `@ end()` name it."""

    START = "start()"
    END = "end()"


@dataclass(frozen=True, slots=True)
class When:
    """Which instant is meant: AT or else the one asked for, OFFSET before it."""

    offset: int = 0
    at: int | Bound | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A literal text."""

    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """The newest sample of each series that matches."""

    matchers: tuple[Matcher, ...]
    when: When


@dataclass(frozen=True, slots=True)
class Range:
    """All samples of the last LENGTH ms of each series that matches."""

    selector: Selector
    length: int


@dataclass(frozen=True, slots=True)
class Subquery:
    """An expression asked each STEP ms over LENGTH ms; without a STEP at the default one."""

    inner: Node
    length: int
    step: int | None
    when: When


@dataclass(frozen=True, slots=True)
class Negated:
    """A unary minus."""

    inner: Node


class Side(Enum):
    """Which side of a binary operation may hold several elements for one of the other."""

    NEITHER = ""
    LEFT = "group_left"
    RIGHT = "group_right"


@dataclass(frozen=True, slots=True)
class Matching:
    """How elements of two vectors find each other."""

    names: frozenset[str] = frozenset()
    on: bool = False
    many: Side = Side.NEITHER
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands; AS_BOOL makes a comparison answer 0 or 1."""

    operator: str
    left: Node
    right: Node
    matching: Matching = Matching()
    as_bool: bool = False


@dataclass(frozen=True, slots=True)
class Grouping:
    """What an aggregation keeps (by NAMES), or, with EXCEPT_NAMES, all but these."""

    names: frozenset[str] = frozenset()
    except_names: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregation over the elements of a vector."""

    operator: str
    inner: Node
    parameter: Node | None
    grouping: Grouping


@dataclass(frozen=True, slots=True)
class Call:
    """A function of its arguments."""

    name: str
    arguments: tuple[Node, ...]


Node = Number | Text | Selector | Range | Subquery | Negated | Binary | Aggregate | Call
