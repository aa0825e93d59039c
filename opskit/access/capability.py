"""What programs can do when they are run as root: a table of our own, and judgment by arguments.

A program that is not in the table is unreviewed, which is no verdict: nobody may take it for safe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Capability(StrEnum):
    """What a program gives to whoever may run it as root."""

    EXEC = "exec"
    WRITE = "write"
    READ = "read"
    PACKAGE = "package"
    CONTAINER = "container"
    PAGER = "pager"
    CONTROL = "control"


# Names are separated by blanks; each stands once, under the worst it does.
_TABLE: dict[Capability, str] = {
    # Starts any program: shells, interpreters, wrappers, debuggers, editors, tools with hooks.
    Capability.EXEC: """
        sh bash rbash dash zsh fish ksh ksh93 mksh lksh csh tcsh ash busybox toybox pwsh elvish
        xonsh env find fd awk gawk mawk nawk original-awk perl python python2 python3 pypy pypy3
        ruby irb lua luajit lua5.1 lua5.3 lua5.4 php node nodejs deno bun java jshell jjs
        jrunscript scala groovy kotlin ghci erl elixir iex R Rscript octave julia tclsh wish
        expect guile racket sbcl clisp gdb lldb strace ltrace perf bpftrace valgrind make gmake
        cmake ninja rake ant gradle mvn scons ssh scp sftp rsync rclone tar bsdtar cpio zip
        unzip 7z 7za 7zr ar xargs parallel watch nice ionice chrt taskset timeout nohup setsid
        stdbuf time script scriptreplay screen tmux byobu socat nc ncat netcat nc.openbsd
        nc.traditional telnet ftp lftp tftp nmap tcpdump tshark systemd-run systemd-nspawn
        machinectl nsenter unshare chroot su sudo sudo-rs doas pkexec runuser setpriv
        start-stop-daemon run-parts logrotate anacron at batch crontab flock entr inotifywait
        mysql mariadb mycli psql pgcli sqlite3 mongo mongosh redis-cli sqlplus isql
        clickhouse-client vi vim vimdiff vimtutor rvim rview view nvim nano rnano pico emacs
        emacsclient ed red ex joe jed mcedit mc micro helix kak ne pdb3 ipython ipython3 jupyter
        bpython gcore capsh dmsetup openvpn wg-quick pppd dnsmasq mail mailx mutt s-nail
        sendmail exim4 postfix run0 ansible ansible-console ansible-connection gimp ghostscript
        gs latex pdflatex xelatex tex lualatex bundler bundle go cargo rustc gcc g++ cc c++
        clang ld ld.so ld-linux-x86-64.so.2 m4 sg newgrp login agetty getty split csplit facter
        hping3 knife msfconsole zsoelim eqn neofetch rlwrap xdotool xterm zathura openvt cobc
        c89 c99 cdist distcc dc
        """,
    # Writes any file, or changes owners, modes, accounts, mounts, the kernel.
    Capability.WRITE: """
        tee cp mv dd install ln sed patch chmod chown chgrp chattr setfacl setcap mount umount
        passwd chpasswd usermod useradd userdel adduser deluser addgroup delgroup groupadd
        groupmod groupdel gpasswd newusers vipw vigr visudo chsh chfn chage touch truncate shred
        rm rmdir mkdir mknod mkfifo sysctl insmod rmmod modprobe kexec depmod
        update-alternatives alternatives debugfs e2fsck fsck mkfs mkfs.ext4 mkfs.xfs mke2fs
        tune2fs resize2fs xfs_repair fdisk sfdisk cfdisk gdisk sgdisk parted losetup cryptsetup
        lvm lvcreate lvextend lvremove vgcreate pvcreate mdadm swapon swapoff sponge rename mmv
        wget aria2c axel git svn hg bzr sshpass ssh-keygen ssh-copy-id restorecon chcon semanage
        setsebool semodule setenforce auditctl aa-disable aa-complain apparmor_parser
        grub-install update-grub grub-mkconfig dracut mkinitramfs update-initramfs ldconfig
        authconfig pam-auth-update debconf-set-selections dpkg-reconfigure dpkg-divert
        dpkg-statoverride systemd-tmpfiles fallocate rsnapshot restic borg duplicity bacula-fd
        pg_restore mysqlimport
        """,
    # Shows any file.
    Capability.READ: """
        cat tac head tail grep egrep fgrep zgrep rgrep rg ag cut sort uniq comm join paste nl od
        hd hexdump xxd strings base32 base64 basenc basez uuencode uudecode diff diff3 sdiff cmp
        fold fmt expand unexpand pr rev wc file csvtool jq yq xmllint openssl curl gpg column
        look tr iconv gzip gunzip zcat bzip2 bzcat xz xzcat zstd zstdcat lz4 compress dump
        tcpflow sha1sum sha224sum sha256sum sha384sum sha512sum md5sum b2sum cksum sum pg_dump
        pg_dumpall mysqldump mongodump getent readelf objdump nm ldd ul arp dig host nslookup
        date lsof readlink realpath stat aspell dialog whiptail espeak genisoimage mkisofs
        plymouth ptx pandoc redcarpet soelim troff nroff groff tbl tic wall write xmore
        msgattrib msgcat msgconv msgfilter msgmerge msguniq snapraid
        """,
    # Installs what it is told to, with hooks that run as root; or configures a whole host.
    Capability.PACKAGE: """
        apt apt-get aptitude apt-key add-apt-repository dpkg dselect rpm rpmbuild dnf dnf5 yum
        microdnf zypper tdnf urpmi pacman yay paru makepkg apk emerge xbps-install snap flatpak
        brew nix nix-env nix-build guix conda mamba micromamba pip pip2 pip3 pipx uv poetry
        easy_install npm npx yarn pnpm gem cpan cpanm cpm composer luarocks opam cabal stack
        ansible-playbook ansible-pull puppet chef-client chef-solo salt salt-call salt-minion
        cfagent cf-agent terraform tofu pulumi packer vagrant cloud-init alien checkinstall
        debuild dpkg-buildpackage needrestart unattended-upgrade unattended-upgrades rpm-ostree
        bootc fwupdmgr jenkins gitlab-runner
        """,
    # Talks to something that runs as root and does what it is told.
    Capability.CONTAINER: """
        docker docker-compose podman podman-compose buildah skopeo ctr crictl nerdctl containerd
        runc crun lxc lxd lxc-attach lxc-start lxc-execute incus kubectl oc k3s k9s helm
        minikube kind virsh virt-install virt-edit guestfish guestmount qemu-system-x86_64
        qemu-img qemu-nbd kvm singularity apptainer dockerd nomad multipass distrobox toolbox
        """,
    # Shows what it has to say through a pager, which starts a shell on demand.
    Capability.PAGER: """
        less more most pg man pinfo info journalctl systemctl loginctl timedatectl hostnamectl
        networkctl resolvectl coredumpctl systemd-analyze bat batcat apropos perldoc pydoc
        pydoc3 ri zless zmore bzless xzless lesspipe
        """,
    # Does nothing but what it is told, and what it is told matters.
    Capability.CONTROL: """
        service invoke-rc.d rc-service initctl supervisorctl monit pm2 kill killall pkill skill
        reboot shutdown poweroff halt telinit init ip ifconfig route iptables ip6tables nft ufw
        firewall-cmd ipset tc brctl ethtool nmcli netplan ifup ifdown dhclient hwclock chronyc
        ntpdate rndc nginx apachectl apache2ctl httpd haproxy varnishadm certbot fail2ban-client
        postqueue postsuper mailq rabbitmqctl pg_ctl pg_ctlcluster pg_basebackup redis-server
        udevadm iw rfkill renice prlimit a2ensite a2dissite a2enmod a2dismod update-rc.d
        chkconfig lpadmin cupsctl zfs zpool btrfs lvchange vgchange multipath iscsiadm exportfs
        nfsstat
        """,
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Looked through and found to do no more than show a little, with whatever arguments.
_HARMLESS = _names(
    """
    true false id whoami who w uptime uname hostname arch nproc free df du ps pgrep pidof
    lsblk lscpu lspci lsusb lsmod blkid vmstat iostat mpstat pidstat sar last lastlog lastb
    groups tty printenv echo printf sleep seq yes basename dirname pwd ls dir vdir netstat ss
    ping ping6 traceroute tracepath mtr dmidecode lshw sensors smartctl nvidia-smi ipmitool
    findmnt mountpoint locale
    """
)
_OF = {name: kind for kind, names in _TABLE.items() for name in names.split()}
# These give a shell to whoever stands before them, whatever file they were started with.
_INTERACTIVE = _names(
    """
    vi vim vimdiff view nvim rvim rview nano rnano pico emacs ed red ex joe jed mcedit mc
    micro helix kak ne gdb lldb screen tmux byobu su ftp lftp sftp mysql mariadb psql sqlite3
    irb ghci iex mutt mailx script expect telnet ssh visudo vipw vigr crontab login newgrp sg
    run0
    """
)
_PAGED = _names(
    """
    systemctl journalctl loginctl timedatectl hostnamectl networkctl resolvectl coredumpctl
    systemd-analyze git
    """
)
# Words of systemctl that show something, and may therefore start a pager.
_SHOWING = _names(
    """
    status show cat list-units list-unit-files list-timers list-sockets list-dependencies
    list-jobs help log diff branch tag blame grep reflog stash
    """
)
_EDITING = frozenset(
    {"edit", "link", "set-environment", "import-environment", "bind", "mount-image"}
)
_PIPED = frozenset(
    {"tee", "dd", "sponge", "chpasswd", "newusers", "patch", "debconf-set-selections"}
)
_SENSITIVE = re.compile(
    r"/(?:etc/(?:sudoers|passwd|shadow|group|gshadow|pam\.d|ssh|cron|ld\.so|profile|systemd|init)"
    r"|root(?:/|\b)|boot|lib/systemd|usr/lib/systemd|var/spool/cron|dev/(?:sd|nvme|vd|mem|kmem))"
)
_WILDCARD = re.compile(r"(?<!\\)[*?\[]")


@dataclass(frozen=True, slots=True)
class Judgment:
    """What a command gives: `known` is false for a program nobody has looked at."""

    capability: Capability | None
    known: bool
    because: str = ""


def class_of(path: str) -> Capability | None:
    """Return the class of a program by its name; versions behind it (`python3.11`) count as it."""
    name = path.rpartition("/")[2]
    return _OF.get(name) or _OF.get(_plain(name))


def _plain(name: str) -> str:
    return name.rstrip("0123456789.-")


def reviewed() -> frozenset[str]:
    """Return every name that somebody has looked at."""
    return frozenset(_OF) | _HARMLESS


def judge(path: str, args: str | None) -> Judgment:
    """Return what a command of sudoers gives, by its program and its arguments.

    `args` is None for any, `""` in quotes for none, else what sudoers allows, wildcards and all.
    """
    name, kind = path.rpartition("/")[2], class_of(path)
    if kind is None:
        return Judgment(None, name in _HARMLESS)
    given = "" if args == '""' else args
    if name == "systemctl" and _any_unit(given):
        return Judgment(
            Capability.EXEC, known=True, because="a unit it is given starts any program"
        )
    judged = _BY_KIND.get(kind, _by_control)(name, given)
    return Judgment(kind if judged else None, known=True, because=judged)


def _any_unit(args: str | None) -> bool:
    return args is None or free(args) or bool(_EDITING.intersection(args.split()))


def free(args: str | None) -> bool:
    """Tell whether arguments are the caller's to choose, as a whole or at their beginning."""
    return args is None or bool(_WILDCARD.match(args.lstrip()))


