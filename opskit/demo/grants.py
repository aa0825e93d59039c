"""Access in the demo: who there is, what may be asked for, and the sudo of web1.

Nobody's real sudo is touched: web1 is a directory, so the target is one of playbooks. They put a
rule into its sudoers.d, with its end in it, take it away, and look for it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from opskit.core.people import user
from opskit.outside.process import account

_RULE = "{{ opskit_root }}/etc/sudoers.d/opskit-{{ opskit_grant }}"
_HEAD = "---\n- name: {name}\n  hosts: all\n  gather_facts: false\n  tasks:\n"
_PLAYBOOKS = {
    "grant": f"""    - name: Give the command, with an end that sudo keeps by itself
      ansible.builtin.copy:
        dest: "{_RULE}"
        content: >
          {{{{ opskit_account }}}} ALL=(root)
          NOTAFTER={{{{ opskit_until | regex_replace('[-:T]', '') }}}}
          NOPASSWD: /usr/bin/systemctl restart nginx
        mode: "0440"
""",
    "revoke": f"""    - name: Take it away
      ansible.builtin.file:
        path: "{_RULE}"
        state: absent
""",
    "observe": f"""    - name: Look for it
      ansible.builtin.stat:
        path: "{_RULE}"
      register: rule
    - name: Say whether it is there
      ansible.builtin.set_fact:
        opskit_present: "{{{{ rule.stat.exists }}}}"
""",
}
_HOST = {
    "etc/hostname": "web1\n",
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/bash\n"
        "intern:x:1001:1001::/home/intern:/bin/bash\n"
        "release:x:1002:1002::/home/release:/usr/sbin/nologin\n"
    ),
    "etc/group": "root:x:0:\nintern:x:1001:\nrelease:x:1002:\n",
    "etc/sudoers": (
        "Defaults use_pty, secure_path=/usr/sbin:/usr/bin:/sbin:/bin\n"
        "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"
    ),
    "etc/sudoers.d/intern": "intern ALL=(ALL) NOPASSWD: ALL\n",
}


def lay_out(directory: Path) -> None:
    """Write the files of access, the playbooks, and web1's accounts and sudoers."""
    files = {f"access/{name}.yaml": json.dumps(text) for name, text in _catalogue().items()}
    files |= {
        f"playbooks/access-{name}.yml": _HEAD.format(name=f"Access {name}") + text
        for name, text in _PLAYBOOKS.items()
    }
    files |= {f"hosts/web1/{name}": text for name, text in _HOST.items()}
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o440 if "sudoers" in name else 0o644)


def _catalogue() -> dict[str, object]:
    """Return the four files: whoever plays the demo asks, and sam would have to say yes."""
    you = user(os.environ, account(), os.geteuid())
    people = {
        "people": {
            "robin": {"name": "Robin", "account": you, "team": "web"},
            "sam": {"name": "Sam", "account": "demo-sam", "team": "web"},
        },
        "service_accounts": {"release": {"purpose": "Rolls out the shop.", "owner": "web"}},
        "teams": {"web": {"purpose": "Runs the shop."}},
    }
    role = {"owners": ["web"], "targets": ["web1"], "max_duration": "2h"}
    rights = {name: f"playbooks/access-{name}.yml" for name in _PLAYBOOKS}
    roles = {
        "nginx-restart": {"purpose": "Restart nginx.", "risk": "low", "playbooks": rights, **role},
        "web-admin": {"purpose": "Everything.", "risk": "critical", "playbooks": rights, **role},
    }
    rules = [
        {"name": "little", "who": ["web", "release"], "roles": ["nginx-restart"]}
        | {"decide": "approve"},
        {"name": "much", "who": ["web", "release"], "roles": ["web-admin"]},
    ]
    target = {"kind": "playbooks", "hosts": "web1", "environment": "development"}
    return {
        "people": people,
        "roles": {"roles": roles},
        "targets": {"targets": {"web1": target}},
        "policy": {"approvals": {"default": {"all_of": [{"among": ["owners"]}]}}, "rules": rules},
    }
