"""What a training run is to be: a scenario that was chosen, or an unfinished run that is gone on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from runbook import __version__
from runbook.commands.places import Home, state_of
from runbook.engine.errors import WrongUse
from runbook.engine.procedure import Check
from runbook.policy import Policy
from runbook.training import scenario
from runbook.training.scenario import Scenario
from steps import PROCEDURE


@dataclass(frozen=True, slots=True)
class Plan:
    """One training run: `run_id` None = a new one."""

    scenario: Scenario
    seed: int
    attended: bool
    run_id: str | None = None


def chosen(name: str) -> Scenario:
    """A scenario of the deck, or a file; WrongUse names every mistake in it."""
    return scenario.load(
        name,
        steps=[step.id for step in PROCEDURE.steps()],
        stages=[stage.id for stage in PROCEDURE.stages],
        asking=[step.id for step in PROCEDURE.steps() if not isinstance(step, Check) or step.asks],
    )


def plan_of_newest(home: Home) -> Plan:
    """The newest unfinished run; WrongUse when there is none."""
    unfinished = home.unfinished()
    if not unfinished:
        raise WrongUse("there is no unfinished run", fix="runbook train starts one.")
    return plan_of(home, unfinished[0])


def plan_of(home: Home, run_id: str) -> Plan:
    """What the run declared; a journal of another policy or major version is refused with both values."""
    run = state_of(home.folder(run_id))
    if run is None:
        raise WrongUse(f"there is no run {run_id} in {home.training}", fix="runbook status lists them.")
    if run.outcome is not None:
        raise WrongUse(
            f"{run_id} ended with {run.outcome}: it cannot be resumed", fix="runbook train starts a new one."
        )
    declared = run.declared
    refuse_other_rules(declared, Policy())
    script = Scenario.model_validate(declared["script"])
    return Plan(script, int(declared["seed"]), attended=bool(declared["attended"]), run_id=run_id)


def refuse_other_rules(declared: Mapping[str, Any], policy: Policy) -> None:
    """WrongUse, with both values, where a run was begun under other figures, another order or another major version."""
    _refuse_difference("policy and procedure", str(declared["policy"]["sha256"])[:16], policy_hash(policy)[:16])
    _refuse_difference("major version", _major(str(declared["tool_version"])), _major(__version__))


def _refuse_difference(what: str, theirs: str, ours: str) -> None:
    if theirs != ours:
        raise WrongUse(
            f"the run was begun under another {what}: {theirs}, here it is {ours}",
            fix="Resume it with the version it was begun with.",
        )


def _major(version: str) -> str:
    return version.partition(".")[0]


def policy_hash(policy: Policy) -> str:
    """What the policy's figures and the procedure's order come to: a run is resumed under the same only."""
    figures = json.dumps(asdict(policy), default=str, sort_keys=True)
    steps = ",".join(step.id for step in PROCEDURE.steps())
    return hashlib.sha256(f"{figures}\n{steps}".encode()).hexdigest()
