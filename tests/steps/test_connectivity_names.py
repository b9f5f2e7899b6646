"""Where the names lead: the authoritative servers first, then the public resolvers, and caches are waited for."""

from __future__ import annotations

from typing import Any

import pytest

from runbook import config
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.memory import names as memory
from steps.connectivity import names
from steps.facts import ZoneKnown
from tests.support.outside import SetNames
from tests.support.practice import Practice
from tests.support.standing import Standing

EDGE = (memory.EDGE_ADDRESS,)
OLD = ("192.0.2.81",)
SILENCE = NoVerdict("The name server gave no usable answer", source="dns")
TRUTH, *PUBLIC = "192.0.2.53", "192.0.2.1", "192.0.2.2"
APP, API = "app.clinic.test", "api.clinic.test"


def servers(practice: Practice, said: dict[tuple[str, str], Any], **more: Any) -> SetNames:
    """One authoritative server and two resolvers; what is not said leads to the edge."""
    update = {
        "authoritative": (config.Resolver(address=TRUTH),),
        "resolvers": tuple(config.Resolver(address=one) for one in PUBLIC),
        **more,
    }
    settings = practice.environment.connectivity.model_copy(update=update)
    practice.environment = practice.environment.model_copy(update={"connectivity": settings})
    every = {(one.name, server): EDGE for one in settings.hostnames for server in (TRUTH, *PUBLIC)}
    fake = SetNames(practice.world.names, {**every, **said})
    practice.world.names = fake  # type: ignore[assignment]
    return fake


def at(practice: Practice) -> Standing:
    zone = ZoneKnown(practice.world.edge.zone_state.id, memory.ZONE)
    return Standing(practice, "connectivity.dns", zone)


async def test_names_that_lead_to_the_edge_everywhere_pass(practice: Practice) -> None:
    asked = servers(practice, {}).asked
    seen = await names.names_lead_to_the_edge(at(practice).here)
    assert seen.verdict == "PASS"
    assert seen.observed == (
        f"{APP}, {API}: inside the edge's ranges at {TRUTH} (authoritative) and {PUBLIC[0]}, {PUBLIC[1]} (public)"
    )
    assert {server for _, server in asked[:2]} == {TRUTH}, "the truth is asked first"


async def test_resolvers_are_not_asked_before_the_authoritative_servers_agree(practice: Practice) -> None:
    asked = servers(practice, {(APP, TRUTH): [OLD, OLD, EDGE]}).asked
    await names.names_lead_to_the_edge(at(practice).here)
    first_public = next(place for place, (_, server) in enumerate(asked) if server in PUBLIC)
    assert [server for _, server in asked[:first_public]] == [TRUTH] * 4
    assert asked.count((API, TRUTH)) == 1, "what leads to the edge once needs no second question"


async def test_a_cached_answer_is_waited_for_and_said_meanwhile(practice: Practice) -> None:
    servers(practice, {(APP, PUBLIC[0]): [OLD, OLD, EDGE]})
    standing = at(practice)
    began = practice.clock.now()
    seen = await names.names_lead_to_the_edge(standing.here)
    assert seen.verdict == "PASS"
    assert (practice.clock.now() - began).total_seconds() >= 2 * standing.here.poll_s
    said = next(one for one in standing.shown if "still" in one.text or "says" in one.text)
    assert said.text.startswith(f"{APP} at {PUBLIC[0]} says 192.0.2.81; caches forget within 300 s, waiting up to 6:5")
    assert (said.done, said.total) == (3, 4)


async def test_after_the_limit_all_that_lead_elsewhere_are_listed(practice: Practice) -> None:
    servers(practice, {(APP, PUBLIC[0]): OLD, (API, PUBLIC[1]): ()})
    began = practice.clock.now()
    with pytest.raises(LayerFailed) as late:
        await names.names_lead_to_the_edge(at(practice).here)
    assert late.value.sentence == (
        f"after 420 s these still do not lead to the edge: 2 of 4: {APP} at {PUBLIC[0]} says 192.0.2.81; "
        f"{API} at {PUBLIC[1]} says no address"
    )
    assert 420 <= (practice.clock.now() - began).total_seconds() < 440


async def test_both_kinds_of_server_share_one_limit(practice: Practice) -> None:
    """The authoritative server is right after five minutes; the resolver gets the two that are left."""
    began = practice.clock.now()

    class Late(list[Any]):
        """Says the old address for 300 s."""

        def __len__(self) -> int:
            return 1

        def __getitem__(self, _: Any) -> Any:
            return OLD if (practice.clock.now() - began).total_seconds() < 300 else EDGE

    servers(practice, {(APP, TRUTH): Late(), (APP, PUBLIC[0]): OLD})
    with pytest.raises(LayerFailed):
        await names.names_lead_to_the_edge(at(practice).here)
    assert 420 <= (practice.clock.now() - began).total_seconds() < 440


