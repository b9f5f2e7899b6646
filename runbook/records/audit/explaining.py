"""What is wrong with a log, in one paragraph that can be pasted into a mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runbook import __version__
from runbook.records.audit.anchors import short
from runbook.records.audit.checking import Checked
from runbook.records.log.testlog import Domain
from runbook.records.log.verdicts import HARMLESS, LogVerdict
from runbook.safety.outside_text import outside_text

_V: Final = LogVerdict
_KEEP: Final = (
    "Keep the file as it is, and compare it with its last copy (version control, backup). "
    "The tool never repairs a log and adds nothing to a damaged one: the rows of new runs wait in its pending folder "
    "until the right file is back in its place."
)
_EVIDENCE: Final = (
    "The row itself is as it was written. Keep the folder as it is, and look for a copy of it "
    "(version control, backup) whose SHA256SUMS has the hash that the row names."
)

_MEANS: Final[Mapping[LogVerdict, str]] = {
    _V.FILE_ABSENT: (
        "What was recorded cannot be shown until the file is back: look for it in version control and in the backups. "
        "Where no run was recorded yet there is nothing to worry about: the first one begins the log."
    ),
    _V.NEWER_VERSION: (
        "That is no damage: this version of the tool can neither judge nor extend the log. Use the newer one."
    ),
    _V.HEADER: (
        "Without its header its rows cannot be told apart, so none of them is evidence as the file stands. Most likely "
        f"another program saved it with another separator, encoding or set of columns. {_KEEP}"
    ),
    _V.ROW_ALTERED: (
        "What such a row says now is not what the tool wrote down, so it is no evidence of that run, whoever changed "
        f"it and why; the sealed folder of the run still is. {_KEEP}"
    ),
    _V.ROW_MISSING: (
        "Each row that is there is as it was written, but they are not all there, or not in their order: what the log "
        f"says about how many tests there were cannot be relied on. {_KEEP}"
    ),
    _V.ROW_DUPLICATED: f"Nothing is lost, but a run would be counted twice. {_KEEP}",
    _V.TRUNCATED: (
        "The rows that are left are as they were written; the newest ones are gone, as if an older copy of the file "
        f"had been put in its place. {_KEEP}"
    ),
    _V.TORN_TAIL: (
        "Nobody was told that this row was recorded: the tool or the machine stopped while it was written, or another "
        f"program cut the end of the file off. {_KEEP}"
    ),
    _V.EVIDENCE_ALTERED: f"It is no longer what was sealed when the run was recorded. {_EVIDENCE}",
    _V.EVIDENCE_MISSING: (
        f"Without it nobody can look into what the row says. {_EVIDENCE} If this is a copy of the log away from its "
        "evidence, --log-only judges the log alone."
    ),
    _V.RE_ENCODED: (
        "That is no damage. Most likely somebody opened and saved it in a spreadsheet; every single value is the one "
        "that was written, as the hashes show, so that the log stays evidence and takes new rows. To look at it "
        "without saving it, use a copy, or runbook log show."
    ),
}
"""What each verdict means for the evidence, and what to do."""
_SHOWN: Final = 3
_SENTENCE: Final = 300


def explanation(checked: Checked) -> str:
    """One paragraph, plain English; empty where nothing is wrong."""
    verdict = checked.verdict
    if verdict is _V.OK:
        return ""
    parts = (f"{_opening(checked)} {verdict}:", _wrong(checked), _whole(checked), _MEANS[verdict], _other(checked))
    return " ".join(filter(None, parts))


def _opening(checked: Checked) -> str:
    what = "training log" if checked.domain is Domain.TRAINING else "restoration-test log"
    return f"The {what} {outside_text(checked.path.name)} was verified (runbook {__version__}), and the verdict is"


def _wrong(checked: Checked) -> str:
    worst = [each.sentence for each in checked.problems if each.verdict is checked.verdict]
    said = "; ".join(outside_text(each, _SENTENCE) for each in worst[:_SHOWN])
    more = len(worst) - _SHOWN
    return f"{said}; and {more} more of this kind." if more > 0 else f"{said}."


def _whole(checked: Checked) -> str:
    """What can still be relied on."""
    rows = {each.row for each in checked.problems if each.row and each.verdict not in HARMLESS}
    if checked.verdict in {_V.FILE_ABSENT, _V.NEWER_VERSION, _V.HEADER, _V.RE_ENCODED} or not rows:
        return ""
    first = min(rows)
    if first == 1:
        return f"That is already the first of {checked.rows} rows." if checked.rows > 1 else "There is no other row."
    return f"Up to row {first - 1} of {checked.rows} nothing is wrong."


def _other(checked: Checked) -> str:
    """What else there is, less grave."""
    others = sorted({each.verdict for each in checked.problems} - {checked.verdict}, key=list(LogVerdict).index)
    said = f"Besides: {', '.join(others)}." if others else ""
    head = f"The file's head is {short(checked.rows, checked.head)}." if checked.rows else ""
    return f"{said} {head}".strip()
