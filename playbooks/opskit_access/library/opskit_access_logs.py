#!/usr/bin/python
"""What sshd and sudo wrote on a host since a time.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opskit_access_logs import logs
from ansible.module_utils.opskit_access_look import packed

DOCUMENTATION = r"""
module: opskit_access_logs
short_description: Reads what sshd and sudo logged
description:
  - Reads the journal, or where there is none /var/log/auth.log or /var/log/secure, at most 32 MB.
  - Has sudo run /bin/true as root first, so that it shows whether what sudo does is logged.
options:
  since:
    description: From when on, in seconds since 1970.
    type: float
    required: true
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
- name: What sshd and sudo wrote is known
  opskit_access_logs:
    since: 1790856000
  register: logs
"""

RETURN = r"""
opskit_told:
  description: The lines and the time they cover, as JSON, compressed and in base64.
  returned: always
  type: str
"""


def main():
    """Read."""
    module = AnsibleModule(
        argument_spec={"since": {"type": "float", "required": True}}, supports_check_mode=True
    )
    try:
        found = logs(module.params["since"])
    except OSError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, opskit_told=packed(found))


if __name__ == "__main__":
    main()
