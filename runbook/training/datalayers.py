"""The practice estate's data layers: AWS (moto), two OpenBao servers, PostgreSQL and its restored copies.

production  OpenBao + PostgreSQL, filled from the synthetic clinic
backups     raft snapshots in S3, a physical PostgreSQL backup behind RDS snapshots, manifests in S3
staging     a fresh OpenBao, and a PostgreSQL for each restore that the AWS server is asked for
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from runbook.training import clinic, data_settings, production
from runbook.training.archives import Shelf
from runbook.training.breakage import Breakage
from runbook.training.certificates import Authority
from runbook.training.copies import Copies, Home
from runbook.training.data_settings import Told
from runbook.training.faults import DATA_FAULTS, checked
from runbook.training.operator_sign_in import OperatorSignIn
from runbook.training.process import Child
from runbook.training.production_vault import (
    CUSTODIANS,
    ProductionVault,
    VaultArchive,
    foreign_share,
)
from runbook.training.servers import aws_names as names
from runbook.training.servers.aws_process import AwsProcess
from runbook.training.servers.egress import EgressProbe
from runbook.training.servers.openbao import AUDITED, Bao
from runbook.training.servers.postgres import Cluster, find_binaries, own, unprivileged
from runbook.training.servers.tls_front import TlsFront
from runbook.training.servers.waiting import Ports
from runbook.training.servers.web import LoopbackServer
from runbook.training.variant import Variant


@dataclass(frozen=True, slots=True)
class Filled:
    """What is known once production was filled and backed up."""

    ciphertexts: production.Ciphertexts
    canary_sha256: str


class DataLayers:
    """Started, broken and stopped by the supervisor.  All calls block; any thread may make them.

    `root` is a private folder that exists; PostgreSQL's data lies in a folder of its own (`temporary`), since the
    user it runs as could not reach it below a private one.  `now` is aware; `control_url` is the control server;
    `variant` says how the vaults are sealed and how the operator signs in.
    """

    def __init__(
        self,
        root: Path,
        authority: Authority,
        *,
        seed: int,
        now: datetime,
        control_url: str,
        variant: Variant = Variant(),  # noqa: B008 - frozen
    ) -> None:
        self._variant = variant
        self._root, self._authority, self._seed = root, authority, seed
        self._now = now.astimezone(UTC).replace(microsecond=0)
        self._control = control_url
        self._lock = RLock()
        self._ports = Ports()
        self._stopped = False
        self._passwords = production.Passwords()
        self._pending: list[tuple[str, dict[str, Any]]] = []
        self._breakage: Breakage | None = None
        self._filled: Filled | None = None
        self._snapshots = {
            names.snapshot_id(names.INSTANCE, made): made for made in production.snapshot_moments(self._now)
        }
        self._aws = AwsProcess(root / "aws")
        self._sign_in = OperatorSignIn(self._aws, root / "operator", variant.sign_in)
        self._vault = ProductionVault(Bao("bao production", root / "bao-production", authority, self._ports))
        self._staging = Bao("bao staging", root / "bao-staging", authority, self._ports, AUDITED)
        self._postgres = own(Path(tempfile.gettempdir()) / f"runbook-pg-{os.urandom(8).hex()}", unprivileged())
        try:
            self._lay_out_postgres()
        except BaseException:
            shutil.rmtree(self._postgres)
            raise
        self._probe = EgressProbe(self._staging_ports)
        self._probe_server = LoopbackServer(self._probe)  # last: it holds a port from now on

    def _lay_out_postgres(self) -> None:
        self._source = Cluster(
            name="postgres source",
            binaries=find_binaries(self._postgres),
            data=self._postgres / "source",
            log=self._root / "postgres-source.log",
            port=self._ports.take(),
        )
        self._source_front = TlsFront(
            self._authority.issue(names.host_name(names.INSTANCE), "127.0.0.1"), self._source.port
        )
        self._backup = self._postgres / "backup"
        home = Home(folder=self._postgres, backup=self._backup, logs=self._root)
        self._copies = Copies(
            home, self._source, authority=self._authority, ports=self._ports, snapshots=self._snapshots
        )

    # -- life ----------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start everything, fill production, make its backups.  When any of it fails, nothing is left running."""
        try:
            self._source_front.start()
            self._probe_server.start()
            with ThreadPoolExecutor(max_workers=4, thread_name_prefix="data layers") as pool:
                self._filled, shelf = self._fill(pool)
            breakage = Breakage(
                aws=self._aws, production=self._vault, sign_in=self._sign_in, staging=self._staging,
                probe=self._probe, copies=self._copies, shelf=shelf,
                other_ciphertext=self._filled.ciphertexts.other, authority=self._authority, ports=self._ports,
                folder=self._root,
            )  # fmt: skip
            self._open_for_faults(breakage)
        except BaseException:
            self.stop()
            raise

    def _open_for_faults(self, breakage: Breakage) -> None:
        """Do what the deck wanted before the estate stood, and from now on at once."""
        with self._lock:
            if self._stopped:
                raise RuntimeError("the data layers were stopped while they started")
            self._breakage = breakage
            for kind, given in self._pending:
                breakage.faults[kind](**given)

    def _fill(self, pool: ThreadPoolExecutor) -> tuple[Filled, Shelf]:
        """The order that the data asks for: notes are encrypted before they are stored, stored before backed up."""
        aws = pool.submit(self._start_aws)
        source = pool.submit(self._start_source)
        if self._variant.seal == "awskms":
            aws.result()  # a vault that cannot ask its key service ends at once
            self._seal_with_kms()
        vault = pool.submit(self._start_vault)
        people = clinic.make(self._seed, self._now)
        vault.result()
        encrypted = pool.submit(self._encrypt, people)
        staging = pool.submit(self._staging.start)
        source.result()
        production.fill(self._source, people)
        ciphertexts = encrypted.result()
        login = (production.VAULT_USER, self._passwords.vault)
        self._vault.connect_database(self._vaults_url(), *login, production.READ_ONLY)
        saved = pool.submit(self._save_vault)
        production.fill_encrypted(self._source, people, ciphertexts)
        written = pool.submit(self._write_manifests)
        self._source.base_backup(self._backup)
        aws.result()
        self._aws.ask("publish", bucket=names.BUCKET, prefix=names.MANIFEST_PREFIX, objects=written.result())
        shelf = Shelf(self._aws, saved.result())
        shelf.publish()
        staging.result()
        return Filled(ciphertexts, hashlib.sha256(people.canary.encode()).hexdigest()), shelf

    def _start_aws(self) -> None:
        self._aws.start(
            control=self._control,
            engine_version=self._source.binaries.version(),
            source_port=self._source_front.port,
            snapshots=list(self._snapshots.values()),
        )
        self._sign_in.prepare()

    def _seal_with_kms(self) -> None:
        """Both vaults are unsealed by production's KMS key, with an identity of their own."""
        seal = {
            "region": names.REGION,
            "kms_key_id": self._aws.facts["kms_key"],
            "endpoint": self._aws.endpoint,
            "access_key": names.VAULT_KEY,
            "secret_key": secrets.token_hex(20),
        }
        for bao in (self._vault.bao, self._staging):
            bao.configure({**bao.extra, "seal": [{"awskms": seal}]})

    def _vaults_url(self) -> str:
        """As production's vault reaches its database; the templates are the database engine's."""
        options = f"sslmode=verify-full&sslrootcert={self._authority.ca_file}"
        return f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{self._source_front.port}/{names.DATABASE}?{options}"

    def _start_vault(self) -> None:
        self._vault.bao.start()
        self._vault.found()

    def _start_source(self) -> None:
        archive = own(self._postgres / "archive", self._source.binaries.user)
        self._source.create()
        # It archives, as production does: a copy that forgot to turn this off would be seen to.
        command = f'test ! -f "{archive}/%f" && cp "%p" "{archive}/%f"'
        self._source.configure(archive_mode="on", archive_command=command)
        self._source.start()
        production.lay_out(self._source, self._passwords)

    def _encrypt(self, people: clinic.Clinic) -> production.Ciphertexts:
        samples = (people.canary, "Runbook control record.", "Runbook record of another text.")
        *notes, canary, control, other = self._vault.encrypt([*(note.text for note in people.notes), *samples])
        return production.Ciphertexts(tuple(notes), canary, control, other)

    def _save_vault(self) -> tuple[VaultArchive, ...]:
        self._vault.audit()
        return self._vault.back_up(self._root / "vault-backups", production.vault_backup_moments(self._now))

    def _write_manifests(self) -> list[dict[str, Any]]:
        """Manifest objects as the AWS server's `publish` takes them; each was written when its snapshot was made."""
        folder = self._root / "manifests"
        folder.mkdir(mode=0o700)
        objects = []
        for number, (snapshot, document) in enumerate(production.manifests(self._source, self._now).items()):
            file = folder / f"{number}.json"
            file.write_bytes(document)
            objects.append({
                "key": names.manifest_key(snapshot),
                "file": str(file),
                "metadata": {"sha256": hashlib.sha256(document).hexdigest()},
                "modified": self._snapshots[snapshot].isoformat(),
            })  # fmt: skip
        return objects

    def stop(self) -> None:
        """End every server by its pid and remove what lies outside `root`; idempotent."""
        with self._lock:
            self._stopped, self._breakage = True, None
            ends = [
                self._aws.stop, self._vault.bao.close, self._staging.close,
                self._copies.close, self._source_front.stop, self._source.stop, self._probe_server.stop,
            ]  # fmt: skip
            with ThreadPoolExecutor(max_workers=len(ends)) as pool:
                for done in [pool.submit(end) for end in ends]:
                    done.result()
            shutil.rmtree(self._postgres, ignore_errors=True)

    # -- what the supervisor tells others ------------------------------------------------------------------------
    def children(self) -> list[Child]:
        """Every server process that runs now."""
        fixed = [self._aws.child, self._vault.bao.child, self._staging.child, self._source.child]
        return [child for child in [*fixed, *self._copies.children()] if child.alive]

    def temporary(self) -> list[Path]:
        """Folders outside `root` that must be removed too."""
        return [self._postgres]

    @property
    def _made(self) -> Filled:
        if self._filled is None:
            raise RuntimeError("the data layers are not started")
        return self._filled

    def environment(self) -> dict[str, Any]:
        """The parts `aws`, `vault`, `database` and `canary` of `runbook.config.Environment`; no secrets."""
        told = Told(
            aws=self._aws, production=self._vault, staging=self._staging, authority=self._authority,
            source_port=self._source_front.port, probe=self._probe_server.url, seal=self._variant.seal,
        )  # fmt: skip
        return {
            "aws": {
                "account_id": names.ACCOUNT,
                "region": names.REGION,
                "endpoint": self._aws.endpoint,
                "identity_patterns": self._sign_in.identities(),
                "sign_in": self._sign_in.settings(),
            },
            "vault": told.vault(),
            "database": told.database(),
            "canary": data_settings.canary(self._made.canary_sha256, self._made.ciphertexts.control),
        }

    def credentials(self) -> dict[str, str]:
        """The practice operator's sign-ins and the sample application's; hand them on in memory only."""
        drill, app = self._vault.roles["drill"], self._vault.roles["app"]
        return {
            **self._sign_in.credentials(),
            "vault-role-id": drill.role_id,
            "vault-secret-id": drill.secret_id,
            "database-password": self._passwords.reader,
            "app-vault-role-id": app.role_id,
            "app-vault-secret-id": app.secret_id,
            "app-database-user": production.APP_USER,
            "app-database-password": self._passwords.app,
        }

    def custodians(self, *, old: bool = False) -> dict[str, str]:
        """Label to share (base64) of production's vault: five, of which three open it; `old`: of before a rekey.

        Of a vault that unseals itself they are recovery keys.
        """
        return dict(zip(CUSTODIANS, self._vault.old_shares if old else self._vault.shares, strict=True))

    def bad_share(self) -> str:
        """A well-formed share of another set."""
        return foreign_share(self._vault.shares)

    def source_endpoint(self) -> tuple[str, int]:
        """Host name and port (of 127.0.0.1) of production's database, behind TLS."""
        return names.host_name(names.INSTANCE), self._source_front.port

    def staging_vault_address(self) -> str:
        """The vault that backups are restored into."""
        return self._staging.address

    def production_vault_address(self) -> str:
        """The vault that made the backups."""
        return self._vault.bao.address

    # -- what happens to them ------------------------------------------------------------------------------------
    def start_copy(self, instance: str, snapshot: str) -> tuple[str, int]:
        """Restore a snapshot into a database server of its own; host name and port.  ValueError: unknown names."""
        return self._copies.start(instance, snapshot)

    def remove_copy(self, instance: str) -> None:
        """Stop a restored database and delete its data; none there is no error."""
        self._copies.remove(instance)

    def allow_kms(self) -> None:
        """The staging vault may use its KMS key again; it tries by itself every few seconds."""
        self._aws.ask("weather", vault_kms_denied=False)

    def _staging_ports(self) -> set[int]:
        """Where the staging vault may connect to, whatever the rule: its own port, and the restored databases."""
        return {self._staging.port, *self._copies.ports()}

    def restart_vault(self) -> None:
        """Restart the staging vault's process: sealed again, if it was initialised."""
        with self._lock:
            self._staging.restart()

    def sso_login(self) -> None:
        """Sign the operator in to IAM Identity Center, as their browser and the AWS CLI would."""
        with self._lock:
            self._sign_in.sso_login()

    def wipe_vault(self) -> None:
        """Empty the staging vault, whatever state it is in: uninitialised (501) afterwards."""
        with self._lock:
            self._staging.wipe()

    def fault(self, kind: str, with_: dict[str, Any]) -> None:
        """Make something go wrong (`faults.DATA_FAULTS`); before `start` it is kept until the estate stands.

        ValueError names what is known when the kind or a parameter is not.
        """
        given = checked(kind, with_)
        wanted = DATA_FAULTS[kind].seal
        if wanted not in {"", self._variant.seal}:
            raise ValueError(f"{kind} needs a vault that is sealed by {wanted}; here it is {self._variant.seal}")
        if kind == "empty-table" and given.get("table", "appointments").removeprefix("public.") not in clinic.TABLES:
            raise ValueError(f"{given['table']!r} is no table of the clinic; its tables: {', '.join(clinic.TABLES)}")
        with self._lock:
            if self._breakage is None:
                self._pending.append((kind, given))
            else:
                self._breakage.faults[kind](**given)
