"""What else the deck's runs have to show, by scenario: looked at in the same run, since each takes half a minute."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support import doors, training_run

Check = Callable[[Path, str], None]


def announced(home: Path) -> list[str]:
    """Every mutating operation that was announced, in order."""
    return [line["data"]["operation"] for line in training_run.journal(home) if line["event"] == "intent"]


def never(*operations: str) -> Check:
    """None whose name begins so was announced, in a run that did restore the database."""

    def check(home: Path, _: str) -> None:
        made = announced(home)
        assert "rds:RestoreDBInstanceFromDBSnapshot" in made, "the run did not get there"
        assert [each for each in made if each.startswith(operations)] == []

    return check


def the_firewall_is_put_right_before_any_record_changes(home: Path, _: str) -> None:
    made = announced(home)
    put_right = [at for at, each in enumerate(made) if each in doors.RULES]
    assert put_right
    assert max(put_right) < made.index(doors.RECORD)


LEFT_OUT = ("records", "dns", "https", "waf-live", "origin")


def nothing_changes_at_the_edge_and_it_is_said_what_was_not_exercised(home: Path, _: str) -> None:
    never("cloudflare:")(home, _)
    last = {each["id"]: each for each in training_run.document(home)["steps"]}
    for name in ("zone", "settings"):
        assert last[f"connectivity.{name}"]["verdict"] == "PASS"
        assert "only read" in last[f"connectivity.{name}"]["observed"]
    for name in LEFT_OUT:
        step = last[f"connectivity.{name}"]
        assert (step["verdict"], "not exercised: " in step["observed"]) == ("NOT_NEEDED", True), step
    report = (training_run.folder(home) / "report.md").read_text(encoding="utf-8")
    section = report.partition("## The doors: what was exercised")[2].partition("\n## ")[0]
    for name in LEFT_OUT:
        assert re.search(rf"\| connectivity\.{name} +\| NO +\| no hostnames are configured", section), section


def who_is_waited_for_is_said(_: Path, said: str) -> None:
    for provider in ("GitHub", "Northflank", "Cloudflare"):
        assert f"{provider} asks us to wait: " in said, provider


def the_open_origin_is_a_finding(home: Path, _: str) -> None:
    doc = training_run.document(home)
    assert training_run.last(doc, "connectivity.origin")["verdict"] == "PASS"
    assert any("origin" in each["text"] or "past the edge" in each["text"] for each in doc["findings"]), doc["findings"]


ALSO: Mapping[str, Check] = {
    "half-boot": never("cloudflare:"),
    "moved-tag": never("northflank:Deploy", "cloudflare:"),
    "no-staging-names": nothing_changes_at_the_edge_and_it_is_said_what_was_not_exercised,
    "open-origin": the_open_origin_is_a_finding,
    "rate-limited": who_is_waited_for_is_said,
    "unsigned-image": never("northflank:Deploy", "northflank:SetSecretGroup", "cloudflare:"),
    "waf-off": the_firewall_is_put_right_before_any_record_changes,
    "wrong-database": never("cloudflare:"),
}
