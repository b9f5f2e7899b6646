"""The five stages, a folder each, in the policy's words: what is done and what is checked.

The order stands here, once.
"""

from __future__ import annotations

from runbook.engine.procedure import Procedure
from steps.application.stage import APPLICATION
from steps.closeout import CLOSEOUT
from steps.connectivity.stage import CONNECTIVITY
from steps.database.stage import DATABASE
from steps.here import Here
from steps.identity.stage import IDENTITY
from steps.vault.stage import VAULT

PROCEDURE: Procedure[Here] = Procedure(stages=(IDENTITY, VAULT, DATABASE, APPLICATION, CONNECTIVITY), closing=CLOSEOUT)

__all__ = ["PROCEDURE", "Here"]
