"""The entry, and the one boundary where errors end: a line and a code, never a traceback."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn, TextIO

import click

from opskit import __version__
from opskit.cli.commands import group
from opskit.core.errors import DataError, ExitCode, OpskitError, Refused

_COMMANDS = {
    "init": ("opskit.cli.init:init", "Lay out a working ops repository."),
    "doctor": ("opskit.cli.doctor:doctor", "Show what is installed, reachable and permitted."),
    "check": ("opskit.cli.check:check", "Check every file of the ops repository."),
    "fleet": ("opskit.cli.fleet:fleet", "Find and fix what drifted from the standard."),
    "access": ("opskit.cli.access:access", "Who may do what, where, and whether they should."),
    "monitor": ("opskit.cli.monitor:monitor", "Probe services; uptime with bounds."),
    "alerts": ("opskit.cli.alerts:alerts", "What fires, who is told, who has it in hand."),
    "incident": (
        "opskit.cli.incident:incident",
        "What went wrong, who has it, what was found out.",
    ),
    "focus": ("opskit.cli.focus:focus", "Time that a team keeps free."),
    "serve": ("opskit.cli.serve:serve", "Probe, deliver, run what is due, answer over HTTP."),
    "metrics": ("opskit.cli.metrics:metrics", "Print what Prometheus would read."),
    "drill": ("opskit.cli.drill:drill", "Prove that alerts reach a human."),
    "import": ("opskit.cli.importing:importing", "Bring in history from what was there before."),
    "report": ("opskit.cli.report:report", "Build the value report."),
    "ledger": ("opskit.cli.ledger:ledger", "Verify and export the evidence."),
    "outbox": ("opskit.cli.outbox:outbox", "Deliver notifications that are owed."),
    "config": ("opskit.cli.config:config", "Show settings and where they come from."),
    "schema": ("opskit.cli.schema:schema", "Print the JSON schema of a file you write."),
    "demo": ("opskit.cli.demo:demo", "See the whole loop on this machine."),
    "completion": ("opskit.cli.completion:completion", "Print the shell completion script."),
}


@group(
    name="opskit",
    lazy=_COMMANDS,
    examples=[
        "opskit demo                     see the whole loop, harmless",
        "opskit init ops && cd ops       start your own ops repository",
        "opskit fleet check              what drifted, on which host",
        "opskit report build --last 30d  what Ops did that nobody saw",
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 as wanted, 1 findings, 2 usage, 3 could not determine, 4 work failed, "
    "5 refused, 70 a bug in opskit, 130 interrupted.",
)
@click.version_option(__version__, prog_name="opskit")
def cli() -> None:
    """Operations work that leaves evidence: drift, access, uptime, alerts, and a report of it."""


def main() -> NoReturn:
    """Run opskit and end the process with the right code."""
    _say_all()
    sys.exit(int(run(sys.argv[1:])))


def run(arguments: Sequence[str]) -> ExitCode:  # noqa: PLR0911  # one return per kind of end
    """Run one command and return its exit code. Nothing is raised from here."""
    try:
        signal.signal(signal.SIGTERM, _terminate)
        code = cli.main(args=list(arguments), prog_name="opskit", standalone_mode=False)
        if sys.stdout is not None:  # it is where the caller closed it: opskit ... >&-
            sys.stdout.flush()
        return ExitCode(code or 0)
    except (KeyboardInterrupt, click.Abort):
        return _say(ExitCode.INTERRUPTED, "interrupted")
    except BrokenPipeError:
        return _reader_gone()
    except SystemExit as error:
        # click and rich end with 1 when nobody reads any more; here 1 would mean findings.
        # Nothing else ends this way but completion.
        if error.code == 1 and "_OPSKIT_COMPLETE" not in os.environ:
            return _reader_gone()
        raise
    except click.ClickException as error:
        return _usage(error)
    except OpskitError as error:
        return _known(error)
    except OSError as error:
        return _refused_by_the_system(error)
    except Exception as error:  # noqa: BLE001  # the boundary: everything else is a bug
        return _bug(error)


def _say_all() -> None:
    """Show what the terminal's encoding lacks as an escape; Python would end with an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refused_by_the_system(error: OSError) -> ExitCode:
    from pathlib import Path  # noqa: PLC0415  # only for an error

    from opskit.outside.files import as_opskit_error  # noqa: PLC0415

    if error.filename is None:
        _discard(sys.stdout)
    return _known(as_opskit_error(error, Path(str(error.filename or "output"))))


def _terminate(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _reader_gone() -> ExitCode:
    _discard(sys.stdout)
    return ExitCode.INTERRUPTED


def _discard(stream: TextIO) -> None:
    # What could not be written is still buffered: Python would try, and complain, once more.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _usage(error: click.ClickException) -> ExitCode:
    message = error.format_message()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        # Its message is the whole help; as one line nobody could read it.
        for line in message.splitlines():
            _line(line)
        return ExitCode.USAGE
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help" if context else "opskit --help"
    return _say(ExitCode.USAGE, " ".join(message.split()), hint=hint)


def _known(error: OpskitError) -> ExitCode:
    findings = error.findings if isinstance(error, DataError) else ()
    for finding in findings:
        fix = f" ({finding.fix})" if finding.fix else ""
        parts = (str(finding.location or ""), finding.subject, finding.message + fix)
        _line(": ".join(filter(None, parts)))
    word = "refused" if isinstance(error, Refused) else "error"
    return _say(error.exit_code, error.message, word=word, hint=error.hint)


def _bug(error: Exception) -> ExitCode:
    from opskit.outside.logs import write_crash  # noqa: PLC0415  # only for a bug

    path = write_crash(error, os.environ)
    where = f"details are in {path}" if path else "the details could not be written"
    message = f"this is a bug in opskit ({type(error).__name__}); {where}"
    return _say(ExitCode.BUG, message, hint="please report it with that file")


def _say(code: ExitCode, message: str, *, word: str = "error", hint: str = "") -> ExitCode:
    if code is ExitCode.INTERRUPTED:
        word = "stopped"
    _line(f"opskit: {word}: {message}")
    if hint:
        _line(f"  next: {hint}")
    return code


def _line(text: str) -> None:
    from opskit.core.text import clean  # noqa: PLC0415  # only on the way out

    try:
        click.echo(clean(text), err=True)
    except OSError:
        _discard(sys.stderr)  # nobody is left to read it; the exit code still says it
