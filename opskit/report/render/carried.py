"""What a page carries besides its words: the inputs it was built from, to be verified without us.

They stand in a block that no browser runs, shows or loads: canonical JSON, compressed (RFC 1950)
and in letters (RFC 4648). Which bytes a compressor makes is not the same everywhere, so pages are
compared `without` it, and inputs as what they unpack to.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

from opskit.core.errors import DataError
from opskit.report.document import View

TYPE = "application/vnd.opskit.inputs"
# More than inputs can be; what unpacks to more was made to fill a memory.
MOST_BYTES = 1 << 30
_LINE = 120
# Higher ones take twice the time for a hundredth less.
_LEVEL = 6
_BLOCK = re.compile(
    rf'<script type="{re.escape(TYPE)}" id="inputs" data-report="([0-9a-f]{{64}})"'
    r' data-view="([a-z]+)" data-team="([A-Za-z0-9+/=]*)">([^<]*)</script>\n?'
)


@dataclass(frozen=True, slots=True)
class Carried:
    """The inputs of a page as canonical JSON, and which pages it shows of them, to whom.

    `id` is what the page says is their SHA-256; whoever verifies holds it against them.
    """

    embedded: bytes
    id: str
    view: View
    team: str = ""


def block(what: Carried) -> str:
    """Return the block that a page carries."""
    packed = base64.b64encode(zlib.compress(what.embedded, _LEVEL)).decode()
    team = base64.b64encode(what.team.encode("utf-8", "surrogatepass")).decode()
    lines = "\n".join(packed[at : at + _LINE] for at in range(0, len(packed), _LINE))
    return (
        f'<script type="{TYPE}" id="inputs" data-report="{what.id}"'
        f' data-view="{what.view}" data-team="{team}">\n{lines}\n</script>\n'
    )


def carried(text: str, *, name: str = "the page") -> Carried:
    """Return what a page carries; `name` is its file, for messages.

    Raises:
        DataError: it carries none, or several, or what it carries cannot be unpacked.
    """
    found = list(_BLOCK.finditer(text))
    if len(found) != 1:
        count = "no" if not found else "more than one"
        raise DataError(
            f"{name} carries {count} block of inputs, so it cannot be built again",
            hint="verify the file as opskit wrote it, not a copy saved by a browser",
        )
    report_id, view, team, letters = found[0].groups()
    try:
        packed = base64.b64decode("".join(letters.split()), validate=True)
        embedded = _unpacked(packed)
        whose = base64.b64decode(team, validate=True).decode("utf-8", "surrogatepass")
        return Carried(embedded, report_id, View(view), whose)
    except (binascii.Error, zlib.error, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"the inputs that {name} carries are damaged: {error}") from None


def without(text: str) -> str:
    """Return a page without what it carries: all that people see of it."""
    return _BLOCK.sub("", text)


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(packed, MOST_BYTES)
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("they do not end where they should, or are too much")
    return data
