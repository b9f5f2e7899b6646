"""The full-screen front end, and the only room that knows Textual.

Importing this package loads no Textual; it only drops the variables with which Textual could be made to write
a log, open a debugging port, press keys or save pictures of the screen.  It must therefore be imported before
Textual is, which every `import screens.…` does.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

DEBUG_VARIABLES = (
    "TEXTUAL",
    "TEXTUAL_DEBUG",
    "TEXTUAL_DEVTOOLS_HOST",
    "TEXTUAL_DEVTOOLS_PORT",
    "TEXTUAL_DRIVER",
    "TEXTUAL_LOG",
    "TEXTUAL_PRESS",
    "TEXTUAL_SCREENSHOT",
    "TEXTUAL_SCREENSHOT_FILENAME",
    "TEXTUAL_SCREENSHOT_LOCATION",
    "TEXTUAL_SHOW_RETURN",
)


def drop_debug_variables(environ: MutableMapping[str, str]) -> tuple[str, ...]:
    """Remove Textual's debugging variables; answers the names that were set, never their values."""
    return tuple(name for name in DEBUG_VARIABLES if environ.pop(name, None) is not None)


drop_debug_variables(os.environ)  # textual.constants reads them once, when it is imported
