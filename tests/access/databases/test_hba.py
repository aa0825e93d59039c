"""Which lines of pg_hba.conf decide about a role."""

from __future__ import annotations

import pytest

from opskit.access.databases import hba
from opskit.access.databases.model import HbaLine
from tests.access.databases import plain


def lines(*texts: str) -> list[HbaLine]:
    return [plain.hba(number, text) for number, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("texts", "deciding"),
    [
        (["local all all scram-sha-256", "local all alice trust"], [1]),
        (["local shop all scram-sha-256", "local all alice trust"], [1, 2]),
        (["local all bob trust", "local all alice peer"], [2]),
        (["local replication all trust", "local all all peer"], [2]),
        (["host all all 10.0.0.0/8 scram-sha-256", "host all all 10.1.0.0/16 trust"], [1]),
        (["host all all 10.1.0.0/16 scram-sha-256", "host all all 10.0.0.0/8 trust"], [1, 2]),
        (["hostssl all all all scram-sha-256", "host all all 10.0.0.0/8 trust"], [1, 2]),
        (["host all all all reject", "hostssl all alice ::/0 cert"], [1]),
        (["host all +staff all cert", "host all +nobody all trust"], [1]),
        (["host all all 10.0.0.0/8 md5", "host all all fd00::/8 md5"], [1, 2]),
        (["host all all db.example.org md5", "host all all samenet md5"], [1, 2]),
        (["error: what is this", "local all all peer"], [2]),
    ],
)
def test_the_first_line_that_fits_decides(texts: list[str], deciding: list[int]) -> None:
    found = hba.deciding(lines(*texts), "alice", frozenset({"staff"}))
    assert [line.number for line in found] == deciding


def test_a_netmask_is_as_good_as_a_length() -> None:
    wide = HbaLine(1, "host", ("all",), ("all",), "10.0.0.0", "255.0.0.0", "scram-sha-256")
    inside = plain.hba(2, "host all all 10.9.0.0/16 trust")
    assert hba.expires_by_password([wide, inside], "alice", frozenset()) == (True, None)
    assert hba.expires_by_password([inside, wide], "alice", frozenset()) == (False, inside)


def test_who_is_rejected_everywhere_cannot_log_in() -> None:
    assert not hba.can_log_in(lines("local all all reject"), "alice", frozenset())
    assert not hba.can_log_in([], "alice", frozenset())
    assert hba.can_log_in(lines("local all all peer"), "alice", frozenset())


@pytest.mark.parametrize(
    ("text", "elsewhere", "anywhere"),
    [
        ("local all all peer", False, False),
        ("host all all 127.0.0.1/32 md5", False, False),
        ("host all all ::1/128 md5", False, False),
        ("host all all samehost md5", False, False),
        ("host all all 10.0.0.0/8 md5", True, False),
        ("host all all .example.org md5", True, False),
        ("host all all 0.0.0.0/0 md5", True, True),
        ("host all all all md5", True, True),
    ],
)
def test_where_a_line_lets_in_from(text: str, elsewhere: bool, anywhere: bool) -> None:
    line = plain.hba(1, text)
    assert (hba.from_elsewhere(line), hba.from_anywhere(line)) == (elsewhere, anywhere)
