"""Version 0.1.0 of the Restoration Runbook."""

__version__ = "0.1.0"
