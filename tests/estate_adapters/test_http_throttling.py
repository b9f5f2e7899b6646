"""A throttled call waits as long as it is asked to, within reason, and is seen doing so; a change most carefully."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Secret
from runbook.estate.http import Api, bearer
from runbook.estate.http_errors import Provider as Named
from runbook.estate.northflank import Northflank
from tests.estate_adapters.provider import Provider, answer, door, interlock, permit

__all__ = ["door"]
GITHUB = Named("github", "GitHub", "")
RESTART = "POST /v1/projects/prod/services/web/restart"
RESTARTED = answer({"data": {}})
PERMIT = permit("northflank:Restart", "prod/web")


def github(provider: Provider, door) -> Api:
    return Api(GITHUB, "http://127.0.0.1", bearer(Secret("t")), interlock(), door, wiring=provider.wiring)


def platform(provider: Provider, door, guard=None) -> Northflank:
    wired = provider.wiring
    return Northflank("http://127.0.0.1/v1", Secret("nf"), guard or interlock(), door, wiring=wired)


def refused(status: int = 429, body: object = None, **headers: str) -> httpx.Response:
    return answer(body or {"message": "too many"}, status, **headers)


def northflank_refused(reset: int) -> httpx.Response:
    return refused(x_ratelimit_limit="1000", x_ratelimit_remaining="0", x_ratelimit_reset=str(reset))


SECONDARY = {"message": "You have exceeded a secondary rate limit."}


@pytest.mark.parametrize(
    ("answers", "slept"),
    [
        ([northflank_refused(7)], [7]),
        ([refused(403, x_ratelimit_remaining="0", x_ratelimit_reset="30")], [30]),
        ([refused(403, SECONDARY, retry_after="61", x_ratelimit_remaining="4000", x_ratelimit_reset="3000")], [61]),
        ([refused(403, SECONDARY, x_ratelimit_remaining="4000", x_ratelimit_reset="3000")], [60]),
        ([refused(retry_after="40")] * 3, [40, 40, 40]),
        ([refused(retry_after="0")] * 4, [0.5, 1, 2, 4]),
        ([refused(retry_after="100"), httpx.Response(503), httpx.ConnectError("no")], [100, 1, 2]),
    ],
    ids=["northflank", "primary", "secondary", "secondary, unsaid", "again and again", "at once", "then ill"],
)
async def test_a_throttled_read_waits_as_it_is_asked_to(door, answers, slept):
    provider = Provider({"GET /user": [*answers, answer({"login": "dr"})]})
    assert (await github(provider, door).read("/user")).document() == {"login": "dr"}
    assert provider.slept == slept


@pytest.mark.parametrize(
    ("answers", "sent", "said"),
    [
        ([refused(retry_after="121")], 1, "2 min"),
        ([refused(403, x_ratelimit_remaining="0", x_ratelimit_reset="2580")], 1, "43 min"),
        ([refused(retry_after="50")], 3, "50 s"),
        ([refused()], 2, "a minute"),
        ([refused(retry_after="999999999999")], 1, "168:00 h"),
    ],
)
async def test_beyond_its_patience_a_read_says_how_long_to_wait(door, answers, sent, said):
    provider = Provider({"GET /user": answers})
    with pytest.raises(NoVerdict, match=f"asks us to wait {said}") as caught:
        await github(provider, door).read("/user")
    assert said in caught.value.fix
    assert len(provider.requests) == sent


async def test_other_trouble_keeps_its_own_shorter_patience(door):
    provider = Provider({"GET /user": httpx.Response(503, headers={"retry-after": "21"})})
    with pytest.raises(NoVerdict, match="not well"):
        await github(provider, door).read("/user")
    assert provider.slept == []
    provider = Provider({"GET /user": httpx.Response(503, headers={"x-ratelimit-reset": "3000"})})
    with pytest.raises(NoVerdict, match="not well"):
        await github(provider, door).read("/user")
    assert provider.slept == [0.5, 1, 2, 4]


async def test_a_wait_is_seen_with_its_seconds_to_go_and_what_is_left(door):
    provider = Provider({"GET /v1/auth": [northflank_refused(3), answer({"data": {"id": "dr"}})]})
    seen: list[tuple[str, float, str]] = []
    provider.rates.listen(lambda one: seen.append((one.provider, one.waiting_s, one.words)))
    await platform(provider, door).token()
    assert seen == [("Northflank", left, "0 of 1,000 calls left") for left in (3, 2, 1)]
    assert provider.rates.waiting() == ()
    known = provider.rates.of("northflank")
    assert known is not None
    assert known.refused == 1


async def test_pauses_after_other_trouble_are_nobodys_wish_and_not_shown(door):
    provider = Provider({"GET /v1/auth": [httpx.Response(502), answer({"data": {"id": "dr"}})]})
    seen: list[object] = []
    provider.rates.listen(seen.append)
    await platform(provider, door).token()
    assert (provider.slept, seen) == ([0.5], [])


async def test_what_one_call_was_told_holds_for_all_that_share_the_rates(door):
    provider = Provider({"GET /v1/auth": northflank_refused(600), RESTART: RESTARTED})
    with pytest.raises(NoVerdict, match="asks us to wait 10 min"):
        await platform(provider, door).token()
    with pytest.raises(NoVerdict, match="not to call for another 10 min; this call was not sent"):
        await platform(provider, door).token()
    with pytest.raises(NoVerdict, match="this call was not sent") as caught:
        await platform(provider, door).restart(PERMIT, "prod", "web")
    assert "not known" not in caught.value.sentence
    assert len(provider.requests) == 1
    provider.seconds += 590
    await platform(provider, door).restart(PERMIT, "prod", "web")
    assert provider.slept == [10]


async def test_thirty_calls_side_by_side_wait_for_the_one_that_was_refused_and_are_each_sent_once(door):
    provider = Provider({"GET /v1/auth": answer({"data": {"id": "dr"}})})
    provider.rates.refused(Named("northflank", "Northflank", ""), 5)
    here = platform(provider, door)
    found = await asyncio.gather(*(here.token() for _ in range(30)))
    assert {one.id for one in found} == {"dr"}
    assert len(provider.requests) == 30
    assert provider.slept[0] >= 5


async def test_another_hosts_refusal_holds_nobody(door):
    store = "http://127.0.0.1:1/blob"
    provider = Provider({"GET /blob": refused(retry_after="3000"), "GET /user": answer({})})
    api = github(provider, door)
    with pytest.raises(NoVerdict, match="asks us to wait 50 min"):
        await api.read(store, headers={}, operation="github:Bundle")
    assert provider.rates.of("github") is None
    await api.read("/user")


# -- changes ------------------------------------------------------------------------------------------------------
async def test_a_change_refused_by_429_was_not_carried_out_and_is_sent_again_under_the_same_permit(door):
    provider = Provider({RESTART: [northflank_refused(9), northflank_refused(4), RESTARTED]})
    guard = interlock()
    await platform(provider, door, guard).restart(PERMIT, "prod", "web")
    assert provider.slept == [9, 4]
    assert guard.counts == {"read": 0, "mutating": 3, "refused": 0}


async def test_a_change_beyond_patience_is_not_called_unknown(door):
    provider = Provider({RESTART: northflank_refused(1500)})
    with pytest.raises(NoVerdict, match="asks us to wait 25 min") as caught:
        await platform(provider, door).restart(PERMIT, "prod", "web")
    assert "not known" not in caught.value.sentence
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500, headers={"retry-after": "1"}),
        httpx.Response(502, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}),
        httpx.Response(503, headers={"retry-after": "1"}),
        httpx.Response(504),
        httpx.Response(408, headers={"retry-after": "1"}),
        httpx.Response(403, headers={"retry-after": "1"}, json=SECONDARY),
        httpx.Response(409),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("cut"),
    ],
    ids=str,
)
async def test_after_anything_but_a_429_a_change_is_never_sent_again(door, trouble):
    provider = Provider({RESTART: [trouble, RESTARTED]})
    with pytest.raises((NoVerdict, LayerFailed)):
        await platform(provider, door).restart(PERMIT, "prod", "web")
    assert (len(provider.requests), provider.slept) == (1, [])


async def test_a_429_and_then_silence_leaves_the_outcome_unknown_and_ends_it(door):
    provider = Provider({RESTART: [northflank_refused(1), httpx.ReadTimeout("slow"), RESTARTED]})
    with pytest.raises(NoVerdict, match="whether the change was made is not known"):
        await platform(provider, door).restart(PERMIT, "prod", "web")
    assert len(provider.requests) == 2


async def test_no_wait_makes_a_permit_wider(door):
    provider = Provider({RESTART: [northflank_refused(1), RESTARTED]})
    with pytest.raises(Refused):
        await platform(provider, door).restart(permit("northflank:Restart", "prod/worker"), "prod", "web")
    assert provider.requests == []
