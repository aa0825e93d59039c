"""Rights as they are resolved agree with the answers sudo would give one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from opskit.access.sudoers.decide import Outcome, may
from opskit.access.sudoers.meaning import Permission, Status, permissions
from opskit.access.sudoers.policy import load
from opskit.access.sudoers.syntax import Kind, Member
from tests.access.sudoers.real import NOW, PASSWD, made_up

SEEDS = 1200


def words(command: Member) -> tuple[str, ...]:
    """Return what one would type for a command that names one file and its arguments."""
    if command.kind is Kind.ALL:
        return ("/usr/bin/df",)
    if command.name[0] != "/" or command.name[-1] == "/" or set("*?[\\") & set(command.name):
        return ()
    if command.args in {None, '""'}:
        return (command.name,)
    return () if set("*?[\\^") & set(command.args or "") else (command.name, *command.args.split())


def plain(right: Permission) -> bool:
    """Tell whether a right is one account's, as root alone, without what depends on more."""
    alone = right.users in {("root",), ("#0",)} or right.status is Status.TAKEN_BACK
    known = right.who in PASSWD and right.who != "root" and right.here is True
    return known and alone and right.as_root and not right.groups


def rights() -> Iterator[tuple[int, Permission]]:
    for seed in range(SEEDS):
        state = made_up(seed).state()
        sudoers = load(state)
        if sudoers.usable:
            yield from ((seed, one) for one in permissions(sudoers, state, NOW) if plain(one))


@pytest.mark.parametrize("status", [Status.IN_FORCE, Status.TAKEN_BACK])
def test_a_right_in_force_is_one_sudo_gives_and_one_taken_back_is_not(status: Status) -> None:
    looked = 0
    for seed, right in rights():
        typed = words(right.command)
        if right.status is not status or not typed or right.command.digests:
            continue
        state = made_up(seed).state()
        answer = may(load(state), state, right.who, typed, run_as="root", now=NOW)
        looked += 1
        if status is Status.TAKEN_BACK:
            assert not answer.allowed, (seed, right)
        elif answer.decided_by == right.at and answer.outcome is not Outcome.UNKNOWN:
            assert answer.allowed, (seed, right)
            assert right.password is (answer.outcome is Outcome.WITH_PASSWORD), (seed, right)
    assert looked > 3
