"""Shares, entered here and by custodians on their own machines; whose they were is known, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from runbook.engine.events import Kind, Progress
from runbook.engine.ports import AskSecret, Secret, SecretAnswer
from runbook.engine.run import Run
from runbook.engine.verdict import Verdict
from steps.facts import SharesUsed
from steps.here import EarlierRun
from steps.vault.shares import ELSEWHERE, Entry, fault_of
from tests.support.operator import ScriptedOperator
from tests.support.practice import Practice

UNSEAL = "secret vault.unseal"


class Waiting(ScriptedOperator):
    """Enters nothing: others do, on their own machines, while the question is open."""

    def __init__(self, practice: Practice, meanwhile: Callable[[int], None]) -> None:
        inner = practice.operator()
        super().__init__(shares=inner._shares, hands=practice.world.hands)
        self._meanwhile = meanwhile
        self.withdrawn = 0

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        if ask.step != "vault.unseal":
            return await super().secret(ask)
        self.asked.append((UNSEAL, ask))
        self._meanwhile(len(self.questions(UNSEAL)))
        if len(self.questions(UNSEAL)) > 3:
            return SecretAnswer(None)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.withdrawn += 1
            raise
        raise AssertionError("never answered")


def submit(practice: Practice, *numbers: int) -> None:
    """Another client's shares."""
    shares = list(practice.world.custodians().values())
    for number in numbers:
        practice.world.server.submit(shares[number].reveal())


async def test_one_share_entered_here_and_two_from_another_client_open_the_vault(practice: Practice) -> None:
    shares = practice.world.custodians()
    label = next(iter(shares))

    def here(_: Any) -> SecretAnswer:
        submit(practice, 3)
        return SecretAnswer(shares[label], label)

    def there(ask: Any) -> SecretAnswer:
        assert (ask.entered, ask.needed) == (2, 3)
        assert ask.hint.startswith(f"1 was {ELSEWHERE}. From a custodian's own machine")
        submit(practice, 4)
        late = list(shares)[1]
        return SecretAnswer(shares[late], late)  # it is open already, and this one was not needed

    run = await practice.walk(practice.operator({UNSEAL: [here, there]}))
    used = run.fact(SharesUsed)
    assert used is not None
    assert used.labels == (label, ELSEWHERE, ELSEWHERE)
    assert run.outcome == "PASS"


async def test_a_vault_that_others_open_withdraws_the_question(practice: Practice) -> None:
    operator = Waiting(practice, lambda _: submit(practice, 0, 1, 2))
    recorder = practice.recorder()
    run = await practice.walk(operator, recorder)
    used = run.fact(SharesUsed)
    assert used is not None
    assert used.labels == (ELSEWHERE,) * 3
    assert operator.withdrawn == 1
    assert [e.data["answer"] for e in recorder.of(Kind.ANSWERED) if e.step == "vault.unseal"] == ["withdrawn"]
    assert run.outcome == "PASS"


async def test_what_others_enter_is_told_while_the_question_is_open(practice: Practice) -> None:
    told: list[str] = []

    def meanwhile(times: int) -> None:
        submit(practice, *((0,) if times == 1 else ()))

    operator = Waiting(practice, meanwhile)
    conductor = practice.conductor(operator)

    def hear(said: Any) -> None:
        if isinstance(said, Progress) and said.step == "vault.unseal":
            told.append(said.text)
            submit(practice, 1, 2)

    conductor.subscribe(hear)
    run = await conductor.declare({"run_id": "r-1", "mode": "training", "operator": {"name": "t"}})
    assert told[0] == f"1 of 3 shares are in, 1 {ELSEWHERE}"
    assert run.outcome == "PASS"


async def test_a_set_that_is_thrown_away_elsewhere_is_noticed_and_asked_for_again(practice: Practice) -> None:
    shares = practice.world.custodians()
    labels = list(shares)

    def first(_: Any) -> SecretAnswer:
        return SecretAnswer(shares[labels[0]], labels[0])

    class Resetting(Waiting):
        async def secret(self, ask: AskSecret) -> SecretAnswer:
            if ask.step == "vault.unseal" and not self.questions(UNSEAL):
                self.asked.append((UNSEAL, ask))
                return first(ask)
            return await super().secret(ask)

    def meanwhile(times: int) -> None:
        if times == 2:
            practice.world.server.reset()
        else:
            submit(practice, 0, 1, 2)

    operator = Resetting(practice, meanwhile)
    run = await practice.walk(operator)
    assert "thrown away from elsewhere" in operator.questions(UNSEAL)[2].note
    assert labels[0] in operator.questions(UNSEAL)[2].labels
    assert run.outcome == "PASS"


