"""The practice estate's data layers: AWS (moto), two OpenBao servers, PostgreSQL and its restored copies.

production  OpenBao + PostgreSQL, filled from the synthetic clinic
backups     raft snapshots in S3, a physical PostgreSQL backup and a WAL archive behind RDS, manifests in S3
staging     a fresh OpenBao, and a PostgreSQL for each restore that the AWS server is asked for
"""

from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from runbook.training import clinic, data_settings, production
from runbook.training.breakage import Breakage
from runbook.training.certificates import Authority
from runbook.training.copies import Copies, Home
from runbook.training.data_settings import Told
from runbook.training.faults import DATA_FAULTS, checked
from runbook.training.filling import Filled, Filling
from runbook.training.manifests import Manifests
from runbook.training.operator_sign_in import OperatorSignIn
from runbook.training.pitr import Archive
from runbook.training.process import Child
from runbook.training.production_vault import (
    CUSTODIANS,
    ProductionVault,
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
from runbook.training.writer import Writer


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
        self._archive = Archive(self._postgres / "archive", self._source)
        backup = self._postgres / "backup"
        home = Home(folder=self._postgres, backup=backup, archive=self._archive, logs=self._root)
        self._copies = Copies(
            home, self._source, authority=self._authority, ports=self._ports, snapshots=self._snapshots
        )
        self._manifests = Manifests(self._aws, self._source, self._root / "manifests")
        self._writer = Writer(self._source)

    # -- life ----------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start everything, fill production, make its backups.  When any of it fails, nothing is left running."""
        try:
            self._source_front.start()
            self._probe_server.start()
            with ThreadPoolExecutor(max_workers=4, thread_name_prefix="data layers") as pool:
                self._filled = self._filling().run(pool)
            breakage = Breakage(
                aws=self._aws, production=self._vault, sign_in=self._sign_in, staging=self._staging,
                probe=self._probe, source=self._source, copies=self._copies, manifests=self._manifests,
                newest=max(self._snapshots.values()), writer=self._writer, filled=self._filled,
                authority=self._authority, ports=self._ports, folder=self._root,
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

    def _filling(self) -> Filling:
        return Filling(
            root=self._root, seed=self._seed, now=self._now, control=self._control, variant=self._variant,
            authority=self._authority, passwords=self._passwords, aws=self._aws, sign_in=self._sign_in,
            vault=self._vault, staging=self._staging, source=self._source, source_front=self._source_front,
            archive=self._archive, copies=self._copies, manifests=self._manifests,
        )  # fmt: skip

    def stop(self) -> None:
        """End every server by its pid and remove what lies outside `root`; idempotent."""
        with self._lock:
            self._stopped, self._breakage = True, None
            self._writer.stop()
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

    def start_copy_at(self, instance: str, moment: datetime) -> tuple[str, int]:
        """Restore production as it was at a moment (aware) that has passed; otherwise as `start_copy`."""
        return self._copies.start_at(instance, moment)

    def set_copy_password(self, instance: str, user: str, password: str) -> None:
        """Of a role in a restored database; ValueError where there is no such copy or role."""
        self._copies.set_password(instance, user, password)

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
        table = str(given.get("table", clinic.TABLES[0])).removeprefix("public.")
        if table not in clinic.TABLES:
            raise ValueError(f"{given['table']!r} is no table of the clinic; its tables: {', '.join(clinic.TABLES)}")
        with self._lock:
            if self._breakage is None:
                self._pending.append((kind, given))
            else:
                self._breakage.faults[kind](**given)
