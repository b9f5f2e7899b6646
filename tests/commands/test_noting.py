"""A note of the operator's own: into the record at once, while there is a run; and never a secret."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.commands.session import RunSession
from runbook.engine.errors import WrongUse
from runbook.engine.events import Kind
from tests.engine.told import Told

SHARES = (
    "kY7SqT0b1mZ9rWc4uJx2LfP8nHd6vAeG5oRiXtBsEyQ=",
    "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f901",
)


class Walked:
    """As much of a conductor as a note needs."""

    def __init__(self) -> None:
        self.told = Told()
        self.found: list[tuple[str, str]] = []

    @property
    def run(self) -> Any:
        return self.told.run

    def find(self, text: str, *, severity: str) -> None:
        self.found.append((text, severity))


def session(walked: Walked) -> RunSession:
    made = RunSession()
    made._conductor = walked  # type: ignore[assignment]  # what of it is asked for
    return made


def test_it_is_a_finding_of_the_severity_that_was_said() -> None:
    walked = Walked()
    session(walked).note("the cache was purged by hand; image sha256:4b0c1e595341", severity="major")
    assert walked.found == [("the cache was purged by hand; image sha256:4b0c1e595341", "major")]


@pytest.mark.parametrize("share", SHARES)
def test_a_share_that_was_pasted_into_it_is_not_recorded(share: str) -> None:
    walked = Walked()
    with pytest.raises(WrongUse, match="looks like a secret") as refused:
        session(walked).note(f"Ada's: {share}")
    assert share not in str(refused.value)
    assert walked.found == []


def test_before_the_run_and_after_it_there_is_no_place_for_one() -> None:
    with pytest.raises(WrongUse, match="no run to note it in"):
        RunSession().note("too early")
    walked = Walked()
    walked.told.say(Kind.ENDED, "closeout", outcome="PASS")
    with pytest.raises(WrongUse, match="no run to note it in"):
        session(walked).note("too late")
    assert walked.found == []