async def test_the_way_from_the_custodians_own_machine_is_shown_with_address_and_nonce(practice: Practice) -> None:
    operator = practice.operator()
    await practice.walk(operator)
    first, second, _ = operator.questions(UNSEAL)
    assert first.hint == "From a custodian's own machine: bao operator unseal -address=https://127.0.0.1:8200"
    assert second.hint.startswith(first.hint + ", which must show nonce ")


async def test_too_few_custodians_fail_the_vault(practice: Practice) -> None:
    shares = practice.world.custodians()
    label = next(iter(shares))
    script = {UNSEAL: [SecretAnswer(shares[label], label), SecretAnswer(None, none_left=True)]}
    run = await practice.walk(practice.operator(script))
    assert failed(run) == "too few custodians: no more shares can be had, 1 of 3 are in"
    assert run.outcome == "FAIL"


async def test_stopping_for_now_says_nothing_about_the_vault(practice: Practice) -> None:
    run = await practice.walk(practice.operator({UNSEAL: [SecretAnswer(None)]}))
    last = run.last("vault.unseal")
    assert last is not None
    assert last.verdict is Verdict.INCONCLUSIVE


async def test_a_complete_set_that_was_refused_speaks_about_the_vault(practice: Practice) -> None:
    shares = practice.world.custodians()
    two = [SecretAnswer(shares[label], label) for label in list(shares)[:2]]
    bad = SecretAnswer(practice.world.bad_share(), "somebody")
    run = await practice.walk(practice.operator({UNSEAL: [*two, bad, SecretAnswer(None)]}))
    assert "a complete set of shares was refused" in failed(run)


def failed(run: Run) -> str:
    last = run.last("vault.unseal")
    assert last is not None
    assert last.verdict is Verdict.FAIL
    return last.observed


@pytest.mark.parametrize(
    ("text", "shares", "said"),
    [
        ("!!" * 33, 5, "neither hex nor base64"),
        ("ab" * 20, 5, "20 bytes long; a share of this vault has 33"),
        ("ab" * 33, 1, "33 bytes long; a share of this vault has 32"),
        ("ab" * 32 + "00", 5, "its last byte, which numbers it, is zero"),
    ],
)
def test_what_can_be_seen_to_be_wrong_is_said_before_anything_is_sent(text: str, shares: int, said: str) -> None:
    assert said in (fault_of(Secret(text), Entry(), shares) or "")


def test_a_share_that_was_pasted_in_lines_is_still_one() -> None:
    assert fault_of(Secret(f"  {'ab' * 16}\n{'ab' * 16}07\n"), Entry(), 5) is None


# -- who was asked over the last runs -----------------------------------------------------------------------------
def with_history(practice: Practice, *days_ago: int, labels: tuple[str, ...]) -> None:
    now = practice.clock.now()
    practice.history = tuple(EarlierRun(f"run-{days}", now - timedelta(days=days), labels) for days in days_ago)


async def test_it_is_shown_whose_shares_were_used_over_the_last_four_runs(practice: Practice) -> None:
    labels = practice.environment.vault.custodians
    with_history(practice, 1, 2, 3, labels=labels[:3])
    operator = practice.operator()
    await practice.walk(operator)
    first = operator.questions(UNSEAL)[0]
    assert first.remarks[0].startswith("in 3 of the last 3 runs, last 2027-01-14")
    assert first.remarks[4] == "never used in a recorded run"


async def test_a_share_that_was_not_seen_to_work_for_a_year_is_a_finding(practice: Practice) -> None:
    labels = practice.environment.vault.custodians
    with_history(practice, 30, 400, labels=(labels[3],))
    run = await practice.walk()
    assert [each.text for each in run.findings] == [
        f"the share of {labels[4]} was not seen to work for 12 months: use it next time"
    ]


async def test_a_record_younger_than_a_year_cannot_say_that(practice: Practice) -> None:
    with_history(practice, 30, 300, labels=())
    assert (await practice.walk()).findings == ()
