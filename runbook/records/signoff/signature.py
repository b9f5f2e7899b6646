"""Whether a signature is one key's over one statement: asked of OpenSSH or minisign, as programs of this machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from runbook.config.signers import MINISIGN, SSH, PublicKey
from runbook.engine.errors import NoVerdict, Refused, WrongUse
from runbook.safety.outside_text import outside_text

NAMESPACE: Final = "runbook-signoff"
STATEMENT: Final = "statement.txt"
TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Way:
    """A kind of signature: how its files are called and begin, which program verifies it and makes it.

    The commands run where the files lie; `KEY` in `made` is the signer's own.
    """

    method: str
    begins: bytes
    signature: str
    key: str
    key_file: Callable[[PublicKey], str]
    verified: tuple[str, ...]
    made: tuple[str, ...]
    package: str

    @property
    def program(self) -> str:
        """What has to be installed."""
        return self.verified[0]

    @property
    def by_hand(self) -> str:
        """How anybody verifies it again, in the folder where the files lie."""
        fed = "" if STATEMENT in self.verified else f" < {STATEMENT}"
        return " ".join(self.verified) + fed


def _allowed_signers(key: PublicKey) -> str:
    return f'signer namespaces="{NAMESPACE}" {key.text}\n'


def _minisign_pub(key: PublicKey) -> str:
    return f"untrusted comment: {key.fingerprint}\n{key.text}\n"


_SSH: Final = Way(
    method=SSH,
    begins=b"-----BEGIN SSH SIGNATURE-----",
    signature=f"{STATEMENT}.sig",
    key="allowed_signers",
    key_file=_allowed_signers,
    verified=tuple(f"ssh-keygen -Y verify -f allowed_signers -I signer -n {NAMESPACE} -s {STATEMENT}.sig".split()),
    made=tuple(f"ssh-keygen -Y sign -n {NAMESPACE} -f KEY {STATEMENT}".split()),
    package="openssh-client",
)
_MINISIGN: Final = Way(
    method=MINISIGN,
    begins=b"untrusted comment:",
    signature=f"{STATEMENT}.minisig",
    key="minisign.pub",
    key_file=_minisign_pub,
    verified=tuple(f"minisign -V -q -p minisign.pub -m {STATEMENT} -x {STATEMENT}.minisig".split()),
    made=tuple(f"minisign -S -s KEY -m {STATEMENT}".split()),
    package="minisign",
)
WAYS: Final[Mapping[str, Way]] = MappingProxyType({way.method: way for way in (_SSH, _MINISIGN)})
"""By method."""


def files(statement: bytes, signature: bytes, key: PublicKey) -> Mapping[str, bytes]:
    """What is kept of a signature, and is enough to verify it again: by name, in one folder."""
    way = WAYS[key.method]
    return {STATEMENT: statement, way.signature: signature, way.key: way.key_file(key).encode("utf-8")}


def verify(statement: bytes, signature: bytes, key: PublicKey, *, timeout_s: float = TIMEOUT_S) -> None:
    """Nothing where the signature is that key's over exactly these bytes; Refused where it is not.

    WrongUse names the program that is missing here; NoVerdict where it does not answer in `timeout_s` seconds.
    """
    way = WAYS[key.method]
    if not signature.lstrip().startswith(way.begins):
        raise Refused(
            f"the file holds no signature of {way.program}, and the signer's key is one of {way.program}",
            fix=f"Make it with: {' '.join(way.made)}",
        )
    with tempfile.TemporaryDirectory(prefix="runbook-signature-") as folder:
        for name, content in files(statement, signature, key).items():
            (Path(folder) / name).write_bytes(content)
        _ask(way, folder, statement, timeout_s)


def _ask(way: Way, folder: str, statement: bytes, timeout_s: float) -> None:
    program = shutil.which(way.program)
    if program is None:
        raise WrongUse(
            f"{way.program} verifies this signature, and is not on this machine", fix=f"Install {way.package}."
        )
    argv = [program, *way.verified[1:]]
    quiet = {"LC_ALL": "C", "HOME": folder, "PATH": ""}
    try:
        done = subprocess.run(
            argv, cwd=folder, env=quiet, input=statement, capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoVerdict(f"{way.program} did not finish within {timeout_s:.0f} s", fix="Try again.") from None
    except OSError as error:
        raise WrongUse(f"{way.program} could not be started: {error.strerror}", fix=f"Install {way.package}.") from None
    if done.returncode:
        words = outside_text(done.stderr.strip() or done.stdout.strip(), 200)
        raise Refused(
            f"{way.program} says that this is not the signer's signature over this statement: {words}",
            fix="The statement may have changed since (--statement prints it as it is now): let it be signed again.",
        )
