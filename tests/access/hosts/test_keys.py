"""Public keys and authorized_keys, held against ssh-keygen and sshd(8)."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from opskit.access.hosts.keys import authorized_keys
from opskit.access.hosts.model import AuthorizedKey, File
from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.core.clock import iso
from tests.conftest import CASES
from tests.rig.command import missing
from tests.rig.plugin import require

KEY = (
    CASES / "access/rules/SSH-KEY-NOEXP/fail-for-ever/home/alice/.ssh/authorized_keys"
).read_text()
KEY = " ".join(KEY.split()[:2])
KINDS = [
    ("rsa", "1024"), ("rsa", "3072"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"),
    ("ed25519", "256"), ("dsa", "1024"),
]  # fmt: skip


def read(line: str, zone: str = "UTC") -> AuthorizedKey:
    found = authorized_keys(File("/k", line), "alice", ZoneInfo(zone))
    assert found.misread == ()
    (one,) = found.values
    return one


def refused(line: str) -> str:
    found = authorized_keys(File("/k", line), "alice")
    assert found.values == ()
    (one,) = found.misread
    return one.reason.removeprefix("opens nothing: ")


@pytest.fixture(scope="module", params=KINDS, ids="-".join)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    require(missing({"ssh-keygen": "openssh-client"}))
    kind, bits = request.param
    path = tmp_path_factory.mktemp("keys") / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-C", "a comment", "-f", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return path.with_suffix(".pub")


def test_a_key_is_what_ssh_keygen_says_it_is(made: Path) -> None:
    key = public_key(made.read_text())
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", made], capture_output=True, text=True, check=True
    )
    bits, fingerprint = listed.stdout.split()[:2]
    assert (str(key.bits), key.fingerprint, key.comment) == (bits, fingerprint, "a comment")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ssh-ed25519", "a key has a type and its value"),
        ("ssh-rsa " + KEY.split()[1], "another type than the line says"),
        (KEY[:-8], "the key is cut off"),
        ("ssh-ed25519 not!base64", "the key is no base64"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "a certificate stands where a key should"),
        ("no-such-option " + KEY, "no option of sshd: no-such-option"),
        ("restrict=yes " + KEY, "no option of sshd"),
        ("command " + KEY, "no option of sshd: command"),
        ('command="unclosed ' + KEY, "a quote is not closed"),
        ('from="a",from="b" ' + KEY, "option from stands twice"),
        ('expiry-time="20261301" ' + KEY, "is no time"),
        ('expiry-time="tomorrow" ' + KEY, "is no time"),
        ("just words", "no option of sshd: just"),
    ],
)
def test_a_line_sshd_would_refuse_is_told(line: str, reason: str) -> None:
    assert reason in refused(line)


def test_options_are_read_as_sshd_reads_them() -> None:
    one = read(
        'Restrict,command="sh -c \\"echo a, b\\" # no comment",from="10.0.0.0/8,!10.1.0.0/16",'
        f'environment="A=1",environment="B=2",permitopen="db:5432" {KEY} alice at work'
    )
    assert one.options == {
        "restrict": None,
        "command": 'sh -c "echo a, b" # no comment',
        "from": "10.0.0.0/8,!10.1.0.0/16",
        "environment": "A=1\nB=2",
        "permitopen": "db:5432",
    }
    assert one.key.comment == "alice at work"


def test_an_authority_and_its_principals() -> None:
    one = read(f'cert-authority,principals="grant-42,grant-43" {KEY}')
    assert one.options == {"cert-authority": None, "principals": "grant-42,grant-43"}


@pytest.mark.parametrize(
    ("written", "zone", "instant"),
    [
        ("20270131Z", "Australia/Sydney", "2027-01-31T00:00:00Z"),
        ("202701311230z", "Australia/Sydney", "2027-01-31T12:30:00Z"),
        ("20270131123045Z", "UTC", "2027-01-31T12:30:45Z"),
        ("20270131", "UTC", "2027-01-31T00:00:00Z"),
        # Summer in Sydney and in Berlin: standard time all the same.
        ("202701311200", "Australia/Sydney", "2027-01-31T02:00:00Z"),
        ("202707011200", "Europe/Berlin", "2027-07-01T11:00:00Z"),
        ("202701011200", "Europe/Berlin", "2027-01-01T11:00:00Z"),
    ],
)
def test_a_time_without_z_is_standard_time_of_the_host(
    written: str, zone: str, instant: str
) -> None:
    end = read(f'expiry-time="{written}" {KEY}', zone).expires_at
    assert end is not None
    assert iso(end) == instant


def test_of_two_ends_the_earlier_counts() -> None:
    end = read(f'expiry-time="20270131Z",expiry-time="20270101Z" {KEY}').expires_at
    assert end is not None
    assert iso(end) == "2027-01-01T00:00:00Z"


VALUE = st.text(
    st.characters(codec="utf-8", exclude_characters="\\\n\0", categories=["L", "N", "P", "Zs"])
)
OPTIONS = st.dictionaries(st.sampled_from(["command", "from", "environment", "permitopen"]), VALUE)


@given(OPTIONS, st.booleans())
def test_what_is_written_is_read_again(options: dict[str, str], restrict: bool) -> None:
    words = ["restrict"] * restrict
    words += ['{}="{}"'.format(name, value.replace('"', '\\"')) for name, value in options.items()]
    one = read(f"{','.join(words)} {KEY}")
    assert one.options == {**({"restrict": None} if restrict else {}), **options}


@given(st.text(), st.text())
def test_no_text_is_too_strange(before: str, after: str) -> None:
    authorized_keys(File("/k", f"{before} {KEY} {after}"), "alice")
    authorized_keys(File("/k", before), "alice")


@given(st.binary(max_size=200), st.sampled_from(["ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256"]))
def test_no_blob_is_too_strange(blob: bytes, kind: str) -> None:
    name = len(kind).to_bytes(4) + kind.encode()
    for one in (blob, name + blob):
        try:
            public_key(f"{kind} {base64.b64encode(one).decode()}")
        except NoKeyError:
            continue
