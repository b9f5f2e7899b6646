"""An append that is killed, or of which one system call fails: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.records.log.aftermath import HEAD, LOG, RUN, WAITING, Story, problem, stories
from tests.records.log.syscalls import Injection, Traced, traced, why_not
from tests.records.real_runs import drill

pytestmark = pytest.mark.scenarios

AT_ONCE = 4
FULL = frozenset({"openat", "write", "fsync", "mkdir", "rename", "ftruncate", "close"})  # what needs room on the disk
LOCK = LOG + ".lock"
BESIDE = "compliance/.restoration-test-log.head.0a0a0a0a"
KEPT = ("pending", WAITING, f"pending/.{RUN}.json.0a0a0a0a")


@dataclass(frozen=True)
class _Case:
    """A story, begun in a place of its own."""

    story: Story
    root: Path
    document: Path

    def run(self, injection: Injection | None = None) -> Traced:
        self.story.begin(self.root)
        paths = [self.root / name for name in ("compliance", LOG, HEAD, LOCK, BESIDE, *KEPT)]
        program = ["tests.records.log.appender", str(self.root), str(self.document)]
        return traced(program, paths, self.root.with_suffix(".trace"), injection)

    def problem(self, ran: Traced) -> str | None:
        """What is wrong with what it left; None when nothing is."""
        if ran.synced_again:
            return "an fsync was tried again on the same descriptor"
        if ran.code not in {0, 7, -9, 137}:
            return f"it came to no word: {ran.said[-300:]}"
        return problem(self.root, self.story, json.loads(self.document.read_bytes()), ran.said)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "run.json").write_text(json.dumps(drill(folder / "told")))
    return folder / "run.json"


def _injections(story: Story, calm: Traced) -> Iterator[Injection]:
    """Killed and an error at each call; what reads behind a torn row is the same as behind a whole one."""
    for call, number in calm.places:
        if call in FULL or not story.torn:
            yield Injection(call, number, "signal=SIGKILL")
            yield Injection(call, number, "error=EIO")
        if call in FULL:
            yield Injection(call, number, "error=ENOSPC")


def test_an_append_survives_whatever_happens_to_it_at_any_call(
    tmp_path: Path, document: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    if reason := why_not():
        pytest.skip(reason)
    ran, vacuous, wrong = Counter[str](), list[str](), list[str]()

    def strike(case: _Case, injection: Injection) -> None:
        done = case.run(injection)
        found = case.problem(done)
        ran[injection.what] += done.struck
        vacuous.extend([] if done.struck else [f"{case.story.name}: {injection}"])
        wrong.extend([f"{case.story.name}, {injection}: {found}"] if found else [])

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for story in stories(tmp_path / "made", json.loads(document.read_bytes())):
            calm = _Case(story, tmp_path / f"{story.name} calm", document).run()
            assert (calm.code, calm.struck) == (7 if story.torn else 0, False), calm.said
            places = (_Case(story, tmp_path / f"{story.name} {number}", document) for number in count())
            for each in [threads.submit(strike, *one) for one in zip(places, _injections(story, calm), strict=False)]:
                each.result()
    record_testsuite_property("appends struck at a system call", ran.total())
    assert not wrong, "\n".join([f"{len(wrong)} of {ran.total()}", *wrong])
    assert vacuous == []
    assert ran.total() >= 60
    assert all(ran[what] >= 20 for what in ("signal=SIGKILL", "error=EIO", "error=ENOSPC"))
