"""A row's evidence is there, whole, and below the log: anything else is named with its file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.records.audit.checking import check
from runbook.records.audit.evidence_check import Trouble, previous_head, troubles
from runbook.records.disk import Disk
from runbook.records.evidence import sealing
from runbook.records.log.verdicts import LogVerdict
from tests.records.log.filed import Filed, filed

ALTERED, MISSING = LogVerdict.EVIDENCE_ALTERED, LogVerdict.EVIDENCE_MISSING
RUN = "evidence/drill-20270115T100000Z-7f3a"


@pytest.fixture
def sealed(tmp_path: Path) -> tuple[Path, str]:
    """A run's folder, and its digest."""
    folder = tmp_path / RUN
    (folder / "more").mkdir(parents=True)
    (folder / "run.json").write_text('{"previous_head": "sha256:00"}', encoding="utf-8")
    (folder / "more" / "journal.jsonl").write_bytes(b"x" * 100_000)
    return folder, sealing.seal(folder)


def found(root: Path, digest: str, path: str = RUN) -> list[Trouble]:
    return list(troubles(root, path, digest, Disk()))


def _no_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def _a_link_as_folder(folder: Path) -> None:
    _no_folder(folder)
    folder.symlink_to(folder.with_name("elsewhere"))


def _a_link_above(folder: Path) -> None:
    shelf = folder.parent
    shelf.rename(shelf.with_name("real"))
    shelf.symlink_to(shelf.with_name("real"))


def _a_file_as_folder(folder: Path) -> None:
    _no_folder(folder)
    folder.write_bytes(b"")


def _a_link_as_file(folder: Path) -> None:
    (folder / "run.json").rename(folder.parent / "run.json")
    (folder / "run.json").symlink_to(folder.parent / "run.json")


def _a_pipe_as_file(folder: Path) -> None:
    (folder / "run.json").unlink()
    os.mkfifo(folder / "run.json")


def _a_folder_as_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    (folder / "SHA256SUMS").mkdir()


DAMAGE: dict[str, tuple[Callable[[Path], object], LogVerdict, str, str]] = {
    "no folder": (_no_folder, MISSING, "evidence_path", "is not there"),
    "a link as folder": (_a_link_as_folder, ALTERED, "evidence_path", "by a link (drill-20270115T100000Z-7f3a)"),
    "a link above it": (_a_link_above, ALTERED, "evidence_path", "by a link (evidence)"),
    "a file as folder": (_a_file_as_folder, ALTERED, "evidence_path", "is no folder"),
    "no sums": (lambda f: (f / "SHA256SUMS").unlink(), MISSING, "evidence_path", "SHA256SUMS could not be read"),
    "a folder as sums": (_a_folder_as_sums, MISSING, "evidence_path", "could not be read"),
    "other sums": (
        lambda f: (f / "SHA256SUMS").write_bytes(b""),
        ALTERED,
        "evidence_digest",
        "SHA256SUMS is not the one that was sealed",
    ),
    "sums without an end": (
        lambda f: (f / "SHA256SUMS").write_bytes(b"x" * (1 << 21)),
        MISSING,
        "evidence_path",
        "too large",
    ),
    "a file less": (lambda f: (f / "run.json").unlink(), MISSING, "evidence_digest", f"{RUN}/run.json is not there"),
    "a file changed": (
        lambda f: (f / "run.json").write_bytes(b"{}"),
        ALTERED,
        "evidence_digest",
        f"{RUN}/run.json is not as it was sealed",
    ),
    "a byte in a folder below": (
        lambda f: (f / "more" / "journal.jsonl").write_bytes(b"x" * 99_999 + b"y"),
        ALTERED,
        "evidence_digest",
        f"{RUN}/more/journal.jsonl is not as it was sealed",
    ),
    "a file more": (
        lambda f: (f / ".DS_Store").write_bytes(b""),
        ALTERED,
        "evidence_digest",
        f"{RUN}/.DS_Store was not there when it was sealed",
    ),
    "a linked folder more": (
        lambda f: (f / "out").symlink_to("/"),
        ALTERED,
        "evidence_digest",
        f"{RUN}/out (a link) was not there",
    ),
    "a link as file": (_a_link_as_file, ALTERED, "evidence_digest", "run.json is a symbolic link"),
    "a pipe as file": (_a_pipe_as_file, ALTERED, "evidence_digest", "is not a regular file"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_has_a_name_a_column_and_a_file(tmp_path: Path, sealed: tuple[Path, str], how: str) -> None:
    damage, verdict, column, sentence = DAMAGE[how]
    folder, digest = sealed
    assert found(tmp_path, digest) == []
    damage(folder)
    (trouble,) = found(tmp_path, digest)
    assert (trouble.verdict, trouble.column) == (verdict, column)
    assert sentence in trouble.sentence


@pytest.mark.parametrize("path", ["", "/etc", "../evidence/x", "evidence/../../x", "evidence\\x", "evidence/\0", "."])
def test_a_path_never_leads_out_of_the_logs_folder(tmp_path: Path, path: str) -> None:
    (trouble,) = found(tmp_path, "sha256:00", path)
    assert (trouble.verdict, trouble.column) == (ALTERED, "evidence_path")


def test_sums_that_nobody_could_have_sealed_are_altered(tmp_path: Path, sealed: tuple[Path, str]) -> None:
    folder, _ = sealed
    for sums in (b"not a sum\n", b"00  run.json\n", (folder / "SHA256SUMS").read_bytes() * 2):
        (folder / "SHA256SUMS").write_bytes(sums)
        (trouble,) = found(tmp_path, "sha256:" + hashlib.sha256(sums).hexdigest())
        assert (trouble.verdict, "not as this tool writes it" in trouble.sentence) == (ALTERED, True)


def test_a_name_that_would_act_on_a_terminal_is_harmless(tmp_path: Path, sealed: tuple[Path, str]) -> None:
    (sealed[0] / "\x1b[31mred").write_bytes(b"")
    (trouble,) = found(tmp_path, sealed[1])
    assert "\x1b" not in trouble.sentence


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"previous_head": null}', b'{"previous_head": 3}', b"[" * 9000]
)
def test_a_run_json_that_says_no_head_says_none(tmp_path: Path, sealed: tuple[Path, str], content: bytes) -> None:
    assert previous_head(tmp_path, RUN, Disk()) == "sha256:00"
    (sealed[0] / "run.json").write_bytes(content)
    assert previous_head(tmp_path, RUN, Disk()) is None


