"""`runbook train`: the same procedure on a practice estate that is started on this machine."""

from __future__ import annotations

import argparse
import signal
import tempfile
import threading
from pathlib import Path

from runbook import toml_file
from runbook.commands import fronts, plans
from runbook.commands.app import screens
from runbook.commands.exits import ExitCode
from runbook.commands.places import home_of
from runbook.commands.plans import Plan
from runbook.commands.training_session import KNOCK_S, TrainingSession
from runbook.training import faults, scenario
from runbook.training.scenario import Scenario


def run(arguments: argparse.Namespace) -> int:
    """List, check, start only the estate, or train."""
    if arguments.list:
        return _list()
    if arguments.check is not None:
        return _check(arguments.check)
    if arguments.estate_only:
        return _estate_only(arguments.seed)
    front = fronts.choose(arguments)
    plan = Plan(plans.chosen(arguments.scenario), arguments.seed, attended=not arguments.unattended)
    home = home_of(arguments)
    session = TrainingSession(home, plan)
    if front is fronts.Front.SCREENS:
        return screens(home, None, begin=session)
    return fronts.lines(session, front, explain=arguments.explain)


def _list() -> int:
    print("Scenarios (runbook train NAME):")
    for each in scenario.deck():
        print(f"  {each.name:<16} {each.title}  → {each.expect.outcome}")
    print("\nFaults (for files of your own; see runbook train --check FILE):")
    for kind, fault in sorted(faults.known().items()):
        print(f"  {kind:<18} {fault.sentence}")
    return ExitCode.PASS


def _check(path: Path) -> int:
    toml_file.read(path, Scenario)
    found = plans.chosen(str(path) if path.suffix == ".toml" else f"./{path}")
    print(f"{path}: {found.name}: {len(found.faults)} faults, expected {found.expect.outcome}: well formed")
    return ExitCode.PASS


def _estate_only(seed: int) -> int:
    from runbook.training.client import PracticeEstate

    with tempfile.TemporaryDirectory(prefix="runbook-estate-") as folder:
        estate = PracticeEstate.start(Path(folder), seed=seed, on_progress=print)
        print(
            f"The practice estate is ready after {estate.seconds:.1f} s; {folder}/estate.json lists it. Ctrl-C ends it."
        )
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: ended.set())
        while not ended.wait(KNOCK_S):
            estate.state()  # it ends itself when nobody asks anything of it
        print("ending it", flush=True)
        estate.stop()
    return ExitCode.PASS
