"""A whole run at a line-by-line terminal reads like a transcript."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.engine.errors import OperatorGone
from runbook.engine.events import Kind
from runbook.training.scenario import Fault
from tests.plain.transcript import COPIED, PEOPLE, RESTORED, SHARES, operator, typed, walk
from tests.support.practice import DECLARED, Practice

Said = pytest.CaptureFixture[str]


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


def in_order(text: str, *lines: str) -> None:
    """Each of these stands in the text, after the one before it."""
    at = 0
    for line in lines:
        found = text.find(line, at)
        assert found >= 0, f"{line!r} is not said after:\n{text[:at][-500:]}"
        at = found + len(line)


async def test_a_calm_run_is_told_from_its_declaration_to_its_end(practice: Practice, capsys: Said) -> None:
    run = await walk(practice, typed(practice))
    assert run.outcome == "PASS"
    in_order(
        capsys.readouterr().out,
        f"Run {DECLARED['run_id']} declared, T0 2027-01-15T10:00:00Z",
        "Stage 1 of 5: Identity & Access (policy 3.1)",
        "  The code that your MFA device shows now (arn:aws:iam::111122223333:mfa/cto; stop = none): \n",
        "  PASS         identity.aws-mfa: MFA proven",
        "  You state: The printed contact list is in front of me",
        f"  ATTESTED     identity.contacts: {PEOPLE}",
        "  CHECKPOINT 1 Identity & Access: everything of this stage was shown",
        "  Next: Encryption Vault touches an empty vault server",
        "  Open it [open / retry / back / abort / ?]: \n",
        "  CHECKPOINT   Identity & Access: opened by Robin",
        "Stage 2 of 5: Encryption Vault (policy 3.2)",
        "  Which backup of the vault?  (backup, age, size, made)",
        "  vault.inspect: Prove now, offline, that the shares in hand open this backup?",
        "  Do it (Enter = no) [yes / no / ?]: \n",
        "  PASS         vault.egress: 2 tried, none reached",
        "  vault.initialise: Initialise the empty target with throw-away keys",
        "    target: https://127.0.0.1:8200",
        "  An unseal share of Amara Okafor (CTO), 0 of 3 are in (not shown): \n",
        "  PASS         vault.unseal: 3 shares: Amara Okafor (CTO), Bryn Hughes (COO), Chandra Nair (CEO)",
        "  Which recovery point?  (snapshot, age, ",
        "(default)",
        "  Which image of clinic?  (tag, ",
        "  application.quiet: Switch off what the application sends to others",
        " before: on\n",
        " after: off\n",
        "    4 changes:\n",
        "  PASS         application.decrypt: own leg: SHA-256 equal",
        "  PASS         connectivity.waf (found done): ",
        "    app.clinic.test before: CNAME p01--web--clinic-old.code.practice.test, NOT proxied\n",
        "    app.clinic.test after: CNAME ",
        "    close, at any time: Close the doors again: every public name gets back the record it had\n",
        "  Open it [open / retry / close / back / abort / ?]: \n",
        "\nClosing (policy 5)",
        "  CLEANUP      rds:instance",
        "  BY HAND: Remove the data of the vault",
        "  CLEANUP      vault:data https://127.0.0.1:8200: undone, https://127.0.0.1:8200 answers 501",
        "Ended: PASS",
    )


async def test_every_step_is_said_with_its_verdict_as_a_word(practice: Practice, capsys: Said) -> None:
    run = await walk(practice, typed(practice))
    said = capsys.readouterr().out
    assert [each.step for each in run.attempts if f"  {each.verdict:<12} {each.step}" not in said] == []


async def test_what_was_typed_as_a_share_is_never_printed(practice: Practice, capsys: Said) -> None:
    await walk(practice, typed(practice))
    said = capsys.readouterr().out
    assert [share for share in practice.world.custodians().values() if share.reveal() in said] == []


async def test_a_custodian_can_be_called_and_reads_the_share_out(practice: Practice, capsys: Said) -> None:
    vault = (*RESTORED, "call amara", "1", "call", "{Amara}", "1", "{Bryn}", "1", "{Chandra}", "open")
    run = await walk(practice, typed(practice, vault=vault))
    share = practice.world.custodians()["Amara Okafor (CTO)"].reveal()
    assert capsys.readouterr().out.count(f"  Amara Okafor (CTO) reads out: {share}") == 2
    assert run.outcome == "PASS"


async def test_the_doors_are_closed_again_with_one_word_and_not_opened_a_second_time(
    practice: Practice, capsys: Said
) -> None:
    closed = ("yes", "close", "no", "abort the wrong day", "yes")
    run = await walk(practice, typed(practice, connectivity=closed))
    in_order(
        capsys.readouterr().out,
        "  PASS         connectivity.records: app.clinic.test, api.clinic.test: 2 set and read back",
        "  Open it [open / retry / close / back / abort / ?]: \n",
        "  BACK         to connectivity.records: Close the doors again",
        "  CLEANUP      cloudflare:record api.clinic.test: undone, api.clinic.test put back: CNAME p01--web--",
        "  CLEANUP      cloudflare:record app.clinic.test: undone, app.clinic.test put back: CNAME p01--web--",
        "  Do it [yes / no / ?]: \n",
        "  connectivity.records is INCONCLUSIVE: the operator did not agree: nothing was done",
        "  ABORTED      the wrong day",
        "Ended: ABORTED",
    )
    assert run.open_ledger == ()


async def test_nobody_of_that_name_can_be_called(practice: Practice, capsys: Said) -> None:
    vault = (*RESTORED, "call mallory", "1", "{Amara}", "1", "{Bryn}", "1", "{Chandra}", "open")
    await walk(practice, typed(practice, vault=vault))
    assert "Nobody of that name can be called. Amara Okafor (CTO), " in capsys.readouterr().out


async def test_a_fallen_layer_is_named_at_the_gate_and_going_back_asks_for_a_reason(
    practice: Practice, capsys: Said
) -> None:
    sealed = Fault(kind="vault-sealed", when="checkpoint database")
    back = ("back vault.unseal", "the vault restarted", *SHARES, "open", "", "", "open")
    run = await walk(practice, typed(practice, database=(*COPIED, "", "open", *back)), sealed)
    in_order(
        capsys.readouterr().out,
        "  FELL         Encryption Vault: health 503 (SEALED)",
        "  CHECKPOINT   Core Database: stays shut: stage 2 (Encryption Vault) fell: health 503 (SEALED)",
        "  CHECKPOINT 3 Core Database: stage 2 (Encryption Vault) fell: health 503 (SEALED)",
        "  Reason (it goes into the record; stop = not that): ",
        "  BACK         to vault.unseal: the vault restarted",
        "Stage 2 of 5: Encryption Vault (policy 3.2)",
        "Ended: PASS",
    )
    assert run.outcome == "PASS"


async def test_a_failure_is_told_with_what_to_do_about_it(practice: Practice, capsys: Said) -> None:
    practice.world.lose_table("public.appointments")
    run = await walk(practice, typed(practice, database=(*COPIED, "", "abort the rows are gone", "yes")))
    in_order(
        capsys.readouterr().out,
        "  FAIL         database.content: public.appointments: EMPTY, ",
        "  database.content is FAIL: public.appointments: EMPTY",
        "    fix: This copy is not what production stated",
        "    by hand: compare count(*)",
        "  ABORTED      the rows are gone",
        "Ended: FAIL",
    )
    assert run.outcome == "FAIL"


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 4, 6, 9, 11])
async def test_when_standard_input_ends_the_run_waits_and_says_nothing_about_the_layer(
    practice: Practice, lines: int
) -> None:
    source = typed(practice)
    cut = type(source)("".join(source.readlines()[:lines]))
    recorder = practice.recorder()
    with pytest.raises(OperatorGone):
        await practice.conductor(operator(practice, cut), recorder).declare(DECLARED)
    assert {event.data["verdict"] for event in recorder.of(Kind.RESULT)} <= {"PASS", "NOT_NEEDED", "ATTESTED"}
    assert recorder.events[-1].kind is Kind.ASKED


async def test_a_run_whose_operator_was_gone_is_resumed_where_it_was(practice: Practice, capsys: Said) -> None:
    source = typed(practice)
    first, rest = "".join(source.readlines(80)), source.read()
    recorder = practice.recorder()
    with pytest.raises(OperatorGone):
        await practice.conductor(operator(practice, type(source)(first)), recorder).declare(DECLARED)
    run = await practice.conductor(practice.operator(), practice.recorder(recorder.events)).resume(by="Robin")
    assert rest
    assert run.outcome == "PASS"
