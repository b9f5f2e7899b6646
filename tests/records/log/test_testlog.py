from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.records.log.row import row_of
from runbook.records.log.testlog import COLUMNS, FIRST, STAGE_COLUMNS, Domain, field, line, row_hash, sealed
from runbook.records.log.verdicts import LogVerdict
from runbook.records.log.verifying import verify

DIGEST = "sha256:" + "00" * 32


def _values(document: dict[str, Any], **more: str) -> dict[str, str]:
    return {**row_of(document, evidence_path="x/SHA256SUMS", evidence_digest=DIGEST), **more}


def _log(document: dict[str, Any], rows: int = 3, domain: Domain = Domain.TRAINING) -> bytes:
    content, head = line(COLUMNS), FIRST
    for number in range(rows):
        row = sealed(_values(document, run_id=f"training-{number}"), head, domain)
        content, head = content + line(row), row["row_hash"]
    return content


def test_the_columns_are_those_of_record_md_in_its_order() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 76
    specification = Path(__file__).parents[4] / "shared" / "spec" / "record.md"
    if not specification.exists():
        pytest.skip("the specification is not beside this checkout")
    text = specification.read_text("utf-8")
    listed = re.sub(r"\([^)]*\)", "", text[text.index("log_version · ") : text.index("Cross-field rules")])
    names = [name.strip() for part in listed.split("·") for name in part.split("…")]
    expanded = " ".join(names).replace("s1_identity s5_connectivity", " ".join(STAGE_COLUMNS))
    assert tuple(expanded.replace("s1_s s5_s", "s1_s s2_s s3_s s4_s s5_s").split()) == COLUMNS


def test_a_row_has_every_column_and_comes_back_as_it_was_written(calm: dict[str, Any]) -> None:
    row = sealed(_values(calm), FIRST, Domain.TRAINING)
    assert tuple(sorted(row)) == tuple(sorted(COLUMNS))
    judged = verify(line(COLUMNS) + line(row), Domain.TRAINING)
    assert judged.verdict is LogVerdict.OK
    assert judged.rows == (row,)
    assert judged.head == row["row_hash"]


def test_what_the_calm_run_says_in_its_row(calm: dict[str, Any]) -> None:
    row = _values(calm)
    said = {name: row[name] for name in ("mode", "environment", "providers", "quarter", "outcome", "cleanup", "mfa")}
    assert said == {
        "mode": "TRAINING",
        "environment": "PRACTICE",
        "providers": "LOOPBACK",
        "quarter": "2027-Q1",
        "outcome": "PASS",
        "cleanup": "DONE",
        "mfa": "NO",
    }
    assert row["account"] == "aws:012345678901"
    assert row["app_commit"].startswith("git:")
    assert row["app_image"] == "ghcr.io/clinic/app@sha256:" + "ef" * 32
    assert (row["rto_actual_s"], row["criteria_s"], row["rto_target_s"], row["rto_met"]) == (
        "39",
        "31",
        "NOT_SET",
        "NOT_SET",
    )
    assert (row["rpo_actual_s"], row["db_backup_age_s"], row["vault_backup_age_s"]) == ("3600", "2700", "7200")
    assert (row["vault_seal"], row["share_labels"]) == ("shamir 3/5", "Ada;Grace;Edsger")


def test_a_training_row_is_altered_in_the_test_log(calm: dict[str, Any]) -> None:
    training = sealed(_values(calm), FIRST, Domain.TRAINING)
    assert row_hash(training, Domain.TEST) != training["row_hash"]
    judged = verify(line(COLUMNS) + line(training), Domain.TEST)
    assert judged.verdict is LogVerdict.ROW_ALTERED


def test_every_field_is_quoted_and_the_line_ends_in_crlf(calm: dict[str, Any]) -> None:
    raw = line(sealed(_values(calm), FIRST, Domain.TRAINING))
    assert raw.startswith(b'"1","')
    assert raw.endswith(b'"\r\n')
    assert raw.count(b"\n") == 1


@pytest.mark.parametrize("lead", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])  # noqa: RUF001  # spreadsheets take the full-width forms too
def test_no_field_starts_a_formula(lead: str) -> None:
    assert field(f'{lead}HYPERLINK("x")').startswith("'")


@pytest.mark.parametrize("number", ["-12", "0", "3600"])
def test_plain_integers_stay_numbers(number: str) -> None:
    assert field(number) == number


