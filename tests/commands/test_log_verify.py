"""`runbook log verify`: the verdict, what is wrong, and a paragraph for a mail; read-only and offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook import cli
from runbook.commands.exits import ExitCode
from runbook.records.log.testlog import COLUMNS, Domain, line, sealed
from tests.commands.recorded import TRAINING, Recorded
from tests.records.log.filed import Filed, filed
from tests.records.log.twelve import HEADER, chained

Said = pytest.CaptureFixture[str]
DAMAGED = ExitCode.NOT_RECORDED


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Filed:
    return filed(tmp_path_factory.mktemp("filed"), tmp_path_factory.mktemp("told"))


@pytest.fixture
def log(original: Filed) -> Iterator[Filed]:
    yield original
    original.write()


def verified(capsys: Said, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["log", "verify", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def document(capsys: Said, *arguments: str) -> tuple[int, dict[str, Any]]:
    code, out, err = verified(capsys, *arguments, "--json")
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return code, found


def test_a_whole_log_is_ok_with_its_head_its_anchor_and_its_evidence(log: Filed, capsys: Said) -> None:
    code, out, err = verified(capsys, str(log.path))
    head = log.rows[-1]["row_hash"]
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"OK  {log.path}",
        "",
        "rows      12",
        f"head      12:{head[7:23]}   (for paper)",
        f"          {head}",
        "evidence  12 of 12 there and unchanged",
        f"compared  with 12:{head[7:23]} (restoration-test-log.head)",
    ]


def test_json_is_one_document_with_all_of_it(log: Filed, capsys: Said) -> None:
    log.alter(3, outcome="FAIL")
    code, said = document(capsys, str(log.path))
    head = log.rows[-1]["row_hash"]
    assert code == DAMAGED
    assert {name: said[name] for name in said if name not in {"problems", "explanation"}} == {
        "schema": 1,
        "log": "test",
        "file": str(log.path),
        "verdict": "ROW_ALTERED",
        "rows": 12,
        "head": {"short": f"12:{head[7:23]}", "hash": head},
        "anchors": [{"rows": 12, "hash": head[7:], "source": "restoration-test-log.head"}],
        "evidence": {"checked": True, "rows": 12, "whole": 12, "why_not": None},
    }
    assert said["problems"] == [
        {
            "verdict": "ROW_ALTERED",
            "row": 3,
            "column": "outcome",
            "sentence": f'row 3 ({log.rows[2]["run_id"]}), outcome: says "FAIL"; with "PASS" its hash is right again',
        }
    ]
    assert said["explanation"].count("\n") == 0


Damage = Callable[[Filed], object]


def _without_header(log: Filed) -> None:
    log.path.write_bytes(b"".join(log.lines[1:]))


def _newer(log: Filed) -> None:
    log.path.write_bytes(line((*COLUMNS, "more")) + log.lines[1].replace(b'"1"', b'"2"', 1))


def _saved(log: Filed) -> None:
    log.path.write_bytes(log.path.read_bytes().replace(b"\r\n", b"\n"))


def _torn(log: Filed) -> None:
    log.path.write_bytes(log.path.read_bytes() + b'"1","dri')


VERDICTS: dict[str, tuple[Damage, str, int | None, str | None, tuple[str, ...]]] = {
    "FILE_ABSENT": (lambda log: log.path.unlink(), "FILE_ABSENT", None, None, ("version control and in the backups",)),
    "NEWER_VERSION": (_newer, "NEWER_VERSION", None, "log_version", ("no damage", "Use the newer one")),
    "HEADER": (_without_header, "HEADER", None, "log_version", ("another separator, encoding",)),
    "ROW_ALTERED": (
        lambda log: log.alter(5, cleanup="FAILED"),
        "ROW_ALTERED",
        5,
        "cleanup",
        ("no evidence of that run", "Up to row 4 of 12 nothing is wrong"),
    ),
    "ROW_MISSING": (
        lambda log: log.write(order=(1, *range(3, 13))),
        "ROW_MISSING",
        2,
        "prev_hash",
        ("how many tests there were", "Up to row 1 of 11 nothing is wrong"),
    ),
    "ROW_DUPLICATED": (
        lambda log: log.write(order=(*range(1, 13), 12)),
        "ROW_DUPLICATED",
        13,
        None,
        ("counted twice", "Up to row 12 of 13 nothing is wrong"),
    ),
    "TRUNCATED": (
        lambda log: log.write(order=tuple(range(1, 10))),
        "TRUNCATED",
        9,
        None,
        ("the newest ones are gone", "never repairs"),
    ),
    "TORN_TAIL": (_torn, "TORN_TAIL", 13, None, ("Nobody was told that this row was recorded",)),
    "RE-ENCODED": (_saved, "RE-ENCODED", None, None, ("That is no damage", "no value changed", "takes new rows")),
}


@pytest.mark.parametrize("how", VERDICTS)
def test_each_verdict_has_its_row_its_column_its_status_and_its_paragraph(log: Filed, capsys: Said, how: str) -> None:
    damage, verdict, row, column, told = VERDICTS[how]
    damage(log)
    code, said = document(capsys, str(log.path))
    first = next(each for each in said["problems"] if each["verdict"] == verdict)
    assert (said["verdict"], first["row"], first["column"]) == (verdict, row, column)
    assert code == (0 if verdict == "RE-ENCODED" else DAMAGED)
    for part in told:
        assert part in said["explanation"]
    code, out, _ = verified(capsys, str(log.path))
    assert out.startswith(f"{verdict}  ")
    assert said["explanation"] in out.replace("\n", " ")
    assert f"{verdict}: " in out


GONE = {
    "report.md": ("EVIDENCE_ALTERED", "evidence_digest"),
    "": ("EVIDENCE_MISSING", "evidence_path"),
}


@pytest.mark.parametrize("file", GONE)
def test_evidence_that_is_altered_or_gone_is_damage_but_for_log_only(
    log: Filed, capsys: Said, tmp_path: Path, file: str
) -> None:
    damaged = log.evidence(4) / file if file else log.evidence(4)
    damaged.rename(tmp_path / "kept")
    if file:
        damaged.write_bytes(b"another")
    try:
        code, said = document(capsys, str(log.path))
        alone = document(capsys, str(log.path), "--log-only")
    finally:
        damaged.unlink(missing_ok=True)
        (tmp_path / "kept").rename(damaged)
    (problem,) = said["problems"]
    assert (code, said["verdict"], problem["row"], problem["column"]) == (DAMAGED, GONE[file][0], 4, GONE[file][1])
    assert "The row itself is as it was written" in said["explanation"]
    assert said["evidence"] == {"checked": True, "rows": 12, "whole": 11, "why_not": None}
    assert (alone[0], alone[1]["verdict"], alone[1]["evidence"]["checked"]) == (0, "OK", False)


# -- heads ------------------------------------------------------------------------------------------------------------
def test_without_a_head_it_says_what_cannot_be_said(log: Filed, capsys: Said, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(log.path.read_bytes())
    _, out, _ = verified(capsys, str(copy))
    assert "with no head that is kept elsewhere: whether the newest rows were" in out
    assert "not checked: this is a copy of a log, away from its evidence" in out


@pytest.mark.parametrize("form", ["{rows}:{hash}", "{rows} {hash}", "{rows}:sha256:{hash}", "{rows}:{upper}", "file"])
def test_a_head_from_paper_or_from_a_file_is_compared(log: Filed, capsys: Said, tmp_path: Path, form: str) -> None:
    digits = log.rows[-1]["row_hash"][7:23]
    text = form.format(rows=12, hash=digits, upper=digits.upper())
    if form == "file":
        text = str(tmp_path / "kept.head")
        Path(text).write_bytes(log.head.read_bytes())
    copy = tmp_path / "copy.csv"
    copy.write_bytes(log.path.read_bytes())
    assert document(capsys, str(copy), "--anchor", text)[1]["verdict"] == "OK"
    copy.write_bytes(b"".join(log.lines[:10]))
    code, said = document(capsys, str(copy), "--anchor", text, "--anchor", f"9:{log.rows[8]['row_hash'][7:15]}")
    assert (code, said["verdict"], len(said["anchors"]), len(said["problems"])) == (DAMAGED, "TRUNCATED", 2, 1)


def test_a_log_that_was_written_anew_is_told_by_a_head(log: Filed, capsys: Said, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    anew = chained([{**log.rows[0], "outcome": "FAIL"}, *log.rows[1:]])
    copy.write_bytes(HEADER + b"".join(map(line, anew)))
    code, said = document(capsys, str(copy), "--anchor", f"8:{log.rows[7]['row_hash'][7:23]}")
    (problem,) = (each for each in said["problems"] if each["row"] == 8)
    assert (code, said["verdict"], problem["column"]) == (DAMAGED, "ROW_ALTERED", "row_hash")


@pytest.mark.parametrize("head", ["12", "12:9f86d08", "12:nothing!", "/no/such/file", "x" * 3000, ":", "12:", "\0"])
def test_what_is_no_head_is_wrong_use(log: Filed, capsys: Said, head: str) -> None:
    code, out, err = verified(capsys, str(log.path), "--anchor", head)
    assert (code, out) == (ExitCode.WRONG_USE, "")
    assert "is no head of a log" in err


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"rows": "x", "head": 3}', b"[" * 100_000, b"\xff\xfe", b'{"rows":1,"head":"no"}']
)
def test_nor_is_a_file_without_one(log: Filed, capsys: Said, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.head").write_bytes(content)
    assert verified(capsys, str(log.path), "--anchor", str(tmp_path / "a.head"))[0] == ExitCode.WRONG_USE


def test_a_head_file_that_cannot_be_read_is_no_head(log: Filed, capsys: Said) -> None:
    before = log.head.read_bytes()
    log.head.write_bytes(b"?")
    try:
        code, said = document(capsys, str(log.path))
    finally:
        log.head.write_bytes(before)
    assert (code, said["verdict"], said["anchors"]) == (DAMAGED, "TRUNCATED", [])
    assert "whether rows were cut off cannot be said" in said["problems"][0]["sentence"]


# -- which file -------------------------------------------------------------------------------------------------------
def test_a_training_log_says_that_it_is_no_evidence_and_finds_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    recorded = Recorded(tmp_path, monkeypatch)
    folder = recorded.training()
    path = recorded.home.root / "training" / "training-log.csv"
    code, out, _ = verified(capsys, str(path))
    assert (code, "This is a training log: it is no evidence of a restoration test." in out) == (0, True)
    assert "1 of 1 there and unchanged" in out
    (folder / "report.md").write_text("another", encoding="utf-8")
    assert document(capsys, str(path))[1]["verdict"] == "EVIDENCE_ALTERED"
    copy = tmp_path / "from-the-mail.csv"
    copy.write_bytes(path.read_bytes())
    assert document(capsys, str(copy))[1]["log"] == "training"
    copy.write_bytes(path.read_bytes().replace(b'"calm"', b'"wild"'))
    code, said = document(capsys, str(copy))
    assert (said["log"], said["verdict"]) == ("training", "ROW_ALTERED")
    copy.rename(tmp_path / "restoration-test-log.csv")
    code, said = document(capsys, str(tmp_path / "restoration-test-log.csv"), "--log-only")
    assert (said["log"], said["verdict"]) == ("test", "ROW_ALTERED"), "pasted into the test log"
    assert TRAINING in said["problems"][0]["sentence"]


def test_the_configured_log_is_meant_where_no_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    recorded = Recorded(tmp_path, monkeypatch)
    assert recorded.log("verify") == DAMAGED, "there is none yet"
    assert "FILE_ABSENT" in capsys.readouterr().out
    recorded.drill()
    capsys.readouterr()
    assert recorded.log("verify") == 0
    assert "1 of 1 there and unchanged" in capsys.readouterr().out


def _a_folder(path: Path) -> None:
    path.mkdir()


def _a_link(path: Path) -> None:
    path.symlink_to(path.with_name("other.csv"))
    path.with_name("other.csv").write_bytes(HEADER)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_a_folder, "Is a directory"),
        (os.mkfifo, "is not a regular file"),
        (_a_link, "is a symbolic link"),
    ],
    ids=["a folder", "a pipe", "a link"],
)
def test_what_is_no_file_cannot_be_read(tmp_path: Path, capsys: Said, make: Callable[[Path], None], why: str) -> None:
    make(tmp_path / "log.csv")
    code, out, err = verified(capsys, str(tmp_path / "log.csv"))
    assert (code, out, why in err) == (DAMAGED, "", True)


# -- what is printed --------------------------------------------------------------------------------------------------
def test_text_from_a_file_does_nothing_on_a_terminal(log: Filed, capsys: Said, tmp_path: Path) -> None:
    evil = "\x1b]52;c;AAAA\x07\x1b[2J\u202e\u200bdrill"
    copy = tmp_path / "restoration-test-log.csv"
    row = {**log.rows[0], "run_id": evil, "evidence_path": f"evidence/{evil}", "outcome": evil, "row_hash": evil}
    copy.write_bytes(HEADER + line(sealed(log.rows[0], evil, Domain.TEST)) + line(row))
    for out in (verified(capsys, str(copy))[1], verified(capsys, str(copy), "--json")[1]):
        assert out.replace("\n", "").isprintable()
        assert not {"\x1b", "\x07", "\u202e", "\u200b"} & set(out)


@pytest.mark.parametrize("how", VERDICTS)
def test_it_fits_eighty_columns(log: Filed, capsys: Said, how: str) -> None:
    VERDICTS[how][0](log)
    lines = verified(capsys, str(log.path))[1].splitlines()
    unbroken = [each for each in lines if "sha256:" not in each and str(log.path) not in each]
    assert max(map(len, unbroken)) <= 80


def test_it_loads_no_screens_and_no_provider_library(log: Filed) -> None:
    code = (
        "import sys; from runbook.cli import main; assert main(sys.argv[1:]) == 0; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "log", "verify", str(log.path)], check=True, capture_output=True, text=True
    )
    heavy = {"textual", "rich", "boto3", "botocore", "httpx", "psycopg", "cryptography", "pydantic", "jinja2"}
    assert not heavy & set(ran.stderr.split())
