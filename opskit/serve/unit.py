"""The systemd unit for `opskit serve`: it may do what serving takes, and nothing else. Pure."""

from __future__ import annotations

from opskit.outside.config import Serve

_UNIT = """\
# Printed by opskit itself. Install it:
#   opskit serve --print-unit > /etc/systemd/system/opskit.service
#   systemctl daemon-reload && systemctl enable --now opskit
# The ops repository stays where it is and is only read; the database goes into the state
# directory: database: /var/lib/opskit/opskit.db in opskit.yaml. Scheduled fleet runs keep their
# state beside opskit.yaml and need the keys of whoever may log in to hosts: then name that user in
# User= instead of DynamicUser=, and add ReadWritePaths={root}/.opskit.
[Unit]
Description=opskit: probes, evidence, status page
Documentation=https://opskit.readthedocs.io/
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} serve --config {root} --log-format json
ExecReload=/bin/kill -HUP $MAINPID
WorkingDirectory={root}
Restart=on-failure
RestartSec=2s
WatchdogSec=60s
TimeoutStartSec=90s
TimeoutStopSec=60s
KillMode=mixed
{credentials}
# who it is, and where it may write
DynamicUser=yes
StateDirectory=opskit
StateDirectoryMode=0700
RuntimeDirectory=opskit
RuntimeDirectoryMode=0700
Environment=HOME=/var/lib/opskit XDG_STATE_HOME=/var/lib/opskit PYTHONDONTWRITEBYTECODE=1
UMask=0077

# what it may do: talk to the network, and nothing that takes a privilege. Probes by ICMP need
# none either where the system lets everybody ping: sysctl net.ipv4.ping_group_range="0 2147483647"
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
LockPersonality=yes
MemoryDenyWriteExecute=yes

# what it may see
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateIPC=yes
DevicePolicy=closed
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RemoveIPC=yes
KeyringMode=private
LimitNOFILE=65536
TasksMax=512

[Install]
WantedBy=multi-user.target
"""


def unit(program: str, root: str, settings: Serve) -> str:
    """Return the unit for an ops repository; secrets named `credential:X` are passed on."""
    names = (settings.token_file, settings.certificate, settings.key)
    secrets = [*names, *(one.secret_file for one in settings.webhooks.values())]
    lines = [
        f"LoadCredential={name}:/etc/opskit/{name}"
        for name in (one.removeprefix("credential:") for one in secrets if "credential:" in one)
    ]
    example = "# LoadCredential=token:/etc/opskit/token   with token_file: credential:token"
    return _UNIT.format(
        program=_escaped(program), root=_escaped(root), credentials="\n".join(lines or [example])
    )


def _escaped(path: str) -> str:
    """Return a path as a unit may hold it: no specifier, no variable, no second word."""
    doubled = path.replace("%", "%%").replace("$", "$$").replace("\\", "\\\\")
    return f'"{doubled}"' if any(char in doubled for char in " \t\"'") else doubled
