"""The folder of a further row: a number that nothing has, written whole and sealed before the row names it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from runbook.engine.errors import RecordFailed
from runbook.records.signoff import folder


def test_a_number_that_a_folder_has_is_passed_over(tmp_path: Path) -> None:
    assert folder.free("run.signoff-2", tmp_path) == tmp_path / "run.signoff-2"
    (tmp_path / "run.signoff-2").mkdir()
    (tmp_path / "run.signoff-3").symlink_to("nowhere")
    assert folder.free("run.signoff-2", tmp_path) == tmp_path / "run.signoff-4"


def test_what_is_written_is_sealed_and_its_digest_answered(tmp_path: Path) -> None:
    digest = folder.sealed(tmp_path / "run.signoff-1", {"b.txt": b"b", "a.json": folder.document({"é": 1})})
    sums = (tmp_path / "run.signoff-1" / "SHA256SUMS").read_bytes()
    assert digest == "sha256:" + hashlib.sha256(sums).hexdigest()
    assert (tmp_path / "run.signoff-1" / "a.json").read_text(encoding="utf-8") == '{\n  "é": 1\n}\n'


def test_a_folder_that_is_there_is_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "run.signoff-1").mkdir()
    with pytest.raises(RecordFailed, match="could not be made"):
        folder.sealed(tmp_path / "run.signoff-1", {"a": b"a"})
    assert list((tmp_path / "run.signoff-1").iterdir()) == []
