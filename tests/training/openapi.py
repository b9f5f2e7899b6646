"""Judges documents by the OpenAPI contracts that lie beside the checkout; tests skip where they are absent."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

CONTRACTS = Path(__file__).parents[3] / "shared" / "contracts"


def judge(contract: str, method: str, path: str, status: int, document: Any, *, kind: str) -> None:
    """Fail with every violation of that answer's schema; `path` is the real one, without a query; `kind` its type."""
    template, operation = _operation(contract, method, path)
    responses = operation["responses"]
    answer = responses.get(str(status)) or responses[f"{str(status)[0]}XX"]
    schema = _resolved(contract, answer)["content"][kind]["schema"]
    whole = {**_contract(contract), **schema}
    found = [f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(whole).iter_errors(document)]
    assert not found, f"{method} {template} {status}:\n" + "\n".join(found)


@functools.cache
def _contract(name: str) -> dict[str, Any]:
    file = CONTRACTS / f"{name}.json"
    if not file.exists():
        pytest.skip("the contracts are not beside this checkout")
    loaded = json.loads(file.read_text())
    converted: dict[str, Any] = _modern(loaded) if loaded["openapi"].startswith("3.0") else loaded
    return converted


def _operation(contract: str, method: str, path: str) -> tuple[str, dict[str, Any]]:
    """The most literal template that fits the path."""
    paths = _contract(contract)["paths"]
    fits = [one for one in paths if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", one), path)]
    template = min(fits, key=lambda one: one.count("{"))
    return template, paths[template][method.lower()]


def _resolved(contract: str, node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = _contract(contract)
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def _modern(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` and boolean `exclusiveMinimum` in JSON Schema's words; discriminators ignored."""
    if isinstance(node, list):
        return [_modern(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _modern(value) for key, value in node.items() if key not in {"nullable", "discriminator"}}
    for bound in ("exclusiveMinimum", "exclusiveMaximum"):
        if isinstance(made.get(bound), bool):
            del made[bound]
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made
