"""`opskit completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from opskit.cli.commands import command
from opskit.core.errors import ConfigError


@command(
    short_help="Print the shell completion script.",
    examples=[
        "opskit completion bash > ~/.local/share/bash-completion/completions/opskit",
        'opskit completion zsh > "${fpath[1]}/_opskit"',
        "opskit completion fish > ~/.config/fish/completions/opskit.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL."""
    kind = get_completion_class(shell)
    if kind is None:
        raise ConfigError(f"no completion for {shell}")
    root = click.get_current_context().find_root()
    click.echo(kind(root.command, {}, "opskit", "_OPSKIT_COMPLETE").source())
