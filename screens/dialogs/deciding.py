"""What the failure dialogue and the checkpoint share: acts that are offered; some are asked about once more."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from textual.binding import Binding

from runbook.engine.meaning import MEANS
from runbook.engine.ports import Act, Decision
from runbook.views import Session
from screens.dialogs.ask import Ask
from screens.dialogs.reason import ReasonDialog

ACTS: Final[Mapping[str, Act]] = MappingProxyType(
    {
        "sign_in": Act.SIGN_IN,
        "retry": Act.RETRY,
        "attest": Act.ATTEST,
        "accept": Act.ACCEPT,
        "close": Act.CLOSE,
        "back": Act.BACK,
        "abort": Act.ABORT,
        "open_gate": Act.OPEN,
    }
)


def act(key: str, action: str, description: str, identity: str, *, key_display: str | None = None) -> Binding:
    """The key for an act; what it does is said in the palette and the tooltip too."""
    means = MEANS[ACTS[action]]
    tooltip = means[0].upper() + means[1:]
    return Binding(key, action, description, id=identity, key_display=key_display, tooltip=tooltip)


class Deciding(Ask[Decision]):
    """Answers with a Decision; an act that was not offered cannot be given.

    `about` is the step or stage as the reason dialogue names it; `retreat` what taking back does, in words.
    """

    def __init__(
        self,
        session: Session,
        *,
        kind: str,
        headline: str,
        about: str,
        options: tuple[Act, ...],
        back_to: tuple[str, ...],
        retreat: str = "",
        step: str = "",
    ) -> None:
        super().__init__(session, kind=kind, headline=headline, step=step)
        self._about = about
        self._options = options
        self._back_to = back_to
        self._retreat = retreat

    def may(self, action: str) -> bool | None:
        """What was not offered is not shown."""
        if action == "back" and not self._back_to:
            return False
        return ACTS[action] in self._options if action in ACTS else super().may(action)

    def action_sign_in(self) -> None:
        """Sign in again here; what was done stays."""
        self.dismiss(Decision(Act.SIGN_IN))

    def action_retry(self) -> None:
        """Look, or try, once more."""
        self.dismiss(Decision(Act.RETRY))

    def action_attest(self) -> None:
        """State it instead, with a reason."""
        self._with_reason(Act.ATTEST)

    def action_accept(self) -> None:
        """Two people put their names to the loss; the conductor asks for them."""
        self.dismiss(Decision(Act.ACCEPT))

    def action_close(self) -> None:
        """Take back what was opened to the world, after a look at what that means; a reason may be given."""
        self._with_reason(Act.CLOSE)

    def action_back(self) -> None:
        """To an earlier stage, with a reason."""
        self._with_reason(Act.BACK)

    def action_abort(self) -> None:
        """End the run, with a reason."""
        self._with_reason(Act.ABORT)

    def _with_reason(self, act: Act) -> None:
        dialog = ReasonDialog(self.session, act, about=self._about, back_to=self._back_to, retreat=self._retreat)
        self.app.push_screen(dialog, self._decided)

    def _decided(self, decision: Decision | None) -> None:
        if decision is not None:
            self.dismiss(decision)
