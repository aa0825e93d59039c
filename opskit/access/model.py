"""People and teams; `access/people.yaml` is `People`."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from opskit.outside.models import Model


class Person(Model):
    """A human. `ends` is their last day, if one is known."""

    name: str = Field(min_length=1)
    email: str = Field(default="", pattern=r"^$|^[^@\s]+@[^@\s]+$")
    team: str = ""
    manager: str = ""
    ends: date | None = None


class Team(Model):
    """People who own things together."""

    purpose: str = Field(min_length=1)


class People(Model):
    """`access/people.yaml`: who there is."""

    people: dict[str, Person] = Field(default_factory=dict)
    teams: dict[str, Team] = Field(default_factory=dict)
