"""Commands and groups as opskit wants them: examples first, loaded when called, with guesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

import click


class Examples(click.Command):
    """A command whose `--help` starts with what one would type."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples, then usage, text and options."""
        with formatter.section("Examples"):
            for example in self.examples:
                # As typed: a wrapped command could not be copied.
                formatter.write(f"  {example}\n")
        formatter.write_paragraph()
        super().format_help(ctx, formatter)


class Group(Examples, click.Group):
    """A group whose commands are loaded when they are called.

    `lazy` maps a name to where the command is and its one line of help, so that listing commands
    imports none of them. `parts` names the first command of each part of a long list, and what it
    is for.
    """

    command_class = Examples

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, tuple[str, str]] | None = None,
        parts: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})
        self.parts = dict(parts or {next(iter(self.lazy), ""): "Commands"})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order they were given: the order of a working day."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing it if need be."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, name = self.lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        if not self.lazy:
            super().format_commands(ctx, formatter)
            return
        width = max(map(len, self.lazy))
        starts = [at for at, name in enumerate(self.lazy) if name in self.parts]
        rows = [(name.ljust(width), text) for name, (_, text) in self.lazy.items()]
        for start, end in pairwise([*starts, len(rows)]):
            with formatter.section(self.parts[rows[start][0].strip()]):
                formatter.write_dl(rows[start:end])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command meant; an unknown one with the nearest name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from opskit.core.text import nearest  # noqa: PLC0415  # only for a mistyped command

            guess = nearest(args[0], self.list_commands(ctx))
            if not guess or "Did you mean" in error.message:
                raise
            message = f"{error.message} Did you mean {guess!r}?"
            raise click.UsageError(message, ctx) from error


def command(**attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command with examples."""
    return click.command(cls=Examples, **attributes)


def group(**attributes: Any) -> Callable[[Callable[..., Any]], Group]:
    """Make a group with examples."""
    return click.group(cls=Group, **attributes)
