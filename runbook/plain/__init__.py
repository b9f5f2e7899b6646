"""The line-by-line front end: for serial consoles, screen readers, transcripts, and runs with nobody there.

`Lines` says what happens; `PlainOperator` asks on one line and reads one line.  Secrets are read without echo on a
terminal, as a line otherwise.  `?` lists the answers.
"""

from runbook.plain.asking import PlainOperator
from runbook.plain.keyboard import Keyboard
from runbook.plain.lines import Lines

__all__ = ["Keyboard", "Lines", "PlainOperator"]
