"""`opskit fleet apply`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.delivering import deliver
from opskit.cli.fleet.running import FORMS, emit, listener, look, prepare, run_options, show_run
from opskit.cli.options import output_options
from opskit.cli.output import Output, Progress, interactive, note
from opskit.core.errors import ConfigError, ExitCode, Refused
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.fleet.apply import Applied, Options
    from opskit.fleet.model import Run
    from opskit.fleet.plan import Plan
    from opskit.fleet.workplace import Request

_MOST_PLAN_BYTES = 200_000_000


@command(
    examples=[
        "opskit fleet apply                         shows what will change, asks, changes, looks",
        "opskit fleet apply change.plan --batch 1,10%,100% --gate-service shop",
        "opskit fleet apply change.plan --resume    the hosts that were not reached",
        "opskit fleet apply --retry-failed          the hosts that failed last time",
    ],
    short_help="Make hosts as the standard says, then look again.",
)
@click.argument("plan_file", metavar="[PLAN]", required=False,
                type=click.Path(path_type=Path, dir_okay=False))  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--batch", default="100%", show_default=True,
              help="Sizes of batches, one after the other; the last one repeats.")  # fmt: skip
@click.option("--max-failed", default=0, show_default=True, type=click.IntRange(min=0),
              help="So many hosts may fail before no other batch starts.")  # fmt: skip
@click.option("--gate", "gates", multiple=True, metavar="COMMAND",
              help="Must end with 0 between batches.")  # fmt: skip
@click.option("--gate-service", "services", multiple=True, metavar="SERVICE",
              help="Its probes must be up between batches.")  # fmt: skip
@click.option("--stale", default="strict", show_default=True, type=click.Choice(["strict", "warn"]),
              help="What to do where a host is not as the plan says any more.")  # fmt: skip
@click.option(
    "--force-handlers", is_flag=True, help="Run notified handlers also where a task fails."
)
@click.option("--with-waived", is_flag=True, help="Also put right what is waived.")
@click.option("--with-blind", is_flag=True,
              help="Also the hosts with tasks that no check can foretell.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Only the plan's hosts that are not done.")
@click.option("--retry-failed", is_flag=True, help="Only the hosts that failed last time.")
@click.option(
    "--maintenance",
    multiple=True,
    metavar="SERVICE",
    help="Announce work on a service while hosts change, 4 h at most.",
)
@run_options
@output_options(*FORMS)
def apply(output: Output, **options: Any) -> ExitCode:
    """Make hosts as the standard says: look, ask, change batch by batch, and look again.

    What counts is the last look. A batch starts only if the one before changed nothing that was
    not in the plan, not too many hosts failed, and every gate is open. Without a terminal nothing
    is changed unless --yes is given. Exit 4: a host failed or the rest was stopped.
    """
    app, request = prepare(options)
    how = _options(app, options)
    request = replace(request, force_handlers=options["force_handlers"])
    plan, before, request = _planned(app, request, options)
    candidates = plan.hosts_with_blind if options["with_blind"] else plan.hosts
    if before is not None and not candidates:
        emit(before, output)
        note("nothing to change")
        if plan.blind_hosts:
            note(f"{_unforeseen(plan)}; --with-blind runs them")
        return before.exit_code
    if before is not None and output.for_people:
        output.emit_printed(lambda to: show_run(to, before))
    hosts = _hosts(app, plan, candidates, options)
    _refuse_waived(plan, hosts, allowed=options["with_waived"])
    _confirm(plan, hosts, yes=options["yes"])
    with app.maintained(options["maintenance"], f"fleet apply {plan.id}"):
        applied = _change(app, request, plan, before, hosts, how)
    emit(applied.observed, output, apply=_as_json(applied))
    return applied.exit_code


def _planned(
    app: App, request: Request, options: dict[str, Any]
) -> tuple[Plan, Run | None, Request]:
    """Return the plan to apply, and the check it was made of if that was just now."""
    from opskit.fleet.execute import hash_key  # noqa: PLC0415
    from opskit.fleet.plan import opened, outdated, plan_of  # noqa: PLC0415
    from opskit.fleet.provenance import provenance  # noqa: PLC0415

    if options["plan_file"] is None:
        if options["resume"]:
            raise ConfigError("--resume needs the plan", hint="opskit fleet apply PLAN --resume")
        if options["retry_failed"]:
            request = replace(request, hosts=_failed_last(app))
        before = look(app, request)
        return plan_of(before), before, request
    key = hash_key(app.config.state_directory)
    plan = opened(_read(options["plan_file"]), key)
    request = replace(request, tags=plan.provenance.tags)
    changed = outdated(plan, provenance(app.workplace, request, key))
    if changed and options["stale"] == "strict":
        hint = "make a new one: opskit fleet plan --out FILE"
        raise Refused(f"the plan is stale: {changed}", hint=hint)
    if changed:
        note(changed)
    return plan, None, request


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_PLAN_BYTES:
            raise ConfigError(
                f"{path} is too large for a plan", hint="opskit fleet plan --out FILE"
            )
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise ConfigError(message, hint="opskit fleet plan --out FILE") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no plan", hint="opskit fleet plan --out FILE") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} is no plan", hint="opskit fleet plan --out FILE")
    return data


def _failed_last(app: App) -> tuple[str, ...]:
    from opskit.fleet.history import last_rollout  # noqa: PLC0415

    rollout = last_rollout(app.workplace)
    if rollout is None or not rollout.failed:
        raise Refused("no host failed last time", hint="opskit fleet apply")
    return tuple(sorted(rollout.failed))


def _unforeseen(plan: Plan) -> str:
    tasks, hosts = plural(len(plan.blind), "task"), plural(len(plan.blind_hosts), "host")
    return f"no check can foretell {tasks} on {hosts}"


def _hosts(
    app: App, plan: Plan, candidates: tuple[str, ...], options: dict[str, Any]
) -> tuple[str, ...]:
    """Return the hosts to do: all of the plan, or what is left of it."""
    from opskit.fleet.history import last_rollout  # noqa: PLC0415

    if not candidates:
        raise Refused(f"{plan.id} changes no host", hint="opskit fleet check")
    if options["plan_file"] is None or not (options["resume"] or options["retry_failed"]):
        return candidates
    rollout = last_rollout(app.workplace, plan.id)
    if rollout is None:
        raise Refused(f"{plan.id} was never applied", hint="leave --resume and --retry-failed out")
    if options["resume"]:
        left = tuple(host for host in candidates if host not in rollout.done)
    else:
        left = tuple(host for host in candidates if host in rollout.failed)
    if not left:
        raise Refused(f"no host of {plan.id} is left to do", hint="opskit fleet check")
    return left


def _refuse_waived(plan: Plan, hosts: Sequence[str], *, allowed: bool) -> None:
    waived = [one for one in plan.of(hosts).values() if one.waiver]
    if waived and not allowed:
        one = waived[0]
        raise Refused(
            f"{one.waiver} accepts {one.deviation} on {one.host}, and an apply would undo it",
            hint=f"leave the host out: -l 'all:!{one.host}', or give --with-waived",
        )


def _confirm(plan: Plan, hosts: Sequence[str], *, yes: bool) -> None:
    if yes:
        return
    if not interactive():
        raise Refused("nobody is there to confirm", hint="give --yes to change without being asked")
    changes = plural(len(plan.of(hosts)), "thing")
    click.confirm(f"Change {changes} on {plural(len(hosts), 'host')}?", abort=True, err=True)


def _change(  # what an apply is made of
    app: App,
    request: Request,
    plan: Plan,
    before: Run | None,
    hosts: Sequence[str],
    how: Options,
) -> Applied:
    from opskit.fleet.apply import apply as change  # noqa: PLC0415

    with Progress("changing, then looking again").shown() as progress:
        listen = listener(progress)
        applied = change(app.workplace, request, plan, how, listen, before=before, hosts=hosts)
    deliver(app)
    for batch in applied.batches:
        for line in (*batch.stale, *batch.surprises):
            note(f"not as planned: {line}")
        for host in batch.change.hosts:
            if host.host in batch.failed and host.reason:
                note(f"{host.verdict}: {host.host}: {host.reason}")
    changed = [drift for batch in applied.batches for drift in batch.change.drift]
    on = plural(len({drift.host for drift in changed}), "host")
    note(f"changed: {plural(len(changed), 'thing')} on {on}")
    if applied.stopped:
        note(f"stopped: {applied.stopped}; not started: {', '.join(applied.left)}")
    return applied


def _options(app: App, options: dict[str, Any]) -> Options:
    from opskit.fleet.apply import Options as _Options  # noqa: PLC0415

    return _Options(
        batch=options["batch"],
        max_failed=options["max_failed"],
        strict=options["stale"] == "strict",
        gates=app.gates(options["gates"], options["services"]),
    )


def _as_json(applied: Applied) -> dict[str, Any]:
    return {
        "plan": applied.plan.id,
        "expected": len(applied.plan.expected),
        "changed": applied.changed,
        "failed": list(applied.failed),
        "stopped": applied.stopped,
        "not_started": list(applied.left),
        "batches": [
            {
                "hosts": list(batch.hosts),
                "run": batch.change.id,
                "changed": len(batch.change.drift),
                "failed": list(batch.failed),
                "stale": list(batch.stale),
                "surprises": list(batch.surprises),
            }
            for batch in applied.batches
        ],
    }
