"""The practice estate's own certificate authority; its key never leaves this process's memory."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Literal

import trustme

Guilt = Literal["self-signed", "expired", "wrong-host"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's chain and private key, as PEM files (the key is mode 0600)."""

    cert_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        """What a TLS server in this process serves with; TLS 1.2 or newer."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.cert_file, self.key_file)
        return context


class Authority:
    """One local CA for all servers of one estate.  `ca_file` is what clients are told to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._authority = trustme.CA(organization_name="runbook practice estate")
        self._lock = Lock()
        self._issued = 0
        self.ca_file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca_file)

    def issue(self, *names: str, days: int | None = None) -> Certificate:
        """A server certificate for DNS names (wildcards too) and IP addresses; the first one is its file's name.

        It is good for `days` days more; None: for ever.
        """
        until = None if days is None else datetime.now(UTC) + timedelta(days=days)
        return self._issued_for(names, until=until)

    def bad(self, guilt: Guilt, *names: str) -> Certificate:
        """A certificate that a client of these names must refuse, for that one reason."""
        makers: dict[Guilt, Callable[[], Certificate]] = {
            "self-signed": lambda: self._self_signed(names),
            "expired": lambda: self._issued_for(names, until=datetime.now(UTC) - timedelta(days=2)),
            "wrong-host": lambda: self._issued_for((f"not-{names[0]}",), until=None),
        }
        return makers[guilt]()

    def _issued_for(self, names: tuple[str, ...], *, until: datetime | None) -> Certificate:
        since = None if until is None else until - timedelta(days=90)
        leaf = self._authority.issue_cert(*names, not_before=since, not_after=until)
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        return self._written(names[0], chain, leaf.private_key_pem.bytes())

    def _self_signed(self, names: tuple[str, ...]) -> Certificate:
        """Its own issuer (OpenSSL's code 18): no authority stands behind it."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        itself = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        now = datetime.now(UTC)
        built = (
            x509.CertificateBuilder(itself, itself, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self._written(names[0], built.public_bytes(pem), private)

    def _written(self, name: str, chain: bytes, key: bytes) -> Certificate:
        with self._lock:
            self._issued += 1
            stem = f"{re.sub(r'[^A-Za-z0-9.-]', '_', name)}-{self._issued}"
        certificate = Certificate(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        certificate.cert_file.write_bytes(chain)
        with os.fdopen(os.open(certificate.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
        return certificate

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority and nothing else, whatever SSL_CERT_FILE says."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=self.ca_file)
        return context
