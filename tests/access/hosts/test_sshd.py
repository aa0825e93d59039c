"""sshd_config, held against sshd itself."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.access.hosts import sshd
from opskit.access.hosts.model import File
from opskit.access.hosts.sshd import SshdConfig, configuration, effective
from tests.rig.command import is_root, missing
from tests.rig.plugin import require


def read(path: Path) -> SshdConfig:
    def matching(pattern: str) -> Sequence[File]:
        # What the files of a test include stands beside them.
        beside = sorted(path.parent.glob(Path(pattern).name))
        return [File(str(one), one.read_text()) for one in beside]

    return configuration(File(str(path), path.read_text()), matching)


def written(directory: Path, text: str, **others: str) -> SshdConfig:
    for name, content in others.items():
        (directory / f"{name}.conf").write_text(content)
    (directory / "sshd_config").write_text(text)
    return read(directory / "sshd_config")


def test_the_first_value_counts(tmp_path: Path) -> None:
    config = written(tmp_path, "UsePAM yes\nusepam=no\nPort 22\nPort 2222\n")
    assert config.effective["usepam"] == "yes"
    assert config.effective["port"] == "22 2222"
    assert config.blocks[0].at["usepam"].number == 1


def test_a_match_ends_with_the_file_it_is_in(tmp_path: Path) -> None:
    config = written(
        tmp_path, "Include *.conf\nX11Forwarding yes\n",
        a="Match User bob\nX11Forwarding no\n", b="AllowAgentForwarding no\n",
    )  # fmt: skip
    assert config.effective["x11forwarding"] == "yes"
    assert config.effective["allowagentforwarding"] == "no"
    assert [one.criteria for one in config.blocks] == ["", "User bob"]


def test_what_is_included_under_a_match_counts_there_alone(tmp_path: Path) -> None:
    config = written(tmp_path, "Match User bob\nInclude a.conf\n", a="X11Forwarding yes\n")
    assert config.effective["x11forwarding"] == "no"
    assert config.blocks[1].values == {"x11forwarding": "yes"}


def test_a_loop_of_includes_ends_and_is_told(tmp_path: Path) -> None:
    config = written(tmp_path, "UsePAM yes\nInclude a.conf\n", a="Include *.conf\nInclude *.conf\n")
    assert config.effective["usepam"] == "yes"
    assert {"more than 16 levels" in one.reason for one in config.misread} >= {True}


def test_what_sshd_printed_is_read(tmp_path: Path) -> None:
    assert effective("port 22\nusepam yes\nport 2222\n\n") == {"port": "22 2222", "usepam": "yes"}


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    configuration(File("/c", text), lambda _pattern: [])


KEYWORDS = {
    "PermitRootLogin": ["yes", "no", "prohibit-password", "without-password", '"no"'],
    "PasswordAuthentication": ["yes", "no"],
    "KbdInteractiveAuthentication": ["yes", "no"],
    "ChallengeResponseAuthentication": ["yes", "no"],
    "AllowTcpForwarding": ["yes", "no", "local"],
    "X11Forwarding": ["yes", "no"],
    "AuthorizedKeysFile": ["none", ".ssh/authorized_keys /etc/keys/%u"],
}
SETTING = st.sampled_from(sorted(KEYWORDS)).flatmap(
    lambda one: st.tuples(
        st.sampled_from([one, one.lower()]), st.sampled_from([" ", "=", " = ", "\t"]),
        st.sampled_from(KEYWORDS[one]),
    )
).map("".join)  # fmt: skip
LINES = st.lists(
    st.one_of(SETTING, SETTING, st.sampled_from(["Match User bob", "Match all", "Include a.conf"])),
    max_size=8,
).map("\n".join)


@pytest.fixture(scope="module")
def host_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require(
        missing({"ssh-keygen": "openssh-client", "unshare": "util-linux"})
        or (None if is_root() else "sshd -T needs root")
    )
    path = tmp_path_factory.mktemp("sshd") / "host"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, LINES)
def test_a_plain_user_meets_what_sshd_says(
    host_key: Path, tmp_path: Path, text: str, included: str
) -> None:
    included = included.replace("Include", "# Include")
    text = text.replace("Include ", f"Include {tmp_path}/")
    config = written(tmp_path, text, a=included)
    told = effective(printed(host_key, tmp_path / "sshd_config"))
    for keyword in ("passwordauthentication", "kbdinteractiveauthentication", "x11forwarding",
                    "allowtcpforwarding", "authorizedkeysfile"):  # fmt: skip
        assert config.effective[keyword] == told[keyword], keyword
    # sshd calls it by its old name.
    root = config.effective["permitrootlogin"].replace("prohibit-password", "without-password")
    assert root == told["permitrootlogin"]


def printed(host_key: Path, config: Path) -> str:
    """Return what sshd has in force for carol."""
    script = 'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec "$@"'
    sshd_itself = ["/usr/sbin/sshd", "-T", "-f", str(config), "-h", str(host_key)]
    who = ["-C", "user=carol,host=web1,addr=192.0.2.1"]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *sshd_itself, *who],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_defaults_are_those_of_sshd(host_key: Path, tmp_path: Path) -> None:
    (tmp_path / "sshd_config").write_text("")
    told = effective(printed(host_key, tmp_path / "sshd_config"))
    told["permitrootlogin"] = told["permitrootlogin"].replace("without", "prohibit")
    assert {name: told[name] for name in sshd.DEFAULTS} == sshd.DEFAULTS
