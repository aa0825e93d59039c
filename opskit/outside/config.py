"""Settings: flag over `OPSKIT_*` over `opskit.yaml` over default, each with its origin.

`opskit.yaml` is named by `--config` or `OPSKIT_CONFIG`, or found upward from the working
directory to the repository's root; never in a directory that others can write, since a file put
there would run as the person who typed the command.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from opskit.core.clock import parse_duration
from opskit.core.errors import ConfigError, DataError
from opskit.core.findings import Location
from opskit.core.transcript import Strategy
from opskit.outside import cron
from opskit.outside.alerting import Alertmanager, Alerts
from opskit.outside.database import sqlite_url
from opskit.outside.documents import Document, KeyPath
from opskit.outside.files import private_directory, writable_by_others
from opskit.outside.intakes import Intake
from opskit.outside.models import Model, read, validate
from opskit.outside.notify.kinds import Channel
from opskit.outside.notify.settings import Mail, Reports, Slack

FILE_NAME = "opskit.yaml"
_PREFIX = "OPSKIT_"
_NUMBER = re.compile("[0-9]{1,9}")


class UnconfiguredError(ConfigError):
    """There is no ops repository here, and none was named."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{name!r} is no IANA time zone; write one like Europe/Berlin or UTC"
        raise ValueError(message) from None
    return name


class Webhook(Model):
    """Where flips and drift are sent, signed as Standard Webhooks describe."""

    url: str = Field(pattern=r"^https?://", description="POSTed to; redirects are not followed")
    secret_file: str = Field(description="file with the signing secret, readable by you only")
    allow_private: bool = Field(
        default=False, description="allow an address on this machine or a private network"
    )


def _channel_name(text: str) -> str:
    if text in _TAKEN or text.startswith("report-"):
        message = f"{text!r} is a channel of opskit's own; take another name"
        raise ValueError(message)
    return text


_TAKEN = frozenset({"webhook", "mail", "slack"})
ChannelName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$"), AfterValidator(_channel_name)
]
_ADDRESS = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})", re.ASCII)
# What would never end, asks questions, or is no work.
_NEVER_SCHEDULED = frozenset({"serve", "demo", "init", "completion"})


def _address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 <= int(match[2]) < 65_536:
        message = f"{text!r} is no address; write host:port or [::1]:port"
        raise ValueError(message)
    return text


def _due(text: str) -> str:
    cron.check(text)
    return text


def _command(text: str) -> str:
    words = shlex.split(text)
    if not words or words[0].startswith("-") or words[0] in _NEVER_SCHEDULED:
        message = f"{text!r} is no opskit command for a schedule; write: fleet check"
        raise ValueError(message)
    return text


class Serve(Model):
    """What `opskit serve` answers, to whom.

    A file may be written `credential:NAME`: what systemd's LoadCredential= put there.
    """

    listen: Annotated[str, AfterValidator(_address)] = Field(
        default="127.0.0.1:9720",
        description="host:port; anything but loopback needs token_file, certificate and key",
    )
    token_file: str = Field(default="", description="file with the token, readable by you only")
    certificate: str = Field(default="", description="PEM file with the certificate chain")
    key: str = Field(default="", description="PEM file with its key, readable by you only")
    hosts: tuple[str, ...] = Field(
        default=(), description="names that it is reached by, besides the address it listens on"
    )
    public_status: bool = Field(
        default=False, description="show the status page and badges without the token"
    )
    probe_allow: tuple[str, ...] = Field(
        default=(),
        description="what /probe may look at: networks and names like *.example.org; all if empty",
    )
    blackbox: str = Field(default="", description="a blackbox.yml, whose modules /probe then knows")
    webhooks: dict[str, Intake] = Field(
        default_factory=dict, description="senders of events, by the name in /webhook/NAME"
    )
    exporter_port: int = Field(
        default=9100, ge=1, le=65_535, description="where hosts of the inventory are scraped"
    )

    @property
    def host(self) -> str:
        """Return the host part of `listen`."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """Return the port of `listen`."""
        return int(self.listen.rpartition(":")[2])

    @property
    def on_loopback(self) -> bool:
        """Return whether nobody but this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Scheduled(Model):
    """A command of opskit that `opskit serve` runs when it is due."""

    cron: Annotated[str, AfterValidator(_due)] = Field(
        description="when, in the timezone above", examples=["0 6 * * *"]
    )
    command: Annotated[str, AfterValidator(_command)] = Field(
        description="what follows opskit on a command line", examples=["fleet check"]
    )

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the command's words; no shell reads them."""
        return tuple(shlex.split(self.command))


