"""The line-by-line front end: for serial consoles, screen readers, transcripts, and runs with nobody there.

`Lines` says what happens, `GoingOn` that something does; `PlainOperator` asks on one line and reads one line.
On a terminal secrets are read without echo, and what is typed before a question is shown answers nothing; otherwise
every line waits its turn.  `?` lists the answers; `help`, `where` and `note TEXT` work at every question whose line is
shown.
"""

from runbook.plain.asides import ANNOUNCED
from runbook.plain.asking import PlainOperator
from runbook.plain.going_on import GoingOn
from runbook.plain.keyboard import Keyboard
from runbook.plain.lines import Lines

__all__ = ["ANNOUNCED", "GoingOn", "Keyboard", "Lines", "PlainOperator"]
