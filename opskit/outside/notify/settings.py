"""What `opskit.yaml` says of mail and Slack. Secrets are in files; here are only their names."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from opskit.outside.models import Model

# What needs no quoting in a header or an SMTP command, and cannot end either.
ADDRESS = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$"
Address = Annotated[str, StringConstraints(pattern=ADDRESS)]
ReportForm = Literal["html", "pdf", "pdf-letter", "csv", "json", "markdown", "text"]


class Mail(Model):
    """How mail is sent. Access also writes to the people concerned, by people.yaml."""

    model_config = ConfigDict(serialize_by_alias=True)

    server: str = Field(
        pattern=r"^[A-Za-z0-9.:-]+$", description="host that takes mail for delivery"
    )
    port: int = Field(
        default=0, ge=0, le=65_535, description="0 is 587 for starttls, 465 for tls, 25 for none"
    )
    sender: Address = Field(alias="from", description="address that mail comes from")
    to: tuple[Address, ...] = Field(
        min_length=1, description="who gets everything, besides those whom a message concerns"
    )
    user: str = Field(default="", description="name to log in with; nobody logs in if empty")
    password_file: str = Field(
        default="", description="file with the password, readable by you only"
    )
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none only for a server on this machine"
    )
    ca_file: str = Field(
        default="", description="PEM file of who vouches for the server, instead of the system's"
    )

    @model_validator(mode="after")
    def _safe(self) -> Mail:
        if self.tls == "none" and not self.on_loopback:
            message = "mail goes to another machine in the clear; write tls: starttls or tls: tls"
            raise ValueError(message)
        if bool(self.user) != bool(self.password_file):
            message = "user and password_file go together"
            raise ValueError(message)
        return self

    @property
    def on_loopback(self) -> bool:
        """Return whether the server is this machine, by what is written."""
        try:
            return ipaddress.ip_address(self.server).is_loopback
        except ValueError:
            return self.server == "localhost"

    @property
    def port_used(self) -> int:
        """Return the port, by the kind of TLS where none is given."""
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.tls]


class ReportReader(Model):
    """Who gets page 1 by mail as all do, and with it pages of their own."""

    to: Address = Field(description="address of the mail")
    view: Literal["manager", "whole", "auditor", "ops", "team"] = Field(
        default="manager", description="whose pages are attached: as --view of opskit report build"
    )
    team: str = Field(default="", description="which team's; only with view: team")

    @model_validator(mode="after")
    def _of_a_team(self) -> ReportReader:
        if (self.view == "team") != bool(self.team):
            message = "view: team and team: NAME go together"
            raise ValueError(message)
        return self


class Reports(Model):
    """Who gets the report of each month, and how. Each channel has its own settings besides."""

    mail: tuple[Address, ...] = Field(
        default=(), description="who gets page 1 by mail; each gets a mail of their own"
    )
    readers: tuple[ReportReader, ...] = Field(
        default=(),
        description="who gets other pages attached to page 1: a team its own, Ops theirs",
        examples=[[{"to": "shop@example.com", "view": "team", "team": "shop"}]],
    )
    attach: tuple[ReportForm, ...] = Field(
        default=("html",), description="forms of the whole report that go with the mail"
    )
    slack: bool = Field(default=False, description="tell the channel of slack: page 1")
    webhook: bool = Field(default=False, description="tell webhook: that there is a report")
    directory: str = Field(default="", description="directory that the report is written to")
    forms: tuple[ReportForm, ...] = Field(
        default=("html",), description="forms that are written to the directory"
    )
    link: str = Field(
        default="",
        pattern=r"^(https?://[^\s<>\"'|\\]+/)?$",
        description="address of that directory for those who read, ending in /",
        examples=["https://ops.example.com/reports/"],
    )

    @property
    def sends(self) -> bool:
        """Return whether anybody gets it."""
        return bool(self.mail or self.readers or self.slack or self.webhook or self.directory)


class Slack(Model):
    """An incoming webhook of Slack, or of what speaks like it."""

    url_file: str = Field(
        description="file with the webhook's URL, which is the secret; readable by you only"
    )
    allow_private: bool = Field(
        default=False, description="allow an address on this machine or a private network"
    )