@given(st.text())
def test_any_text_is_one_physical_line_and_reads_back(text: str) -> None:
    kept = field(text)
    raw = line(tuple([kept] * 2))
    assert raw.count(b"\n") == 1
    assert len(raw.decode().splitlines()) == 1
    assert next(csv.reader(io.StringIO(raw.decode(), newline=""))) == [kept, kept]


def test_any_changed_byte_of_a_row_is_detected(calm: dict[str, Any]) -> None:
    content = _log(calm, rows=2)
    for index in range(len(content)):
        for flip in (0x01, 0x10, 0x80):
            judged = verify(content[:index] + bytes([content[index] ^ flip]) + content[index + 1 :], Domain.TRAINING)
            assert judged.verdict is not LogVerdict.OK, index
            if judged.verdict is LogVerdict.RE_ENCODED:  # a quote or line end was hit, and every value is the same
                assert judged.rows == verify(content, Domain.TRAINING).rows


_HEADER_AND_X = (b"\r\n", b',"x"\r\n')

DAMAGE: dict[str, tuple[Callable[[list[bytes]], list[bytes]], LogVerdict, int | None]] = {
    "deleted": (lambda log: [*log[:2], log[3]], LogVerdict.ROW_MISSING, 2),
    "first deleted": (lambda log: [log[0], *log[2:]], LogVerdict.ROW_MISSING, 1),
    "swapped": (lambda log: [*log[:2], log[3], log[2]], LogVerdict.ROW_MISSING, 2),
    "twice": (lambda log: [*log[:2], *log[1:]], LogVerdict.ROW_DUPLICATED, 2),
    "PASS to FAIL": (
        lambda log: [*log[:2], log[2].replace(b'"PASS"', b'"FAIL"', 1), log[3]],
        LogVerdict.ROW_ALTERED,
        2,
    ),
    "cp1252": (lambda log: [*log[:2], log[2].replace(b"Pat", b"P\xe4t"), log[3]], LogVerdict.ROW_ALTERED, 2),
    "column added": (lambda log: [log[0].replace(*_HEADER_AND_X), *log[1:]], LogVerdict.HEADER, None),
    "newer": (
        lambda log: [log[0].replace(*_HEADER_AND_X), *(raw.replace(b'"1"', b'"2"', 1) for raw in log[1:])],
        LogVerdict.NEWER_VERSION,
        None,
    ),
    "UTF-16": (lambda log: [b"".join(log).decode().encode("utf-16")], LogVerdict.HEADER, None),
    "semicolons": (lambda log: [raw.replace(b'","', b'";"') for raw in log], LogVerdict.HEADER, None),
    "blank line": (lambda log: [*log[:2], b"\r\n", *log[2:]], LogVerdict.ROW_ALTERED, 2),
    "BOM": (lambda log: [b"\xef\xbb\xbf", *log], LogVerdict.RE_ENCODED, None),
    "LF": (lambda log: [raw.replace(b"\r\n", b"\n") for raw in log], LogVerdict.RE_ENCODED, None),
    "unquoted": (lambda log: [*log[:2], log[2].replace(b'"RUN"', b"RUN"), log[3]], LogVerdict.RE_ENCODED, 2),
    "CR only": (lambda log: [raw.replace(b"\r\n", b"\r") for raw in log], LogVerdict.HEADER, None),
    "no last newline": (lambda log: [*log[:3], log[3][:-2]], LogVerdict.TORN_TAIL, 3),
    "NUL tail": (lambda log: [*log, b"\0" * 30], LogVerdict.TORN_TAIL, 4),
    "NUL sector": (lambda log: [*log[:3], log[3][:100] + b"\0" * 50 + log[3][150:]], LogVerdict.TORN_TAIL, 3),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_has_a_name_and_a_row(calm: dict[str, Any], how: str) -> None:
    damage, verdict, row = DAMAGE[how]
    judged = verify(b"".join(damage(_log(calm).splitlines(keepends=True))), Domain.TRAINING)
    assert (judged.verdict, judged.problems[0].row) == (verdict, row)
    assert judged.sound is (verdict is LogVerdict.RE_ENCODED)


def test_no_file_is_a_verdict() -> None:
    assert verify(None, Domain.TRAINING).verdict is LogVerdict.FILE_ABSENT


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_the_judge_stumble(content: bytes) -> None:
    assert verify(content, Domain.TRAINING).verdict is not LogVerdict.OK


@given(st.binary(max_size=60), st.integers(0, 5000))
def test_nor_do_bytes_put_into_a_good_log(content: bytes, at: int) -> None:
    good = line(COLUMNS) + line({**dict.fromkeys(COLUMNS, "x")})
    verify(good[:at] + content + good[at:], Domain.TRAINING)
