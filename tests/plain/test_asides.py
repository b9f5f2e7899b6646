"""The words that work at every question, and that work which goes on says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from runbook.engine.errors import WrongUse
from runbook.engine.events import Kind
from runbook.engine.ports import AskSecret, Attest, Field, Form, Operator, TypeName
from runbook.plain import GoingOn, Lines
from tests.plain.walking import a_session, result, walk
from tests.screens.fake import FakeSession
from tests.screens.questions import BY_HAND, CHOOSE, CONFIRM, decide

Said = pytest.CaptureFixture[str]
TAKING: dict[str, tuple[Callable[[Operator], Awaitable[Any]], str]] = {
    "confirm": (lambda operator: operator.confirm(CONFIRM), "yes"),
    "choose": (lambda operator: operator.choose(CHOOSE), "1"),
    "whose share": (lambda operator: operator.secret(AskSecret("vault.unseal", "A share", ("A", "B"))), "stop"),
    "attest": (lambda operator: operator.attest(Attest("vault.backup", "It is so")), "seen"),
    "by hand": (lambda operator: operator.by_hand(BY_HAND), "done"),
    "form": (lambda operator: operator.fill(Form("vault.backup", "It", (), (Field("a", "A"),))), "stop"),
    "decide": (lambda operator: operator.decide(decide()), "retry"),
}


@pytest.mark.parametrize("word", ["help", "HELP", "where", "status", "?", "note one thing", "note"])
@pytest.mark.parametrize("kind", TAKING)
async def test_a_word_is_answered_and_the_same_question_asked_again(kind: str, word: str, capsys: Said) -> None:
    ask, answer = TAKING[kind]
    plainly, asided = a_session(lambda s, o: s.ask(ask(o))), a_session(lambda s, o: s.ask(ask(o)))
    await walk(plainly, answer)
    before = capsys.readouterr().out
    await walk(asided, word, answer)
    assert asided.answers == plainly.answers
    assert len(capsys.readouterr().out.splitlines()) > len(before.splitlines()) + 1
    assert [found.text for found in asided.run.findings] == (["one thing"] if word == "note one thing" else [])


async def test_where_nothing_is_shown_and_where_every_letter_counts_a_word_is_only_what_it_is() -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.secret(AskSecret("vault.unseal", "A share", ("A",))))
        await session.ask(operator.type_name(TypeName("vault.restore", "help")))

    session = a_session(script)
    await walk(session, "help", "help")
    assert session.answers[0].secret.reveal() == "help"
    assert session.answers[1] == "help"
    assert session.run.findings == ()


async def test_a_question_mark_is_no_credential(capsys: Said) -> None:
    ask = AskSecret("identity.tool", "The token", kind="credential")
    session = a_session(lambda s, o: s.ask(o.secret(ask)))
    await walk(session, "?", "a-token-of-some-length")
    assert session.answers[0].secret.reveal() == "a-token-of-some-length"
    assert "Enter: stop" in capsys.readouterr().out


async def test_a_note_that_cannot_be_taken_says_why(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise WrongUse("there is no run to note it in", fix="Begin one.")

    session = a_session(lambda s, o: s.ask(o.confirm(CONFIRM)))
    monkeypatch.setattr(session, "note", refused)
    await walk(session, "note it smells of smoke", "yes")
    assert "    Not recorded: there is no run to note it in. Begin one.\n" in capsys.readouterr().out


async def test_a_long_answer_of_a_provider_is_cut_and_had_in_full_by_a_word(capsys: Said) -> None:
    ask = replace(decide(), provider_text="x" * 499 + "middle" + "y" * 999)
    await walk(a_session(lambda s, o: s.ask(o.decide(ask))), "words", "retry")
    said = capsys.readouterr().out
    cut, whole = said.split("<words>")
    assert "words = every word of it" in cut
    assert "middle" not in cut
    assert ask.provider_text in whole


# -- work that goes on ---------------------------------------------------------------------------------------------
class Working:
    """A restore that takes its time, and the lines about it."""

    def __init__(self) -> None:
        self.session = a_session(lambda s, o: s.ask(o.confirm(CONFIRM)))
        self.out = StringIO()
        self.lines = Lines(self.session.procedure, self.out, now=lambda: self.session.now().timestamp())
        self.going_on = GoingOn(self.session, self.lines)
        for hear in (self.lines.hear, self.going_on.hear):
            self.session.subscribe(hear)
        self.session.say(Kind.DECLARED, run_id="run-1")
        self.session.opened("identity")
        self.session.say(Kind.STARTED, "vault")
        self.session.say(Kind.STARTED, "vault", "vault.restore", attempt=1)

    def for_s(self, seconds: int) -> list[str]:
        """What is said about it meanwhile."""
        before = len(self.out.getvalue())
        for _ in range(seconds):
            self.session.at += timedelta(seconds=1)
            self.going_on.look()
        return self.out.getvalue()[before:].splitlines()


@pytest.fixture
def working() -> Working:
    return Working()


def test_it_is_said_after_two_seconds_with_how_long_it_usually_takes(working: Working) -> None:
    assert working.for_s(3)[0] == ("  GOING ON     vault.restore: 2 seconds so far, of the usual 12 minutes 5 seconds")


def test_it_is_said_ever_less_often_and_at_least_once_a_minute(working: Working) -> None:
    assert len(working.for_s(60)) == 4
    assert len(working.for_s(600)) == 10


def test_longer_than_usual_is_said(working: Working) -> None:
    assert "longer than the usual 12 minutes" in working.for_s(800)[-1]


def test_how_much_is_done_is_said_although_the_words_are_the_same(working: Working) -> None:
    working.session.progress("vault.restore", 40, 100, "rt-1 is creating")
    assert working.for_s(9)[-1].endswith(", 40% done")


def test_nothing_is_said_while_a_question_waits(working: Working) -> None:
    working.session.say(Kind.ASKED, "vault", "vault.restore", question="confirm", text="?")
    assert working.for_s(100) == []
    working.session.say(Kind.ANSWERED, "vault", "vault.restore", answer="yes", by="operator")
    assert working.for_s(1) == []
    assert "vault.restore: 2 seconds so far" in working.for_s(1)[0]


def test_between_two_steps_the_stage_is_named(working: Working) -> None:
    result(working.session, "vault.restore", "PASS")
    assert working.for_s(3)[-1].startswith("  GOING ON     Encryption Vault: at work, ")


def test_nothing_goes_on_before_and_after_the_run(working: Working) -> None:
    working.session.say(Kind.ENDED, outcome="PASS")
    assert working.for_s(100) == []
