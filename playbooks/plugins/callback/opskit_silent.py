"""Prints nothing: what a run says is written by `opskit_evidence`, and nobody reads its screen.

Ansible prints a failed result whole, and runner keeps it all in memory until the next event: a
host that answers with 100 MB would take several times as much. Warnings and errors of Ansible
itself do not pass through here and are still seen.
"""

from __future__ import annotations

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: opskit_silent
type: stdout
short_description: Prints nothing of what a task gave
extends_documentation_fragment:
  - default_callback
description:
  - Takes the place of the default screen output in runs that opskit started.
"""


class CallbackModule(CallbackBase):
    """Takes every event and prints none."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "opskit_silent"
