"""Runs of the real environments that have no end yet."""

from __future__ import annotations

from runbook.commands.configured import Configured
from runbook.commands.places import JOURNAL, Home, state_of
from runbook.commands.plans import refuse_other_rules
from runbook.commands.real.beginning import Intention
from runbook.engine.errors import WrongUse


def newest_is_real(home: Home, platform: Configured) -> bool:
    """Whether the newest unfinished run of this machine touched the real environments."""
    real, training = (tuple(run for run in shelf.runs() if not run.outcome) for shelf in (platform.shelf, home.shelf))
    return bool(real) and (not training or real[0].started_at >= training[0].started_at)


def intention(platform: Configured, run_id: str | None) -> Intention:
    """What is gone on with: that run, or the newest unfinished one.

    WrongUse where there is none, where it ended, or where it was begun under other rules.  A run whose journal is not
    on this machine is looked for in the evidence bucket.
    """
    shelf = platform.shelf
    chosen = run_id or next(iter(shelf.unfinished()), None)
    if chosen is None:
        raise WrongUse("there is no unfinished run", fix="runbook drill, recover or train starts one.")
    folder = shelf.folder(chosen)
    run = state_of(folder)
    if run is None and platform.settings.records.bucket is not None and not (folder / JOURNAL).exists():
        mode = chosen.partition("-")[0]
        return Intention(mode, attended=mode != "rehearsal", run_id=chosen)
    if run is None:
        raise WrongUse(f"there is no run {chosen} in {shelf.root}", fix="runbook status lists them.")
    if run.outcome is not None:
        raise WrongUse(
            f"{chosen} ended with {run.outcome}: it cannot be resumed", fix="runbook drill starts a new one."
        )
    refuse_other_rules(run.declared, platform.settings.policy())
    return Intention(str(run.declared["mode"]), attended=bool(run.declared["attended"]), run_id=chosen)
