"""The files in `access/`: `People`, `Roles`, `Targets`, `Policy`. The file is the model itself."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from opskit.core.clock import parse_duration
from opskit.core.findings import Severity
from opskit.outside.models import Model

# A name that may become a file, an account, a principal: nothing sudo skips, nothing sshd splits.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
# Whom people.yaml names: what no shell, path, or pattern of ssh-keygen(1) takes for anything else.
Holder = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._@+-]{0,127}$")]
# A Unix account or a database role; the shadow suite's own rule, without what sudoers would quote.
ACCOUNT = re.compile(r"^[a-z_][a-z0-9_-]{0,31}$")
AccountName = Annotated[str, StringConstraints(pattern=ACCOUNT.pattern)]


# What is longer is a mistake; ends that are thousands of years away could not even be written.
_LONGEST = parse_duration("3660d")


def _duration(text: str) -> str:
    length = parse_duration(text)
    if length <= 0:
        message = f"{text!r} is no time at all; write 30m, 8h, 7d"
        raise ValueError(message)
    if length > _LONGEST:
        message = f"{text!r} is longer than ten years; write 30m, 8h, 7d"
        raise ValueError(message)
    return text


# A duration as it is written: `30m`, `8h`, `7d`.
Span = Annotated[str, AfterValidator(_duration)]
# One line for a person: no control characters, since it is shown and sent.
Sentence = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")
]


class KeyUse(StrEnum):
    """What a registered key is for."""

    LOGIN = "login"
    SIGN = "sign"


class Key(Model):
    """A public key of a person. `key` is the line of its .pub file."""

    key: str = Field(min_length=1, max_length=10_000, pattern=r"^[^\x00-\x1f]+$")
    added: date | None = None
    expires: date | None = None
    revoked: date | None = None
    use: tuple[KeyUse, ...] = (KeyUse.LOGIN,)


class Person(Model):
    """A human. `ends` is their last day, if one is known.

    `account` is their name on hosts and databases, the key of the entry where none is given.
    """

    name: str = Field(min_length=1)
    email: str = Field(default="", pattern=r"^$|^[^@\s]+@[^@\s]+$")
    team: str = ""
    manager: str = ""
    ends: date | None = None
    account: AccountName | None = None
    contractor: bool = False
    keys: tuple[Key, ...] = ()


class ServiceAccount(Model):
    """An account no human logs in to; `owner` is a person or a team."""

    purpose: Sentence
    owner: str
    account: AccountName | None = None
    ends: date | None = None
    keys: tuple[Key, ...] = ()


class Team(Model):
    """People who own things together. `bundle` are the roles a new member is asked for."""

    purpose: str = Field(min_length=1)
    bundle: tuple[str, ...] = ()


class People(Model):
    """`access/people.yaml`: who there is."""

    people: dict[Holder, Person] = Field(default_factory=dict)
    service_accounts: dict[Holder, ServiceAccount] = Field(default_factory=dict)
    teams: dict[Holder, Team] = Field(default_factory=dict)


class SudoRight(Model):
    """Commands a role may run. A command is an absolute path with its arguments.

    One without arguments may be run with none; ` *` at its end is any arguments and `ALL` anything,
    said on purpose. Accounts that opskit makes have no password: asking for one locks them out.
    """

    commands: tuple[str, ...] = Field(min_length=1)
    run_as: AccountName = "root"
    password: bool = False


class LinuxRights(Model):
    """What a role gives on a Linux host.

    `login` opens the person's own account with their registered key, or with a certificate that
    names the grant, or not at all. `shell` and `home` are used where the account has to be made.
    """

    login: Literal["key", "certificate", "none"] = "key"
    groups: tuple[AccountName, ...] = ()
    sudo: tuple[SudoRight, ...] = ()
    shell: str = Field(default="/bin/bash", pattern=r"^/[A-Za-z0-9._/-]+$")
    forwarding: bool = False
    source_addresses: tuple[str, ...] = ()


class PostgresRights(Model):
    """What a role gives in PostgreSQL: membership in roles that cannot log in themselves."""

    member_of: tuple[AccountName, ...] = Field(min_length=1)
    login: bool = True


class PlaybookRights(Model):
    """What a role gives through playbooks of your own, for what opskit does not know.

    Each is given `opskit_grant`, `opskit_person`, `opskit_account`, `opskit_until` (UTC) and
    `opskit_end_sessions`. All are run for real; `observe` changes nothing and sets the fact
    `opskit_present` to true or false by set_fact: without it no revocation can be proven.
    """

    grant: str
    revoke: str
    observe: str


class Role(Model):
    """What somebody may ask for: entitlements, who answers for them, how long at most.

    `targets` are those of targets.yaml; `approval` one of policy.yaml,
    else `default`.
    """

    purpose: Sentence
    owners: tuple[str, ...] = Field(min_length=1)
    risk: Severity = Severity.MEDIUM
    targets: tuple[str, ...] = Field(min_length=1)
    max_duration: Span = "8h"
    approval: str = ""
    linux: LinuxRights | None = None
    postgres: PostgresRights | None = None
    playbooks: PlaybookRights | None = None
    administers: bool = False


class Roles(Model):
    """`access/roles.yaml`: the catalogue."""

    roles: dict[Name, Role] = Field(default_factory=dict)


class Environment(StrEnum):
    """How much depends on a target."""

    PRODUCTION = "production"
    STAGING = "staging"
    DEVELOPMENT = "development"


class LinuxTarget(Model):
    """Hosts of the inventory, by group or name."""

    kind: Literal["linux"]
    hosts: str = Field(min_length=1)
    environment: Environment = Environment.PRODUCTION
    # Accounts that may always administer these hosts and are never touched.
    administrators: tuple[AccountName, ...] = ("root",)


class PostgresTarget(Model):
    """A PostgreSQL server. `password_file` holds the administrator's password on one line."""

    kind: Literal["postgres"]
    address: str = Field(min_length=1)
    user: str = "postgres"
    database: str = "postgres"
    password_file: str = ""
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "verify-full"
    sslrootcert: str = ""
    environment: Environment = Environment.PRODUCTION
    administrators: tuple[str, ...] = ("postgres",)


