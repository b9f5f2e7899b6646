"""The way past the edge: each origin asked itself, and judged by what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from runbook import config
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Observation
from runbook.estate.ports import Silent, WebAnswer
from steps.connectivity import origin
from steps.facts import ImagesChosen, ZoneKnown
from tests.support.outside import SetNames, SetWeb, page
from tests.support.practice import Practice
from tests.support.standing import Standing

COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
DIGEST = "sha256:" + "3f" * 32
CHOSEN = ImagesChosen(
    (
        {
            "package": "clinic",
            "ref": f"ghcr.io/o/clinic@{DIGEST}",
            "digest": DIGEST,
            "commit": COMMIT,
            "tag": "v1.0.0",
            "level": "B",
        },
    )
)
URL = "https://origin-1.test/"
OTHER = "https://origin-2.test/"
FRONT = "https://app.clinic.test"


def with_origins(practice: Practice, *origins: config.Origin, **more: Any) -> None:
    settings = practice.environment.connectivity.model_copy(update={"origins": origins, **more})
    practice.environment = practice.environment.model_copy(update={"connectivity": settings})


async def look(
    practice: Practice, answers: dict[str, WebAnswer | Exception], front: WebAnswer | Exception | None = None
) -> Observation:
    web = SetWeb(practice.world.web, {**answers, FRONT: front or page()})
    practice.world.web = web  # type: ignore[assignment]
    # visitors are led to the edge
    names = {("app.clinic.test", "127.0.0.1"): ("127.0.0.1",)}
    practice.world.names = SetNames(practice.world.names, dict(names))  # type: ignore[assignment]
    zone = ZoneKnown("zone", "clinic.test")
    return await origin.origin_is_shut(Standing(practice, "connectivity.origin", zone, CHOSEN).here)


ONE = config.Origin(url=URL, address="192.0.2.80")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(403, edge=False), "HTTP 403"),
        (Silent("origin-1.test could not be reached"), "origin-1.test could not be reached"),
    ],
)
async def test_an_origin_that_refuses_or_is_silent_is_shut(
    practice: Practice, answer: WebAnswer | Exception, words: str
) -> None:
    with_origins(practice, ONE)
    seen = await look(practice, {URL: answer})
    assert (seen.verdict, seen.findings) == ("PASS", ())
    assert seen.observed == f"shut: {URL} ({words})"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(200, edge=False), "HTTP 200"),
        (page(302, edge=False, location="/login"), "HTTP 302"),
        (page(200, x_clinic_commit=COMMIT), "HTTP 200 with our own commit"),
        (page(404, edge=False, x_clinic_commit=COMMIT), "HTTP 404 with our own commit"),
        (page(500, edge=False, x_clinic_commit=COMMIT), "HTTP 500 with our own commit"),
    ],
)
async def test_an_origin_that_answers_is_a_major_finding_that_names_it(
    practice: Practice, answer: WebAnswer, words: str
) -> None:
    with_origins(practice, ONE)
    seen = await look(practice, {URL: answer})
    assert seen.verdict == "PASS"
    assert seen.observed == f"OPEN: {URL} {words}"
    (finding,) = seen.findings
    assert finding.severity == "major"
    assert finding.text.startswith(f"the origin {URL} answers past the edge ({words})")


@pytest.mark.parametrize("how", ["did not answer in time", "broke it off"])
async def test_who_takes_the_connection_and_does_not_answer_is_not_taken_for_shut(practice: Practice, how: str) -> None:
    with_origins(practice, ONE)
    trouble = f"origin-1.test took the connection and {how}"
    seen = await look(practice, {URL: NoVerdict(trouble)})
    assert seen.verdict == "INCONCLUSIVE"
    assert trouble in seen.observed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(401, edge=False), "answers HTTP 401: cannot tell"),
        (
            page(301, edge=False, location="https://app.clinic.test/"),
            "answers HTTP 301 to app.clinic.test, which is behind the edge: cannot tell",
        ),
        (
            LayerFailed("origin-1.test does not speak TLS as it must"),
            "answers, not TLS as it must be (origin-1.test does not speak TLS as it must): cannot tell",
        ),
    ],
)
async def test_what_cannot_be_told_is_a_minor_finding_and_never_open(
    practice: Practice, answer: WebAnswer | Exception, words: str
) -> None:
    with_origins(practice, ONE)
    seen = await look(practice, {URL: answer})
    assert seen.verdict == "PASS"
    assert [(finding.severity, finding.text) for finding in seen.findings] == [("minor", f"the origin {URL} {words}")]


@pytest.mark.parametrize(
    "location", ["http://app.clinic.test/", "https://elsewhere.test/", "https://origin-1.test/login"]
)
async def test_a_redirect_anywhere_else_is_an_answer_of_the_application(practice: Practice, location: str) -> None:
    with_origins(practice, ONE)
    seen = await look(practice, {URL: page(302, edge=False, location=location)})
    assert [finding.severity for finding in seen.findings] == ["major"]


async def test_an_ill_origin_is_no_verdict_and_keeps_what_was_found_of_the_others(practice: Practice) -> None:
    with_origins(practice, ONE, config.Origin(url=OTHER, address="192.0.2.81"))
    seen = await look(practice, {URL: page(503, edge=False), OTHER: page(200, edge=False)})
    assert seen.verdict == "INCONCLUSIVE"
    assert f"{URL}: HTTP 503" in seen.observed
    assert [finding.severity for finding in seen.findings] == ["major"]


@pytest.mark.parametrize("guilt", ["is for another host name", "is self-signed", "has expired"])
async def test_a_certificate_that_is_guilty_hides_whether_it_is_open(practice: Practice, guilt: str) -> None:
    with_origins(practice, ONE)
    seen = await look(practice, {URL: LayerFailed(f"The certificate shown for origin-1.test {guilt}")})
    assert seen.verdict == "PASS"
    (finding,) = seen.findings
    assert (finding.severity, guilt in finding.text, "cannot tell" in finding.text) == ("minor", True, True)


async def test_another_answer_cannot_be_told_and_is_a_minor_finding(practice: Practice) -> None:
    with_origins(practice, ONE)
    seen = await look(practice, {URL: page(404, edge=False)})
    assert [finding.text for finding in seen.findings] == [f"the origin {URL} answers HTTP 404: cannot tell"]


async def test_silence_shows_nothing_while_nothing_can_be_reached_from_here(practice: Practice) -> None:
    with_origins(practice, ONE)
    silence = Silent("it could not be reached")
    with pytest.raises(NoVerdict, match="could not be reached"):
        await look(practice, {URL: silence}, front=silence)


# -- which origins ------------------------------------------------------------------------------------------------
async def test_without_configured_origins_each_name_is_asked_for_at_its_own_target(practice: Practice) -> None:
    hostnames = (
        config.Hostname(name="app.clinic.test", content="P01.code.test.", path="/home"),
        config.Hostname(name="api.clinic.test", content="p01.code.test", path="/home"),
        config.Hostname(name="old.clinic.test", type="A", content="192.0.2.9"),
    )
    with_origins(practice, hostnames=hostnames)
    practice.world.names = SetNames(practice.world.names, {("p01.code.test", "127.0.0.1"): ("192.0.2.8",)})  # type: ignore[assignment]
    answers: dict[str, WebAnswer | Exception] = {
        "https://p01.code.test/home": page(403),
        "https://app.clinic.test/home": page(403),
        "https://api.clinic.test/": page(200, x_clinic_commit=COMMIT),
        "https://old.clinic.test/": page(200),
    }
    seen = await look(practice, answers)
    web: Any = practice.world.web
    assert web.asked == [
        ("https://p01.code.test/home", "192.0.2.8"),
        ("https://app.clinic.test/home", "192.0.2.8"),
        ("https://api.clinic.test/home", "192.0.2.8"),
        ("https://old.clinic.test/", "192.0.2.9"),
    ]
    assert seen.observed == (
        "OPEN: 2 of 4: https://api.clinic.test/home at p01.code.test HTTP 200 with our own commit; "
        "https://old.clinic.test/ at 192.0.2.9 HTTP 200; shut: https://p01.code.test/home (HTTP 403), "
        "https://app.clinic.test/home at p01.code.test (HTTP 403)"
    )


async def test_an_origin_that_dns_does_not_know_is_shut(practice: Practice) -> None:
    with_origins(practice, config.Origin(url=URL))
    practice.world.names = SetNames(practice.world.names, {("origin-1.test", "127.0.0.1"): ()})  # type: ignore[assignment]
    seen = await look(practice, {})
    assert seen.observed == f"shut: {URL} (has no public address)"


async def test_an_address_in_the_url_needs_no_name_server(practice: Practice) -> None:
    with_origins(practice, config.Origin(url="https://192.0.2.80:8443/"))
    await look(practice, {"https://192.0.2.80:8443/": page(403, edge=False)})
    web: Any = practice.world.web
    assert web.asked == [("https://192.0.2.80:8443/", "192.0.2.80")]


async def test_thirty_origins_are_read_at_a_glance(practice: Practice) -> None:
    urls = [f"https://origin-{number}.test/" for number in range(30)]
    with_origins(practice, *(config.Origin(url=url, address="192.0.2.80") for url in urls))
    seen = await look(practice, {"https://origin-": page(403, edge=False)})
    assert seen.observed.endswith("and 26 more")
    seen = await look(practice, {"https://origin-": page(200, edge=False)})
    assert seen.observed.startswith("OPEN: 30 of 30: ")
    assert len(seen.findings) == 30


async def test_an_open_origin_is_found_in_a_whole_run(practice: Practice) -> None:
    practice.world.open_origin()
    run = await practice.walk()
    assert run.outcome == "PASS_WITH_ISSUES"
    assert [finding.severity for finding in run.findings] == ["major"]
    last = run.last("connectivity.origin")
    assert last is not None
    assert last.verdict == "PASS"
