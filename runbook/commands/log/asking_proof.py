"""How a sign-off is shown: a witness code that was read out, or a signature over the statement."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runbook.commands.log.asking import Wanted, answers, line
from runbook.commands.log.asking_signer import Signing
from runbook.config.signers import PublicKey, public_key
from runbook.engine.errors import RecordFailed, Refused, WrongUse
from runbook.engine.ports import Field
from runbook.records.disk import Disk, read_whole
from runbook.records.evidence.witness_code import same_code, witness_code
from runbook.records.signoff import signature
from runbook.records.signoff.documents import Proof
from runbook.records.signoff.signature import STATEMENT

TRIES: Final = 3  # at a code that is heard over a telephone
LARGEST: Final = 64 * 1024  # bytes of a signature or a key
_HOW: Final = (
    "They read it from their own copy of the report, over the telephone:",
    "8 letters and digits, such as K7QM-4T9X. It shows that they have this report.",
)


async def proof(this: Signing, name: str, statement: bytes) -> tuple[Proof, Mapping[str, bytes]]:
    """What was shown, and the files that hold it.  Refused where a code or a signature is not right."""
    signer, given = this.known(name), this.given
    if given.signature is None:
        if signer is not None:
            raise WrongUse(
                f"runbook.toml has a key of {signer.name}: a code does not do in that name",
                fix=f"--statement -o {STATEMENT}, let them sign it with that key, then --signature FILE.",
            )
        await _by_code(this, name)
        return Proof(), {STATEMENT: statement}
    if signer is not None and given.public_key is not None:
        raise WrongUse(f"runbook.toml has a key of {signer.name}: no other one counts", fix="Leave --public-key out.")
    key = public_key(signer.key) if signer is not None else _given_key(given.public_key)
    signed = _small(given.signature)
    signature.verify(statement, signed, key)
    return Proof(key, known=signer is not None), signature.files(statement, signed, key)


async def _by_code(this: Signing, name: str) -> None:
    right = witness_code(read_whole(this.about.folder / "run.json", Disk()))
    code = Field("code", "Witness code", wrong=line("a code"))
    for left in range(TRIES, 0, -1):
        wanted = Wanted("--code", this.given.code, code)
        again = "" if left == TRIES else f"That was not it, {left} {'tries' if left > 1 else 'try'} left. "
        title = f"{again}The witness code that {name} reads out"
        if same_code((await answers(this.asked, title, [wanted], submit="sign", text=_HOW))["code"], right):
            return
        if this.given.code is not None:
            break
    raise Refused(
        f"that is not the witness code of {this.about.run_id}: {name} has another report, or it was misheard",
        fix="Send them the report of this run (runbook report RUN), and let them read the code from it.",
    )


def _given_key(path: Path | None) -> PublicKey:
    if path is None:
        raise WrongUse(
            "nothing says whose key that signature is of",
            fix="--public-key FILE, or better [[people.signers]] in runbook.toml, beforehand.",
        )
    try:
        return public_key(_small(path).decode("utf-8", "replace"))
    except ValueError as error:
        raise WrongUse(f"{path} {error}") from None


def _small(path: Path) -> bytes:
    try:
        content = read_whole(path.absolute(), Disk())
    except RecordFailed as failure:  # it is not the record's: it was named on the command line
        raise WrongUse(failure.sentence, fix="Name the file that was made.") from failure
    if len(content) > LARGEST:
        raise WrongUse(f"{path} is too large to be a signature or a key")
    return content
