"""What the entries of shares and codes have in common: in training, whoever has them can be called."""

from __future__ import annotations

from textual.widgets import Static

from runbook.engine.errors import RunbookError
from runbook.engine.ports import SecretAnswer
from screens.dialogs.ask import Ask
from screens.text import plain
from screens.widgets.inputs import SecretInput


class Calling(Ask[SecretAnswer]):
    """Asks for a secret that can be read out by telephone; what is heard still has to be handed in."""

    def withdraw(self) -> None:
        """What was typed for it goes with the question."""
        self._forget()
        super().withdraw()

    def on_unmount(self) -> None:
        """However it went away, nothing of a secret stays in the entry."""
        self._forget()

    def _forget(self) -> None:
        for entry in self.query(SecretInput):
            entry.take()

    def may(self, action: str) -> bool | None:
        """Calling is there in training only, and for those who have a telephone."""
        if action != "call":
            return True
        phone, label = self.session.phone, self._label()
        if phone is None or not label:
            return False
        return True if label in phone.labels else None

    def _label(self) -> str:
        """Whose secret it is."""
        raise NotImplementedError

    def action_call(self) -> None:
        """Ring them; the call is awaited beside the screen."""
        label = self._label()
        self.say(f"Calling {label} …")
        self.run_worker(self._call(label), exclusive=True, exit_on_error=False, description="call a custodian")

    async def _call(self, label: str) -> None:
        assert self.session.phone is not None
        entry = self.query_one(SecretInput)
        try:
            entry.value = await self.session.phone.call(label)
        except RunbookError as error:
            self.say(error.sentence)
            return
        self.say(f"{label} read it out: hand it in with Enter.")
        entry.focus()

    def say(self, text: str) -> None:
        """One line under the entry."""
        self.query_one("#note", Static).update(plain(text))
