"""The assessor's forty lines say OK and DAMAGED where `runbook log verify` does, and need nothing of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from runbook.records import assessor
from runbook.records.audit.checking import check
from runbook.records.disk import Disk
from runbook.records.evidence import sealing
from runbook.records.log.head import against, read_head
from runbook.records.log.logs import TrainingLog
from runbook.records.log.testlog import Domain, line
from runbook.records.log.verifying import verify
from tests.records.log.filed import Filed, filed
from tests.records.log.mutations import Mutation, harmless, mutations
from tests.records.log.twelve import HEADER, Log, chained, twelve
from tests.records.story import FakeClock, document_of, journal, tell_calm

SOURCE = assessor.files()[assessor.VERIFIER]
REWRITTEN = frozenset({"all hashes made anew from a row on", "a row taken out and the chain closed"})
"""Chains that hold: without a head, `runbook log verify` knows better only where a further row contradicts its run."""
Verified = Callable[[Path, Sequence[Path]], tuple[list[str], str]]


def _loaded(**replaced: object) -> Verified:
    """The verifier's own function; `replaced` are others of its names."""
    names: dict[str, Any] = {"__name__": "verify_log"}
    exec(compile(SOURCE, "verify_log.py", "exec"), names)  # noqa: S102  # it is the product's own text
    names.update(replaced)
    verified: Verified = names["verified"]
    return verified


def _is_whole(verified: Verified, path: Path, heads: Sequence[Path] = ()) -> bool:
    """As its `__main__` has it: what cannot be read is damaged."""
    try:
        return not verified(path, heads)[0]
    except Exception:  # noqa: BLE001  # it names those that it catches; any other would end in status 1 too
        return False


# -- the log itself -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return twelve(tmp_path_factory.mktemp("twelve"))


@pytest.fixture(scope="module")
def sample(log: Log, tmp_path_factory: pytest.TempPathFactory) -> list[Mutation]:
    """Every sixth, and of each kind at least the first."""
    other = twelve(tmp_path_factory.mktemp("other"), lambda run_id: run_id.replace("7f3a", "0b0b"))
    every = list(mutations(log, other))
    firsts = {each.kind: each for each in reversed(every)}
    return [*firsts.values(), *islice(every, 0, None, 6)]


def test_it_agrees_about_what_was_done_to_a_log(log: Log, sample: list[Mutation], tmp_path: Path) -> None:
    path, kept, verified = tmp_path / "copy.csv", tmp_path / "kept.head", _loaded(wrong_files=lambda *_: [])
    kept.write_bytes(log.head)
    head, differ = read_head(kept, Disk()), Counter[str]()
    for number, each in enumerate(sample):
        path.write_bytes(each.content)
        judged = verify(each.content, Domain.TEST)
        differ[each.kind] += _is_whole(verified, path, [kept]) != (judged.sound and against(head, judged) is None)
        if number % 4 == 0 and each.kind not in REWRITTEN:
            differ[f"{each.kind}, without a head"] += _is_whole(verified, path) != judged.sound
    assert +differ == Counter()
    assert len(sample) > 1_500


def test_a_head_file_beside_the_log_is_compared_unasked(log: Log, tmp_path: Path) -> None:
    path, verified = tmp_path / "restoration-test-log.csv", _loaded(wrong_files=lambda *_: [])
    path.with_suffix(".head").write_bytes(log.head)
    path.write_bytes(log.content)
    assert verified(path, []) == ([], f"12:{log.rows[-1]['row_hash'][7:23]}")
    path.write_bytes(b"".join(log.lines[:-1]))
    assert "row 12 was another" in verified(path, [])[0][0]


def test_what_a_spreadsheet_did_to_quotes_and_line_ends_is_no_damage(log: Log, tmp_path: Path) -> None:
    path, verified = tmp_path / "copy.csv", _loaded(wrong_files=lambda *_: [])
    for content in list(harmless(log))[::25]:
        path.write_bytes(content)
        assert _is_whole(verified, path)


def test_a_run_that_is_recorded_twice_in_a_chain_that_holds_is_found(log: Log, tmp_path: Path) -> None:
    rows = chained([*log.rows, log.rows[0]])
    path = tmp_path / "copy.csv"
    path.write_bytes(HEADER + b"".join(map(line, rows)))
    found, _ = _loaded(wrong_files=lambda *_: [])(path, [])
    assert found == ["row 13 does not follow the row before it: rows were removed, moved or repeated"]


def test_a_head_that_is_behind_says_nothing_of_later_rows_and_another_says_so(log: Log, tmp_path: Path) -> None:
    path, head, verified = tmp_path / "copy.csv", tmp_path / "kept.json", _loaded(wrong_files=lambda *_: [])
    path.write_bytes(log.content)
    head.write_text(json.dumps({"rows": 5, "head": log.rows[4]["row_hash"], "at": "…"}), encoding="utf-8")
    assert verified(path, [head])[0] == []
    head.write_text(json.dumps({"rows": 5, "head": log.rows[3]["row_hash"], "at": "…"}), encoding="utf-8")
    assert "row 5 was another" in verified(path, [head])[0][0]
    path.write_bytes(b"".join(log.lines[:4]))
    assert "row 5 was another: rows were cut off" in verified(path, [head])[0][0]


# -- the evidence beside it ---------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Filed:
    folder = tmp_path_factory.mktemp("made")
    return filed(folder / "compliance", folder / "told")


@pytest.fixture
def kept(made: Filed, tmp_path: Path) -> Filed:
    shutil.copytree(made.path.parent, tmp_path / "compliance")
    return replace(made, path=tmp_path / "compliance" / made.path.name)