class PlaybookTarget(Model):
    """Anything that a pair of playbooks can give and take; `hosts` is where they run."""

    kind: Literal["playbooks"]
    hosts: str = "localhost"
    environment: Environment = Environment.PRODUCTION


Target = Annotated[LinuxTarget | PostgresTarget | PlaybookTarget, Field(discriminator="kind")]


class Targets(Model):
    """`access/targets.yaml`: where access can be given."""

    targets: dict[Name, Target] = Field(default_factory=dict)


class Approvers(Model):
    """One group of approvers: `at_least` of those in any of `among` must say yes.

    `among` holds people, teams, `owners` (of the role), `manager` (of who gets the access),
    `peers` (their own team).
    """

    among: tuple[str, ...] = Field(min_length=1)
    at_least: int = Field(default=1, ge=1, le=20)


class Approval(Model):
    """How a request is approved: every group of `all_of` must agree.

    `signed` decisions carry an SSH signature; by default those about production do.
    `within` is how long a request waits for its decisions, `start_within` how long an approved one
    may wait for its start.
    """

    all_of: tuple[Approvers, ...] = Field(min_length=1)
    signed: bool | None = None
    within: Span = "24h"
    start_within: Span = "8h"


class PolicyRule(Model):
    """Who may ask for what, where, for how long, and who approves.

    `who` holds people, teams, service accounts or `everybody`; a missing `roles` or `targets` is
    all of them. `decide: approve` needs nobody, `decide: deny` wins over every other rule.
    """

    name: Name
    who: tuple[str, ...] = Field(min_length=1)
    roles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    environments: tuple[Environment, ...] = ()
    max_duration: Span | None = None
    decide: Literal["ask", "approve", "deny"] = "ask"
    approval: str = ""
    because: str = ""


class Separation(Model):
    """Roles that nobody may hold at the same time, on the same target unless `anywhere`."""

    name: Name
    roles: tuple[str, ...] = Field(min_length=2)
    anywhere: bool = True
    because: Sentence


class BreakGlass(Model):
    """Access without waiting: who, to what, for how long, and when it must have been reviewed."""

    who: tuple[str, ...] = Field(min_length=1)
    roles: tuple[str, ...] = Field(min_length=1)
    max_duration: Span = "1h"
    review_within: Span = "24h"
    reviewers: Approvers


class Suppression(Model):
    """A finding that is accepted for a time. Every field given must fit."""

    rule: str = Field(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)+$")
    target: str = "*"
    subject: str = "*"
    fingerprint: str = ""
    owner: str = Field(min_length=1)
    reason: Sentence
    until: date


class Reviews(Model):
    """How campaigns go: who answers within `within`, else suspended; `revoke_after` that, gone."""

    within: Span = "14d"
    revoke_after: Span = "7d"
    unused_after: Span = "90d"


_LONGEST_CERTIFICATE = parse_duration("24h")


def _short(text: str) -> str:
    if parse_duration(_duration(text)) > _LONGEST_CERTIFICATE:
        message = f"{text!r} is too long for a certificate; 24h is the most"
        raise ValueError(message)
    return text


class Authority(Model):
    """What signs SSH certificates for an environment, and for how long each may be valid.

    `key_file` is a private key that only the account running opskit may read, or the `.pub` of one
    that its agent holds (in hardware: `ssh-add -s`). It belongs on no managed host.
    """

    key_file: str = Field(min_length=1)
    passphrase_file: str = ""
    validity: Annotated[str, AfterValidator(_short)] = "1h"


class Drills(Model):
    """Who is given access, and which role, to prove that it can be taken away again."""

    account: str = Field(min_length=1)
    role: Name


class AccessPolicy(Model):
    """`access/policy.yaml`: the rules of asking, approving, reviewing, and accepted findings."""

    approvals: dict[Name, Approval] = Field(default_factory=dict)
    rules: tuple[PolicyRule, ...] = ()
    separation: tuple[Separation, ...] = ()
    break_glass: BreakGlass | None = None
    reviews: Reviews = Reviews()
    suppressions: tuple[Suppression, ...] = ()
    # The page for a revocation that could not be carried out goes out after this long.
    page_after: Span = "15m"
    need_ticket: bool = False
    # Who signs SSH certificates, by environment: one key for all would open all with one theft.
    authorities: dict[Environment, Authority] = Field(default_factory=dict)
    drills: Drills | None = None
