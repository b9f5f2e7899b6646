"""What the sample application stands on: its database and its vault; each error says in words which side refused."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import psycopg


class Refused(Exception):
    """One of the two could not be reached or did not do as asked; the words carry no row, no URL, no secret."""


class Records:
    """The application's pool of one database connection: kept open, made anew when it dropped."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def value(self, query: str) -> Any:
        """The first column of the first row; Refused when the database cannot be used."""
        with self._lock:
            try:
                return self._ask_again(query)
            except psycopg.Error as error:
                words = f"{type(error).__name__} {error.sqlstate or ''}".strip()
                raise Refused(f"the database refused: {words}") from None

    def _ask_again(self, query: str) -> Any:
        try:
            return self._ask(query)
        except psycopg.OperationalError:
            self._drop()  # the server may have been restarted under us: once more on a new connection
            return self._ask(query)

    def _ask(self, query: str) -> Any:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, connect_timeout=3, gssencmode="disable", autocommit=True)
        row = self._connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class Cipher:
    """The application's sign-in at its vault, by AppRole; the token is used once and forgotten."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        parts = urlsplit(settings.get("VAULT_ADDR", ""))
        self._host, self._port = parts.hostname or "", parts.port or 8200
        self._key = settings.get("TRANSIT_KEY", "patient-notes")

    def check(self) -> None:
        """Refused unless the vault is unsealed and active (its health answers 200)."""
        self._call("GET", "/v1/sys/health", None, {})

    def decrypt(self, ciphertext: str) -> bytes:
        """The plaintext, decrypted by the vault now."""
        login = {key: self._settings.get(f"VAULT_{key.upper()}", "") for key in ("role_id", "secret_id")}
        token = self._call("POST", "/v1/auth/approle/login", login, {})["auth"]["client_token"]
        path, signed = f"/v1/transit/decrypt/{self._key}", {"X-Vault-Token": token}
        answer = self._call("POST", path, {"ciphertext": ciphertext}, signed)
        return base64.b64decode(answer["data"]["plaintext"])

    def _call(
        self, method: str, path: str, body: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        try:
            trust = ssl.create_default_context(cafile=self._settings.get("VAULT_CACERT"))
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=5, context=trust)
            try:
                connection.request(method, path, None if body is None else json.dumps(body), dict(headers))
                answer = connection.getresponse()
                document = json.loads(answer.read() or b"{}")
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as cause:
            raise Refused(f"the vault cannot be reached: {type(cause).__name__}") from None
        if answer.status != 200 or not isinstance(document, dict):
            raise Refused(f"the vault refused: {_words(document) or f'status {answer.status}'}")
        return document


def _words(document: Any) -> str:
    """What the vault says of its refusal; its sentences name key versions, never keys."""
    errors = document.get("errors") if isinstance(document, dict) else None
    return "; ".join(str(error) for error in errors)[:200] if isinstance(errors, list) else ""