def _duration(text: str) -> str:
    parse_duration(text)
    return text


class Threshold(Model):
    """A number that looks come upon, and what it must not reach: the forecasts' goal."""

    metric: str = Field(min_length=1, max_length=200, examples=["disk_used_ratio"])
    above: float | None = Field(default=None, description="reached from below")
    below: float | None = Field(default=None, description="reached from above")
    within: Annotated[str, AfterValidator(_duration)] = Field(
        default="30d", description="how far ahead it is worth telling"
    )

    @model_validator(mode="after")
    def _one_of(self) -> Threshold:
        if (self.above is None) == (self.below is None):
            message = "a threshold has either above or below"
            raise ValueError(message)
        return self


class Settings(Model):
    """`opskit.yaml`. Paths are relative to the file."""

    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="UTC", description="IANA name; months and days in reports are cut here"
    )
    standard: str = Field(
        default="playbooks/baseline.yml", description="the playbook that says what must be true"
    )
    inventory: tuple[str, ...] = Field(
        default=("inventory/hosts.ini",), description="Ansible inventories, read together"
    )
    services: str = Field(default="services.yaml", description="the service catalogue")
    desk: str = Field(default="desk.yaml", description="how teams of Ops want to be met")
    assumptions: str = Field(
        default="assumptions.yaml", description="numbers for reports that no evidence gives"
    )
    people: str = Field(default="access/people.yaml", description="people and teams")
    roles: str = Field(default="access/roles.yaml", description="what may be asked for")
    targets: str = Field(default="access/targets.yaml", description="where access is given")
    policy: str = Field(default="access/policy.yaml", description="who may ask, who approves")
    database: str = Field(
        default=".opskit/opskit.db", description="a SQLite file, or a postgresql+psycopg:// URL"
    )
    forks: int = Field(default=0, ge=0, le=500, description="hosts at once; 0 chooses by cores")
    check_strategy: Strategy = Field(
        default=Strategy.PLAIN,
        description="how checks take tasks to hosts; mitogen is faster, and verified in each run",
    )
    webhook: Webhook | None = Field(default=None, description="where flips and drift are sent")
    mail: Mail | None = Field(default=None, description="how people are told by mail")
    slack: Slack | None = Field(default=None, description="the channel that is told in Slack")
    channels: dict[ChannelName, Channel] = Field(
        default_factory=dict,
        description="ways to tell somebody, each by a name of yours, besides webhook, mail, slack",
    )
    alertmanager: Alertmanager | None = Field(
        default=None, description="an Alertmanager whose alerts and silences are used as well"
    )
    report: Reports = Field(
        default_factory=Reports, description="who gets the report of each month, and how"
    )
    serve: Serve = Field(default_factory=Serve, description="what opskit serve answers, to whom")
    schedule: tuple[Scheduled, ...] = Field(
        default=(), description="commands that opskit serve runs when they are due"
    )
    alerts: Alerts = Field(default_factory=Alerts, description="how alert rules are evaluated")
    forecasts: tuple[Threshold, ...] = Field(
        default=(), description="thresholds besides those of disks, inodes, memory, certificates"
    )
    metrics_max_series: int = Field(
        default=100_000,
        ge=100,
        le=1_000_000,
        description="series that one metric may have on the metrics page; the rest is counted",
    )

    @model_validator(mode="after")
    def _fallbacks_are_channels(self) -> Settings:
        own = {name for name in _TAKEN if getattr(self, name) is not None}
        for name, channel in self.channels.items():
            if channel.fallback and channel.fallback not in {*self.channels, *own} - {name}:
                message = f"channels.{name}.fallback: {channel.fallback!r} is no other channel"
                raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class Config:
    """Settings with the directory they are relative to and where each value came from."""

    root: Path
    settings: Settings
    origins: Mapping[str, str]

    def path(self, name: str) -> Path:
        """Return a path written in the settings."""
        return self.root / name

    @property
    def grants_access(self) -> bool:
        """Return whether access is configured: all its files are there."""
        own = self.settings
        names = (own.people, own.roles, own.targets, own.policy)
        return all(self.path(name).is_file() for name in names)

    @property
    def state_directory(self) -> Path:
        """Return `.opskit/` beside the settings file, made private."""
        directory = private_directory(self.root / ".opskit")
        ignore = directory / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
        return directory

    @property
    def database_url(self) -> str:
        """Return the database's URL; a path is a SQLite file."""
        if "://" in self.settings.database:
            return self.settings.database
        path = self.path(self.settings.database)
        if path.parent == self.root / ".opskit":
            _ = self.state_directory  # made private before anything is put there
        return sqlite_url(path)

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone that months are cut in."""
        return ZoneInfo(self.settings.timezone)

    def overridden(self, **flags: object) -> Config:
        """Return the configuration with the flags that were given taking precedence."""
        given = {name: value for name, value in flags.items() if value}
        settings = self.settings.model_copy(update=given)
        return replace(
            self,
            settings=settings,
            origins={**self.origins, **dict.fromkeys(given, "command line")},
        )

    def listening(self, address: str) -> Config:
        """Return the configuration with another address to listen on.

        Raises:
            ConfigError: it is none.
        """
        try:
            _address(address)
        except ValueError as error:
            raise ConfigError(str(error), hint="--listen 127.0.0.1:9720") from error
        serve = self.settings.serve.model_copy(update={"listen": address})
        return self.overridden(serve=serve)


def load(named: Path | None, environment: Mapping[str, str], working_directory: Path) -> Config:
    """Return the configuration in force.

    Raises:
        ConfigError: there is none, or it lies where others can write.
        DataError: it holds mistakes.
    """
    path = _find(named, environment, working_directory)
    directory = path.parent
    for place in (directory, path):
        if writable_by_others(place):
            raise ConfigError(
                f"{path} is not used: others can write to {place}", hint=f"chmod o-w {place}"
            )
    settings = read(path, Settings, name=_shown(path, working_directory))
    origins = {
        name: f"{path.name}" if name in settings.model_fields_set else "default"
        for name in Settings.model_fields
    }
    return _with_environment(Config(directory, settings, origins), environment)


def _shown(path: Path, working_directory: Path) -> str:
    return (
        str(path.relative_to(working_directory))
        if path.is_relative_to(working_directory)
        else str(path)
    )


def _find(named: Path | None, environment: Mapping[str, str], working_directory: Path) -> Path:
    given = named or environment.get("OPSKIT_CONFIG")
    if given:
        path = Path(given).resolve()
        path = path / FILE_NAME if path.is_dir() else path
        if not path.is_file():
            raise ConfigError(f"there is no {path}", hint="name the file: --config PATH")
        return path
    for directory in (working_directory, *working_directory.parents):
        if (directory / FILE_NAME).is_file():
            return (directory / FILE_NAME).resolve()
        if (directory / ".git").exists():
            break
    raise UnconfiguredError(
        f"no {FILE_NAME} in {working_directory} or above it",
        hint="lay out an ops repository with: opskit init DIR (or name one: --config PATH)",
    )


def _with_environment(config: Config, environment: Mapping[str, str]) -> Config:
    """Take `OPSKIT_TIMEZONE` and the like; lists are separated by colons."""
    given: dict[str, object] = {}
    for name, value in config.settings.model_dump(mode="json").items():
        text = environment.get(_PREFIX + name.upper())
        if text is not None and not isinstance(value, dict):
            given[name] = _typed(text, value)
    if not given:
        return config
    merged = {**config.settings.model_dump(mode="json", exclude_unset=True), **given}
    places: dict[KeyPath, Location] = {
        (name,): Location(f"{_PREFIX}{name.upper()}") for name in given
    }
    document = Document("environment", merged, places)
    settings = validate(document, Settings)
    if settings is None:
        raise DataError("an OPSKIT_ environment variable is wrong", tuple(document.findings))
    origins = {name: f"environment {_PREFIX}{name.upper()}" for name in given}
    return replace(config, settings=settings, origins={**config.origins, **origins})


def _typed(text: str, like: object) -> object:
    if isinstance(like, list):
        return text.split(":")
    return int(text) if isinstance(like, int) and _NUMBER.fullmatch(text) else text
