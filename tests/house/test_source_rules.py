"""Rules that are read from the source: permits, state, outside text, what a public checkout may name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.source import ROOT, Module, called, modules

MUTABLE_CALLS = {"list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict", "bytearray"}
MUTATORS = {"append", "add", "update", "pop", "clear", "extend", "insert", "remove", "setdefault", "discard", "popitem"}


# -- permits ------------------------------------------------------------------------------------------------------
def test_only_the_conductors_desk_makes_a_permit() -> None:
    makers = {module.name for module in modules() for call in module.calls() if called(call) == "Permit"}
    assert makers == {"runbook/engine/desk.py"}


def test_only_the_performer_makes_a_desk() -> None:
    makers = {module.name for module in modules() for call in module.calls() if called(call) == "Desk"}
    assert makers == {"runbook/engine/performer.py"}


def test_the_permit_is_made_after_the_intent_is_said() -> None:
    (intend,) = [
        node
        for module in modules("runbook/engine")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "intend"
    ]
    lines = {called(node): node.lineno for node in ast.walk(intend) if isinstance(node, ast.Call)}
    assert lines["say"] < lines["Permit"]


# -- state --------------------------------------------------------------------------------------------------------
def test_nothing_that_can_change_lives_in_a_module() -> None:
    assert [f"{m.name}: {name}" for m in modules() for name in _changeable(m)] == []


def test_no_function_changes_a_global() -> None:
    assert [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ] == []


def _changeable(module: Module) -> Iterator[str]:
    """Names of module-level lists, dictionaries and sets that are no constants, or are changed after all."""
    changed = {name for node in ast.walk(module.tree) for name in _changes(node)}
    for statement in module.tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        for target in targets:
            value = statement.value  # type: ignore[attr-defined]  # both kinds of assignment have one
            if not isinstance(target, ast.Name) or not _mutable(value) or target.id.startswith("__"):
                continue
            if not target.id.isupper() or target.id in changed:
                yield target.id


def _mutable(value: ast.expr) -> bool:
    literal = isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
    return literal or (isinstance(value, ast.Call) and called(value) in MUTABLE_CALLS)


def _changes(node: ast.AST) -> Iterator[str]:
    """Upper-case names that this node changes in place."""
    owner: ast.expr | None = None
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        owner = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
        owner = node.func.value
    elif isinstance(node, ast.AugAssign):
        owner = node.target
    if isinstance(owner, ast.Name) and owner.id.isupper():
        yield owner.id


# -- outside text -------------------------------------------------------------------------------------------------
def test_no_widget_is_made_of_a_formatted_string() -> None:
    """`reference: compliance B3.1`: a formatted string is markup to Textual, and outside text may hold brackets."""
    assert [
        f"{module.name}:{call.lineno}"
        for module in modules("screens")
        for call in module.calls()
        if called(call) in {"Static", "Label", "update"}
        and any(isinstance(given, ast.JoinedStr) for given in call.args)
    ] == []


def test_every_notice_says_that_it_is_no_markup() -> None:
    assert [
        f"{module.name}:{call.lineno}"
        for module in modules("screens")
        for call in module.calls()
        if called(call) == "notify" and not any(keyword.arg == "markup" for keyword in call.keywords)
    ] == []


def test_markup_is_never_built() -> None:
    assert [
        f"{module.name}:{call.lineno}"
        for module in modules("screens")
        for call in module.calls()
        if called(call) in {"from_markup", "render_markup"}
    ] == []


# -- what a public checkout may name ------------------------------------------------------------------------------
PLACES = re.compile(r"(?<![\w.])/(?:home|work|root|opt|Users|mnt)/[\w.]+")
HOSTS = re.compile(r"pypi\.org|pythonhosted\.org|(?<!no-emit-)index-url|proxy\.golang\.org|registry\.npmjs")
OURS = ("*.py", "*.toml", "*.md", "*.j2", "*.tcss", "*.yml", "*.lock", "*.txt")


def _product() -> Iterator[Path]:
    for path in sorted(path for pattern in OURS for path in ROOT.rglob(pattern)):
        inside = path.relative_to(ROOT).parts
        hidden = inside[0].startswith(".") and inside[0] not in {".ci", ".github"}
        if not hidden and inside[0] not in {"tests", "dist", "build"} and "node_modules" not in inside:
            yield path
    yield from (path for path in (ROOT / ".ci").glob("*") if path.is_file())


def test_the_product_names_no_place_of_somebodys_machine_no_registry_and_no_neighbour() -> None:
    found = []
    for path in _product():
        text = path.read_text(encoding="utf-8")
        told = [*PLACES.findall(text), *HOSTS.findall(text), *(["../shared"] if "../shared" in text else [])]
        found += [f"{path.relative_to(ROOT)}: {what}" for what in told]
    assert found == []


# -- size ---------------------------------------------------------------------------------------------------------
def test_files_and_functions_stay_readable() -> None:
    """Most files have 50 to 250 lines and most functions under 15; these are the limits that nothing may pass."""
    files = [f"{module.name}: {lines}" for module in modules() if (lines := module.text.count("\n")) > 400]
    functions = [
        f"{module.name}: {node.name} {lines}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > 60
    ]
    assert (files, functions) == ([], [])


def test_every_refusal_of_a_step_says_what_to_do_and_who_said_so():
    bare = [
        f"{module.name}:{call.lineno}"
        for module in modules("steps")
        for call in module.calls()
        if called(call) in {"NoVerdict", "LayerFailed", "SignedOut"}
        and not {"fix", "source"} <= {keyword.arg for keyword in call.keywords}
    ]
    assert bare == []
