"""The practice estate's own certificate authority; its key never leaves this process's memory."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import trustme


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

    def issue(self, *names: str) -> Certificate:
        """A server certificate for DNS names (wildcards too) and IP addresses; the first one is its file's name."""
        with self._lock:
            self._issued += 1
            stem = f"{re.sub(r'[^A-Za-z0-9.-]', '_', names[0])}-{self._issued}"
        leaf = self._authority.issue_cert(*names)
        certificate = Certificate(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        certificate.cert_file.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        with os.fdopen(os.open(certificate.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as key:
            key.write(leaf.private_key_pem.bytes())
        return certificate

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority and nothing else, whatever SSL_CERT_FILE says."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=self.ca_file)
        return context