def _other_sums(folder: Path) -> None:
    (folder / "run.json").write_text("{}", encoding="utf-8")
    sealing.seal(folder)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file altered": (lambda folder: (folder / "report.md").write_text("# Another", encoding="utf-8"), "report.md"),
    "a file missing": (lambda folder: (folder / "run.json").unlink(), "run.json"),
    "a file added": (lambda folder: (folder / "more.txt").write_text("x", encoding="utf-8"), "more.txt"),
    "the sums missing": (lambda folder: (folder / "SHA256SUMS").unlink(), "SHA256SUMS"),
    "sealed again": (_other_sums, "SHA256SUMS"),
}


@pytest.mark.parametrize("done", DAMAGE)
def test_evidence_that_is_not_what_was_sealed_is_named_with_its_row_and_file(kept: Filed, done: str) -> None:
    assert _loaded()(kept.path, [])[0] == []
    damage, name = DAMAGE[done]
    damage(kept.evidence(3))
    assert not check(kept.path, named=True).sound
    assert _loaded()(kept.path, [])[0] == [f"row 3: '{name}' of its evidence is not what was sealed"]


def test_a_column_whose_name_stands_twice_hides_nothing(kept: Filed) -> None:
    header, *lines = kept.path.read_bytes().split(b"\r\n")[:-1]
    outcome = [b',"PASS"'] * len(lines)
    twice = [header + b',"outcome"', *(line + value for line, value in zip(lines, outcome, strict=True))]
    kept.path.write_bytes(b"\r\n".join([*twice, b""]))
    assert "two columns have one name" in _loaded()(kept.path, [])[0][0]


def test_a_training_log_under_the_test_logs_name_is_altered(tmp_path: Path) -> None:
    kept = filed(tmp_path / "record", tmp_path / "told")
    rows = chained([{**row} for row in kept.rows], domain=Domain.TRAINING)
    kept.path.write_bytes(b"".join([HEADER, *map(line, rows)]))
    assert "row 1 was changed" in _loaded()(kept.path, [])[0]


@pytest.mark.parametrize("to_folder", [True, False])
def test_a_link_is_no_evidence(kept: Filed, tmp_path: Path, *, to_folder: bool) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(b"")
    (kept.evidence(3) / "link").symlink_to(tmp_path / "elsewhere" / ("" if to_folder else "file"))
    assert _loaded()(kept.path, [])[0] == ["row 3: 'link' of its evidence is not what was sealed"]


def test_evidence_that_is_not_there_at_all_is_named_and_not_judged(
    kept: Filed, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.evidence(3).rename(kept.evidence(3).with_name("elsewhere"))
    assert _loaded()(kept.path, [])[0] == []
    path = kept.rows[2]["evidence_path"]
    assert capsys.readouterr().out == f"row 3: not here, so not judged: '{path}'\n"


def test_it_never_looks_outside_of_the_logs_folder(kept: Filed, tmp_path: Path) -> None:
    asked: list[Path] = []

    def looked(folder: Path, _: str) -> list[str]:
        asked.append(folder)
        return []

    verified = _loaded(wrong_files=looked)
    for path in ("/etc", "../told", "evidence/../../told"):
        kept.alter(1, evidence_path=path)
        assert not _is_whole(verified, kept.path)
        assert asked.pop(0).resolve().is_relative_to(tmp_path / "compliance")
        asked.clear()


def test_a_training_log_is_judged_as_one_and_its_row_is_no_test(tmp_path: Path) -> None:
    clock = FakeClock()
    recorder = journal(tmp_path / "told", clock)
    document = document_of(tell_calm(recorder, clock))
    recorder.close()
    folder = tmp_path / "training" / str(document["run_id"])
    folder.mkdir(parents=True)
    (folder / "report.md").write_text("# Practice", encoding="utf-8")
    training, digest = TrainingLog(tmp_path), sealing.seal(folder)
    training.record(document, evidence_path=f"training/{folder.name}", evidence_digest=digest)
    assert _loaded()(training.path, [])[0] == []
    pasted = tmp_path / "restoration-test-log.csv"
    pasted.write_bytes(training.path.read_bytes().replace(b'"TRAINING"', b'"DRILL"'))
    assert "row 1 was changed" in _loaded()(pasted, [])[0]


# -- as an assessor runs it ---------------------------------------------------------------------------------------
def _run(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "verify_log.py"
    script.write_bytes(SOURCE)
    command = [sys.executable, "-I", "-S", str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60, check=False)


def test_by_itself_it_ends_in_ok_and_the_head(kept: Filed) -> None:
    done = _run("restoration-test-log.csv", folder=kept.path.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"OK  12:{kept.rows[-1]['row_hash'][7:23]}\n", "")


def test_by_itself_it_names_what_is_damaged_and_ends_in_status_1(kept: Filed) -> None:
    kept.alter(4, outcome="PASS")
    (kept.evidence(2) / "bad\x1b[31m.txt").write_bytes(b"")
    done = _run(kept.path, folder=kept.path.parent)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        r"row 2: 'bad\x1b[31m.txt' of its evidence is not what was sealed",
        "row 4 was changed",
    ]
    assert lines[-1].startswith("DAMAGED  12:")


def test_what_cannot_be_read_is_damaged_in_words(tmp_path: Path) -> None:
    done = _run("nothing.csv", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("it cannot be read: FileNotFoundError(")
    assert done.stdout.splitlines()[-1].startswith("DAMAGED")
