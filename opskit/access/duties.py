"""What somebody answers for, and where that is written: what a leaver hands over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.access.model import Approvers
from opskit.access.registry import Registry
from opskit.access.store import reviews

_PEOPLE, _ROLES, _POLICY = "access/people.yaml", "access/roles.yaml", "access/policy.yaml"


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is somebody's to do, and the file (or command) that says so."""

    what: str
    where: str


def duties(registry: Registry, connection: sa.Connection, name: str) -> tuple[Duty, ...]:
    """Return everything that somebody answers for."""
    return (
        *_of_people(registry, name),
        *_of_roles(registry, name),
        *_of_policy(registry, name),
        *_of_reviews(connection, name),
    )


def _of_people(registry: Registry, name: str) -> Iterator[Duty]:
    people = registry.people
    reports = [each for each, one in people.people.items() if one.manager == name]
    if reports:
        yield Duty(f"manager of {', '.join(sorted(reports))}", f"{_PEOPLE} manager:")
    for each, account in people.service_accounts.items():
        if account.owner == name:
            yield Duty(f"owner of service account {each}", f"{_PEOPLE} service_accounts.{each}")
    team = registry.team(name)
    if team and registry.members(team) == {name}:
        yield Duty(f"the only one in team {team}", f"{_PEOPLE} team:")


def _of_roles(registry: Registry, name: str) -> Iterator[Duty]:
    for each, role in registry.roles.roles.items():
        if name in role.owners:
            yield Duty(f"owner of role {each}", f"{_ROLES} roles.{each}.owners")


def _of_policy(registry: Registry, name: str) -> Iterator[Duty]:
    policy = registry.policy
    for each, approval in policy.approvals.items():
        if _named(approval.all_of, name):
            yield Duty(f"approver in {each}", f"{_POLICY} approvals.{each}")
    for rule in policy.rules:
        if name in rule.who:
            yield Duty(f"may ask by rule {rule.name}", f"{_POLICY} rules")
    urgent = policy.break_glass
    if urgent is not None and name in urgent.who:
        yield Duty("may break the glass", f"{_POLICY} break_glass.who")
    if urgent is not None and _named((urgent.reviewers,), name):
        yield Duty("reviewer of emergencies", f"{_POLICY} break_glass.reviewers")
    for one in policy.suppressions:
        if one.owner == name:
            yield Duty(f"answers for accepting {one.rule}", f"{_POLICY} suppressions")


def _named(groups: tuple[Approvers, ...], name: str) -> bool:
    return any(name in one.among for one in groups)


def _of_reviews(connection: sa.Connection, name: str) -> Iterator[Duty]:
    for campaign in reviews.campaigns(connection, still_open=True):
        items = reviews.items(connection, campaign.id)
        owed = [
            f"g{one.grant_id}"
            for one in items
            if not one.outcome and one.why and name in one.reviewers
        ]
        if owed:
            where = f"opskit access review show {campaign.name}"
            yield Duty(f"asked about {', '.join(owed)} in review {campaign.name}", where)
