"""A fleet whose runs happen as told: no Ansible, and the same records as if there were one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from opskit.core.clock import HOUR, FrozenClock
from opskit.core.transcript import Outcome, Strategy, TaskResult, Transcript
from opskit.fleet.apply import Applied, Options, apply
from opskit.fleet.check import check
from opskit.fleet.memory import Owed
from opskit.fleet.model import Run
from opskit.fleet.plan import Plan, plan_of
from opskit.fleet.waive import owed
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.ansible import door
from opskit.outside.ansible.transcript import record
from opskit.outside.database import Database
from opskit.records.leases import LEASES, Leases
from opskit.records.ledger import Ledger, entries
from opskit.records.outbox import Outbox
from tests.fleet.transcripts import Results, transcript

Told = Mapping[str, Results]
Answer = Callable[[door.Job], Transcript]
A, B = ("A", ""), ("B", "")
OK, CHANGED, FAILED = Outcome.OK, Outcome.CHANGED, Outcome.FAILED


def lines(told: Transcript) -> Iterator[str]:
    """Yield a run as the callback writes it."""
    tasks = {task.uuid: task for play in told.plays for task in play.tasks}
    tasks |= {one.task.uuid: one.task for one in told.results}
    tasks |= {task.uuid: task for _, task in told.in_flight}
    for play in told.plays:
        planned = [asdict(task) for task in play.tasks]
        yield json.dumps({"k": "play", "hosts": play.hosts, "tasks": planned})
    for task in tasks.values():
        yield json.dumps({"k": "task", **asdict(task)})
    for one in told.results:
        yield json.dumps(_result(one))
    for host, task in told.in_flight:
        yield json.dumps({"k": "start", "host": host, "uuid": task.uuid})
    if told.no_hosts:
        yield json.dumps({"k": "no_hosts"})
    if told.prompt:
        yield json.dumps({"k": "prompt", "name": told.prompt})
    if told.stats is not None:
        yield json.dumps({"k": "stats", "hosts": told.stats})


def _result(one: TaskResult) -> dict[str, object]:
    return {
        "k": "result",
        "host": one.host,
        "uuid": one.task.uuid,
        "outcome": one.outcome,
        "took": one.took,
        "reason": one.reason,
        "diff": [asdict(diff) for diff in one.diffs],
        "hidden": one.hidden,
        **({"item": one.item} if one.is_item else {}),
    }


class Script:
    """Takes Ansible's place: makes the runs it was told, and notes what was asked of it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.told: list[Transcript | Answer] = []
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.ways: list[Strategy] = []
        self.settings: list[Mapping[str, str]] = []
        patch.setattr(door, "run", self._run)

    def tell(self, *runs: Told | Transcript | Answer) -> None:
        """Tell what happens next, a run each; an answer depends on what it is asked."""
        self.told += [transcript(one) if isinstance(one, Mapping) else one for one in runs]

    def _run(
        self, job: door.Job, _directory: Path, environment: Mapping[str, str], listen: door.Listener
    ) -> Transcript:
        self.asked.append((str(job.mode), job.hosts))
        self.ways.append(job.strategy)
        self.settings.append(environment)
        next_one = self.told.pop(0)
        told = next_one if isinstance(next_one, Transcript) else next_one(job)
        made = [*lines(told)]
        for line in made:
            listen(json.loads(line))
        return record(made, told.runner, interrupted=told.interrupted)


class Fleet:
    """A fleet with a memory, whose runs are told one hour after the other."""

    def __init__(
        self, database: Database, root: Path, clock: FrozenClock, patch: pytest.MonkeyPatch
    ) -> None:
        self.clock = clock
        self.script = Script(patch)
        self.place = Workplace(
            database=database,
            ledger=Ledger(clock, "person:tester"),
            leases=Leases(clock),
            clock=clock,
            environment={},
            root=root,
            state_directory=root,
            outbox=Outbox(database, clock),
        )
        self.standard = root / "playbooks" / "site.yml"
        self.standard.parent.mkdir()
        self.standard.write_text("# first\n")
        inventory = root / "inventory" / "hosts.ini"
        inventory.parent.mkdir()
        inventory.touch()
        self.request = Request(self.standard, (inventory,))

    def check(self, *told: Told | Transcript | Answer, **request: object) -> Run:
        """Return what a check makes of this."""
        self.clock.advance(HOUR)
        self.script.tell(*told)
        return check(self.place, replace(self.request, **request), lambda _: None)  # type: ignore[arg-type]

    def plan(self, told: Told) -> Plan:
        """Return the plan that a check of this amounts to."""
        return plan_of(self.check(told))

    def apply(
        self,
        plan: Plan,
        *told: Told | Transcript,
        options: Options | None = None,
        before: Run | None = None,
        hosts: tuple[str, ...] | None = None,
    ) -> Applied:
        """Apply a plan; told are for each batch the look before, the change, and the look after."""
        self.clock.advance(HOUR)
        self.script.told, self.script.asked = [], []
        self.script.tell(*told)
        return apply(
            self.place, self.request, plan, options or Options(), lambda _: None,
            before=before, hosts=hosts,
        )  # fmt: skip

    def owed(self) -> tuple[Owed, ...]:
        """Return what is owed to any host."""
        return owed(self.place)

    def held(self) -> list[str]:
        """Return which leases are held."""
        with self.place.database.read() as connection:
            rows = connection.execute(
                sa.select(LEASES.c.resource).where(LEASES.c.expires_at > self.clock.now())
            )
            return [row.resource for row in rows]

    def said(self, *kinds: str) -> list[dict[str, object]]:
        """Return the data of the ledger's entries of these kinds."""
        with self.place.database.read() as connection:
            return [json.loads(one.data) for one in entries(connection) if one.kind in kinds]


def every(hosts: Iterable[str], outcome: Outcome) -> Told:
    """Return a run in which task A ended alike on all hosts."""
    return {host: {A: outcome} for host in hosts}


def batch(*hosts: str) -> tuple[Told, Told, Told]:
    """Return the three runs of a batch that goes well."""
    return every(hosts, CHANGED), every(hosts, CHANGED), every(hosts, OK)
