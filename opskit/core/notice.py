"""What is to be said to somebody, whatever said it and whichever way it goes. Pure.

A notice is written into a delivery as JSON (`as_body`) and read from there by each channel, which
renders it in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What a notice is about: a fault and what became of it, or `told` for anything else."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REMINDER = "reminder"
    DIGEST = "digest"
    TOLD = "told"


class Weight(StrEnum):
    """How much it matters, most first; the words are those of PagerDuty's severities."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a notice, such as an alert of a group: labels name it, annotations explain."""

    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """Where to read on; `url` is http or https."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One message for people or machines; each text is one line without control characters.

    `key` identifies the message for ever; messages of one `group` belong together and are told in
    order. `at` is when it happened, in microseconds since 1970; 0 where that is not known.
    `may_repeat` tells that it may have arrived before. `to` are addresses of people concerned, who
    are told besides whom the channel tells anyway; with `only_to` they alone are.
    """

    title: str
    lines: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    status: Status = Status.TOLD
    severity: Weight = Weight.INFO
    items: tuple[Item, ...] = ()
    links: tuple[Link, ...] = ()
    key: str = ""
    group: str = ""
    to: tuple[str, ...] = ()
    only_to: bool = False
    at: int = 0
    may_repeat: bool = False

    @property
    def urgent(self) -> bool:
        """Return whether somebody must act at once."""
        return self.severity is Weight.CRITICAL and self.status in _OPEN

    @property
    def heading(self) -> str:
        """Return the title with what stands before it."""
        return f"{'URGENT: ' if self.urgent else ''}{_BEFORE.get(self.status, '')}{self.title}"

    @property
    def mark(self) -> str:
        """Return what stands under the message: its key, and whether it may be a repeat."""
        return f"{self.key} (possible repeat)" if self.may_repeat else self.key

    @property
    def identity(self) -> str:
        """Return what all messages about the same thing have in common."""
        return self.group or self.key

    @property
    def text(self) -> str:
        """Return all but the title as plain text."""
        blocks = ["\n".join(self.lines)] if self.lines else []
        if self.items:
            blocks.append("\n".join(shown(one) for one in self.items))
        if self.commands:
            blocks.append("\n".join(["Next:", "", *(f"    {one}" for one in self.commands)]))
        if self.links:
            blocks.append("\n".join(f"{one.title}: {one.url}" for one in self.links))
        return "\n\n".join(blocks)


_OPEN = frozenset({Status.FIRING, Status.REMINDER, Status.TOLD})
_BEFORE: Mapping[Status, str] = {
    Status.ACKNOWLEDGED: "acknowledged: ",
    Status.RESOLVED: "resolved: ",
    Status.REMINDER: "reminder: ",
}


def shown(item: Item) -> str:
    """Return an item on one line."""
    labels = ", ".join(f"{name}={value}" for name, value in item.labels)
    notes = "; ".join(f"{name}: {value}" for name, value in item.annotations)
    return f"- {labels}{': ' if labels and notes else ''}{notes}"


def as_body(notice: Notice) -> dict[str, object]:
    """Return a notice as the body of a delivery; its key is that of the delivery."""
    told: dict[str, object] = {
        "title": notice.title,
        "lines": list(notice.lines),
        "commands": list(notice.commands),
        "status": notice.status.value,
        "severity": notice.severity.value,
        "group": notice.group,
        "items": [
            {"labels": dict(one.labels), "annotations": dict(one.annotations)}
            for one in notice.items
        ],
        "links": [{"title": one.title, "url": one.url} for one in notice.links],
    }
    return {
        "type": f"notice.{notice.status}",
        "notice": told,
        "at": notice.at,
        **({"to": list(notice.to)} if notice.to else {}),
        **({"only_to": True} if notice.only_to else {}),
    }
