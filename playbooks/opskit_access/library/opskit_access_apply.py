#!/usr/bin/python
"""Makes true on a host which access is in force there, and looks again.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opskit_access_expire import disarm
from ansible.module_utils.opskit_access_look import look, packed
from ansible.module_utils.opskit_access_place import carried_out
from ansible.module_utils.opskit_access_places import Trouble
from ansible.module_utils.opskit_access_ways import Ways

DOCUMENTATION = r"""
module: opskit_access_apply
short_description: Gives and takes access to a host
description:
  - Takes what shall be in force and what shall be gone, not what to do; carrying an order out twice
    is as good as once.
  - Each grant is given with the strongest end the host enforces by itself, and the host ends the
    rest of it once a minute, with systemd or cron.
  - A change of sudo rules is undone by the host unless O(confirm) says, over another login, that
    all is well.
options:
  order:
    description: What shall be true on the host, as opskit writes it.
    type: dict
  rollback_seconds:
    description: How long a change of sudo rules waits to be confirmed.
    type: int
    default: 60
  confirm:
    description: The name of a change that is confirmed; nothing else is done then.
    type: str
    default: ""
attributes:
  check_mode:
    description: What an order would do is not foretold.
    support: none
  diff_mode:
    description: There is never a difference shown.
    support: none
  platform:
    description: Linux with the shadow suite, OpenSSH and sudo or sudo-rs.
    platforms: posix
author: The opskit authors
"""

EXAMPLES = r"""
- name: Access is as it shall be
  opskit_access_apply:
    order: "{{ opskit_access_orders[inventory_hostname] }}"
  register: access_applied

- name: The change is confirmed
  opskit_access_apply:
    confirm: "{{ access_applied.armed }}"
"""

RETURN = r"""
armed:
  description: The name of a change that is undone unless it is confirmed, or nothing.
  returned: with an order
  type: str
opskit_told:
  description: What was done and what was seen afterwards, as JSON, compressed and in base64.
  returned: always
  type: str
"""


def main():
    """Carry out, or confirm."""
    module = AnsibleModule(
        argument_spec={
            "order": {"type": "dict"},
            "rollback_seconds": {"type": "int", "default": 60},
            "confirm": {"type": "str", "default": ""},
        },
        required_one_of=[("order", "confirm")],
        mutually_exclusive=[("order", "confirm")],
    )
    try:
        if module.params["confirm"]:
            disarm(module.params["confirm"])
            module.exit_json(changed=False, opskit_told=packed({"confirmed": True}))
        order, ways = module.params["order"], Ways()
        done = carried_out(order, ways, module.params["rollback_seconds"])
        seen = look([*order["present"], *order["absent"]], Ways())
    except (Trouble, OSError) as error:
        module.fail_json(msg=str(error))
    told = packed({"done": done, "seen": seen})
    module.exit_json(changed=done["changed"], armed=done["armed"], opskit_told=told)


if __name__ == "__main__":
    main()