def _by_exec(name: str, args: str | None) -> str:
    if name in _INTERACTIVE:
        return "a shell can be started from within it"
    if args is None or free(args):
        return "it starts any program"
    if not args:
        asks = _plain(name) in _TAKES_COMMANDS or name in _TAKES_COMMANDS
        return "without arguments it takes commands" if asks else ""
    return "its arguments can be any program" if _WILDCARD.search(args) else ""


_TAKES_COMMANDS = _names(
    """
    sh bash rbash dash zsh fish ksh ksh93 mksh csh tcsh ash python python2 python3 perl ruby
    node php lua pwsh su sudo pkexec tclsh wish guile R octave julia nsenter unshare chroot
    mongosh redis-cli
    """
)


def _by_write(name: str, args: str | None) -> str:
    if args is None or free(args):
        return "it changes any file"
    if _SENSITIVE.search(args) and (name in _PIPED or _WILDCARD.search(args)):
        return "what it changes makes one root"
    return "its arguments can name any file" if _WILDCARD.search(args) else ""


def _by_read(_: str, args: str | None) -> str:
    if args is None or free(args):
        return "it shows any file"
    return "its arguments can name any file" if _WILDCARD.search(args) else ""


def _by_package(_: str, args: str | None) -> str:
    if args is None or free(args):
        return "what it installs or applies runs code as root"
    return "what it is given runs code as root" if _WILDCARD.search(args) else ""


def _by_container(_: str, args: str | None) -> str:
    if args is None or free(args):
        return "it can mount the host's files into what it starts"
    return "its arguments can mount the host's files" if _WILDCARD.search(args) else ""


def _by_pager(name: str, args: str | None) -> str:
    words = (args or "").split()
    if name not in _PAGED:
        return "a shell can be started from its pager"
    if args is not None and ("--no-pager" in words or (name == "git" and "-P" in words)):
        return ""
    if args is None or free(args):
        return "it shows things in a pager, where a shell can be started"
    if name in {"systemctl", "loginctl", "git"} and not _SHOWING.intersection(words) and words:
        return ""
    return "it shows things in a pager, where a shell can be started"


def _by_control(_: str, args: str | None) -> str:
    return "its arguments are not named" if args is None else ""


_BY_KIND = {
    Capability.EXEC: _by_exec, Capability.WRITE: _by_write, Capability.READ: _by_read,
    Capability.PACKAGE: _by_package, Capability.CONTAINER: _by_container,
    Capability.PAGER: _by_pager,
}  # fmt: skip
