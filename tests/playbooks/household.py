"""What a rig host needs before the baseline has something to say of it.

The rig's hosts have what this machine has. Where a program is missing, a stand-in takes its place
that understands the command lines the role uses; a real one stays.
"""

from __future__ import annotations

from tests.rig.hosts import Host

_SILENT = "#!/bin/sh\n"
# `visudo -cf FILE`: FILE and what it includes hold nothing that is nonsense.
_VISUDO = """#!/bin/sh
! grep -q ^nonsense "$2" || { echo "$2: syntax error" >&2; exit 1; }
"""
# `nft -c -f FILE`, `nft -f FILE`, `nft --stateless list chain ...`, `nft delete table ...`
_NFT = """#!/bin/sh
case $1 in
-c) grep -q 'policy drop' "$3" && grep -q 'tcp dport { 22 } accept' "$3" ;;
-f) cp "$2" /run/nft.rules ;;
--stateless) cat /run/nft.rules ;;
delete) rm /run/nft.rules ;;
esac
"""
PROGRAMS = {
    "/lib/systemd/systemd-coredump": _SILENT,
    "/lib/systemd/systemd-timesyncd": _SILENT,
    "/usr/bin/at": _SILENT,
    "/usr/bin/crontab": _SILENT,
    "/usr/bin/prometheus-node-exporter": _SILENT,
    "/usr/bin/unattended-upgrade": _SILENT,
    "/usr/sbin/chronyd": _SILENT,
    "/usr/sbin/nft": _NFT,
    "/usr/sbin/rsyslogd": _SILENT,
    "/usr/sbin/visudo": _VISUDO,
}
FILES = {
    "/boot/grub/grub.cfg": "set timeout=5\n",
    "/etc/crontab": "",
    "/etc/security/pwquality.conf": "",
    "/etc/sudoers": "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
    "/lib/systemd/system/tmp.mount": "[Mount]\nWhat=tmpfs\nWhere=/tmp\nType=tmpfs\n",
    "/var/log/auth.log": "",
}
# The rig mounts /tmp by its fstab; here a unit of systemd is to do it. And it is no container.
_REST = """
mkdir -p /etc/chrony/sources.d /etc/rsyslog.d /etc/sudoers.d /var/spool/cron/crontabs \
    /etc/cron.d /etc/cron.daily /etc/apt/sources.list.d /etc/modprobe.d
chmod 440 /etc/sudoers
getent group crontab >/dev/null || groupadd --system crontab
sed -i '/ \\/tmp /d' /etc/fstab
rm -f /.dockerenv /etc/motd
"""
# Controls that are off by default, switched on.
VARIABLES = {
    "baseline_firewall": True,
    "baseline_firewall_rules": [{"proto": "tcp", "ports": ["443"], "from": ["10.0.0.0/8"]}],
    "baseline_groups": [{"name": "ops", "gid": 4100}],
    "baseline_log_server": "log.example.org",
    "baseline_sources_https": True,
    "baseline_users": [{"name": "ada", "uid": 4101, "groups": ["ops"], "shell": "/bin/bash"}],
    "baseline_users_absent": ["mallory"],
}


def furnish(host: Host) -> None:
    """Give HOST the programs and files that the controls are about, as they are when fresh."""
    for path, text in PROGRAMS.items():
        if not host.exists(path):
            host.write(path, text)
            assert host.run(("chmod", "755", path)).returncode == 0
    for path, text in FILES.items():
        if not host.exists(path):
            host.write(path, text)
    done = host.run(("sh", "-euc", _REST))
    assert done.returncode == 0, done.stderr
