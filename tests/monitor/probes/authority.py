"""An authority of certificates for tests, and what a careless one would sign."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@dataclass(frozen=True)
class Authority:
    """Signs certificates for this machine's loopback address."""

    directory: Path
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def __post_init__(self) -> None:
        """Write down its own certificate."""
        now = dt.datetime.now(dt.UTC)
        own = (
            x509.CertificateBuilder()
            .subject_name(_name("Test Authority"))
            .issuer_name(_name("Test Authority"))
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - DAY)
            .not_valid_after(now + 400 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.path.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    @property
    def path(self) -> Path:
        """The file that makes a client believe it."""
        return self.directory / "authority.pem"

    def issue(
        self, *, days: int = 90, begins: int = -1, broken: bool = False, host: str = "127.0.0.1"
    ) -> ssl.SSLContext:
        """Return a server's side of TLS, with a certificate that ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        end = now + days * DAY
        signed = (
            x509.CertificateBuilder()
            .subject_name(_name("<script>${7*7}\x1b[31m"))
            .issuer_name(_name("Test Authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, end) + begins * DAY)
            .not_valid_after(end)
            .add_extension(names, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        der = signed.public_bytes(serialization.Encoding.DER)
        if broken:  # the 99th day of the 99th month
            told = end.strftime("%y%m%d%H%M%SZ").encode()
            der = der.replace(told, told[:2] + b"9999" + told[6:])
        path = self.directory / f"{signed.serial_number}.pem"
        path.write_bytes(_pem(key) + ssl.DER_cert_to_PEM_cert(der).encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
