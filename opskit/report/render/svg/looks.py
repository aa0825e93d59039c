"""How marks look: the one place that knows colors, dashes and sizes of letters. Pure.

Colors are those of Okabe and Ito ("Color Universal Design", 2008), which people of every color
vision can tell apart; no look differs from another by color alone.
"""

from __future__ import annotations

from dataclasses import dataclass

FONTS = "Liberation Sans, Arial, Helvetica, sans-serif"
SIZE = 12.0


@dataclass(frozen=True, slots=True)
class Palette:
    """The colors of a drawing, each as CSS takes it.

    `ground` is what it stands on, `ink` and `soft` are letters and lines, `faint` is a grid;
    `first`, `second` and `third` are series, `rest` is what has no class, `over` is past a limit.
    The last ones are the states of a service in a ribbon, and what is drawn in them.
    """

    ground: str
    ink: str
    soft: str
    faint: str
    first: str
    second: str
    third: str
    rest: str
    over: str
    up: str
    down: str
    number: str
    degraded: str
    degraded_ink: str
    maintenance: str
    maintenance_ink: str
    excluded: str
    excluded_ink: str


LIGHT = Palette(
    ground="#ffffff",
    ink="#17212b",
    soft="#51606e",
    faint="#d5dce3",
    first="#d55e00",
    second="#0072b2",
    third="#009e73",
    rest="#eef1f4",
    over="#d55e00",
    up="#b9dfd1",
    down="#a63a00",
    number="#ffffff",
    degraded="#f0ae33",
    degraded_ink="#7a4d00",
    maintenance="#cfe3f5",
    maintenance_ink="#2f6ea6",
    excluded="#f1f3f5",
    excluded_ink="#a2abb4",
)
# A page says its colors in its style, once for light and once for dark.
PAGE = Palette(
    ground="var(--page)",
    ink="var(--ink)",
    soft="var(--soft)",
    faint="var(--line)",
    first="var(--first)",
    second="var(--second)",
    third="var(--third)",
    rest="var(--rest)",
    over="var(--over)",
    up="var(--up)",
    down="var(--down)",
    number="var(--number)",
    degraded="var(--degraded)",
    degraded_ink="var(--degraded-ink)",
    maintenance="var(--maintenance)",
    maintenance_ink="var(--maintenance-ink)",
    excluded="var(--excluded)",
    excluded_ink="var(--excluded-ink)",
)

_LETTERS = f"font-size:{SIZE:.0f}px"


def css(palette: Palette) -> str:
    """Return the looks of all marks as CSS rules in a palette's colors."""
    p = palette
    ground, ink, soft, faint, rest = p.ground, p.ink, p.soft, p.faint, p.rest
    outline = f"stroke:{ink};stroke-width:1"
    # Keeps letters apart from the lines that they cross.
    halo = f"paint-order:stroke;stroke:{ground};stroke-width:4;stroke-linejoin:round"
    rules = {
        "ground": f"fill:{ground}",
        # letters
        "said": f"fill:{soft};{_LETTERS};{halo}",
        "name": f"fill:{ink};{_LETTERS};font-weight:600;{halo}",
        "tick": f"fill:{soft};font-size:11px",
        # axes
        "grid": f"stroke:{faint};stroke-width:1;fill:none",
        "axis": f"stroke:{soft};stroke-width:1;fill:none",
        # areas; each has an outline, and all but one have lines in them
        "part-1": f"fill:{p.first};{outline}",
        "part-2": f"fill:{p.second};{outline}",
        "part-3": f"fill:{p.third};{outline}",
        "part-4": f"fill:{rest};{outline}",
        "in-1": f"stroke:{ground};stroke-width:1.5;fill:none",
        "in-3": f"stroke:{ground};stroke-width:1.5;fill:none",
        "in-4": f"stroke:{soft};stroke-width:1;fill:none",
        "gap": f"fill:none;stroke:{soft};stroke-width:1;stroke-dasharray:2 2",
        "in-gap": f"stroke:{soft};stroke-width:1;fill:none",
        "span": f"fill:{rest};{outline}",
        "lost": f"stroke:{p.over};stroke-width:1.5;fill:none",
        # lines
        "now": f"stroke:{p.second};stroke-width:2.5;fill:none;stroke-linejoin:round",
        "before": f"stroke:{soft};stroke-width:1.5;fill:none;stroke-dasharray:5 3",
        "edge": f"stroke:{ground};stroke-width:5;fill:none",
        "ceiling": f"stroke:{ink};stroke-width:2.5;fill:none;stroke-dasharray:7 3",
        "limit": f"stroke:{ink};stroke-width:1.5;fill:none;stroke-dasharray:6 3",
        "center": f"stroke:{ink};stroke-width:1;fill:none",
        "middle": f"stroke:{ink};stroke-width:2;fill:none",
        # signs
        "dot": f"fill:{p.second};stroke:{ground};stroke-width:0.75",
        "sign": f"fill:{ink};stroke:{ground};stroke-width:1",
        "out": f"fill:{p.over};stroke:{ink};stroke-width:1.5",
        # states of a service
        "up": f"fill:{p.up}",
        "down": f"fill:{p.down}",
        "degraded": f"fill:{p.degraded}",
        "in-degraded": f"stroke:{p.degraded_ink};stroke-width:1;fill:none",
        "maintenance": f"fill:{p.maintenance}",
        "in-maintenance": f"stroke:{p.maintenance_ink};stroke-width:1;fill:none",
        "unknown": f"fill:{ground}",
        "in-unknown": f"stroke:{soft};stroke-width:1;fill:none",
        "excluded": f"fill:{p.excluded}",
        "in-excluded": f"stroke:{p.excluded_ink};stroke-width:1;fill:none",
        "number": f"fill:{p.number};font-size:10.5px;font-weight:700",
    }
    return "".join(f".k-{name}{{{rule}}}" for name, rule in rules.items())
