"""What is done to a database, or to its files, so that a copy of it is not what production was.

Each works on a cluster of the practice estate as its superuser; `pages` on one that does not run.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from pathlib import Path

from psycopg import sql

from runbook.training.production import CANARY_ID, named
from runbook.training.servers.aws_names import DATABASE
from runbook.training.servers.postgres import Cluster

PAGE = 8192
MISSING_VERSION = 9  # of the transit key
FLIPPED, ZEROED = 3, 7
"""Which pages of a table are damaged: neither among the newest rows, which a copy of an older snapshot loses."""


def empty_table(copy: Cluster, table: str) -> None:
    """Lose a table's rows as a damaged backup would: nothing that refers to them is asked."""
    with copy.connect(DATABASE) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(sql.SQL("delete from {}").format(named(table)))


def thin_out(copy: Cluster, table: str, kept: sql.Composable) -> None:
    """Lose the rows for which `kept` does not hold."""
    with copy.connect(DATABASE) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(sql.SQL("delete from {} where not ({})").format(named(table), kept))


def change_canary(copy: Cluster, change: Callable[[str], str]) -> None:
    """Put another ciphertext into the canary record, made from the one that is there."""
    with copy.connect(DATABASE) as connection:
        row = connection.execute("select ciphertext from runbook_canary where id = %s", (CANARY_ID,)).fetchone()
        if row is None:
            raise ValueError("there is no canary record")
        changed = change(str(row[0]))
        connection.execute("update runbook_canary set ciphertext = %s where id = %s", (changed, CANARY_ID))


def of_a_newer_version(ciphertext: str) -> str:
    """As if a key version that came after the vault's backup had made it."""
    return re.sub(r"^vault:v\d+:", f"vault:v{MISSING_VERSION}:", ciphertext)


def of_another_key(ciphertext: str) -> str:
    """Made under the same key version by a key with other material: AES-256-GCM, as the vault's transit engine."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    prefix, _, _ = ciphertext.rpartition(":")
    nonce = os.urandom(12)
    sealed = AESGCM(AESGCM.generate_key(256)).encrypt(nonce, b"Runbook record of another vault.", None)
    return f"{prefix}:{base64.b64encode(nonce + sealed).decode()}"


def lose_index(copy: Cluster, index: str) -> None:
    """As an index build that broke off leaves it: it is there, and nothing may use it."""
    with copy.connect(DATABASE) as connection:
        connection.execute("set allow_system_table_mods = on")
        connection.execute(
            "update pg_index set indisvalid = false where indexrelid = %s::regclass", (f"public.{index}",)
        )


def hide_rows(database: Cluster, table: str) -> None:
    """Row security, with a policy for the application alone: everybody else sees nothing, or is refused."""
    with database.connect(DATABASE) as connection:
        connection.execute(sql.SQL("alter table {} enable row level security").format(named(table)))
        connection.execute(
            sql.SQL("create policy of_the_application on {} to clinic_app using (true)").format(named(table))
        )


def file_of(source: Cluster, table: str) -> str:
    """Where the rows of a table lie, relative to the data folder; the same in every physical copy."""
    with source.connect(DATABASE) as connection:
        row = connection.execute("select pg_relation_filepath(%s::regclass)", (named(table).as_string(),)).fetchone()
    if row is None or row[0] is None:
        raise ValueError(f"{table} has no file")
    return str(row[0])


def pages(data: Path, file: str) -> None:
    """One byte of a page is flipped, another page is all zeros: a disk that lies, and one that forgot."""
    with (data / file).open("r+b") as heap:
        heap.seek(FLIPPED * PAGE + PAGE - 64)  # among the rows, which fill a page from its end
        byte = heap.read(1)[0]
        heap.seek(-1, 1)
        heap.write(bytes([byte ^ 0x10]))
        heap.seek(ZEROED * PAGE)
        heap.write(bytes(PAGE))
