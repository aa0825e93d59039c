"""The one place where values from outside opskit become Ansible variables.

Ansible would execute `{{ lookup('pipe', ...) }}` found in an extra variable, on the controller.
Marked unsafe, a string stays a string.
"""

from __future__ import annotations

from collections.abc import Mapping


def unsafe(value: object) -> object:
    """Return `value` with every string in it, keys apart, marked as never to be templated."""
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, Mapping):
        return {str(key): unsafe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [unsafe(item) for item in value]
    return value
