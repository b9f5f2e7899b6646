"""What the process says to its caller when it ends."""

from __future__ import annotations

from enum import IntEnum

from runbook.engine.outcome import Outcome


class ExitCode(IntEnum):
    """One meaning each; `runbook --help` prints the same list."""

    PASS = 0
    """The run passed; or all is well."""
    FAIL = 1
    """The run failed; or not ready, overdue."""
    WRONG_USE = 2
    """Wrong usage or configuration; file, key and line were named."""
    INCONCLUSIVE = 3
    """No verdict could be had."""
    REFUSED = 4
    """A safety rule stood in the way."""
    ABORTED = 5
    """The operator stopped."""
    PASS_WITH_ISSUES = 6
    """The run passed, with an exception or a finding."""
    NOT_RECORDED = 7
    """The record could not be written, or is damaged."""
    UNEXPECTED = 70
    """A defect in this tool (EX_SOFTWARE of sysexits.h)."""
    HANGUP = 129
    """SIGHUP; the run can be resumed."""
    INTERRUPTED = 130
    """SIGINT; the run can be resumed."""
    TERMINATED = 143
    """SIGTERM; the run can be resumed."""


def of_outcome(outcome: str) -> ExitCode:
    """The exit status of a run that ended with this outcome."""
    return {
        Outcome.PASS: ExitCode.PASS,
        Outcome.FAIL: ExitCode.FAIL,
        Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
        Outcome.ABORTED: ExitCode.ABORTED,
        Outcome.PASS_WITH_ISSUES: ExitCode.PASS_WITH_ISSUES,
    }[Outcome(outcome)]
