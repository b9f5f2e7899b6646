"""`runbook log verify --json` says of an altered log what it is, in which row and which column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runbook import cli
from runbook.commands.exits import ExitCode
from tests.records.log.mutations import Mutation, harmless, mutations
from tests.records.log.twelve import Log, twelve


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return twelve(tmp_path_factory.mktemp("twelve"))


@pytest.fixture(scope="module")
def altered(log: Log, tmp_path_factory: pytest.TempPathFactory) -> list[Mutation]:
    """One of each kind; of the words, one for each column."""
    other = twelve(tmp_path_factory.mktemp("other"), lambda run_id: run_id.replace("7f3a", "0b0b"))
    return list({(each.kind, each.column): each for each in mutations(log, other)}.values())


def _told(
    folder: Path, content: bytes, head: bytes | None, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any]]:
    """The exit status, and the one document that was written."""
    file = folder / "restoration-test-log.csv"
    file.write_bytes(content)
    file.with_suffix(".head").unlink(missing_ok=True)
    if head is not None:
        file.with_suffix(".head").write_bytes(head)
    code = cli.main(["log", "verify", str(file), "--json", "--log-only"])
    return code, json.loads(capsys.readouterr().out)


def _names_it(each: Mutation, code: int, told: dict[str, Any]) -> bool:
    """Whether it is called what it is, its problem says where, and there is a paragraph about it."""
    worst = [problem for problem in told["problems"] if problem["verdict"] == told["verdict"]]
    placed = bool(worst) and each.row in {None, worst[0]["row"]} and each.column in {None, worst[0]["column"]}
    return placed and code == ExitCode.NOT_RECORDED and told["verdict"] in each.anchored and bool(told["explanation"])


def test_one_of_each_kind_is_named_with_its_row_and_column(
    log: Log, altered: list[Mutation], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = list[str]()
    for each in altered:
        code, told = _told(tmp_path, each.content, log.head, capsys)
        if not _names_it(each, code, told):
            wrong.append(
                f"{each.kind}, row {each.row}, {each.column}: {code}, {told['verdict']}, {told['problems'][:2]}"
            )
    assert not wrong, "\n".join(wrong)


def test_without_a_head_it_says_what_the_chain_shows(
    log: Log, altered: list[Mutation], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in altered:
        if each.column is None:
            code, told = _told(tmp_path, each.content, None, capsys)
            assert told["verdict"] in each.bare, each.kind
            assert (code == ExitCode.PASS) is (told["verdict"] == "OK"), each.kind


def test_the_same_records_under_other_bytes_end_well(
    log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in list(harmless(log))[::60]:
        code, told = _told(tmp_path, content, log.head, capsys)
        assert (code, told["verdict"], told["rows"]) == (ExitCode.PASS, "RE-ENCODED", 12)
    code, told = _told(tmp_path, log.content, log.head, capsys)
    assert (code, told["verdict"], told["problems"]) == (ExitCode.PASS, "OK", [])
