"""A credential that no store of this machine has: typed or pasted once, held in memory, never shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.ports import AskSecret, Secret, SecretAnswer
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.widgets.inputs import CredentialInput
from screens.widgets.pairs import Pair


class CredentialDialog(Ask[SecretAnswer]):
    """The credential, or none: then nothing is begun."""

    AUTO_FOCUS = "#secret"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "hand_in", "Hand in", id="credential.hand-in", key_display="⏎", tooltip="Kept in memory only"),
        Binding("escape", "stop", "Stop", id="credential.stop", key_display="esc", tooltip="Then nothing is begun"),
        HELP,
    ]

    def __init__(self, session: Session, ask: AskSecret) -> None:
        super().__init__(session, kind="Credential", headline=ask.prompt, step=ask.step)

    def body(self) -> Iterable[Widget]:
        """Where it goes, and how not to be asked again."""
        yield Pair("kept", "in this process's memory only, and nowhere else")
        yield Pair("or", "store it once: runbook credentials set NAME")

    def entries(self) -> Iterable[Widget]:
        """The masked entry."""
        yield CredentialInput(placeholder="typed or pasted, never shown")
        yield Static(id="note", markup=False)

    def action_hand_in(self) -> None:
        """Nothing is no credential."""
        entry = self.query_one(CredentialInput)
        if not entry.typed:
            self.query_one("#note", Static).update("Nothing was entered.")
            entry.focus()
            return
        self.dismiss(SecretAnswer(Secret(entry.take())))

    def action_stop(self) -> None:
        """Without it nothing is begun."""
        self.dismiss(SecretAnswer(None))
