"""The file that `config init` writes has every key of every model, says what each is, and is good once it is filled."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from runbook import toml_lines
from runbook.config import example
from runbook.config import load as loading
from runbook.config.checks import pasted
from runbook.config.file import Configuration

ANSWERS = {
    "<platform name>": "The Clinic",
    "<openbao or vault>": "vault",
    "<same-account or shared-copy>": "same-account",
    "<A or B>": "A",
    "<canary SHA-256>": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "<canary control ciphertext>": "vault:v1:cHJhY3RpY2U=",
    "<canary transit key>": "clinic",
    "<production transit keys>": "clinic, letters",
    "<production custodians>": "Ana, Bo, Cy",
    "<production backup key ARN>": "arn:aws:kms:eu-west-2:111111111111:key/6f1c",
    "<production zone>": "clinic.example",
    "<production hostname>": "app.clinic.example",
    "<production database host>": "clinic.example.eu-west-2.rds.amazonaws.com",
    **{
        placeholder.replace("SIDE", side): answer.replace("SIDE", side)
        for side in ("production", "staging")
        for placeholder, answer in {
            "<SIDE account id>": "111111111111",
            "<SIDE Region>": "eu-west-2",
            "<SIDE identity ARN>": "arn:aws:sts::111111111111:assumed-role/runbook-SIDE/*",
            "<SIDE mfa, sso or ambient>": "ambient",
            "<SIDE vault address>": "https://vault.SIDE.example:8200",
            "<SIDE health URL>": "https://SIDE.example/healthz",
        }.items()
    },
}


def answers() -> dict[str, str]:
    """Every placeholder with an answer: a plain name where nothing else is asked for."""
    return {each.placeholder: ANSWERS.get(each.placeholder, each.placeholder[1:-1]) for each in example.questions()}


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


def keys(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every key of the file, with the tables above it."""
    for name, field in model.model_fields.items():
        loc = (*above, field.alias or name)
        yield loc, field
        for inner in models(field.annotation):
            yield from keys(inner, loc)


KEYS = {".".join(loc): field for loc, field in keys(Configuration)}


def found(document: Any, loc: str) -> list[Any]:
    """What stands at that key, in each table of an array; an array's entries one by one."""
    at = [document]
    for part in loc.split("."):
        at = [table[part] for table in at if isinstance(table, dict) and part in table]
        at = [entry for each in at for entry in (each if isinstance(each, list) and each else [each])]
    return at


def test_there_are_keys_to_look_for() -> None:
    assert len(KEYS) > 150
    assert {"production.vault.backup.kms_key", "staging.connectivity.hostnames.name", "policy.version"} <= KEYS.keys()


@pytest.mark.parametrize("key", KEYS)
def test_the_example_has_every_key(key: str) -> None:
    assert found(tomllib.loads(example.with_every_setting()), key) != []


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_may_be_left_out_is_shown_with_what_holds_without_it(key: str) -> None:
    field = KEYS[key]
    default = field.get_default(call_default_factory=True)
    if field.is_required() or (not default and default is not False) or any(models(field.annotation)):
        return  # an example, or nothing to show
    if found(tomllib.loads(example.text()), key):
        return  # a placeholder: asked for, since most need it
    assert found(tomllib.loads(example.with_every_setting()), key)[0] == _plain(default)


def _plain(default: Any) -> Any:
    """As TOML has it; of a list, its first entry: that is how `found` goes on."""
    plain = TypeAdapter(Any).dump_python(default, mode="json")
    return plain[0] if isinstance(plain, list) else plain


def test_every_key_says_what_it_is() -> None:
    silent = []
    for line in example.with_every_setting().split("\n"):
        key, equals, rest = line.partition(" = ")
        if equals and not line.startswith("#") and len(rest.partition("  # ")[2]) < 5:
            silent.append(key)
    assert silent == []


def test_every_table_says_what_it_is() -> None:
    rows = example.text().split("\n")
    headers = [number for number, row in enumerate(rows) if row.lstrip("#").startswith("[") and row.endswith("]")]
    bare = [
        rows[number]
        for number in headers
        if not rows[number - 1].startswith("# ")
        and not rows[number - 1].startswith(("#address", "#port"))
        and "providers." not in rows[number]
    ]
    assert bare == []


def test_every_placeholder_stands_once_and_is_asked_for() -> None:
    placeholders = [each.placeholder for each in example.questions()]
    assert len(set(placeholders)) == len(placeholders) > 40
    assert [each for each in placeholders if example.text().count(each) != 1] == []
    assert all(each.hint for each in example.questions())


def test_the_example_is_good_once_it_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "runbook.toml"
    path.write_text(example.filled(answers()), encoding="utf-8")
    settings = loading.load(path).configuration
    assert settings.production.vault.custodians == ("Ana", "Bo", "Cy")
    assert settings.environment("drill").vault.address == "https://vault.staging.example:8200"


def test_an_empty_answer_leaves_the_placeholder() -> None:
    assert example.filled({"<platform name>": " "}) == example.text()


def test_an_answer_is_put_in_as_text_whatever_is_in_it() -> None:
    made = tomllib.loads(example.filled({"<platform name>": '"x" \\ # é \x1b[0m'}))
    assert made["platform"]["name"] == '"x" \\ # é [0m'


def test_an_answer_that_looks_like_a_secret_is_not_taken() -> None:
    question = example.questions()[0]
    assert question.wrong("ghp_0123456789abcdefghijABCDEFGHIJ012345").startswith("secrets never stand in this file")
    assert question.wrong("The Clinic") == ""


def test_no_key_of_the_file_is_called_like_a_secret() -> None:
    assert [key for key in KEYS if pasted._called(key.rpartition(".")[2])] == [
        key for key in KEYS if key.endswith("secret_group")
    ]


def test_the_whole_example_shows_no_unknown_key() -> None:
    """With every setting in it: what is wrong with it then are values, never keys."""
    document = tomllib.loads(example.with_every_setting())
    known = {loc for key in KEYS for loc in [tuple(key.split("."))]}
    free = {"fields"}
    strays = [
        loc
        for loc in toml_lines.lines(example.with_every_setting())
        if (plain := tuple(part for part in loc if isinstance(part, str))) not in known and not free & set(plain)
    ]
    assert document
    assert strays == []
