"""Badges: a service's state as a small picture, and as shields.io reads it. Pure."""

from __future__ import annotations

from html import escape

from opskit.core.interval import State
from opskit.core.text import clean, shorten
from opskit.serve.statusview import ServiceNow

# As shields.io calls them, and as they are drawn: white letters are readable on each.
_COLORS = {
    State.UP: ("brightgreen", "#1a7f4b"),
    State.DEGRADED: ("yellow", "#8a6100"),
    State.DOWN: ("red", "#b3261e"),
    State.UNKNOWN: ("lightgrey", "#5d6873"),
    State.MAINTENANCE: ("blue", "#2f6ea6"),
    State.EXCLUDED: ("lightgrey", "#5d6873"),
}
_LETTER, _MARGIN = 6.6, 12


def badge_json(service: ServiceNow) -> dict[str, object]:
    """Return what shields.io shows, by its endpoint schema."""
    return {
        "schemaVersion": 1,
        "label": shorten(clean(service.name), 63),
        "message": service.word,
        "color": _COLORS[service.state][0],
        "isError": service.state in {State.DOWN, State.UNKNOWN},
    }


def badge_svg(service: ServiceNow) -> str:
    """Return the picture; it needs nothing else."""
    name, word = escape(shorten(clean(service.name), 63)), escape(service.word)
    left = round(len(shorten(service.name, 63)) * _LETTER) + _MARGIN
    right = round(len(service.word) * _LETTER) + _MARGIN
    color = _COLORS[service.state][1]
    width = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"'
        f' aria-label="{name}: {word}"><title>{name}: {word}</title>'
        f'<rect width="{width}" height="20" rx="3" fill="#3b4650"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z" fill="{color}"/>'
        '<g fill="#fff" text-anchor="middle" font-size="11"'
        ' font-family="Verdana,DejaVu Sans,sans-serif">'
        f'<text x="{left / 2:g}" y="14" textLength="{left - _MARGIN}">{name}</text>'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - _MARGIN}">{word}</text>'
        "</g></svg>\n"
    )
