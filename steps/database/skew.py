"""Whether the restored vault has the keys that the restored rows were written with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runbook.config import Column
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import KeyVersions, TransitKey
from steps.database.access import copy
from steps.facts import SnapshotChosen, VaultBackupChosen
from steps.here import Here, age, count, iso, moment
from steps.ticking import Ticker

SOURCE: Final = "versions of the ciphertexts' keys, vault: GET /v1/transit/keys/{name}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """One column of ciphertexts, and the key that its rows need, None where the vault has none of that name."""

    place: str
    name: str
    needs: KeyVersions
    key: TransitKey | None

    @property
    def fault(self) -> str:
        """What the rows need and the vault does not have, or ""."""
        if self.key is None:
            return f"rows of {self.place} need key {self.name}, which the recovered vault does not have"
        if lacking := [version for version in self.needs.versions if version not in self.key.versions]:
            need = f"rows of {self.place} need version {_listed(lacking)} of {self.name}"
            return f"{need}, the recovered vault has {_listed(self.key.versions)}"
        if shut := [version for version in self.needs.versions if version < self.key.min_decryption]:
            need = f"rows of {self.place} need version {_listed(shut)} of {self.name}"
            return f"{need}, the recovered vault decrypts from version {self.key.min_decryption} on only"
        return ""

    @property
    def said(self) -> str:
        """What was seen, where nothing is wrong."""
        versions = _listed(self.needs.versions) or "none"
        return f"{self.place}: {count(self.needs.values)} values, version {versions} of {self.name}"


async def keys_fit(here: Here) -> Observation:
    """Both backups' times are told; every key version that the rows were written with must be in the vault."""
    until, vault = _recovery_point(here), moment(here.desk.need(VaultBackupChosen).created_at)
    seen = await _seen(here)
    faults = [each.fault for each in seen if each.fault]
    told = f"vault as of {iso(vault)}, database as of {iso(until)}"
    return Observation.that(
        not faults,
        expected="every key version that the rows need in the recovered vault",
        observed=f"{told}; {'; '.join(faults or [each.said for each in seen])}",
        source=SOURCE,
        fix=_fix(seen, vault, until),
        findings=(*_not_known(here, vault, until), *_no_ciphertexts(seen)),
    )


def _recovery_point(here: Here) -> datetime:
    chosen = here.desk.need(SnapshotChosen)
    return moment(chosen.data_until or chosen.created_at)


def _columns(here: Here) -> tuple[Column, ...]:
    """As configured, else where the canary is."""
    canary = here.environment.canary
    return here.environment.database.ciphertexts or (Column(table=canary.table, column=canary.ciphertext_column),)


async def _seen(here: Here) -> list[_Seen]:
    """Every column whole: a single row may need another version than all the others."""
    columns = _columns(here)
    ticker = Ticker(here.desk, "reading the key versions of", of=len(columns), unit="columns")

    async def looked() -> list[_Seen]:
        return [await _look(here, column, ticker) for column in columns]

    return await ticker.beside(looked())


async def _look(here: Here, column: Column, ticker: Ticker) -> _Seen:
    name = column.transit_key or here.environment.canary.transit_key
    place = f"{column.table}.{column.column}"
    ticker(0, 0, place)
    needs = await copy(here).key_versions(column.table, column.column)
    return _Seen(place, name, needs, await _key(here, name))


async def _key(here: Here, name: str) -> TransitKey | None:
    """A vault that was sealed meanwhile says nothing about its keys: that is another layer's fall."""
    try:
        return await here.estate.vault.transit_key(here.environment.vault.transit_mount, name)
    except LayerFailed as refused:
        if not (await here.estate.vault.seal_status()).sealed:
            raise
        raise NoVerdict(
            refused.sentence, fix=refused.fix, provider_text=refused.provider_text, source=refused.source
        ) from None


def _fix(seen: list[_Seen], vault: datetime, until: datetime) -> str:
    """A key that is not there is in another backup only; what is shut can be opened in the vault that is there."""
    if not any(each.key is None or set(each.needs.versions) - set(each.key.versions) for each in seen):
        return "Lower the key's min_decryption_version in the restored vault to the oldest version that the rows need."
    if vault < until:
        return f"Go back to vault.choose and take a backup made after {iso(until)}."
    return "Go back to vault.choose and take another backup: this one is newer than the data, and still lacks its key."


def _not_known(here: Here, vault: datetime, until: datetime) -> tuple[Finding, ...]:
    """What was written in between may need a key that came after the vault's backup."""
    if here.environment.database.ciphertexts or vault >= until:
        return ()
    said = f"the vault's backup of {iso(vault)} is {age(vault, until)} older than the data of {iso(until)}"
    return (Finding(f"{said}: rows written in between may need keys that it does not have", "major"),)


def _no_ciphertexts(seen: list[_Seen]) -> tuple[Finding, ...]:
    return tuple(
        Finding(f"{count(each.needs.other)} values of {each.place} are no ciphertexts of a transit key", "major")
        for each in seen
        if each.needs.other
    )


def _listed(versions: tuple[int, ...] | list[int]) -> str:
    return ", ".join(str(version) for version in sorted(versions))
