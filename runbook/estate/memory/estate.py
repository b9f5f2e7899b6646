"""The estate in memory put together, and the faults that can be set in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runbook import config
from runbook.engine.ports import Secret
from runbook.estate.memory import settings
from runbook.estate.memory.account import MemoryAccount
from runbook.estate.memory.application import Application
from runbook.estate.memory.cloud import MemoryArchives, MemoryKeys, MemoryObjects
from runbook.estate.memory.code import MemoryCode, MemoryProvenances, MemoryRegistry
from runbook.estate.memory.database_faults import DatabaseFaults
from runbook.estate.memory.databases import MemoryDatabases
from runbook.estate.memory.edge import MemoryEdge
from runbook.estate.memory.images import Images
from runbook.estate.memory.layout import layout
from runbook.estate.memory.outer_faults import OuterFaults
from runbook.estate.memory.platform import MemoryPlatform
from runbook.estate.memory.production import production, shares
from runbook.estate.memory.resolvers import MemoryNames
from runbook.estate.memory.sql import MemorySql
from runbook.estate.memory.vault import MemoryVault
from runbook.estate.memory.vault_server import VaultServer
from runbook.estate.memory.web import MemoryWeb
from runbook.estate.memory.world import Now, World
from runbook.estate.ports import Estate


class MemoryEstate(DatabaseFaults, OuterFaults):
    """One world; its parts are attributes, so that a test may set or read any of them.

    It has that many services, public names (none: the zone is only read) and packages.  Faults are the methods of the
    second half; each is what the practice estate's fault of that name is.
    """

    def __init__(self, now: Now, *, services: int = 2, hostnames: int = 2, packages: int = 1) -> None:
        self._world = World(now)
        self._layout = layout(services, hostnames, packages)
        self._production = production(now())
        self._credentials = settings.credentials()
        self._rekeyed: Mapping[str, Secret] = {}
        self.server = VaultServer()
        self.rates = self._world.rates
        self.account = MemoryAccount(self._world)
        self.objects = MemoryObjects(self._world, self._production)
        self.keys = MemoryKeys(self._world)
        self.databases = MemoryDatabases(self._world, self._production)
        self.vault = MemoryVault(self._world, self.server, self._credentials, self.objects.archives)
        self.images = Images(now(), self._layout.packages)
        self.provenances = MemoryProvenances()
        self.platform = MemoryPlatform(self._world, self.images, self._layout, self.restart_vault)
        self.application = Application(self._production, self.platform, self.databases, self.server)
        self.sql = MemorySql(self._world, self.databases.running, self.application.sessions)
        self.edge = MemoryEdge(self._world, self._layout)
        self.names = MemoryNames(self._world, self.edge)
        self.web = MemoryWeb(self._world, self.application, self.edge, self.names, self._layout)
        self.code = MemoryCode(self._world, self.images)

    def estate(self) -> Estate:
        """The ports, as a step sees them."""
        return Estate(
            account=self.account,
            objects=self.objects,
            keys=self.keys,
            databases=self.databases,
            archives=MemoryArchives(),
            vault=self.vault,
            sql=self.sql,
            platform=self.platform,
            code=self.code,
            registry=MemoryRegistry(self._world, self.images),
            provenances=self.provenances,
            edge=self.edge,
            names=self.names,
            web=self.web,
            rates=self.rates,
        )

    def environment(self) -> config.Environment:
        """What a run against this world is told."""
        return settings.environment(self._production, self._layout)

    def credentials(self) -> dict[str, Secret]:
        """By name; only the vault's two are looked at."""
        return dict(self._credentials)

    def custodians(self) -> Mapping[str, Secret]:
        """Label → unseal share; any three of the five open production's vault."""
        return self._rekeyed or self._production.custodians

    def old_custodians(self) -> Mapping[str, Secret]:
        """The shares of before the rekey, which open the backups; without one, the same."""
        return self._production.custodians

    def bad_share(self) -> Secret:
        """Well formed, with an x of its own, and of another set."""
        return self._production.bad_share

    @property
    def calls(self) -> list[tuple[str, str]]:
        """The mutating calls so far, as (operation, target); dry runs are in `dry_runs`."""
        return self._world.calls

    @property
    def dry_runs(self) -> list[tuple[str, str]]:
        """The mutating calls that were made as dry runs only."""
        return self._world.dry_runs

    @property
    def log(self) -> list[tuple[str, str]]:
        """Every call to platform, code host, registry, edge, names and web so far, and every mutating one; dry runs
        are named `… (dry run)`."""
        return self._world.log

    def watch(self, watcher: Callable[[str, str], None]) -> None:
        """Tell it of each mutating call (operation, target) just before it is done."""
        self._world.watchers.append(watcher)

    # -- hands ---------------------------------------------------------------------------------------------------
    def hands(self, act: str) -> None:
        """What only hands can do, by the name in `engine.ports.ByHand.act`; KeyError for an unknown one."""
        {
            "wipe-vault": self.wipe_vault,
            "restart-vault": self.restart_vault,
            "allow-kms": self.server.allow_kms,
            "sso-login": self.log_in,
            "open-tunnel": self.open_tunnel,
        }[act]()

    def log_in(self) -> None:
        """What `aws sso login` would have done."""
        self.account.logged_in = True

    def wipe_vault(self) -> None:
        """The target vault emptied and started again, by hand."""
        self.server.wipe()

    def restart_vault(self) -> None:
        """The target vault restarted: sealed, and what it shows of its seal is true again."""
        self.server.seal()

    # -- faults --------------------------------------------------------------------------------------------------
    def take_down(self, provider: str, why: str = "the network is unreachable") -> None:
        """`aws`, `vault`, `postgres`, `northflank`, `github`, `registry`, `cloudflare`, `dns` or `web` is down."""
        self._world.down[provider] = why

    def bring_back(self, provider: str) -> None:
        """It answers again."""
        self._world.down.pop(provider, None)

    def expire_login(self) -> None:
        """The sign-in to the cloud account has run out; a new code, or a new login, makes another."""
        self._world.signed_out = True

    def seal(self) -> None:
        """The vault restarts and is sealed again."""
        self.server.seal()

    def stale_backup(self, hours: float = 30.0) -> None:
        """The newest vault backup is that many hours older."""
        self.objects.age_backups(hours)

    def damaged_snapshot(self) -> None:
        """The newest vault backup's data was changed."""
        self.objects.damage_newest()

    def foreign_snapshot(self) -> None:
        """The newest vault backup is another cluster's."""
        self.objects.replace_newest_by_foreign()

    def rekeyed(self) -> None:
        """Production's shares were replaced after the backups were made."""
        self._rekeyed = dict(zip(self._production.custodians, map(Secret, shares("rekeyed")), strict=True))

    def sealed_by_kms(self) -> None:
        """Production's vault and the target are unsealed by AWS KMS."""
        self.objects.seal_by_kms()
        self.server.seal_type = "awskms"

    def vault_kms_denied(self) -> None:
        """The target may not use its KMS key any more, and restarts."""
        self.server.kms_usable = False
        self.server.seal()

    def kms_denied(self) -> None:
        """No backup can be read."""
        self.objects.unreadable = True

    def clock_off(self, seconds: float = 900.0) -> None:
        """This machine is that far behind the provider."""
        self.account.offset = -seconds
