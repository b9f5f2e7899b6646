"""Every broken configuration is told with its line, key and fix, without a traceback and without its values."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from runbook import cli
from tests.config.broken import BROKEN, Broken
from tests.support import runbook_toml

QUOTED = re.compile(r'"{1,3}([^"]{5,})"')


def checked(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """The exit status, and what was said of the file, without its path."""
    status = cli.main(["config", "check", "--config", str(path)])
    out, err = capsys.readouterr()
    return status, out.replace(str(path), "FILE"), err.replace(str(path), "FILE")


def edited(broken: Broken) -> tuple[str, int]:
    """The file, and the line (from 1) that must be named."""
    assert broken.old in runbook_toml.GOOD, broken.old
    text = runbook_toml.GOOD.replace(broken.old, broken.new, 1)
    marked = broken.at or broken.new.split("\n")[0]
    place = text.index(marked, text.index(broken.after) if broken.after else 0)
    return text, text.count("\n", 0, place + (1 if marked.startswith("\n") else 0)) + 1


def test_there_are_more_than_forty_and_no_two_of_one_name() -> None:
    assert len(BROKEN) >= 40
    assert [name for name, times in Counter(each.name for each in BROKEN).items() if times > 1] == []


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_a_mistake_is_told_with_its_line_and_its_key(
    broken: Broken, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, line = edited(broken)
    path = tmp_path / "runbook.toml"
    path.write_text(text, encoding="utf-8")
    status, out, err = checked(path, capsys)
    assert status == 2
    assert out == ""
    told = [each for each in err.splitlines() if each.startswith(f"FILE: line {line}: {broken.key}: ")]
    assert any(broken.said in each for each in told), err
    assert "Traceback" not in err
    assert all(each.startswith("FILE: line ") for each in err.splitlines()), err
    pasted = {value for value in QUOTED.findall(broken.new) if value not in broken.said and value not in broken.key}
    assert [value for value in pasted if value in err] == []


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = runbook_toml.text(
        **{
            "people.operater": "Ana",
            "targets.rto_s": "soon",
            "staging.vault.address": "https://127.0.0.1:8200",
            "canary.sha256": "0",
            "providers.github.token": "sesame",
        }
    )
    path = tmp_path / "runbook.toml"
    path.write_text(text, encoding="utf-8")
    status, _, err = checked(path, capsys)
    keys = [line.split(": ")[2] for line in err.splitlines()]
    assert status == 2
    wanted = {"people.operater", "targets.rto_s", "staging.vault.address", "canary.sha256", "providers.github.token"}
    assert wanted <= set(keys)
    lines = [int(line.split(": ")[1].removeprefix("line ")) for line in err.splitlines()]
    assert lines == sorted(lines)


UNREADABLE = {
    "an empty file": (b"", "line 1: platform: is missing"),
    "another encoding": (runbook_toml.GOOD.replace("Ana Lovelace", "Ana Lövelace").encode("latin-1"), "is not UTF-8"),
    "two bytes a character": (runbook_toml.GOOD.encode("utf-16"), "line 1: is not UTF-8"),
    "a number of thousands of digits": (b"[targets]\nrto_s = " + b"9" * 5000, "a number or date that is none"),
    "a date that there is not": (b"[policy]\nversion = 2027-02-31\n", "line 2: not valid TOML"),
    "lists in lists in lists": (b"a = " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
    "tables in tables in tables": (b"a = " + b"{a = " * 150 + b"1" + b"}" * 150, "nested too deeply"),
    "a header of a hundred parts": (b"[" + b".".join([b"a"] * 100) + b"]", "nested too deeply"),
    "no TOML at all": (b"{\x22platform\x22: {}}", "line 1: not valid TOML"),
    "a NUL byte": (runbook_toml.GOOD.replace("Ana", "A\0na").encode(), "not valid TOML"),
}


@pytest.mark.parametrize(("raw", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_a_sentence(
    raw: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runbook.toml"
    path.write_bytes(raw)
    status, _, err = checked(path, capsys)
    assert status == 2
    assert said in err
    assert "Traceback" not in err


def test_a_line_in_another_encoding_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runbook.toml"
    text = runbook_toml.GOOD.replace("Bo Turing", "Bö Turing")
    path.write_bytes(text.encode("latin-1"))
    line = text[: text.index("Bö")].count("\n") + 1
    assert f"FILE: line {line}: is not UTF-8" in checked(path, capsys)[2]


def test_a_folder_is_named_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(tmp_path, capsys) == (2, "", "FILE: is a folder\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(tmp_path / "runbook.toml", capsys) == (2, "", "FILE: there is no such file\n")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_byte_order_mark_and_line_ends_of_windows_are_no_mistakes(
    ends: str, mark: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runbook.toml"
    path.write_bytes((mark + runbook_toml.GOOD.replace("\n", ends)).encode())
    status, out, err = checked(path, capsys)
    assert (status, err) == (0, "")
    assert out.startswith("FILE: nothing is wrong\n")


def test_lines_are_counted_alike_with_line_ends_of_windows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runbook.toml"
    text = runbook_toml.GOOD.replace('service = "web"', 'service = "nobody"')
    path.write_bytes(text.replace("\n", "\r\n").encode())
    line = text[: text.index("nobody")].count("\n") + 1
    assert f"FILE: line {line}: staging.connectivity.hostnames.1.service" in checked(path, capsys)[2]


def test_a_key_cannot_write_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runbook.toml"
    path.write_text(runbook_toml.GOOD + '\n["\\u001b[31m\\u202e"]\n', encoding="utf-8")
    err = checked(path, capsys)[2]
    assert "is not a known key" in err
    assert all(each.isprintable() for each in err.rstrip("\n"))
