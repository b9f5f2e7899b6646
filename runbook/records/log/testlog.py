"""The test log's format: its columns, and how a row becomes a line and a hash.

The hash is taken over the named fields, not over bytes: a spreadsheet that saved the file with other quoting is told
apart from one that changed a value.  Training's log has these columns too, under a hash domain of its own, so that a
training row pasted into the test log shows as altered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from json.encoder import encode_basestring
from operator import itemgetter

from runbook.records.canonical import GENESIS, clean_text
from runbook.records.log.spreadsheets import mistaken

LOG_VERSION = 1

_NAMES = """
    log_version run_id record_type refers_to mode quarter started_at ended_at outcome
    operator_name operator_role operator_identity mfa witness_name witness_role
    scenario environment account region providers
    db_backup_id db_backup_created_at db_backup_age_s db_restore_method db_data_until
    vault_backup_id vault_backup_created_at vault_backup_age_s vault_backup_digest vault_seal share_labels
    app_image app_commit image_level
    s1_identity s2_vault s3_database s4_application s5_connectivity s1_s s2_s s3_s s4_s s5_s
    c1_app_boots c2_db_connected c3_sample_decrypted negative_controls checks_passed checks_total
    rto_target_s rto_actual_s criteria_s rto_met human_wait_s rpo_target_s rpo_actual_s rpo_met clock_offset_ms
    exceptions findings_open summary patient_data_used dpia_ref cleanup cleanup_at
    signoff signoff_name signed_at policy_ref evidence_refs tool_version evidence_path evidence_digest
    prev_hash row_hash
"""
COLUMNS: tuple[str, ...] = tuple(_NAMES.split())
"""Every column in the file's order."""

STAGE_COLUMNS = COLUMNS[COLUMNS.index("s1_identity") : COLUMNS.index("s1_s")]
SECONDS_COLUMNS = COLUMNS[COLUMNS.index("s1_s") : COLUMNS.index("c1_app_boots")]
CRITERIA_COLUMNS = COLUMNS[COLUMNS.index("c1_app_boots") : COLUMNS.index("negative_controls")]

Row = Mapping[str, str]


class Domain(StrEnum):
    """What a row's hash is taken for; a row of one domain is altered in the other."""

    TEST = "restoration-test-log/v1"
    TRAINING = "restoration-training-log/v1"


# -- one row ------------------------------------------------------------------------------------------------------
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def field(text: str) -> str:
    """A value as the log keeps it: one line, and nothing that a spreadsheet would run, or make something else of."""
    led_by_control = text[:1] in {"\t", "\r"}
    text = _BREAKS.sub(" ", clean_text(text))
    return "'" + text if led_by_control or mistaken(text) else text


def line(values: Mapping[str, str] | tuple[str, ...]) -> bytes:
    """One physical line: every field quoted, CRLF."""
    texts = values if isinstance(values, tuple) else tuple(values[column] for column in COLUMNS)
    return (",".join('"' + text.replace('"', '""') + '"' for text in texts) + "\r\n").encode("utf-8")


_HASHED = tuple(sorted(set(COLUMNS) - {"row_hash"}))
_IN_ORDER = itemgetter(*(COLUMNS.index(column) for column in _HASHED))
_CANONICAL = "{" + ",".join(f'"{column}":"%s"' for column in _HASHED) + "}"


def row_hash(row: Row, domain: Domain) -> str:
    """`sha256:…` over all named fields but the hash itself."""
    return fields_hash([row[column] for column in COLUMNS], domain)


def fields_hash(fields: Sequence[str], domain: Domain) -> str:
    """The same, of fields in the file's order; UnicodeEncodeError for what UTF-8 cannot hold."""
    return plain_hash([encode_basestring(text)[1:-1] for text in fields], domain)


def plain_hash(fields: Sequence[str], domain: Domain) -> str:
    """The same, of fields of which JSON escapes no character: `canonical.digest`, eight times as fast."""
    named = (_CANONICAL % _IN_ORDER(fields)).encode("utf-8")
    return "sha256:" + hashlib.sha256(domain.encode("ascii") + b"\0" + named).hexdigest()


def sealed(values: Row, prev: str, domain: Domain) -> Row:
    """The row as it is written: fields made safe, chained to the row before it."""
    row = {column: field(values[column]) for column in COLUMNS if column not in {"prev_hash", "row_hash"}}
    row["prev_hash"] = prev
    row["row_hash"] = row_hash({**row, "row_hash": ""}, domain)
    return row


FIRST = "sha256:" + GENESIS
"""`prev_hash` of the first row, and the head of a log without rows."""
