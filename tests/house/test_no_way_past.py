"""No option, variable or answer leads past a shut checkpoint: they are all listed here, and none is about gates."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator

from runbook import cli
from runbook.engine.ports import Act
from tests.house.source import called, modules

EVERYWHERE = {"-h", "--help", "--home", "--config", "--debug"}
OPTIONS = {
    "": EVERYWHERE | {"--version"},
    "train": EVERYWHERE | {"--list", "--check", "--estate-only", "--seed", "--explain", "--plain", "--unattended"},
    "drill": EVERYWHERE | {"--plain", "--unattended", "--point-in-time"},
    "recover": EVERYWHERE | {"--plain"},
    "resume": EVERYWHERE | {"--plain", "--unattended"},
    "watch": EVERYWHERE | {"--plain"},
    "status": EVERYWHERE | {"--json"},
    "report": EVERYWHERE | {"--format", "-o"},
    "log": EVERYWHERE,
    "log verify": EVERYWHERE | {"--json", "--anchor", "--log-only"},
    "log show": EVERYWHERE | {"--json", "--file"},
    "log sign": EVERYWHERE
    | {"--name", "--role", "--declined", "--because", "--code"}
    | {"--statement", "-o", "--signature", "--public-key"},
    "log amend": EVERYWHERE
    | {"--set", "--close", "--verified", "--assign", "--owner", "--due", "--by", "--role", "--because"},
    "history": EVERYWHERE | {"--json", "--file", "--training", "--pack", "-o"},
    "config": EVERYWHERE,
    "credentials": EVERYWHERE | {"--environment"},
    "iam": EVERYWHERE | {"--signin"},
    "manifest": EVERYWHERE
    | {"--host", "--hostaddr", "--port", "--database", "--user", "--ca-file"}
    | {"--password-stdin", "--buckets", "--connections", "-o"},
}
VARIABLES = {
    "RUNBOOK_CONFIG",
    "RUNBOOK_HOME",
    "TERM",
}  # read by name; the practice estate's own processes are told more
WORDS = re.compile(r"skip|force|bypass|override|ignore|unsafe|insecure|no.?verify|yes", re.IGNORECASE)


def _parsers() -> dict[str, argparse.ArgumentParser]:
    return {" ".join(words): parser for words, parser in _below(cli._parser(), ())}


def _below(
    parser: argparse.ArgumentParser, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    yield words, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, each in action.choices.items():
                yield from _below(each, (*words, name))


def test_these_are_all_the_options_there_are() -> None:
    found = {
        name: {o for action in parser._actions for o in action.option_strings} for name, parser in _parsers().items()
    }
    assert found == OPTIONS


def test_no_option_speaks_of_a_way_past() -> None:
    assert [option for options in OPTIONS.values() for option in options if WORDS.search(option)] == []


def test_options_cannot_be_shortened_into_something_else() -> None:
    assert cli._parser().parse_args(["train", "--plain"]).plain
    assert "skip" not in cli._parser().format_help()


def test_no_other_variable_of_the_environment_is_read_by_name() -> None:
    read = {
        name.value
        for module in modules("runbook", "steps", "screens")
        if not module.name.startswith("runbook/training/")
        for call in module.calls()
        if called(call) in {"get", "getenv", "pop"} and "environ" in ast.unparse(call.func)
        for name in call.args[:1]
        if isinstance(name, ast.Constant)
    }
    assert read - {"PGSERVICE"} == VARIABLES  # PGSERVICE is dropped, not obeyed


def test_nothing_of_the_engine_has_a_parameter_that_opens_gates() -> None:
    parameters = {
        argument.arg
        for module in modules("runbook/engine", "steps")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for argument in (*node.args.args, *node.args.kwonlyargs)
    }
    assert [name for name in parameters if WORDS.search(name)] == []


def test_a_checkpoint_is_said_to_be_open_in_one_place_only() -> None:
    places = [
        f"{module.name}"
        for module in modules()
        for call in module.calls()
        for keyword in call.keywords
        if keyword.arg == "decision" and isinstance(keyword.value, ast.Constant) and keyword.value.value == "opened"
    ]
    assert places == ["runbook/engine/gatekeeper.py"]


def test_these_are_all_the_answers_there_are() -> None:
    assert {act.value for act in Act} == {"sign-in", "retry", "attest", "accept", "close", "back", "abort", "open"}
