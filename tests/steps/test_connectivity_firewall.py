"""The firewall in every state in which somebody may have left it: told, put right by the least change, read back."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.events import Kind
from runbook.estate.memory import firewall as memory
from runbook.estate.memory import names
from steps.connectivity import rules as reading
from steps.connectivity import waf
from steps.facts import ZoneKnown
from tests.support.practice import Practice
from tests.support.standing import Standing

OWASP = "4814384a9e5d4991b9815dcfc25d2f1f"
EXECUTE = dict(memory.MANAGED)
CANARY = dict(memory.CANARY)
OTHER = {
    "action": "block",
    "expression": '(http.host eq "old.clinic.test")',
    "description": "old site",
    "enabled": True,
}
LOG = {"action": "log", "expression": '(http.request.uri.path eq "/login")', "description": "sign-ins", "enabled": True}


def overridden(**overrides: Any) -> dict[str, Any]:
    return {**EXECUTE, "action_parameters": {**EXECUTE["action_parameters"], "overrides": overrides}}


def skip(**parameters: Any) -> dict[str, Any]:
    return {
        "action": "skip",
        "action_parameters": parameters,
        "expression": "true",
        "description": "hunting a bug",
        "enabled": True,
    }


def at(practice: Practice, managed: Any = (EXECUTE,), custom: Any = (CANARY,)) -> Standing:
    """A zone with these rules (None: never configured)."""
    edge = practice.world.edge
    for phase, rules in ((names.MANAGED_PHASE, managed), (names.CUSTOM_PHASE, custom)):
        if rules is None:
            edge.phases.pop(phase)
        else:
            edge.phases[phase] = [memory.stored(rule) for rule in rules]
    return Standing(practice, "connectivity.waf", ZoneKnown(edge.zone_state.id, names.ZONE))


PASSING = "on, and lets past the firewall: every request"
MANAGED_CASES = {
    "switched off": ([{**EXECUTE, "enabled": False}], "its rules are OFF"),
    "narrowed": (
        [{**EXECUTE, "expression": '(http.host eq "app.clinic.test")'}],
        'its rules are on, only for (http.host eq "app.clinic.test")',
    ),
    "all rules off": ([overridden(enabled=False)], "but an override switches all its rules off"),
    "only logging": ([overridden(action="log")], "but an override makes all its rules only log"),
    "skipped as current": ([skip(ruleset="current"), EXECUTE], PASSING),
    "skipped by name": (
        [skip(rulesets=[names.MANAGED_RULESET]), EXECUTE],
        PASSING,
    ),
    "another's place": ([{**EXECUTE, "action_parameters": {"id": OWASP}}], "no such rule"),
    "no rules": ([], "no such rule"),
    "never configured": (None, "the phase was never configured"),
}


@pytest.mark.parametrize("case", MANAGED_CASES)
async def test_a_managed_ruleset_that_does_not_act_is_told_and_put_right(practice: Practice, case: str) -> None:
    rules, told = MANAGED_CASES[case]
    here = at(practice, managed=rules).here
    assert not practice.world.edge.protected
    assert await waf.waf_already_on(here) is None
    (change,) = (await waf.show_waf(here)).changes
    assert change.name.startswith(f"{names.MANAGED_PHASE}: ")
    assert told in change.before
    seen = await waf.put_waf_right(here)
    assert seen.verdict == "PASS"
    assert "put right and read back" in seen.observed
    assert practice.world.edge.blocks("/", "q=<script>")
    assert await waf.waf_already_on(here) is not None


CANARY_CASES = {
    "switched off": ([{**CANARY, "enabled": False}], "OFF"),
    "only logging": ([{**CANARY, "action": "log"}], "does not block it: log"),
    "skipped": ([skip(ruleset="current"), CANARY], PASSING),
    "no rules": ([], "no such rule"),
    "never configured": (None, "the phase was never configured"),
}


@pytest.mark.parametrize("case", CANARY_CASES)
async def test_a_canary_that_is_not_blocked_is_told_and_put_right(practice: Practice, case: str) -> None:
    rules, told = CANARY_CASES[case]
    here = at(practice, custom=rules).here
    assert not practice.world.edge.protected
    (change,) = (await waf.show_waf(here)).changes
    assert told in change.before
    await waf.put_waf_right(here)
    assert practice.world.edge.protected


async def test_a_custom_rule_that_skips_the_managed_phase_is_found_there_wherever_it_stands(practice: Practice) -> None:
    here = at(practice, custom=[CANARY, skip(phases=[names.MANAGED_PHASE])]).here
    assert not practice.world.edge.protected
    (change,) = (await waf.show_waf(here)).changes
    assert (change.name, change.after) == (f"{names.CUSTOM_PHASE}: skip rule 'hunting a bug'", "OFF")
    await waf.put_waf_right(here)
    assert practice.world.edge.protected


@pytest.mark.parametrize(
    "harmless",
    [
        skip(rulesets=[OWASP]),
        skip(rules={names.MANAGED_RULESET: ["0c054d4e4dd5455c9ff8f01efe5abb10"]}),
        {**skip(ruleset="current"), "enabled": False},
        LOG,
    ],
    ids=["another ruleset", "a single rule", "off", "a log rule"],
)
async def test_what_takes_nothing_away_from_the_managed_ruleset_is_left_alone(
    practice: Practice, harmless: dict[str, Any]
) -> None:
    here = at(practice, managed=[harmless, EXECUTE]).here
    seen = await waf.waf_already_on(here)
    assert seen is not None
    assert seen.verdict == "PASS"


async def test_a_skip_rule_behind_the_managed_ruleset_takes_nothing_away(practice: Practice) -> None:
    here = at(practice, managed=[EXECUTE, skip(ruleset="current")]).here
    assert await waf.waf_already_on(here) is not None


# -- the least change ---------------------------------------------------------------------------------------------
async def test_a_rule_that_is_there_is_changed_alone_after_a_dry_run_of_its_phase(practice: Practice) -> None:
    here = at(practice, managed=[LOG, {**EXECUTE, "enabled": False}]).here
    edge, zone = practice.world.edge, practice.world.edge.zone_state.id
    ruleset, rule = memory.an_id(names.MANAGED_PHASE), edge.phases[names.MANAGED_PHASE][1]["id"]
    preview = await waf.show_waf(here)
    assert preview.calls == (
        f"PUT zones/{zone}/rulesets/phases/{names.MANAGED_PHASE}/entrypoint?dry_run=true",
        f"PATCH zones/{zone}/rulesets/{ruleset}/rules/{rule} (the whole rule)",
    )
    await waf.put_waf_right(here)
    assert practice.world.dry_runs == [("cloudflare:PutRules", f"{zone}/{names.MANAGED_PHASE}")]
    assert practice.world.calls == [("cloudflare:ChangeRule", f"{zone}/{ruleset}/{rule}")]
    log, execute = edge.phases[names.MANAGED_PHASE]
    assert log["description"] == "sign-ins"
    assert execute == {**EXECUTE, "id": rule}


async def test_a_rule_that_is_missing_is_put_in_front_and_the_others_are_carried_along(practice: Practice) -> None:
    here = at(practice, custom=[OTHER, LOG]).here
    zone = practice.world.edge.zone_state.id
    before = practice.world.edge.phases[names.CUSTOM_PHASE]
    assert "carries the phase's other rules along: 2" in (await waf.show_waf(here)).calls[1]
    await waf.put_waf_right(here)
    assert practice.world.calls == [("cloudflare:PutRules", f"{zone}/{names.CUSTOM_PHASE}")]
    canary, *others = practice.world.edge.phases[names.CUSTOM_PHASE]
    assert (canary["action"], canary["enabled"]) == ("block", True)
    assert others == before


async def test_what_is_missing_and_what_is_off_in_one_phase_is_one_call(practice: Practice) -> None:
    here = at(practice, custom=[{**CANARY, "enabled": False}, skip(phases=[names.MANAGED_PHASE])]).here
    settings = here.environment.connectivity
    both = settings.model_copy(update={"managed_rulesets": (names.MANAGED_RULESET, OWASP)})
    practice.environment = practice.environment.model_copy(update={"connectivity": both})
    here = Standing(practice, "connectivity.waf", ZoneKnown(practice.world.edge.zone_state.id, names.ZONE)).here
    assert [change.name.partition(": ")[2] for change in (await waf.show_waf(here)).changes] == [
        "managed ruleset OWASP Core",
        "canary rule for /__waf-canary",
        "skip rule 'hunting a bug'",
    ]
    await waf.put_waf_right(here)
    assert [operation for operation, _ in practice.world.calls] == [
        "cloudflare:PutRules",
        "cloudflare:ChangeRule",
        "cloudflare:ChangeRule",
    ]
    assert [rule["action_parameters"]["id"] for rule in practice.world.edge.phases[names.MANAGED_PHASE]] == [
        OWASP,
        names.MANAGED_RULESET,
    ]


async def test_overrides_of_single_rules_are_kept_and_said(practice: Practice) -> None:
    single = [{"id": "0c054d4e4dd5455c9ff8f01efe5abb10", "enabled": False}]
    here = at(practice, managed=[overridden(enabled=False, rules=single, sensitivity_level="high")]).here
    seen = await waf.put_waf_right(here)
    (rule,) = practice.world.edge.phases[names.MANAGED_PHASE]
    assert rule["action_parameters"]["overrides"] == {"rules": single, "sensitivity_level": "high"}
    assert "overrides switch off, or let only log: rules 1" in seen.observed
    assert [finding.severity for finding in seen.findings] == ["minor"]
    assert "every request" not in seen.observed


@pytest.mark.parametrize("how", [{"enabled": False}, {"action": "log"}])
async def test_categories_that_are_off_are_a_major_finding_and_no_claim_is_made(
    practice: Practice, how: dict[str, Any]
) -> None:
    categories = [{"category": name, **how} for name in ("xss", "apache")]
    seen = await waf.waf_already_on(at(practice, managed=[overridden(categories=categories)]).here)
    assert seen is not None
    assert [(finding.severity, finding.text) for finding in seen.findings] == [
        ("major", "managed ruleset Cloudflare Managed: overrides switch off, or let only log: categories 2")
    ]
    assert "every request" not in seen.observed


async def test_overrides_that_switch_nothing_off_are_no_exception(practice: Practice) -> None:
    stricter = overridden(categories=[{"category": "xss", "action": "managed_challenge", "enabled": True}])
    seen = await waf.waf_already_on(at(practice, managed=[stricter]).here)
    assert seen is not None
    assert seen.findings == ()


# -- for whom a skip rule is --------------------------------------------------------------------------------------
OURS = [
    '(http.host eq "app.clinic.test")',
    '(http.host in {"old.clinic.test" "API.clinic.test"})',
    'ends_with(http.host, ".clinic.test")',
    'http.request.full_uri wildcard "https://app.clinic.test/*"',
    '(http.host eq "app.clinic.test" and ip.src eq 192.0.2.7)',
    '(http.request.uri.path eq "/")',
    'starts_with(http.request.uri.path, "/")',
    'http.request.uri.path wildcard "/*"',
    '(http.request.uri.path eq "/__waf-canary")',
    "(true)",
    "not false",
    "(ip.src in {0.0.0.0/0})",
    "(ip.src in {0.0.0.0/0 ::/0})",
    "(ip.src eq 192.0.2.7) or (true)",
    "(ip.src ne 192.0.2.7)",
    "not (ip.src in {192.0.2.7 192.0.2.8})",
    "ssl",
    'http.host contains ""',
]
OTHERS = [
    "(ip.src eq 192.0.2.7)",
    "(ip.src in {10.0.0.0/8})",
    '(http.host eq "old.clinic.test")',
    '(http.host eq "clinic.test")',
    '(http.request.uri.path eq "/webhooks")',
    '(ip.src in {0.0.0.0/0} and http.request.uri.path eq "/webhooks")',
    '(http.host eq "notapp.clinic.test")',
]


@pytest.mark.parametrize("expression", OURS)
@pytest.mark.parametrize("phase", [names.MANAGED_PHASE, names.CUSTOM_PHASE])
async def test_a_skip_rule_for_everybody_or_for_our_visitors_is_shown_and_switched_off(
    practice: Practice, phase: str, expression: str
) -> None:
    managed = phase == names.MANAGED_PHASE
    rule = {
        **skip(**({"ruleset": "current"} if managed else {"phases": [names.MANAGED_PHASE]})),
        "expression": expression,
    }
    here = at(practice, **({"managed": [rule, EXECUTE]} if managed else {"custom": [CANARY, rule]})).here
    assert await waf.waf_already_on(here) is None
    (change,) = (await waf.show_waf(here)).changes
    assert (change.name, change.after) == (f"{phase}: skip rule 'hunting a bug'", "OFF")
    seen = await waf.put_waf_right(here)
    assert seen.findings == ()
    assert [one["enabled"] for one in practice.world.edge.phases[phase] if one["action"] == "skip"] == [False]
    assert [operation for operation, _ in practice.world.calls] == ["cloudflare:ChangeRule"]


@pytest.mark.parametrize("expression", OTHERS)
@pytest.mark.parametrize("phase", [names.MANAGED_PHASE, names.CUSTOM_PHASE])
async def test_any_other_skip_of_the_managed_rules_is_left_and_is_a_major_finding(
    practice: Practice, phase: str, expression: str
) -> None:
    managed = phase == names.MANAGED_PHASE
    rule = {
        **skip(**({"ruleset": "current"} if managed else {"phases": [names.MANAGED_PHASE]})),
        "expression": expression,
    }
    here = at(practice, **({"managed": [rule, EXECUTE]} if managed else {"custom": [rule, CANARY]})).here
    seen = await waf.waf_already_on(here)
    assert seen is not None
    assert seen.verdict == "PASS"
    assert [(finding.severity, finding.text) for finding in seen.findings] == [
        ("major", f"skip rule 'hunting a bug' lets past the managed rules: {expression}")
    ]
    assert "every request" not in seen.observed
    assert "with exceptions" in seen.observed


async def test_an_expression_without_end_is_shortened(practice: Practice) -> None:
    long = "(ip.src in {" + " ".join(f"192.0.2.{number}" for number in range(200)) + "})"
    seen = await waf.waf_already_on(
        at(practice, managed=[{**skip(ruleset="current"), "expression": long}, EXECUTE]).here
    )
    assert seen is not None
    assert len(seen.findings[0].text) < 150


async def test_a_skip_of_the_canary_rule_alone_for_one_address_takes_nothing_from_visitors(practice: Practice) -> None:
    rule = {**skip(ruleset="current"), "expression": "(ip.src eq 192.0.2.7)"}
    seen = await waf.waf_already_on(at(practice, custom=[rule, CANARY]).here)
    assert seen is not None
    assert seen.findings == ()


# -- what was shown, and what is written down ---------------------------------------------------------------------
async def test_rules_that_changed_since_they_were_shown_are_not_touched(practice: Practice) -> None:
    here = at(practice, managed=[{**EXECUTE, "enabled": False}]).here
    await waf.show_waf(here)
    practice.world.edge.phases[names.MANAGED_PHASE] = [memory.stored(overridden(action="log"))]
    with pytest.raises(NoVerdict, match="changed since it was shown"):
        await waf.put_waf_right(here)
    assert practice.world.calls == []
    await waf.show_waf(here)
    assert (await waf.put_waf_right(here)).verdict == "PASS"


async def test_what_the_rules_were_is_in_the_journal_with_what_changes_them(practice: Practice) -> None:
    practice.world.edge.phases[names.MANAGED_PHASE] = [memory.stored({**EXECUTE, "enabled": False})]
    rude = {**OTHER, "description": "old\x1b[2J site"}
    practice.world.edge.phases[names.CUSTOM_PHASE] = [memory.stored(rude)]
    recorder = practice.recorder()
    await practice.walk(recorder=recorder)
    intents = [event.data for event in recorder.of(Kind.INTENT) if event.step == "connectivity.waf"]
    assert [one["detail"]["was"] for one in intents if "was" in one["detail"]] == [
        ["Deploy Cloudflare Managed Ruleset: execute OFF, true"],
        ['old\N{REPLACEMENT CHARACTER}[2J site: block on, (http.host eq "old.clinic.test")'],
    ]


async def test_parameters_of_another_action_are_not_given_to_the_block(practice: Practice) -> None:
    response = {"response": {"status_code": 403, "content": "{}", "content_type": "application/json"}}
    kept = {**CANARY, "enabled": False, "action_parameters": response}
    await waf.put_waf_right(at(practice, custom=[kept]).here)
    assert practice.world.edge.phases[names.CUSTOM_PHASE][0]["action_parameters"] == response
    other = {**CANARY, "action": "skip", "action_parameters": {"ruleset": "current"}}
    await waf.put_waf_right(at(practice, custom=[other]).here)
    assert "action_parameters" not in practice.world.edge.phases[names.CUSTOM_PHASE][0]


async def test_our_own_canary_for_a_former_path_is_changed_and_not_made_twice(practice: Practice) -> None:
    await waf.put_waf_right(at(practice, custom=[]).here)
    settings = practice.environment.connectivity.model_copy(update={"canary_path": "/__other-canary"})
    practice.environment = practice.environment.model_copy(update={"connectivity": settings})
    rules = practice.world.edge.phases[names.CUSTOM_PHASE]
    await waf.put_waf_right(at(practice, custom=rules).here)
    (rule,) = practice.world.edge.phases[names.CUSTOM_PHASE]
    assert rule["expression"] == '(http.request.uri.path eq "/__other-canary")'


# -- what comes out wrong -----------------------------------------------------------------------------------------
async def test_rules_that_somebody_sets_back_are_told(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    here = at(practice, managed=[{**EXECUTE, "enabled": False}]).here
    rules = practice.world.edge.phases[names.MANAGED_PHASE]

    async def in_vain(*_: Any) -> None:
        """The provider said yes, and somebody's pipeline was quicker."""
        practice.world.edge.phases[names.MANAGED_PHASE] = rules

    monkeypatch.setattr(practice.world.edge, "change_rule", in_vain)
    with pytest.raises(LayerFailed, match=r"not as they were set: managed ruleset .*: its rules are OFF"):
        await waf.put_waf_right(here)