async def test_one_address_outside_is_enough(practice: Practice) -> None:
    servers(practice, {(APP, TRUTH): (*EDGE, "2001:db8::1")})
    with pytest.raises(LayerFailed, match="2001:db8::1"):
        await names.names_lead_to_the_edge(at(practice).here)


@pytest.mark.parametrize("published", [(), ("not a range",)])
async def test_an_edge_that_publishes_no_ranges_is_no_verdict(practice: Practice, published: tuple[str, ...]) -> None:
    async def ranges() -> tuple[str, ...]:
        return published

    servers(practice, {})
    practice.world.edge.ranges = ranges  # type: ignore[method-assign]
    with pytest.raises(NoVerdict, match="published no address ranges"):
        await names.names_lead_to_the_edge(at(practice).here)


async def test_a_silent_server_is_asked_about_one_name_only(tmp_path: Any) -> None:
    practice = Practice(tmp_path, hostnames=30)
    silent = {(one.name, PUBLIC[1]): SILENCE for one in practice.environment.connectivity.hostnames}
    asked = servers(practice, silent).asked
    seen = await names.names_lead_to_the_edge(at(practice).here)
    assert seen.verdict == "PASS"
    assert [server for _, server in asked].count(PUBLIC[1]) == 1


async def test_a_silent_resolver_is_told_and_fails_nothing_while_another_answers(practice: Practice) -> None:
    servers(practice, {(name, PUBLIC[1]): SILENCE for name in (APP, API)})
    began = practice.clock.now()
    seen = await names.names_lead_to_the_edge(at(practice).here)
    assert seen.verdict == "PASS"
    assert seen.observed.endswith(f"; {PUBLIC[1]} gave no usable answer")
    assert (practice.clock.now() - began).total_seconds() < 1, "silence is no cache: it is not waited for"


@pytest.mark.parametrize(("kind", "silent"), [("authoritative servers", (TRUTH,)), ("public resolvers", PUBLIC)])
async def test_servers_that_are_all_silent_are_no_verdict_at_once(
    practice: Practice, kind: str, silent: tuple[str, ...]
) -> None:
    servers(practice, {(name, server): SILENCE for name in (APP, API) for server in silent})
    began = practice.clock.now()
    with pytest.raises(NoVerdict, match=f"none of the {kind} .* gave a usable answer"):
        await names.names_lead_to_the_edge(at(practice).here)
    assert (practice.clock.now() - began).total_seconds() < 1


async def test_a_name_about_which_nobody_answers_is_no_verdict(practice: Practice) -> None:
    servers(practice, {(APP, server): SILENCE for server in PUBLIC})
    with pytest.raises(NoVerdict):
        await names.names_lead_to_the_edge(at(practice).here)


async def test_without_configured_servers_the_zone_s_own_are_found_and_asked(practice: Practice) -> None:
    said: dict[tuple[str, str], Any] = {
        ("ada.ns.practice.test", PUBLIC[0]): SILENCE,
        ("ada.ns.practice.test", PUBLIC[1]): (TRUTH, "2001:db8::53"),
        ("bob.ns.practice.test", PUBLIC[0]): (),
        ("bob.ns.practice.test", PUBLIC[1]): (),
    }
    asked = servers(practice, said, authoritative=()).asked
    seen = await names.names_lead_to_the_edge(at(practice).here)
    assert seen.verdict == "PASS"
    assert (APP, TRUTH) in asked


async def test_a_zone_whose_own_servers_cannot_be_found_is_no_verdict(practice: Practice) -> None:
    said: dict[tuple[str, str], Any] = {
        (f"{who}.ns.practice.test", one): () for who in ("ada", "bob") for one in PUBLIC
    }
    servers(practice, said, authoritative=())
    with pytest.raises(NoVerdict, match=r"own name servers \(ada\.ns\.practice\.test, bob\.ns\.practice\.test\)"):
        await names.names_lead_to_the_edge(at(practice).here)


async def test_an_old_answer_in_a_whole_run_is_waited_for(practice: Practice) -> None:
    practice.world.dns_old_origin(answers=3)
    run = await practice.walk()
    assert run.outcome == "PASS"


async def test_thirty_names_that_lead_elsewhere_are_counted(tmp_path: Any) -> None:
    practice = Practice(tmp_path, hostnames=30)
    hostnames = practice.environment.connectivity.hostnames
    servers(practice, {(one.name, PUBLIC[0]): OLD for one in hostnames})
    standing = at(practice)
    with pytest.raises(LayerFailed, match=r"30 of 60: .*; and 26 more$"):
        await names.names_lead_to_the_edge(standing.here)
    assert all(len(said.text) < 300 for said in standing.shown)