# -- of a whole log ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Filed:
    return filed(tmp_path_factory.mktemp("filed"), tmp_path_factory.mktemp("told"))


def test_a_whole_log_has_all_its_evidence(log: Filed) -> None:
    checked = check(log.path)
    assert (checked.verdict, checked.evidence.rows, checked.evidence.whole) == (LogVerdict.OK, 12, 12)


def test_each_row_whose_evidence_is_altered_or_missing_is_named(log: Filed, tmp_path: Path) -> None:
    report = log.evidence(2) / "report.md"
    before = report.read_bytes()
    report.write_bytes(b"# another\n")
    log.evidence(7).rename(tmp_path / "away")
    try:
        checked = check(log.path)
    finally:
        report.write_bytes(before)
        (tmp_path / "away").rename(log.evidence(7))
    assert [(each.verdict, each.row, each.column) for each in checked.problems] == [
        (ALTERED, 2, "evidence_digest"),
        (MISSING, 7, "evidence_path"),
    ]
    assert checked.problems[0].sentence.startswith(f"row 2 ({log.rows[1]['run_id']}): evidence/")
    assert (checked.verdict, checked.evidence.rows, checked.evidence.whole) == (ALTERED, 12, 10)


def test_a_copy_away_from_its_evidence_is_no_damage_and_a_log_without_it_is(log: Filed, tmp_path: Path) -> None:
    copies = {name: tmp_path / name for name in ("from-the-mail.csv", "restoration-test-log.csv")}
    for copy in copies.values():
        copy.write_bytes(log.path.read_bytes())
    away = check(copies["from-the-mail.csv"], named=True)
    assert (away.verdict, away.evidence.why_not) == (
        LogVerdict.OK,
        "this is a copy of a log, away from its evidence",
    )
    assert check(copies["from-the-mail.csv"]).verdict is MISSING, "nobody named it: it is the log itself"
    assert check(copies["restoration-test-log.csv"], named=True).verdict is MISSING
    (tmp_path / "evidence").mkdir()
    assert check(copies["from-the-mail.csv"], named=True).verdict is MISSING, "there is a folder for it"


def test_evidence_that_was_left_out_is_said_to_be(log: Filed) -> None:
    checked = check(log.path, evidence=False)
    assert (checked.evidence.rows, checked.evidence.why_not) == (0, "it was left out (--log-only)")
