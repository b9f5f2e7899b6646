"""Judges requests and answers by the OpenAPI contracts beside the checkout; tests skip where those are absent."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator

CONTRACTS = Path(__file__).parents[3] / "shared" / "contracts"
_FORGOTTEN = {"#/components/schemas/dns-records_identifier"}
"""Read-only in truth (the provider chooses it), though the contract does not say so."""
_NEEDED = {"github": ("authorization", "x-github-api-version")}
"""Headers that every request of ours carries, where the contract names none."""
NOTHING = object()
"""In place of a document: there is no body."""


_STRANGE = "the contract knows no such key"
_UNTOLD = ".action_parameters.version: "
"""Of Cloudflare's execute rules: in the vendor's own examples, and not in the contract."""


def judge(contract: str, method: str, path: str, status: int, document: Any, *, kind: str) -> None:
    """Fail with every violation of that answer's schema; `path` is the real one, without a query; `kind` its type."""
    found = answer_violations(contract, method, path, status, document, kind=kind)
    assert not found, f"{method} {path} {status}:\n" + "\n".join(found)


def judge_request(contract: str, method: str, path: str, query: str, document: Any = NOTHING) -> None:
    """Fail with everything in a request that the contract does not know; `query` as it stands after the `?`."""
    found = request_violations(contract, method, path, query, document)
    assert not found, f"{method} {path}?{query}:\n" + "\n".join(found)


def answer_violations(contract: str, method: str, path: str, status: int, document: Any, *, kind: str) -> list[str]:
    """Why this answer is none of the contract's; empty: it is one.  `document` is NOTHING where there is no body."""
    operation = _operation(contract, method, path)
    if operation is None:
        return ["the contract has no such operation"]
    responses = operation["responses"]
    answer = responses.get(str(status)) or responses.get(f"{str(status)[0]}XX")
    if answer is None:
        return [f"the contract has no answer {status}"]
    contents = _resolved(contract, answer).get("content", {})
    if document is NOTHING:
        return [] if not contents or method == "HEAD" else ["the answer has no body"]
    if kind not in contents:
        return [f"the contract has no body of type {kind or 'none'} here"]
    return _violations(contract, contents[kind].get("schema", {}), document)


def request_violations(contract: str, method: str, path: str, query: str, document: Any = NOTHING) -> list[str]:
    """Why this request is none of the contract's; empty: it is one."""
    operation = _operation(contract, method, path)
    if operation is None:
        return ["the contract has no such operation"]
    given = [
        *(("path", name, value) for name, value in operation["at"].items()),
        *(("query", name, value) for name, value in parse_qsl(query, keep_blank_values=True)),
    ]
    return [*_parameters(contract, operation, given), *_body(contract, operation, document)]


def header_violations(contract: str, method: str, path: str, sent: Iterable[str]) -> list[str]:
    """The headers that this API needs and that are not among the names of those `sent`."""
    operation = _operation(contract, method, path) or {}
    ways = operation.get("security", _contract(contract).get("security", ()))
    needed = set(_NEEDED.get(contract, ())) | ({"authorization"} if ways and {} not in ways else set())
    return [f"the header {name} is missing" for name in sorted(needed - {name.lower() for name in sent})]


def _parameters(contract: str, operation: Mapping[str, Any], given: Iterable[tuple[str, str, str]]) -> list[str]:
    described = [_resolved(contract, one) for one in operation.get("parameters", ())]
    known = {(one["in"], one["name"]): one for one in described}
    found, seen = [], set()
    for place, name, value in given:
        seen.add((place, name))
        if (place, name) not in known:
            found.append(f"the contract knows no {place} parameter {name}")
            continue
        schema = known[place, name].get("schema", {})
        readings = [_violations(contract, schema, read) for read in _readings(value)]
        if all(readings):
            found += [f"{place} parameter {name}: {problem}" for problem in readings[0]]
    needed = {key for key, one in known.items() if one.get("required") and key[0] in {"path", "query"}}
    return found + [f"{place} parameter {name} is missing" for place, name in sorted(needed - seen)]


def _readings(value: str) -> Iterable[Any]:
    """What a text in an address may stand for: itself, or a number or truth value."""
    yield value
    try:
        yield json.loads(value)
    except ValueError:
        return


