"""How the practice cloud refuses."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.training.servers.aws_names import VAULT_KEY
from runbook.training.servers.aws_weather import Weather


def request(service: str, method: str = "POST", path: str = "/", key: str = "ASIA1") -> dict[str, Any]:
    scope = f"AWS4-HMAC-SHA256 Credential={key}/20261123/eu-west-2/{service}/aws4_request, SignedHeaders=host"
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_AUTHORIZATION": scope}


def refusal(weather: Weather, **asked: Any) -> str:
    found = weather.denial(request(**asked))
    return found[0].code if found else ""


def test_good_weather_refuses_nothing() -> None:
    assert refusal(Weather(), service="rds") == ""


def test_without_the_key_objects_cannot_be_read_but_can_be_listed() -> None:
    weather = Weather()
    weather.change(kms_denied=True)
    assert refusal(weather, service="s3", method="GET", path="/bucket/vault/one.snap") == "AccessDenied"
    assert refusal(weather, service="s3", method="HEAD", path="/bucket/vault/one.snap") == ""
    assert refusal(weather, service="s3", method="GET", path="/bucket") == ""


def test_an_expired_key_is_refused_everywhere_and_another_is_not() -> None:
    weather = Weather()
    weather.change(expired_keys=("ASIA1",))
    assert {refusal(weather, service=name) for name in ("s3", "rds", "kms", "sts")} == {"ExpiredToken"}
    assert refusal(weather, service="s3", key="ASIA2") == ""


def test_the_vaults_own_key_may_not_decrypt_while_everything_else_may() -> None:
    weather = Weather()
    weather.change(vault_kms_denied=True)
    for target, code in (("TrentService.Decrypt", "AccessDeniedException"), ("TrentService.DescribeKey", "")):
        asked = request("kms", key=VAULT_KEY) | {"HTTP_X_AMZ_TARGET": target}
        found = weather.denial(asked)
        assert (found[0].code if found else "") == code
    assert weather.denial(request("kms", key="ASIA1") | {"HTTP_X_AMZ_TARGET": "TrentService.Decrypt"}) is None


def test_what_is_refused_to_the_operator_is_not_refused_to_the_vault() -> None:
    weather = Weather()
    weather.change(kms_denied=True, expired_keys=("ASIA1",))
    assert weather.denial(request("kms", key=VAULT_KEY) | {"HTTP_X_AMZ_TARGET": "TrentService.Decrypt"}) is None


def test_rough_calls_run_out_and_other_services_do_not_use_them_up() -> None:
    weather = Weather()
    weather.change(rough_calls=3)
    assert refusal(weather, service="sts") == ""
    assert [refusal(weather, service="rds") for _ in range(4)] == [
        "Throttling",
        "ServiceUnavailable",
        "Throttling",
        "",
    ]


def test_an_unknown_change_is_refused() -> None:
    with pytest.raises(ValueError, match="the weather has no sunshine"):
        Weather().change(sunshine=True)


@pytest.mark.parametrize(
    ("service", "kind", "words"),
    [
        ("s3", "application/xml", b"<Error><Code>ExpiredToken</Code>"),
        ("rds", "text/xml", b"<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>"),
        ("kms", "application/x-amz-json-1.1", b'{"__type": "ExpiredToken"'),
    ],
)
def test_each_service_speaks_its_own_protocol(service: str, kind: str, words: bytes) -> None:
    weather = Weather()
    weather.change(expired_keys=("ASIA1",))
    found = weather.denial(request(service))
    assert found is not None
    told, body = found[0].written(found[1])
    assert told == kind
    assert body.startswith(words)
