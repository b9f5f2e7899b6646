"""What a visitor gets: certificate, edge, page and marker; and the firewall seen to act."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runbook import config
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Observation
from runbook.estate.ports import WebAnswer
from steps.connectivity import live, visitors
from steps.facts import ImagesChosen, ZoneKnown
from tests.support.operator import OPEN, abort
from tests.support.outside import SetNames, SetWeb, page
from tests.support.practice import Practice
from tests.support.standing import Standing

COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
OTHER = "0" * 40
DIGEST = "sha256:" + "3f" * 32
APP, API = "https://app.clinic.test:8443", "https://api.clinic.test:8443"
BLOCKED = page(403, b"Sorry, you have been blocked")
OURS = page(x_clinic_commit=COMMIT)


def chosen(commit: str = COMMIT) -> ImagesChosen:
    ref = f"ghcr.io/o/clinic@{DIGEST}"
    image = {"package": "clinic", "ref": ref, "digest": DIGEST, "commit": commit, "tag": "v1.0.0", "level": "B"}
    return ImagesChosen((image,))


def at(
    practice: Practice, answers: dict[str, WebAnswer | Exception], commit: str = COMMIT, **settings: Any
) -> Standing:
    """Every name leads to the edge, which answers so."""
    connectivity = practice.environment.connectivity.model_copy(update=settings)
    practice.environment = practice.environment.model_copy(update={"connectivity": connectivity})
    names: Any = {(one.name, "127.0.0.1"): ("127.0.0.1",) for one in connectivity.hostnames}
    practice.world.names = SetNames(practice.world.names, names)  # type: ignore[assignment]
    practice.world.web = SetWeb(practice.world.web, answers)  # type: ignore[assignment]
    zone = ZoneKnown(practice.world.edge.zone_state.id, "clinic.test")
    return Standing(practice, "connectivity.https", zone, chosen(commit))


async def pages(practice: Practice, **answers: WebAnswer | Exception) -> Observation:
    """`app` and `api` answer so."""
    given: dict[str, WebAnswer | Exception] = {f"https://{name}.clinic.test:8443": one for name, one in answers.items()}
    return await visitors.public_pages_are_ours(at(practice, given).here)


# -- the page -----------------------------------------------------------------------------------------------------
async def test_our_page_through_the_edge_passes_and_says_until_when_the_certificate_lasts(practice: Practice) -> None:
    until = practice.clock.now() + timedelta(days=60)
    later = page(until=until + timedelta(days=5), x_clinic_commit=COMMIT)
    seen = await pages(practice, app=page(until=until, x_clinic_commit=COMMIT.upper()), api=later)
    assert (seen.verdict, seen.findings) == ("PASS", ())
    assert seen.observed == (
        "app.clinic.test, api.clinic.test: HTTP 200 through the edge, our commit, certificates valid until "
        "2027-03-16T10:00:00Z"
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(500, x_clinic_commit=COMMIT), "HTTP 500"),
        (page(522), "HTTP 522, commit not shown, not 6dcb09b5b578"),
        (page(edge=False, x_clinic_commit=COMMIT), "PAST the edge (no cf-ray)"),
        (page(x_clinic_commit=OTHER), "commit 000000000000, not 6dcb09b5b578"),
        (page(200, b"an error page"), "commit not shown, not 6dcb09b5b578"),
        (page(403, cf_mitigated="challenge"), "HTTP 403, a challenge to prove being a person"),
    ],
)
async def test_what_is_not_our_page_fails_and_says_how(practice: Practice, answer: WebAnswer, words: str) -> None:
    with pytest.raises(LayerFailed) as failed:
        await pages(practice, app=OURS, api=answer)
    assert failed.value.sentence.startswith(f"1 of 2: api.clinic.test: {words}")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_to_http_is_refused_in_these_words(practice: Practice, status: int) -> None:
    away = page(status, location="http://app.clinic.test/?session=secret")
    with pytest.raises(LayerFailed) as failed:
        await pages(practice, app=away, api=OURS)
    assert failed.value.sentence == (
        f"1 of 2: app.clinic.test: HTTP {status} to http://app.clinic.test/: visitors are sent away from TLS"
    )


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("https://login.example.com/?next=/", "login.example.com"),
        ("/sign-in", "/sign-in"),
        ("", "nowhere"),
    ],
)
async def test_a_redirect_elsewhere_is_told_with_its_host(practice: Practice, location: str, where: str) -> None:
    with pytest.raises(LayerFailed, match=f"HTTP 302 to {where}: not an ordinary page"):
        await pages(practice, app=page(302, location=location), api=OURS)


@pytest.mark.parametrize("guilt", ["is self-signed", "has expired", "is for another host name"])
async def test_each_guilt_of_a_certificate_is_told_with_the_name(practice: Practice, guilt: str) -> None:
    refusal = LayerFailed(f"The certificate shown for app.clinic.test {guilt}", fix="Put it right.")
    with pytest.raises(LayerFailed, match=f"1 of 2: app.clinic.test: The certificate .* {guilt}"):
        await pages(practice, app=refusal, api=OURS)


@pytest.mark.parametrize("guilt", ["self-signed", "expired", "wrong-host"])
async def test_a_guilty_certificate_ends_a_whole_run_with_the_doors_shut_again(practice: Practice, guilt: str) -> None:
    before = dict(practice.world.edge.zone_records)
    practice.world.bad_certificate(guilt)
    run = await practice.walk()
    last = run.last("connectivity.https")
    assert last is not None
    assert last.verdict == "FAIL"
    assert "2 of 2: app.clinic.test: The certificate shown for app.clinic.test" in last.observed
    assert run.outcome == "FAIL"
    assert practice.world.edge.zone_records == before


async def test_an_edge_that_cannot_be_reached_is_no_verdict(practice: Practice) -> None:
    with pytest.raises(NoVerdict):
        await pages(practice, app=NoVerdict("app.clinic.test could not be reached"), api=OURS)


async def test_a_certificate_that_ends_soon_is_a_finding_those_of_one_day_together(practice: Practice) -> None:
    soon = page(until=practice.clock.now() + timedelta(days=13), x_clinic_commit=COMMIT)
    seen = await pages(practice, app=soon, api=soon)
    assert seen.verdict == "PASS"
    assert [finding.text for finding in seen.findings] == [
        "the certificate of app.clinic.test, api.clinic.test ends on 2027-01-28: renew it"
    ]


async def test_without_a_header_the_page_itself_carries_the_commit(practice: Practice) -> None:
    body = page(body=f"<footer>{COMMIT[:12]}</footer>".encode())
    here = at(practice, {APP: body, API: body}, marker_header=None).here
    assert (await visitors.public_pages_are_ours(here)).verdict == "PASS"
    here = at(practice, {APP: page(body=b"<footer>v1</footer>"), API: body}, marker_header=None).here
    with pytest.raises(LayerFailed, match="our commit is not in the page, not 6dcb09b5b578"):
        await visitors.public_pages_are_ours(here)


async def test_an_image_without_a_commit_is_never_taken_for_ours(practice: Practice) -> None:
    here = at(practice, {APP: page(), API: page()}, commit="").here
    with pytest.raises(NoVerdict, match="names no commit"):
        await visitors.public_pages_are_ours(here)


async def test_visitors_are_led_by_a_public_resolver_where_no_other_server_is_configured(practice: Practice) -> None:
    here = at(practice, {APP: OURS, API: OURS}, authoritative=()).here
    assert (await visitors.public_pages_are_ours(here)).verdict == "PASS"


async def test_a_name_without_an_address_is_told(practice: Practice) -> None:
    here = at(practice, {APP: OURS, API: OURS}).here
    names: Any = practice.world.names
    names.said["api.clinic.test", "127.0.0.1"] = ()
    with pytest.raises(LayerFailed, match=r"api\.clinic\.test has no address"):
        await visitors.public_pages_are_ours(here)


# -- the firewall, live -------------------------------------------------------------------------------------------
async def tried(practice: Practice, canary: WebAnswer, ordinary: WebAnswer = OURS, **settings: Any) -> Observation:
    answers: dict[str, WebAnswer | Exception] = {
        APP: ordinary,
        f"{APP}/__waf-canary": canary,
        f"{APP}/?q=": BLOCKED,
        API: OURS,
        f"{API}/__waf-canary": BLOCKED,
        f"{API}/?q=": NoVerdict("the connection was reset"),
    }
    return await live.waf_blocks(at(practice, answers, **settings).here)


async def test_a_block_at_the_edge_passes_and_the_managed_probe_is_said_and_not_judged(practice: Practice) -> None:
    seen = await tried(practice, BLOCKED)
    assert seen.verdict == "PASS"
    assert seen.observed == (
        "the rules are on; app.clinic.test, api.clinic.test: /__waf-canary 403 at the edge, the ordinary page 200; a "
        "request that looks like an attack was answered HTTP 403 (1 of 2), with no answer (1 of 2) (for information)"
    )


@pytest.mark.parametrize(
    ("canary", "words"),
    [
        (page(200, x_clinic_commit=COMMIT), "HTTP 200, not blocked"),
        (page(404), "HTTP 404, not blocked"),
        (page(403, edge=False), "HTTP 403, but PAST the edge (no cf-ray)"),
        (page(403, x_clinic_commit=COMMIT), "HTTP 403 by the application itself: the edge let it through"),
        (page(403, x_clinic_commit=OTHER), "HTTP 403 by the application itself: the edge let it through"),
        (page(403, cf_mitigated="challenge"), "HTTP 403, a challenge (cf-mitigated), not a block"),
        (page(429, cf_mitigated="challenge"), "HTTP 429, a challenge (cf-mitigated), not a block"),
    ],
)
async def test_what_is_no_block_at_the_edge_fails_and_says_what_it_was(
    practice: Practice, canary: WebAnswer, words: str
) -> None:
    with pytest.raises(LayerFailed) as failed:
        await tried(practice, canary)
    assert failed.value.sentence.startswith(f"1 of 2: app.clinic.test: /__waf-canary: {words}")


async def test_another_mitigation_than_a_challenge_is_a_block(practice: Practice) -> None:
    assert (await tried(practice, page(403, cf_mitigated="block"))).verdict == "PASS"


async def test_a_block_of_everything_shows_nothing(practice: Practice) -> None:
    with pytest.raises(LayerFailed, match=r"1 of 2: app\.clinic\.test: /: HTTP 403, so that /__waf-canary is blocked"):
        await tried(practice, BLOCKED, ordinary=BLOCKED)


async def test_a_page_that_carries_the_commit_is_the_application_s_own_refusal(practice: Practice) -> None:
    with pytest.raises(LayerFailed, match="by the application itself"):
        await tried(practice, page(403, f"not for you {COMMIT[:12]}".encode()), marker_header=None)


async def test_attack_mode_that_was_not_configured_is_told_before_any_name_is_routed(practice: Practice) -> None:
    practice.world.security_level("under_attack")
    run = await practice.walk()
    last = run.last("connectivity.settings")
    assert last is not None
    assert last.verdict == "FAIL"
    assert practice.done("cloudflare:SetRecord") == []


@pytest.mark.parametrize("managed", [True, False])
async def test_a_firewall_that_is_off_fails_whatever_is_blocked_by_others(practice: Practice, *, managed: bool) -> None:
    practice.world.waf_off(managed=managed, canary=not managed)
    with pytest.raises(LayerFailed, match="the firewall is not on any more: "):
        await tried(practice, BLOCKED)
    here = at(practice, {APP: OURS, API: OURS}).here
    with pytest.raises(LayerFailed, match="the firewall is not on any more: "):
        await visitors.public_probe(here)


async def test_a_firewall_that_is_switched_off_once_the_doors_are_open_fails_the_run(practice: Practice) -> None:
    def after_the_last(operation: str, _: str) -> None:
        if operation == "cloudflare:SetRecord" and len(practice.done(operation)) == 1:
            practice.world.waf_off(canary=False)

    practice.world.watch(after_the_last)
    run = await practice.walk()
    last = run.last("connectivity.waf-live") or run.last("connectivity.records")
    assert last is not None
    assert last.verdict == "FAIL"
    assert run.outcome == "FAIL"


async def test_a_firewall_that_is_switched_off_at_the_last_checkpoint_keeps_it_shut(practice: Practice) -> None:
    def meanwhile(_: Any) -> Any:
        practice.world.waf_off(canary=False)
        return OPEN

    run = await practice.walk(practice.operator({"gate connectivity": [meanwhile, abort("it fell")]}))
    assert "connectivity" not in run.opened
    assert run.outcome == "FAIL"
    assert "the firewall is not on any more" in run.refusals[-1]


@pytest.mark.parametrize(("digits", "verdict"), [(40, "PASS"), (12, "PASS"), (11, "FAIL"), (7, "FAIL"), (0, "FAIL")])
async def test_the_marker_may_be_shortened_to_twelve_digits_and_no_further(
    practice: Practice, digits: int, verdict: str
) -> None:
    short = page(x_clinic_commit=COMMIT[:digits])
    if verdict == "PASS":
        assert (await pages(practice, app=short, api=OURS)).verdict == "PASS"
        return
    with pytest.raises(LayerFailed, match=r"not 6dcb09b5b578 \(its first 12 digits at least\)"):
        await pages(practice, app=short, api=OURS)


async def test_a_silent_server_is_asked_once_in_a_sweep(tmp_path: Path) -> None:
    practice = Practice(tmp_path, hostnames=30)
    resolvers = tuple(config.Resolver(address=one) for one in ("192.0.2.1", "192.0.2.2"))
    here = at(practice, {"https://": OURS}, authoritative=(), resolvers=resolvers).here
    asked = await answering(practice, {"192.0.2.1": NoVerdict("silent"), "192.0.2.2": ("127.0.0.1",)})
    assert (await visitors.public_probe(here)).verdict == "PASS"
    assert [server for _, server in asked].count("192.0.2.1") == 1
    assert [server for _, server in asked].count("192.0.2.2") == 30
    assert (await visitors.public_probe(here)).verdict == "PASS"
    assert [server for _, server in asked].count("192.0.2.1") == 2, "the next sweep asks it again"


async def answering(practice: Practice, said: dict[str, Any]) -> list[tuple[str, str]]:
    """Every public name is answered so by each server, after a moment."""
    names: Any = practice.world.names
    asked: list[tuple[str, str]] = []

    async def addresses(name: str, server: str, port: int) -> tuple[str, ...]:
        asked.append((name, server))
        await asyncio.sleep(0)
        if isinstance(said[server], Exception):
            raise said[server]
        found: tuple[str, ...] = said[server]
        return found

    names.addresses = addresses
    return asked


async def test_the_heartbeat_is_the_public_probe(practice: Practice) -> None:
    here = at(practice, {APP: OURS, API: OURS}).here
    assert "HTTP 200 through the edge" in (await visitors.public_probe(here)).observed
