"""What a configuration may not say: each mistake is named with its key, its line and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from runbook import toml_file
from runbook.config import Application, Connectivity, Environment, Image
from runbook.engine.errors import WrongUse
from tests.support.practice import Practice

IMAGE: dict[str, Any] = {
    "organisation": "acme",
    "repository": "acme/app",
    "package": "app",
    "level": "B",
    "level_reason": "a private repository on the Team plan",
}
SERVICE: dict[str, Any] = {"name": "web", "health": {"url": "https://web.example/healthz"}}
CONSUMER: dict[str, Any] = {"secret_group": "app-env"}
APPLICATION: dict[str, Any] = {
    "platform": "https://api.northflank.com/v1",
    "project": "staging",
    "github": "https://api.github.com",
    "registry": "https://ghcr.io",
    "images": [IMAGE],
    "services": [SERVICE],
    "consumers": [CONSUMER],
}


def application(**changes: Any) -> Application:
    return Application.model_validate(APPLICATION | changes)


def test_one_image_one_service_and_one_consumer_are_enough() -> None:
    made = application()
    assert made.image_of(made.services[0]).path == "acme/app"
    assert made.secret_groups == ("app-env",)


def test_a_service_runs_the_image_that_it_names_and_else_the_first() -> None:
    other = IMAGE | {"package": "reports"}
    made = application(images=[IMAGE, other], services=[SERVICE, {"name": "nightly", "image": "reports"}])
    assert [made.image_of(each).package for each in made.services] == ["app", "reports"]


def test_a_group_that_is_used_twice_is_changed_once() -> None:
    made = application(
        consumers=[CONSUMER, {"secret_group": "app-env", "name": "reports", "database_variable": "REPORTS_URL"}],
        outbound=[{"secret_group": "mail-env", "variable": "MAIL"}, {"secret_group": "app-env", "variable": "SMS"}],
    )
    assert made.secret_groups == ("app-env", "mail-env")


def test_a_consumer_serves_the_services_it_names_and_else_those_that_nobody_names() -> None:
    services = [SERVICE, *({"name": name} for name in ("worker", "reports", "nightly"))]
    worker = {"secret_group": "worker-env", "name": "worker", "services": ["worker"]}
    made = application(services=services, consumers=[CONSUMER, worker])
    assert [made.served(one) for one in made.consumers] == [("web", "reports", "nightly"), ("worker",)]


WRONG = {
    "level B without a reason": ({"images": [IMAGE | {"level_reason": " "}]}, "level B needs a level_reason"),
    "an unknown level": ({"images": [IMAGE | {"level": "C"}]}, "'A' or 'B'"),
    "no image": ({"images": []}, "at least 1"),
    "no service": ({"services": []}, "at least 1"),
    "no consumer": ({"consumers": []}, "at least 1"),
    "a package twice": ({"images": [IMAGE, IMAGE]}, "images.2: its package stands more than once"),
    "a service twice": ({"services": [SERVICE, SERVICE]}, "services.2: its name stands more than once"),
    "two consumers without a name": (
        {"consumers": [CONSUMER, CONSUMER]},
        "consumers.2: its name stands more than once",
    ),
    "a name too long for the database": ({"consumers": [CONSUMER | {"name": "n" * 21}]}, "string_pattern_mismatch"),
    "a stray image": ({"services": [SERVICE | {"image": "ap"}]}, "services.1.image: is no package"),
    "no health document": ({"services": [{"name": "web"}]}, "no service has a health document"),
    "a health document that names nothing": (
        {"services": [{"name": "web", "health": {"url": "https://h", "digest": None, "commit": None}}]},
        "digest or commit must be a field",
    ),
    "a health document of which nothing is asked": (
        {"services": [{"name": "web", "health": {"url": "https://h", "fields": {}}}]},
        "any answer would do",
    ),
    "a consumer of a service that is not there": (
        {"consumers": [CONSUMER | {"services": ["wbe"]}]},
        "consumers.1.services: names a service that is none",
    ),
    "a consumer that is left no service": (
        {"consumers": [CONSUMER | {"services": ["web"]}, {"secret_group": "jobs-env", "name": "jobs"}]},
        "consumers.2: serves no service",
    ),
    "nobody who uses the database": ({"consumers": [CONSUMER | {"database_variable": None}]}, "no consumer has"),
    "another word for outbound": ({"outbound": "nothing"}, "outbound"),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        application(**changes)
    assert said in str(refused.value)


def test_the_public_resolvers_are_three_unless_others_are_given() -> None:
    made = Connectivity(cloudflare="https://api.cloudflare.com/client/v4", zone="example.com")
    assert [each.address for each in made.resolvers] == ["1.1.1.1", "8.8.8.8", "9.9.9.9"]
    assert made.hostnames == ()


def test_a_name_that_stands_twice_is_refused() -> None:
    name = {"name": "app.example.com", "content": "p01--web--staging--acme.code.run"}
    with pytest.raises(ValidationError, match=r"hostnames\.2: its name stands more than once"):
        Connectivity.model_validate({"cloudflare": "https://c", "zone": "example.com", "hostnames": [name, name]})


def test_names_are_written_as_providers_answer_them() -> None:
    given = {"cloudflare": "https://c", "zone": "Example.COM."}
    hostname = {"name": "App.Example.com.", "content": "p01.code.run"}
    made = Connectivity.model_validate({**given, "hostnames": [hostname]})
    assert (made.zone, made.hostnames[0].name) == ("example.com", "app.example.com")
    with pytest.raises(ValidationError, match=r"hostnames\.2: its name stands more than once"):
        Connectivity.model_validate({**given, "hostnames": [hostname, {**hostname, "name": "app.example.com"}]})


def test_a_public_name_of_a_service_that_is_not_there_is_refused(tmp_path: Any) -> None:
    plain = Practice(tmp_path).environment.model_dump()
    plain["connectivity"]["hostnames"][0]["service"] = "wbe"
    with pytest.raises(ValidationError, match=r"hostnames\.1\.service: is no service"):
        Environment.model_validate(plain)


def test_a_mistake_in_a_file_is_told_with_its_line() -> None:
    text = "\n".join(f'{key} = "{value}"' for key, value in IMAGE.items() if key != "package") + '\npakage = "app"\n'
    with pytest.raises(WrongUse) as refused:
        toml_file.parse(text, Image, "runbook.toml")
    assert "runbook.toml: line 5: pakage: is not a known key" in str(refused.value)
    assert "package: is missing" in str(refused.value)