async def test_a_dry_run_that_is_refused_changes_nothing(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    here = at(practice, custom=None).here
    refusal = LayerFailed("Cloudflare refused the call (400)", provider_text="not entitled", source="cloudflare")

    async def refuses(*_: Any, dry_run: bool) -> None:
        if dry_run:
            raise refusal

    monkeypatch.setattr(practice.world.edge, "put_rules", refuses)
    with pytest.raises(LayerFailed, match="refused the call"):
        await waf.put_waf_right(here)
    assert practice.world.calls == []
    assert names.CUSTOM_PHASE not in practice.world.edge.phases


async def test_a_description_from_outside_is_shown_cleaned(practice: Practice) -> None:
    rude = {**skip(ruleset="current"), "description": "\x1b[2Jgone"}
    (change,) = (await waf.show_waf(at(practice, managed=[rude, EXECUTE]).here)).changes
    assert "\x1b" not in change.name


async def test_what_is_on_already_is_left_alone_and_said(practice: Practice) -> None:
    seen = await waf.waf_already_on(at(practice).here)
    assert seen is not None
    assert seen.observed == ("managed ruleset Cloudflare Managed on for every request; /__waf-canary blocked: found so")
    assert practice.world.calls == []


def test_an_expression_is_the_same_with_parentheses_and_without() -> None:
    assert reading.plain('( (http.request.uri.path  eq "/x") )') == 'http.request.uri.path eq "/x"'
