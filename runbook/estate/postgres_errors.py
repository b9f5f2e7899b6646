"""PostgreSQL's refusals in the operator's words.

Of a statement's error only the SQLSTATE and its name are kept: message, DETAIL and CONTEXT can quote patients' rows.
An error while connecting quotes none, and its text (certificate, host, user) is what an operator needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    import psycopg

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
        "Check the stored password of the drill's reader against the restored copy.",
    ),
    (
        ("is not permitted to log in", 'role "'),
        NoVerdict,
        "the restored database does not know this user, or it may not log in",
        "Check [database] user.",
    ),
    (
        ('database "',),
        LayerFailed,
        "the restored server has no database of that name",
        "Check [database] name, and that the right snapshot was restored.",
    ),
    (
        ("starting up", "shutting down", "recovery mode", "not yet accepting"),
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
        "A security group or a missing tunnel looks like this: check database.reach.",
    ),
    (
        ("could not translate host name", "failed to resolve", "Name or service not known"),
        NoVerdict,
        "the database's name cannot be resolved",
        "A private endpoint needs the tunnel and hostaddr: check database.reach.",
    ),
)

_CLASSES: Final[tuple[tuple[str, type[NoVerdict | LayerFailed], str, str], ...]] = (
    (
        "42501",
        NoVerdict,
        "the reader may not see all rows",
        "Grant it pg_read_all_data and BYPASSRLS.",
    ),
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
        if any(part in text for part in parts):
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


def _of_client(error: psycopg.Error, what: str) -> RunbookError:
    from psycopg import OperationalError

    name = type(error).__name__
    if isinstance(error, OperationalError):
        fix = "See whether the database still runs, then retry."
        return NoVerdict(f"{what}: the connection broke off", fix=fix, provider_text=name, source="postgres")
    fix = "Look at the value in the restored database."
    return LayerFailed(f"{what}: the answer cannot be read", fix=fix, provider_text=name, source="postgres")
