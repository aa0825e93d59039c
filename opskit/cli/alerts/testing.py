"""`opskit alerts test`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.formats import junit
from opskit.cli.options import output_options
from opskit.cli.output import Output, show_text
from opskit.core.errors import ExitCode
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.alerts.ruletests import Failure
    from opskit.alerts.testing import Tested


@command(
    examples=[
        "opskit alerts test alerts/tests/*.yaml",
        "opskit alerts test alerts/tests/service_test.yaml -o junit   for CI",
        "opskit alerts test old_test.yaml --promql 2                  as Prometheus 2 would",
    ],
    short_help="Run tests of rules, without a Prometheus.",
)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--promql",
    type=click.Choice(["2", "3"]),
    default="3",
    show_default=True,
    help="Which Prometheus a window is cut as: 3 leaves out its first edge, 2 does not.",
)
@output_options("table", "json", "yaml", "junit")
def test(files: tuple[Path, ...], promql: str, output: Output) -> ExitCode:
    """Run tests of rules, without a Prometheus: the files that `promtool test rules` takes.

    Exit 0: all pass. 1: an alert or a value is not as expected. 2: a file is not valid. Values are
    equal if they differ by less than a billionth.
    """
    from opskit.alerts.promql.evaluation import Settings  # noqa: PLC0415  # after --help
    from opskit.alerts.promql.ranges import Edges  # noqa: PLC0415
    from opskit.alerts.testing import tested  # noqa: PLC0415

    settings = Settings(edges=Edges.CLOSED if promql == "2" else Edges.LEFT_OPEN)
    found = [tested(one, settings) for one in files]
    if output.format == "junit":
        output.emit(junit.render("opskit alerts test", [_suite(one) for one in found]))
    elif output.for_people:
        output.emit_printed(lambda to: show_text(to, "\n".join(_lines(found))))
    else:
        output.emit_data({"files": [asdict(one) for one in found]})
    failed = any(one.failures for one in found)
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _lines(found: list[Tested]) -> Iterator[str]:
    for one in found:
        failed = len({failure.test for failure in one.failures})
        tests = plural(len(one.tests), "test")
        yield f"{one.path}: {f'{failed} of {tests} failed' if failed else f'{tests} passed'}"
        for failure in one.failures:
            yield f"  {failure.test}"
            yield from (f"    {line}" for line in _said(failure))


def _said(failure: Failure) -> Iterator[str]:
    where = f"{failure.about}, at {failure.at}"
    if failure.error:
        yield f"{where}: {failure.error}"
        return
    yield where
    for name, said in (("expected", failure.expected), ("got", failure.got)):
        for index, line in enumerate(said or ("nothing",)):
            yield f"  {name if index == 0 else '':<9} {line}"


def _suite(one: Tested) -> junit.Suite:
    return junit.Suite(one.path, [_case(one, name) for name in one.tests])


def _case(one: Tested, name: str) -> junit.Case:
    lines = [line for failure in one.failures if failure.test == name for line in _said(failure)]
    if not lines:
        return junit.Case(name, "passed")
    return junit.Case(name, "failure", lines[0], "\n".join(lines))
