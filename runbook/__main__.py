"""`python -m runbook` and the `runbook` command."""

from __future__ import annotations

import sys

from runbook.cli import main

if __name__ == "__main__":
    sys.exit(main())
