"""What providers said in this process, and what the run's own journal says: the target is asked who it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock

from runbook.safety.bounds import Place

RUN_TAG = "runbook:run"
"""The tag by which everything that is made carries its run."""
ENVIRONMENT_TAG = "runbook:environment"
DESTROY_TAG = "runbook:destroy-after"
"""Only what a drill makes carries this one: it is made to be destroyed."""


class Learned:
    """Told by the adapters' hooks, from several threads; forgotten with the process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: set[str] = set()
        self._restored: set[Place] = set()
        self._clusters: dict[Place, str] = {}
        self._tags: dict[str, Mapping[str, str]] = {}
        self._databases: dict[str, str] = {}
        self._zones: dict[str, str] = {}
        self._records: dict[str, str] = {}

    # -- from the run's own journal -------------------------------------------------------------------------------
    def run(self, run_id: str, restored: Iterable[Place]) -> None:
        """A run whose things may be changed here, and the vaults that it announced to restore into."""
        with self._lock:
            self._runs.add(run_id)
            self._restored.update(restored)

    def restores_into(self, vault: Place) -> None:
        """The restore is about to be sent: from now on that vault may say that it is production's cluster."""
        with self._lock:
            self._restored.add(vault)

    # -- from the providers ---------------------------------------------------------------------------------------
    def vault_answers(self, vault: Place, cluster_id: str, *, sealed: bool = False) -> None:
        """Which cluster answers at that address; "" while it has none.  One that is `sealed` does not say, and stays
        what it was."""
        with self._lock:
            self._clusters[vault] = cluster_id or (self._clusters.get(vault, "") if sealed else "")

    def tagged(self, identifier: str, tags: Mapping[str, str], host: str = "") -> None:
        """An instance or snapshot with its tags, and where it answers."""
        with self._lock:
            self._tags[identifier.lower()] = dict(tags)
            if host:
                self._databases[host.lower()] = identifier.lower()

    def zone_is(self, zone_id: str, name: str) -> None:
        """Which zone an id is."""
        with self._lock:
            self._zones[zone_id] = name.lower()

    def record_is(self, record_id: str, name: str) -> None:
        """Which name a DNS record is of."""
        with self._lock:
            self._records[record_id] = name.lower()

    # -- for the rules --------------------------------------------------------------------------------------------
    @property
    def runs(self) -> frozenset[str]:
        """The runs of this process: the one that is walked, and ended ones whose leftovers are removed."""
        with self._lock:
            return frozenset(self._runs)

    def is_restored(self, vault: Place) -> bool:
        """Whether a run of this process announced to restore into it."""
        with self._lock:
            return vault in self._restored

    def cluster(self, vault: Place) -> str:
        """Its cluster, as it last answered; "" before it did, or while it is sealed."""
        with self._lock:
            return self._clusters.get(vault, "")

    def has_answered(self, vault: Place) -> bool:
        """Whether it was asked which cluster it is, in this process."""
        with self._lock:
            return vault in self._clusters

    def tags_of(self, identifier: str) -> Mapping[str, str]:
        """As they were last seen; none where nobody looked."""
        with self._lock:
            return self._tags.get(identifier.lower(), {})

    def run_of(self, identifier: str) -> str:
        """The run whose tag it carries; "" where it carries none, or nobody looked."""
        return self.tags_of(identifier).get(RUN_TAG, "")

    def database_at(self, host: str) -> str:
        """The instance that answers at that name; "" where none is known to."""
        with self._lock:
            return self._databases.get(host.lower(), "")

    def zone(self, zone_id: str) -> str:
        """The zone's name; "" where nobody asked."""
        with self._lock:
            return self._zones.get(zone_id, "")

    def record(self, record_id: str) -> str:
        """The name that a DNS record is of; "" where nobody asked."""
        with self._lock:
            return self._records.get(record_id, "")
