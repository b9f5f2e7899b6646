"""Asking IAM's simulator what the role that we are may not do."""

from __future__ import annotations

import pytest

from runbook.engine.errors import NoVerdict, SignedOut
from runbook.engine.ports import Secret
from runbook.safety.iam import Sample
from tests.estate_adapters.loopback_aws import Asked, refusal, session, simulated
from tests.estate_adapters.signing import KEYS, MFA, ROLE, Bench, Signing, ask

WHAT = "iam:SimulatePrincipalPolicy"
SESSION = "arn:aws:sts::111122223333:assumed-role/runbook-drill/cto"
ACTIONS = ("s3:GetObject", "rds:DeleteDBInstance")
ALLOWED = dict.fromkeys(ACTIONS, "allowed")


@pytest.fixture
def signed(bench: Bench, trapped: object) -> Signing:
    bench.cloud.answers["sts:AssumeRole"] = session("AssumeRole", "ASIAFIRST")
    signing = bench(MFA, KEYS)
    ask(signing.account.sign_in(Secret("123456")))
    return signing


def entities(bench: Bench) -> list[str]:
    return [one.form["PolicySourceArn"] for one in bench.cloud.asked if one.what == WHAT]


def test_what_is_not_allowed_is_answered_in_the_order_asked(signed: Signing, bench: Bench) -> None:
    bench.cloud.answers[WHAT] = simulated({"rds:DeleteDBInstance": "explicitDeny", "s3:GetObject": "implicitDeny"})
    assert ask(signed.account.denied(SESSION, ACTIONS)) == ACTIONS
    bench.cloud.answers[WHAT] = simulated(ALLOWED)
    assert ask(signed.account.denied(SESSION, ACTIONS)) == ()
    assert entities(bench) == [ROLE, ROLE], "the role itself is what is simulated"


def test_the_simulator_is_told_that_mfa_is_there_and_signs_for_iams_region(signed: Signing, bench: Bench) -> None:
    bench.cloud.answers[WHAT] = simulated(ALLOWED)
    ask(signed.account.denied(SESSION, ACTIONS))
    asked = bench.cloud.asked[-1]
    assert "aws:MultiFactorAuthPresent" in asked.form.values()
    assert "eu-west-2" in asked.form.values()
    assert "kms:GrantIsForAWSResource" in asked.form.values(), "a grant is made by RDS, in our name"
    assert asked.region == "us-east-1"


def test_each_action_is_asked_about_what_it_would_be_done_to(signed: Signing, bench: Bench) -> None:
    """A policy that is bound to names and tags allows nothing "for any resource"."""
    copy = "arn:aws:rds:eu-west-2:111122223333:db:rt-sample"
    samples = {"rds:DeleteDBInstance": Sample(copy, (("aws:ResourceTag/runbook:run", "drill-sample"),))}
    bench.cloud.answers[WHAT] = simulated(ALLOWED)
    assert ask(signed.account.denied(SESSION, ACTIONS, samples)) == ()
    anything, one = (each.form for each in bench.cloud.asked if each.what == WHAT)
    assert [anything["ActionNames.member.1"], one["ActionNames.member.1"]] == list(ACTIONS)
    assert "ResourceArns.member.1" not in anything
    assert one["ResourceArns.member.1"] == copy
    assert {"aws:ResourceTag/runbook:run", "drill-sample"} <= set(one.values())


def test_answers_come_in_pages(signed: Signing, bench: Bench) -> None:
    def page(asked: Asked) -> tuple[int, str]:
        if "Marker" not in asked.form:
            return simulated({"s3:GetObject": "allowed"}, marker="next")
        return simulated({"rds:DeleteDBInstance": "implicitDeny"})

    bench.cloud.answers[WHAT] = page
    assert ask(signed.account.denied(SESSION, ACTIONS)) == ("rds:DeleteDBInstance",)


def test_an_action_without_an_answer_is_no_verdict(signed: Signing, bench: Bench) -> None:
    bench.cloud.answers[WHAT] = simulated({"s3:GetObject": "allowed"})
    with pytest.raises(NoVerdict, match="no answer for rds:DeleteDBInstance"):
        ask(signed.account.denied(SESSION, ACTIONS))


def test_a_user_is_asked_for_as_it_is(signed: Signing, bench: Bench) -> None:
    bench.cloud.answers[WHAT] = simulated(ALLOWED)
    ask(signed.account.denied("arn:aws:iam::111122223333:user/cto", ACTIONS))
    assert entities(bench) == ["arn:aws:iam::111122223333:user/cto"]


def test_a_role_of_identity_center_is_looked_for_where_it_may_lie(signed: Signing, bench: Bench) -> None:
    role = "AWSReservedSSO_Admin_0123456789abcdef"
    start = "arn:aws:iam::111122223333:role/"
    places = [
        f"{start}aws-reserved/sso.amazonaws.com/eu-west-2/{role}",
        f"{start}aws-reserved/sso.amazonaws.com/{role}",
        f"{start}{role}",
    ]
    bench.cloud.answers[WHAT] = lambda asked: (
        simulated(ALLOWED) if asked.form["PolicySourceArn"] == places[1] else refusal("NoSuchEntity", "none", 404)
    )
    arn = f"arn:aws:sts::111122223333:assumed-role/{role}/cto"
    assert ask(signed.account.denied(arn, ACTIONS)) == ()
    bench.cloud.answers[WHAT] = refusal("NoSuchEntity", "none", 404)
    with pytest.raises(NoVerdict, match="does not know the role") as refused:
        ask(signed.account.denied(arn, ACTIONS))
    assert "policy simulator" in refused.value.fix
    assert entities(bench) == [*places[:2], *places]


def test_who_may_not_simulate_is_told_the_manual_way(signed: Signing, bench: Bench) -> None:
    bench.cloud.answers[WHAT] = refusal("AccessDenied", "not authorized to perform: iam:SimulatePrincipalPolicy")
    with pytest.raises(NoVerdict, match="may not ask the policy simulator") as refused:
        ask(signed.account.denied(SESSION, ACTIONS))
    assert "IAM console" in refused.value.fix
    assert not isinstance(refused.value, SignedOut)
