"""Pictures for a mail: the days of its services as PNG, drawn as in the PDF and with its letters.

Mail programs show neither SVG nor pictures within the page, so pictures travel beside it.
"""

from __future__ import annotations

import json

from opskit.report.document import Ribbons
from opskit.report.render import onpaper
from opskit.report.render.pdf import compiler, whole

_PIXELS_PER_INCH = 144


def ribbons(block: Ribbons) -> bytes:
    """Return the days of services as one PNG on white: a dark page must not swallow its words."""
    inputs = {"data": json.dumps(onpaper.ribbon(block))}
    return whole(compiler("ribbons.typ", inputs).compile(format="png", ppi=_PIXELS_PER_INCH))
