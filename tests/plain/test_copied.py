"""A transcript in a file, of somebody who types at a terminal and must see what is asked."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

ASKS = """
import asyncio, sys
from runbook.engine.ports import Attest
from runbook.plain import Keyboard, Lines, PlainOperator, copied
from tests.support.tiny import procedure, stage
async def ask():
    operator = PlainOperator(Lines(procedure(stage(1, "one")), sys.stdout), Keyboard(sys.stdin), lambda: None)
    await operator.attest(Attest("a.b", "The door is locked"))
    print("stated", flush=True)
with copied.shown_too():
    asyncio.run(ask())
"""


def test_what_goes_to_a_file_is_read_at_the_terminal_too_and_each_line_ends(tmp_path: Path) -> None:
    hand, inner = os.openpty()
    transcript = tmp_path / "transcript"
    with transcript.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-c", ASKS], stdin=inner, stdout=out, stderr=inner)
    os.close(inner)
    try:
        said = ""
        while "How you know" not in said:
            assert select.select([hand], [], [], 20)[0], said
            said += os.read(hand, 4096).decode()
        os.write(hand, b"I went there\n")
        assert process.wait(20) == 0
    finally:
        process.kill()
        os.close(hand)
    assert "You state: The door is locked" in said
    lines = transcript.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "  You state: The door is locked"
    assert lines[-2:] == ["  How you know (empty = not attested): ", "stated"]


def test_where_standard_output_is_no_file_nothing_changes(tmp_path: Path) -> None:
    script = "import sys\nfrom runbook.plain import copied\nwith copied.shown_too(): print(type(sys.stdout).__name__)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert (ended.stdout, ended.stderr) == ("TextIOWrapper\n", "")
