"""What a page carries can be read back, and nothing else is taken for it."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given, strategies as st

from opskit.core.errors import DataError
from opskit.report.document import View
from opskit.report.render import carried
from opskit.report.render.carried import Carried

ID = "0123456789abcdef" * 4
WHAT = Carried(b'{"ground":{}}', ID, View.TEAM, 'web "<team>"')


@given(
    st.builds(
        Carried,
        st.binary(max_size=400),
        st.text("0123456789abcdef", min_size=64, max_size=64),
        st.sampled_from(View),
        st.text(max_size=20),
    )
)
def test_what_goes_in_comes_out(what: Carried) -> None:
    page = f"<html>{carried.block(what)}</html>"

    assert carried.carried(page) == what
    assert carried.without(page) == "<html></html>"


def test_its_lines_can_be_sent_by_anything() -> None:
    block = carried.block(Carried(bytes(range(256)) * 64, ID, View.WHOLE))

    assert max(map(len, block.splitlines()[1:])) <= 120
    assert block.isascii()


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<html></html>", "no block"),
        (carried.block(WHAT) * 2, "more than one"),
        (carried.block(WHAT).replace("application/vnd", "text/vnd"), "no block"),
        (carried.block(WHAT).replace('data-view="team"', 'data-view="mob"'), "damaged"),
        (carried.block(WHAT).replace("\n", "\n!", 1), "damaged"),
        (carried.block(WHAT).replace("\n</", "A\n</"), "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(page: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as refused:
        carried.carried(page, name="october.html")
    assert "october.html" in refused.value.message


def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "MOST_BYTES", 1_000)

    with pytest.raises(DataError, match="too much"):
        carried.carried(carried.block(Carried(b"0" * 100_000, ID, View.WHOLE)))


def test_what_follows_the_inputs_is_no_part_of_them() -> None:
    packed = base64.b64encode(zlib.compress(WHAT.embedded) + b"more").decode()
    page = carried.block(WHAT).split("\n")
    with pytest.raises(DataError, match="damaged"):
        carried.carried("\n".join((page[0], packed, *page[-2:])))
