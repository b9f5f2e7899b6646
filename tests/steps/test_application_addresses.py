"""An address is led elsewhere and back to the letter, and nothing of it that could be a secret is ever said."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.application.addresses import Place, Unusable, led_to, on_this_machine, passwords, place_of, web_address

AIM = Place("rt-drill.example.test:5432", "127.0.0.1", "drill-1/worker")
WORDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
SECRETS = st.text(string.printable.strip(), min_size=1, max_size=20).map(lambda text: quote(text, safe=""))
OPTIONS = st.lists(
    st.sampled_from(
        ["sslmode=verify-full", "options=-c%20statement_timeout=5", "connect_timeout=3", "application_name=clinic"]
    ),
    unique=True,
)


@given(user=WORDS, password=SECRETS, host=WORDS, port=st.integers(1, 65535), options=OPTIONS)
def test_a_url_that_was_led_elsewhere_and_back_is_the_same_to_the_letter(
    user: str, password: str, host: str, port: int, options: list[str]
) -> None:
    url = f"postgresql://{user}:{password}@{host}.test:{port}/clinic" + ("?" + "&".join(options) if options else "")
    was = place_of(url)
    away = led_to(url, AIM)
    assert place_of(away) == AIM
    assert f"//{user}:{password}@" in away
    assert led_to(away, was) == url


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:p@host/db",
        "postgresql+asyncpg://u:p@host:5432/db",
        "postgresql://host:5432/db",
        "postgresql://u:p@[::1]:5432/db",
        "postgresql://u@host:5432/db?options=-c%20a%3Db&hostaddr=10.0.0.1",
        "POSTGRESQL://u:p@Host/db?a&&b=1&b=2&",
        "postgresql://{{username}}:{{password}}@host:5432/db?sslmode=verify-full",
        "postgresql://u:p@host:5432/db?x=%7e+ &application_name=clinic",
    ],
)
def test_every_common_form_is_taken(url: str) -> None:
    assert led_to(led_to(url, AIM), place_of(url)) == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is no postgres:// URL"),
        ("hunter2", "is no postgres:// URL"),
        ("mysql://u:hunter2@host/db", "is no postgres:// URL"),
        ("jdbc:postgresql://host/db?password=hunter2", "is no postgres:// URL"),
        ("host=db user=u password=hunter2", "is no postgres:// URL"),
        ("postgresql://u:hunter2@[::1/db", "does not name one host"),
        ("postgresql://u:hunter2@a:1,b:2/db", "does not name one host"),
        ("postgresql://u:hunter2@/db", "does not name one host"),
        ("postgresql://u:hunter2@host:port/db", "does not name one host"),
        ("postgresql://u:12/hunter2@host:5432/db", "%2F"),
        ("postgresql://u:12?hunter2@host:5432/db", "%3F"),
        ("postgresql://u:12#hunter2@host:5432/db", "%23"),
        ("postgresql://u:pa@hunter2?word@host:5432/db", "%40"),
        ("postgresql://u:pa@hunter2/x?word@host:5432/db", "%40"),
        ("postgresql://u@host/db?password=p@hunter2", "%40"),
        ("postgresql://u:hunter2@host/db#", "%23"),
        ("postgresql://u:hunter2@host/db?a=1\n", "a line break"),
        ("postgresql://u:hunter2@host/db?application_name=a&application_name=b", "more than once"),
        ("postgresql://u:hunter2@host/db?hostaddr=10.0.0.1&hostaddr=10.0.0.2", "more than once"),
        ("postgresql://u:hunter2@host/db?host=other", "in an option"),
        ("postgresql://u:hunter2@host/db?port=99", "in an option"),
        ("postgresql://u:hunter2@host/db?hostaddr=hunter2", "no address"),
        ("postgresql://u:hunter2@host/db?application_name=%1b%5b31mhunter2", "cannot be written down"),
    ],
)
def test_what_cannot_be_led_elsewhere_says_why_and_never_what_it_holds(url: str, said: str) -> None:
    with pytest.raises(Unusable) as raised:
        place_of(url)
    assert said in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "address", ["", "https://vault.example.test", "http://127.0.0.1:8200", "https://v.test:8200/ui"]
)
def test_a_vault_address_is_plain(address: str) -> None:
    assert web_address(address) == address


@pytest.mark.parametrize(
    "address",
    ["https://u:p@vault.test", "https://vault.test?token=x", "vault.test:8200", "hvs.CAESIA", "https://v.test#x"],
)
def test_anything_else_is_not_taken_for_one(address: str) -> None:
    with pytest.raises(Unusable, match="no plain http"):
        web_address(address)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://u:p@Host.Test./db", "host.test", 5432),
        ("postgresql://u:p@host.test:6543/db", "host.test", 6543),
        ("postgresql://u:p@[FE80::1]/db", "fe80::1", 5432),
        ("postgresql://u:p@[::1]:6543/db", "::1", 6543),
    ],
)
def test_a_place_says_its_host_and_its_port(url: str, host: str, port: int) -> None:
    place = place_of(url)
    assert (place.host, place.port) == (host, port)


def test_every_password_of_a_url_is_known_as_written_and_as_meant() -> None:
    url = "postgresql://u:one%2Fone@host/db?password=two%40two&sslpass%77ord=three&user=four"
    assert passwords(url) == {"one%2Fone", "one/one", "two%40two", "two@two", "three"}
    assert passwords("postgresql://u@host/db") == set()


@pytest.mark.parametrize(
    ("address", "here"), [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("10.0.0.1", False), ("", False)]
)
def test_an_address_of_this_machine_is_known(address: str, *, here: bool) -> None:
    assert on_this_machine(address) is here
