"""Whole unattended runs with a recorder between adapters and simulators: all that is said fits the contracts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runbook.commands.places import Home
from runbook.commands.plans import Plan, chosen
from runbook.commands.training_session import TrainingSession
from runbook.config import Environment
from runbook.training.client import PracticeEstate
from runbook.training.servers.firewall import PHASES
from tests.support.recording import Book, Exchange, recorded
from tests.training.doors_in_calls import kinds, unprotected
from tests.training.openapi import CONTRACTS, NOTHING, answer_violations, header_violations, request_violations

pytestmark = [
    pytest.mark.estate,
    pytest.mark.skipif(not CONTRACTS.exists(), reason="the contracts are not beside this checkout"),
]


@dataclass
class Recorder:
    """Runs scenarios in this process; their estate is a supervisor of its own, as ever."""

    home: Path
    monkeypatch: pytest.MonkeyPatch

    async def run(self, scenario: str) -> tuple[str, Book]:
        """The outcome, and all that was said."""
        book = Book()
        with contextlib.ExitStack() as stack:
            real = PracticeEstate.environment

            def through(estate: PracticeEstate) -> Environment:
                return stack.enter_context(recorded(real(estate), book))

            with self.monkeypatch.context() as patch:
                patch.setattr(PracticeEstate, "environment", through)
                plan = Plan(chosen(scenario), seed=1, attended=False)
                ending = await TrainingSession(Home(self.home), plan).walk(None)
        return ending.outcome, book


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    from runbook.training.client import reap

    yield Recorder(tmp_path, monkeypatch)
    for folder in (tmp_path / "training").glob("training-*Z-*"):
        if folder.is_dir():
            reap(folder)


_UNAUTHORISED = 401  # the registry's challenge, to a request without a token: it says where to get one
BLOB_STORE = "/store/"
"""Where the registry redirects to for a blob: another provider's host in truth, and in no contract."""


def problems(book: Book) -> list[str]:
    """All that does not fit, once each."""
    judged = [one for one in book.exchanges if not one.path.startswith(BLOB_STORE)]
    return list(dict.fromkeys(problem for one in judged for problem in violations(one)))


def violations(one: Exchange) -> list[str]:
    """What does not fit, of the request and of its answer."""
    sent = json.loads(one.sent) if one.sent else NOTHING
    asked = request_violations(one.provider, one.method, one.path, one.query, sent)
    signed = [] if one.status == _UNAUTHORISED else header_violations(one.provider, one.method, one.path, one.headers)
    return [f"{one}: {problem}" for problem in (*asked, *signed, *_answer(one))]


def _answer(one: Exchange) -> list[str]:
    if one.query == "dry_run=true" and one.status == 200:
        # the contract (2024) knows no dry run's answer; the vendor's SDK 5.9.0 does: a result of null
        fits = one.document["success"] is True and one.document["result"] is None
        return [] if fits else ["a dry run answers a success with a result of null"]
    document: Any = NOTHING
    if one.body:
        document = one.document if "json" in one.kind else one.body.decode("utf-8", "replace")
    return answer_violations(one.provider, one.method, one.path, one.status, document, kind=one.kind)


@pytest.mark.parametrize(
    ("scenario", "reached"),
    [
        ("calm", {"PATCH secret group", "PATCH service", "PATCH record", "GET blob"}),
        ("waf-off", {"PUT entrypoint?dry_run=true", "PATCH rule", "PATCH record"}),
        ("rate-limited", {"429 northflank", "429 cloudflare", "403 github", "PATCH record"}),
    ],
)
async def test_every_request_and_every_answer_of_a_run_fits_the_contracts(
    recorder: Recorder, scenario: str, reached: set[str]
) -> None:
    outcome, book = await recorder.run(scenario)
    assert outcome == "PASS"
    assert reached - {kind for one in book.exchanges for kind in kinds(one)} == set()
    assert problems(book) == []
    assert unprotected(book) == []


NEVER_CONFIGURED = """
schema = 1
name = "never-configured"
title = "Nobody ever gave the zone a rule"
story = "Neither phase has an entry point: the provider answers 404 with code 10003."
good_operator = "Agrees to the firewall that is shown, and sees it before any name is routed."

[expect]
outcome = "PASS"

[[faults]]
kind = "waf-off"
with = { never_configured = true }
"""


async def test_a_zone_that_never_had_a_rule_gets_its_firewall_before_any_record_changes(
    recorder: Recorder, tmp_path: Path
) -> None:
    file = tmp_path / "never-configured.toml"
    file.write_text(NEVER_CONFIGURED, encoding="utf-8")
    outcome, book = await recorder.run(str(file))
    assert outcome == "PASS"
    refused = [one for one in book.of("cloudflare") if one.status == 404]
    assert {one.document["errors"][0]["code"] for one in refused} == {10003}
    made = {one.path.split("/")[-2] for one in book.of("cloudflare") if kinds(one) == {"PUT entrypoint"}}
    assert made == set(PHASES)
    assert problems(book) == []
    assert unprotected(book) == []


async def test_without_public_names_nothing_at_the_edge_is_changed_or_tried(recorder: Recorder) -> None:
    outcome, book = await recorder.run("no-staging-names")
    assert outcome == "PASS"
    asked = [one.method for one in book.of("cloudflare")]
    assert (len(asked) >= 4, set(asked)) == (True, {"GET"})
    assert problems(book) == []
