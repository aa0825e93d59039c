#!/usr/bin/python
"""What a host says of access: who may log in, who may become whom, and how grants stand on it.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opskit_access_look import look, packed
from ansible.module_utils.opskit_access_places import Trouble
from ansible.module_utils.opskit_access_ways import Ways

DOCUMENTATION = r"""
module: opskit_access_observe
short_description: Reads who has which access to a host
description:
  - Reads accounts, groups, sudo rules, SSH settings and keys as they are in their files, what the
    programs say of themselves, and who has something running. Hashes of passwords stay on the host.
  - Files in a place that a user can move about are read without following links.
  - Changes nothing.
options:
  placements:
    description: The grants known on the host, as opskit writes them.
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    description: It reads, so a check and a run are the same.
    support: full
  diff_mode:
    description: There is never a difference.
    support: none
  platform:
    description: Linux.
    platforms: posix
author: The opskit authors
"""

EXAMPLES = r"""
- name: What the host says of access is known
  opskit_access_observe:
  register: access
"""

RETURN = r"""
opskit_told:
  description: What was seen, as JSON, compressed and in base64.
  returned: always
  type: str
"""


def main():
    """Look."""
    module = AnsibleModule(
        argument_spec={"placements": {"type": "list", "elements": "dict", "default": []}},
        supports_check_mode=True,
    )
    try:
        seen = look(module.params["placements"], Ways())
    except (Trouble, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, opskit_told=packed(seen))


if __name__ == "__main__":
    main()
