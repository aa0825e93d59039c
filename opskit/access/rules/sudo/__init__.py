"""The rules on sudo: `SUDO` is the family, `SudoView` what it looks at, `lint` asks all of them."""

from __future__ import annotations

from opskit.access.rules.sudo import commands, files, paths, patterns, settings
from opskit.access.rules.sudo.lint import lint, view_of
from opskit.access.rules.sudo.view import SUDO, SudoView

__all__ = [
    "SUDO",
    "SudoView",
    "commands",
    "files",
    "lint",
    "paths",
    "patterns",
    "settings",
    "view_of",
]
