"""Real keys of OpenSSH and minisign, made in a folder of the test's, and what is signed with them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook.config.signers import PublicKey, public_key

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
needs_minisign = pytest.mark.skipif(shutil.which("minisign") is None, reason="needs minisign")
METHODS = (pytest.param("ssh", marks=needs_ssh), pytest.param("minisign", marks=needs_minisign))


@dataclass(frozen=True)
class Key:
    """A key pair; `file` is the secret half, `public_file` the other."""

    method: str
    file: Path
    public_file: Path

    @property
    def public(self) -> PublicKey:
        return public_key(self.public_file.read_text(encoding="utf-8"))

    def signature(self, content: bytes, namespace: str = "runbook-signoff") -> bytes:
        """As a person makes it: over a file called statement.txt."""
        statement = self.file.with_name("statement.txt")
        statement.write_bytes(content)
        for left in statement.parent.glob("statement.txt.*"):
            left.unlink()
        if self.method == "ssh":
            _run("ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(self.file), str(statement))
        else:
            _run("minisign", "-S", "-s", str(self.file), "-m", str(statement))
        (made,) = statement.parent.glob("statement.txt.*")
        return made.read_bytes()


def key(folder: Path, method: str, name: str = "key") -> Key:
    """A new one."""
    file = folder / name
    if method == "ssh":
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "somebody@somewhere", "-f", str(file))
    else:
        _run("minisign", "-G", "-W", "-p", str(file.with_suffix(".pub")), "-s", str(file))
    return Key(method, file, file.with_suffix(".pub"))


def certified(folder: Path, signer: Key, validity: str) -> Key:
    """The same key, with a certificate that was good for that time."""
    authority = key(folder, "ssh", "authority")
    to = ("-I", "id", "-n", "signer", "-V", validity, str(signer.public_file))
    _run("ssh-keygen", "-q", "-s", str(authority.file), *to)
    return Key("ssh", signer.file.with_name(f"{signer.file.name}-cert.pub"), signer.public_file)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=20)
