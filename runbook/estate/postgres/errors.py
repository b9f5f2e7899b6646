"""PostgreSQL's refusals in the operator's words.

Of a statement's error only the SQLSTATE and its name are kept: message, DETAIL and CONTEXT can quote patients' rows.
An error while connecting quotes none, and its text (certificate, host, user) is what an operator needs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    import psycopg

GRANT: Final = "Grant it pg_read_all_data and BYPASSRLS, or membership in the role that owns the tables."
"""What makes a reader see all rows."""

_FORBIDDEN: Final = "42501"
_UNCODED: Final = "XX000"
# Patterns of the server's or libpq's words: names in them are anybody's, so what stands around a name must fit too.
_CONNECTING: Final[tuple[tuple[tuple[str, ...], type[NoVerdict | LayerFailed], str, str], ...]] = (
    (
        ("certificate verify failed", "does not match host name", "server does not support SSL", "SSL error"),
        NoVerdict,
        "the database's TLS certificate could not be verified for its name",
        "Check [database] ca_file and the host name; a tunnel goes into hostaddr, the name stays.",
    ),
    (
        ("authentication failed", "no pg_hba.conf entry", "no password supplied"),
        NoVerdict,
        "the database does not accept this user and password",
        "Check the stored password of the reader; a copy has the one of the moment of its backup.",
    ),
    (
        ("is not permitted to log in", 'role ".*" does not exist'),
        NoVerdict,
        "the database does not know this user, or it may not log in",
        "Check the user's name ([database] user).",
    ),
    (
        ('database ".*" does not exist',),
        LayerFailed,
        "the server has no database of that name",
        "Check the name ([database] name); of a copy, that the right snapshot was restored.",
    ),
    (
        ("permission denied for database",),
        NoVerdict,
        "this user may not connect to that database",
        "Grant it CONNECT on the database in production, so that the next backup has it.",
    ),
    (
        ("too many connections for database", "too many connections for role"),
        NoVerdict,
        "this database or this user has as many connections as it may have",
        "See who holds them, or raise its CONNECTION LIMIT, then retry.",
    ),
    (
        ("starting up", "shutting down", "recovery mode", "not yet accepting", "not currently accepting"),
        NoVerdict,
        "the database is not open for connections",
        "Wait until it is available, then retry.",
    ),
    (
        ("too many clients", "remaining connection slots"),
        NoVerdict,
        "the database has no connection left",
        "See who holds them, then retry.",
    ),
    (
        ("timeout expired", "timed out", "timeout"),
        NoVerdict,
        "the database did not answer in time",
        "A security group or a missing tunnel looks like this: see how it is reached.",
    ),
    (
        ("could not translate host name", "failed to resolve", "Name or service not known"),
        NoVerdict,
        "the database's name cannot be resolved",
        "A private endpoint needs a tunnel, and hostaddr for its near end.",
    ),
)

_CLASSES: Final[tuple[tuple[str, type[NoVerdict | LayerFailed], str, str], ...]] = (
    (
        _FORBIDDEN,
        NoVerdict,
        "the reader may not see all rows",
        GRANT,
    ),
    ("55P03", NoVerdict, "somebody else holds a lock on it", "See pg_locks for who (a migration?), then retry."),
    ("57014", NoVerdict, "the statement took too long", "A fresh copy is slow on first touch: retry."),
    ("08", NoVerdict, "the connection broke off", "See whether the database still runs, then retry."),
    ("28", NoVerdict, "the database does not accept this user and password", "Check the stored password."),
    ("53", NoVerdict, "the database has no resources left", "See its disk, memory and connections, then retry."),
    ("57", NoVerdict, "the database was stopped or is starting", "Wait until it is available, then retry."),
    ("XX", LayerFailed, "the database found damage in its own data", "Choose an older backup, with the reason."),
    ("42P01", LayerFailed, "the table is not there", "Compare with the manifest: was the right snapshot restored?"),
    ("42703", LayerFailed, "the column is not there", "Compare with the manifest and runbook.toml."),
    ("42", LayerFailed, "the database does not understand the question", "Check the names in runbook.toml."),
)


def not_connected(error: psycopg.Error, where: str) -> RunbookError:
    """No connection came about; `where` is host and port."""
    text = outside_text(error).strip()
    for parts, kind, sentence, fix in _CONNECTING:
        if any(re.search(part, text) for part in parts):
            return kind(f"{where}: {sentence}", fix=fix, provider_text=text, source="postgres: connect")
    return NoVerdict(
        f"{where}: the database could not be reached",
        fix="See whether it runs, and whether the tunnel to it is up.",
        provider_text=text,
        source="postgres: connect",
    )


def refused(error: psycopg.Error, what: str) -> RunbookError:
    """A statement failed; `what` says in our words what was asked."""
    state = error.sqlstate
    if state is None:  # raised by the client: a broken connection, or a value that cannot be read
        return _of_client(error, what)
    code = f"SQLSTATE {state} ({type(error).__name__})"
    for start, kind, sentence, fix in _CLASSES:
        if state.startswith(start):
            return kind(f"{what}: {sentence}", fix=fix, provider_text=code, source="postgres")
    return LayerFailed(
        f"{what}: the database refused it", fix="Look into its log.", provider_text=code, source="postgres"
    )


def change_refused(error: psycopg.Error, what: str) -> RunbookError:
    """A statement that changes something failed: what is missing then is no right to read, and what an extension says
    without a code of its own (pg_cron, of another user's job) is no damage."""
    code = f"SQLSTATE {error.sqlstate} ({type(error).__name__})"
    if error.sqlstate == _FORBIDDEN:
        fix = "Do it as the copy's master user (database.password), or as the role that owns it."
        return NoVerdict(f"{what}: this user may not change it", fix=fix, provider_text=code, source="postgres")
    if error.sqlstate == _UNCODED:
        fix = "Do it as the role that owns it; else look into the database's log."
        return LayerFailed(f"{what}: the database refused it", fix=fix, provider_text=code, source="postgres")
    return refused(error, what)


def _of_client(error: psycopg.Error, what: str) -> RunbookError:
    from psycopg import OperationalError

    name = type(error).__name__
    if isinstance(error, OperationalError):
        fix = "See whether the database still runs, then retry."
        return NoVerdict(f"{what}: the connection broke off", fix=fix, provider_text=name, source="postgres")
    fix = "Look at the value in the restored database."
    return LayerFailed(f"{what}: the answer cannot be read", fix=fix, provider_text=name, source="postgres")
