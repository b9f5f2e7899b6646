"""How production comes to be: started, filled from the synthetic clinic and backed up, side by side where it can be."""

from __future__ import annotations

import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runbook.training import clinic, production
from runbook.training.archives import Shelf
from runbook.training.certificates import Authority
from runbook.training.copies import Copies
from runbook.training.manifests import SNAPSHOTS, Manifests
from runbook.training.operator_sign_in import OperatorSignIn
from runbook.training.pitr import Archive
from runbook.training.production_vault import ProductionVault, VaultArchive
from runbook.training.servers import aws_names as names
from runbook.training.servers.aws_process import AwsProcess
from runbook.training.servers.openbao import Bao
from runbook.training.servers.postgres import Cluster
from runbook.training.servers.tls_front import TlsFront
from runbook.training.variant import Variant

SAMPLES = ("Runbook control record.", "Runbook record of another text.")
NEWEST_NOTES = 120
"""How many of the clinic's notes were written after the transit key was rotated."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What is known once production was filled and backed up; `keyless` is the vault from before the rotation."""

    ciphertexts: production.Ciphertexts
    canary_sha256: str
    shelf: Shelf
    keyless: VaultArchive


@dataclass(frozen=True, slots=True)
class Filling:
    """The servers that are to be started and filled, none of them running; `now` is aware, `root` private."""

    root: Path
    seed: int
    now: datetime
    control: str
    variant: Variant
    authority: Authority
    passwords: production.Passwords
    aws: AwsProcess
    sign_in: OperatorSignIn
    vault: ProductionVault
    staging: Bao
    source: Cluster
    source_front: TlsFront
    archive: Archive
    copies: Copies
    manifests: Manifests

    def run(self, pool: ThreadPoolExecutor) -> Filled:
        """The order that the data asks for: notes are encrypted before they are stored, stored before backed up."""
        snapshots = production.snapshot_moments(self.now)
        aws = pool.submit(self._start_aws, snapshots)
        source = pool.submit(self._start_source)
        if self.variant.seal == "awskms":
            aws.result()  # a vault that cannot ask its key service ends at once
            self._seal_with_kms()
        vault = pool.submit(self._start_vault)
        people = clinic.make(self.seed, self.now, snapshots)
        texts = [people.canary, *SAMPLES, *(note.text for note in people.notes)]
        vault.result()
        encrypted = pool.submit(lambda: list(self.vault.encrypt(texts[:-NEWEST_NOTES])))
        staging = pool.submit(self.staging.start)
        source.result()
        production.fill(self.source, people)
        older = encrypted.result()
        login = (production.VAULT_USER, self.passwords.vault)
        self.vault.connect_database(self._vaults_url(), *login, production.READ_ONLY)
        keyless = self._rotate()
        canary, control, other, *notes = [*older, *self.vault.encrypt(texts[-NEWEST_NOTES:])]
        saved = pool.submit(self._save_vault)
        production.fill_encrypted(self.source, people, canary, notes)
        manifests = pool.submit(self.manifests.make, snapshots[-SNAPSHOTS:])
        self.copies.back_up()
        aws.result()
        manifests.result()
        self.manifests.publish()
        shelf = Shelf(self.aws, saved.result())
        shelf.publish()
        staging.result()
        ciphertexts = production.Ciphertexts(control, other)
        return Filled(ciphertexts, hashlib.sha256(people.canary.encode()).hexdigest(), shelf, keyless)

    # -- cloud ----------------------------------------------------------------------------------------------------
    def _start_aws(self, snapshots: tuple[datetime, ...]) -> None:
        self.aws.start(
            control=self.control,
            engine_version=self.source.binaries.version(),
            source_port=self.source_front.port,
            snapshots=snapshots,
        )
        self.sign_in.prepare()

    # -- vault ----------------------------------------------------------------------------------------------------
    def _seal_with_kms(self) -> None:
        """Both vaults are unsealed by production's KMS key, with an identity of their own."""
        seal = {
            "region": names.REGION,
            "kms_key_id": self.aws.facts["kms_key"],
            "endpoint": self.aws.endpoint,
            "access_key": names.VAULT_KEY,
            "secret_key": secrets.token_hex(20),
        }
        for bao in (self.vault.bao, self.staging):
            bao.configure({**bao.extra, "seal": [{"awskms": seal}]})

    def _start_vault(self) -> None:
        self.vault.bao.start()
        self.vault.found()

    def _vaults_url(self) -> str:
        """As production's vault reaches its database; the templates are the database engine's."""
        options = f"sslmode=verify-full&sslrootcert={self.authority.ca_file}"
        port = self.source_front.port
        return f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/{names.DATABASE}?{options}"

    def _rotate(self) -> VaultArchive:
        """A new version of the notes' key; answers the vault as it was just before."""
        self.vault.audit()
        (keyless,) = self.vault.back_up(self.root / "vault-keyless", [self.now])
        self.vault.rotate()
        return keyless

    def _save_vault(self) -> tuple[VaultArchive, ...]:
        return self.vault.back_up(self.root / "vault-backups", production.vault_backup_moments(self.now))

    # -- database -------------------------------------------------------------------------------------------------
    def _start_source(self) -> None:
        self.archive.make()
        self.source.create()
        # It archives, as production does: a copy that forgot to turn this off would be seen to.
        self.source.configure(archive_mode="on", archive_command=self.archive.command)
        self.source.start()
        production.lay_out(self.source, self.passwords)
