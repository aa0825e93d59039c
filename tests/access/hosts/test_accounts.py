"""passwd, shadow and group: what is written, and no hash anywhere."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, strategies as st

from opskit.access.hosts.accounts import accounts, groups, redacted, shadows
from opskit.access.hosts.model import File, Password
from opskit.access.hosts.reading import Given, state_of

HASH = "$y$j9T$saltsaltsalt$uncrackableuncrackableuncrackableuncra"
LINE = st.text(st.characters(codec="utf-8", categories=None, include_characters=":\n#x!*$"))


def passwd(text: str) -> File:
    return File("/etc/passwd", text, "copy/etc/passwd")


def shadow(text: str) -> File:
    return File("/etc/shadow", text, "copy/etc/shadow")


def test_an_account_is_what_its_line_says() -> None:
    (one,) = accounts(passwd("# people\n\nalice:x:1000:1001:Alice,,:/home/alice:\n"), None).values
    assert (one.name, one.uid, one.gid, one.home, one.shell) == (
        "alice", 1000, 1001, "/home/alice", "",
    )  # fmt: skip
    assert one.can_log_in
    assert (one.at.file, one.at.number) == ("copy/etc/passwd", 3)
    assert one.password is Password.UNKNOWN


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("alice:x:1000:1000", "4 fields instead of 7"),
        ("alice:x:-1:1000::/:/bin/sh", "an id that is no number"),
        ("alice:x:4294967296:0::/:/bin/sh", "an id that is no number"),
        ("alice:x:١٢:0::/:/bin/sh", "an id that is no number"),
        (":x:1:1::/:/bin/sh", "the name is missing"),
        ("+::::::", "an entry of NIS: who it adds is not written here"),
    ],
)
def test_a_bad_line_is_told_and_the_others_stand(line: str, reason: str) -> None:
    found = accounts(passwd(f"{line}\nbob:x:1:1::/:/bin/sh\n"), None)
    assert [one.name for one in found.values] == ["bob"]
    assert [(one.reason, one.at.number) for one in found.misread] == [(reason, 1)]


@pytest.mark.parametrize(
    ("field", "password"),
    [
        ("", Password.EMPTY),
        (HASH, Password.SET),
        ("$6$salt$hash", Password.SET),
        ("rqXexS6ZhobKA", Password.SET),
        ("!", Password.LOCKED),
        ("*", Password.LOCKED),
        (f"!{HASH}", Password.LOCKED),
        ("!!", Password.LOCKED),
        ("NP", Password.LOCKED),
    ],
)
def test_the_password_field_is_judged_and_not_kept(field: str, password: Password) -> None:
    (one,) = shadows(shadow(f"alice:{field}:20000:0:99999:7:::\n")).values
    assert one.password is password
    if len(field) > 4:
        assert field not in repr(one)


@pytest.mark.parametrize(
    ("days", "last"),
    [("", None), ("-1", None), ("20819", date(2026, 12, 31)), ("9999999999", date.max)],
)
def test_the_last_day_is_the_one_before_the_day_in_shadow(days: str, last: date | None) -> None:
    (one,) = shadows(shadow(f"alice:!:20000:0:99999:7::{days}:\n")).values
    assert one.expires == last


def test_who_is_not_in_shadow_has_no_password_to_log_in_with() -> None:
    (one,) = accounts(passwd("alice:x:1:1::/:/bin/sh"), {}).values
    assert one.password is Password.LOCKED


def test_members_are_those_named() -> None:
    (one,) = groups(File("/etc/group", "web:x:50:alice, bob,,\n")).values
    assert (one.gid, one.members) == (50, ("alice", "bob"))


@pytest.mark.parametrize("place", ["/etc/passwd", "/etc/shadow", "/etc/group"])
def test_a_hash_is_nowhere_in_what_is_known_of_a_host(place: str) -> None:
    lines = f"alice:{HASH}:1:1::/:/bin/sh\nbob:{HASH}\nx:{HASH}:20000:0:99999:7:::\n{HASH}\n"
    state = state_of("web1", Given({place: File(place, lines)}))
    assert HASH not in repr(state)


@given(LINE)
def test_no_text_is_too_strange(text: str) -> None:
    for file in (passwd(text), shadow(text)):
        accounts(file, None)
        shadows(file)
        groups(file)
    assert redacted(text).count("\n") == text.count("\n")


@given(st.text(st.characters(codec="ascii", exclude_characters=":\n#!*"), min_size=5))
def test_what_stands_in_the_password_field_is_never_shown(secret: str) -> None:
    for line in (f"alice:{secret}:1:2:3", f"alice:{secret}"):
        assert redacted(line).split(":")[1] == "<redacted>"
