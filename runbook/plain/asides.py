"""The words that work at every question whose line is shown: help, where, note; the question waits meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from runbook.engine.errors import RunbookError
from runbook.plain.helping import help_on
from runbook.plain.lines import Lines
from runbook.plain.whereabouts import whereabouts
from runbook.views import Session

ANNOUNCED: Final = "At any question but for a secret or an exact name: ? (what to answer), help, where, note TEXT."
NOTHING_NOTED: Final = "Nothing was recorded. note TEXT: what you saw, in a sentence; no secret, no patient's name."
MAJOR: Final = "major:"
_WORDS: Final[Mapping[str, str]] = {
    "help": "why this is asked, the policy's clause, the way without this tool, how long it usually takes",
    "where": "where the run is in the five, the clocks, the findings (status is the same)",
    "note TEXT": f"record a finding of your own; note {MAJOR} TEXT where it matters more",
}


class Asides:
    """Answers them.  Without a session (nothing runs) there are none."""

    def __init__(self, lines: Lines, session: Session | None) -> None:
        self._lines = lines
        self._session = session
        self._place = self._question = ""
        self._says: Mapping[str, Callable[[Session], Iterable[str]]] = {
            "help": lambda session: help_on(session, self._place),
            "where": lambda session: whereabouts(session, self._question),
            "status": lambda session: whereabouts(session, self._question),
        }

    @property
    def words(self) -> Mapping[str, str]:
        """The words, and what each says."""
        return _WORDS if self._session is not None else {}

    def about(self, place: str, question: str) -> None:
        """What is asked about from now on: a step's or a stage's id, "" for neither; and the question itself."""
        self._place, self._question = place, question

    def answered(self, text: str) -> bool:
        """Whether that was one of the words; then it is answered by now."""
        if self._session is None:
            return False
        word, _, rest = text.partition(" ")
        if word.lower() == "note":
            self._note(self._session, rest.strip())
        elif (says := self._says.get(text.lower())) is not None:
            for line in says(self._session):
                self._lines.say(f"    {line}")
        else:
            return False
        return True

    def _note(self, session: Session, text: str) -> None:
        """What is said of it comes back as the run's own line."""
        severity = "major" if text.lower().startswith(MAJOR) else "minor"
        text = text[len(MAJOR) :].strip() if severity == "major" else text
        if not text:
            self._lines.say(f"    {NOTHING_NOTED}")
            return
        try:
            session.note(text, severity=severity)
        except RunbookError as error:
            self._lines.say(f"    Not recorded: {error.sentence}. {error.fix}".rstrip())