def _body(contract: str, operation: Mapping[str, Any], document: Any) -> list[str]:
    described = _resolved(contract, operation.get("requestBody", {}))
    if document is NOTHING:
        return ["the body is missing"] if described.get("required") else []
    if not described:
        return ["the contract knows no body here"]
    said = described["content"]["application/json"].get("schema", {})
    fits = _violations(contract, _asked(contract, said), document, whole=_requests(contract))
    return [*fits, *(one for one in _strangers(contract, [said], document, "$") if _UNTOLD not in one)]


def _strangers(contract: str, schemas: Iterable[Mapping[str, Any]], document: Any, at: str) -> list[str]:
    """Keys that no branch of these schemas knows: a contract that forbids none lets a mistyped one through.

    None is strange where no branch lists any, or where one leaves them free.
    """
    branches = [branch for schema in schemas for branch in _branches(contract, schema)]
    if isinstance(document, list):
        items = [branch["items"] for branch in branches if "items" in branch]
        return [said for n, one in enumerate(document) for said in _strangers(contract, items, one, f"{at}[{n}]")]
    listed = [branch["properties"] for branch in branches if "properties" in branch]
    if not isinstance(document, dict) or not listed or any(map(_is_free, branches)):
        return []
    found = []
    for key, value in document.items():
        known = [properties[key] for properties in listed if key in properties]
        found += _strangers(contract, known, value, f"{at}.{key}") if known else [f"{at}.{key}: {_STRANGE}"]
    return found


def _is_free(branch: Mapping[str, Any]) -> bool:
    return branch.get("additionalProperties", False) is not False


def _branches(contract: str, schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schema and all that it is put together from, on the same level."""
    return [schema, *(each for part in _parts(contract, schema) for each in _branches(contract, part))]


def _violations(
    contract: str, schema: Mapping[str, Any], document: Any, *, whole: Mapping[str, Any] | None = None
) -> list[str]:
    whole = {**(whole or _contract(contract)), **schema}
    return [f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(whole).iter_errors(document)]


@functools.cache
def _contract(name: str) -> dict[str, Any]:
    file = CONTRACTS / f"{name}.json"
    if not file.exists():
        pytest.skip("the contracts are not beside this checkout")
    loaded = json.loads(file.read_text())
    converted: dict[str, Any] = _modern(loaded) if loaded["openapi"].startswith("3.0") else loaded
    return converted


@functools.cache
def _requests(name: str) -> dict[str, Any]:
    """The contract as it reads for requests: what is read-only is not required there."""
    made: dict[str, Any] = _asked(name, _contract(name))
    return made


def _asked(contract: str, node: Any) -> Any:
    if isinstance(node, list):
        return [_asked(contract, item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _asked(contract, value) for key, value in node.items()}
    if isinstance(node.get("required"), list):
        kept = set(node["required"]) - _read_only(contract, node)
        made["required"] = sorted(kept)
    return made


def _read_only(contract: str, schema: Mapping[str, Any]) -> set[str]:
    """The properties of that object that only answers carry."""
    found = {name for name, one in schema.get("properties", {}).items() if _is_read_only(contract, one)}
    for part in _parts(contract, schema):
        found |= _read_only(contract, part)
    return found


def _is_read_only(contract: str, schema: Mapping[str, Any]) -> bool:
    said = schema.get("readOnly") is True or schema.get("$ref") in _FORGOTTEN
    return said or any(_is_read_only(contract, one) for one in _parts(contract, schema))


def _parts(contract: str, schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the schema is put together from, on the same level."""
    found = [part for way in ("allOf", "oneOf", "anyOf") for part in schema.get(way, ())]
    return found + ([_resolved(contract, schema)] if "$ref" in schema else [])


def _operation(contract: str, method: str, path: str) -> dict[str, Any] | None:
    """That of the most literal template that fits the path; `at` holds the parts of the path by name."""
    paths = _contract(contract)["paths"]
    fits = [(one, found) for one in paths if (found := _pattern(one).fullmatch(path)) and method.lower() in paths[one]]
    if not fits:
        return None
    template, found = min(fits, key=lambda one: one[0].count("{"))
    names = re.findall(r"\{([^}]+)\}", template)
    whole = paths[template]
    operation = whole[method.lower()]
    parameters = [*whole.get("parameters", ()), *operation.get("parameters", ())]
    return {**operation, "parameters": parameters, "at": dict(zip(names, found.groups(), strict=True))}


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "([^/]+)", template))


def _resolved(contract: str, node: Mapping[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = _contract(contract)
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return dict(node)


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
