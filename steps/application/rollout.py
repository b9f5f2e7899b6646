"""The rollout of every service, watched until the platform shows our own deployments and nothing else."""

from __future__ import annotations

from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Observation, Verdict
from runbook.estate.ports import Deployment, ServiceStatus
from steps.application.announced import counting, since
from steps.application.still_told import still_told
from steps.facts import Deployed, ToldOtherwise
from steps.here import Here, exact
from steps.many import listed, side_by_side
from steps.patience import patient

_LIMIT_S: Final = 900
_FEW_CALLS: Final = 200  # what is left of the hourly allowance by then belongs to the rest of the run, and its closing
_SLOWEST_S: Final = 60.0
_LOOK: Final = "Look at its deployments and their logs in the Northflank console."


@patient
async def has_rolled_out(here: Here) -> Observation:
    """Of every service: the transition is after our call, our digest is active, and all instances run.

    And what they were started with is what this run set: an application on its way to people is no success.
    """
    _raise_outdated(here)
    rollout = _Rollout(here)
    began = here.now()
    while not await rollout.over():
        if (here.now() - began).total_seconds() >= _LIMIT_S:
            raise NoVerdict(
                f"waited {_LIMIT_S} s for the rollout of {listed(rollout.left)}",
                fix=f"{_LOOK} Try again to go on waiting.",
                source="the runbook's own polling",
            )
        await here.desk.clock.sleep(_pace(here))
    try:
        await still_told(here)
    except LayerFailed as trouble:
        return _told_otherwise(here, trouble)
    return rollout.observed()


_EXPECTED: Final = "our digest active in every service, all instances running, told what this run set"


def _raise_outdated(here: Here) -> None:
    """What was seen to be told otherwise may run with that, also when it is as it should be by now."""
    if outdated := [name for name in here.desk.need(Deployed).at if counting(here, name) is None]:
        raise LayerFailed(
            f"what they are told changed after they were deployed: {listed(outdated)}",
            fix="Go back to application.quiet, after which every service is started anew.",
            source="the run's own journal",
        )


def _told_otherwise(here: Here, trouble: LayerFailed) -> Observation:
    return Observation(
        Verdict.FAIL,
        expected=_EXPECTED,
        observed=trouble.sentence,
        source=trouble.source,
        fix=trouble.fix,
        facts=(ToldOtherwise(exact(here.now())),),
    )


def _pace(here: Here) -> float:
    """Seconds to the next poll: longer when little is left of the platform's hourly allowance."""
    allowance = here.estate.rates.of("northflank")
    if allowance is None or allowance.remaining is None or allowance.resets_s is None:
        return here.poll_s
    if allowance.remaining >= _FEW_CALLS:
        return here.poll_s
    return max(here.poll_s, min(allowance.resets_s / max(allowance.remaining, 1), _SLOWEST_S))


class _Rollout:
    """What is known of it so far; a service that has arrived is not asked for again.

    Right after a call the status may still be the *previous* COMPLETED: the time of its transition counts too.
    """

    def __init__(self, here: Here) -> None:
        self._here = here
        self._project = here.environment.application.project
        self._deployed = here.desk.need(Deployed)
        self._says: dict[str, str] = {}  # of those that have not arrived
        self._running: dict[str, int] = {}  # instances of those that have

    @property
    def waiting(self) -> list[str]:
        """The services that have not arrived yet."""
        return [name for name in self._deployed.at if name not in self._running]

    @property
    def left(self) -> list[str]:
        """The same, each with how far it is: `worker: 0 of 1`."""
        return [f"{name}: {self._says.get(name) or 'not begun'}" for name in self.waiting]

    async def over(self) -> bool:
        """One poll: whether all have arrived; LayerFailed when one will not."""
        statuses = await self._here.estate.platform.statuses(self._project)
        says = {name: self._status(name, statuses.get(name)) for name in self.waiting}
        self._raise_failed([name for name, status in says.items() if status == "FAILED"])
        self._says = {name: status.lower().replace("_", " ") for name, status in says.items()}
        rolled = [name for name, status in says.items() if status == "COMPLETED"]
        await side_by_side(self._here, rolled, self._look, doing="")
        self._show()
        return not self.waiting

    def observed(self) -> Observation:
        """All have arrived."""
        digests = [f"{digest[:19]}…" for digest in dict.fromkeys(self._deployed.digests.values())]
        allowance = self._here.estate.rates.of("northflank")
        left = f"; {allowance.words}" if allowance and allowance.words else ""
        return Observation.passed(
            expected=_EXPECTED,
            observed=f"{listed(list(self._deployed.at))}: {listed(digests)} active, "
            f"{sum(self._running.values())} instances running{left}",
            source="northflank: GET services, deployments, containers",
        )

    def _status(self, name: str, status: ServiceStatus | None) -> str:
        """As the platform says it since our call; "" while it still speaks of before."""
        if status is None:
            raise LayerFailed(
                f"{name} is not in the project {self._project} any more", fix=_LOOK, source="northflank: GET services"
            )
        moved = status.transition
        if moved is None or moved < since(self._deployed.at[name]) or exact(moved) == self._deployed.before.get(name):
            return ""
        return status.status

    def _raise_failed(self, names: list[str]) -> None:
        if names:
            raise LayerFailed(
                f"the platform says that the deployment failed: {listed(names)}",
                fix=f"{_LOOK} Then go back to application.deploy.",
                source="northflank: GET services",
            )

    async def _look(self, name: str) -> None:
        """Whether what runs is ours, and all of it; LayerFailed when somebody deployed something else since."""
        platform = self._here.estate.platform
        deployments = await platform.deployments(self._project, name)
        if not deployments:
            return
        self._raise_foreign(name, deployments[0])
        if not (deployments[0].active and deployments[0].digest == self._deployed.digests[name]):
            return
        running, sent = await platform.running_containers(self._project, name), self._deployed.instances[name]
        if running == sent > 0:
            self._running[name] = running
        self._says[name] = f"{running} of {sent}"

    def _raise_foreign(self, name: str, newest: Deployment) -> None:
        digest = newest.digest
        if digest and digest != self._deployed.digests[name] and newest.created >= since(self._deployed.at[name]):
            raise LayerFailed(
                f"somebody deployed another image since: {digest[:19]}…",
                fix="Find out who; then go back to application.deploy.",
                source="northflank: GET deployments",
            )

    def _show(self) -> None:
        done, of = len(self._running), len(self._deployed.at)
        self._here.desk.progress(done, of, f"{done} of {of} services" + (f"; {listed(self.left)}" if self.left else ""))
