"""Which one?  A table; anything but the default needs a reason, and some options have something typed with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from runbook.engine.ports import Choice, Choose, Option
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.text import plain, within
from screens.widgets.fitted import FittedTable
from screens.widgets.inputs import Entry
from screens.words import QUIET

ROW_LINES = 3  # of a row that is cut in the table


class ChooseDialog(Ask[Choice]):
    """The chosen option's key; options that are unfit say why and cannot be chosen."""

    AUTO_FOCUS = "#rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Choose this", id="choose.take", key_display="⏎", tooltip="The marked one"),
        HELP,
    ]

    def __init__(self, session: Session, ask: Choose) -> None:
        super().__init__(session, kind=f"Choose · {ask.step}", headline=ask.title, step=ask.step)
        self._ask = ask
        self._typed_for = ""  # the key of the option that the entry belongs to

    def entries(self) -> Iterable[Widget]:
        """The table, what the marked row means, what it asks for, the reason."""
        yield FittedTable(cursor_type="row", zebra_stripes=True, id="rows")
        yield Static(id="note", markup=False)
        yield Static(id="typed-label", markup=False)
        yield Entry(placeholder="typed here (recorded)", id="typed")
        what = "not taking the default" if self._has_default else "this one"
        yield Entry(placeholder=f"the reason for {what} (recorded)", id="reason")

    def on_mount(self) -> None:
        """The default is marked; without one, the first that can be taken."""
        rows, options = self.query_one(FittedTable), self._ask.options
        rows.fill(("", *self._ask.columns), [(self._mark(option), *option.cells) for option in options])
        first = (n for n, option in enumerate(options) if option.key == self._ask.default)
        fit = (n for n, option in enumerate(options) if not option.unfit)
        rows.move_cursor(row=next(first, next(fit, 0)))
        self._explain()

    @property
    def _has_default(self) -> bool:
        return any(option.key == self._ask.default for option in self._ask.options)

    def _mark(self, option: Option) -> str:
        if option.unfit:
            return "✗"
        return "→" if option.key == self._ask.default else ""

    def _marked(self) -> Option | None:
        row = self.query_one(FittedTable).cursor_row
        return self._ask.options[row] if 0 <= row < len(self._ask.options) else None

    def on_data_table_row_highlighted(self) -> None:
        """Say what the marked row means."""
        self._explain()

    def _explain(self) -> None:
        option = self._marked()
        default = option is not None and option.key == self._ask.default
        self.query_one("#reason", Input).display = option is not None and not default and not option.unfit
        self.query_one("#note", Static).update(self._note(option))
        self._show_typed(option)
        self.refresh_bindings()

    def _show_typed(self, option: Option | None) -> None:
        """The entry of an option that asks for something; what was typed for another one is not kept."""
        entry, label = self.query_one("#typed", Input), self.query_one("#typed-label", Static)
        entry.display = label.display = option is not None and bool(option.detail) and not option.unfit
        if option is None or not entry.display:
            return
        label.update(plain(option.detail))
        if option.key != self._typed_for:
            self._typed_for, entry.value = option.key, ""

    def _note(self, option: Option | None) -> Content:
        """What choosing it means; and all of a row that is cut above, where nothing else needs the room."""
        sentence = plain(self._sentence(option))
        if option is None or option.unfit or option.detail or not self.query_one(FittedTable).cuts_marked:
            return sentence
        told = within(" · ".join(option.cells), self.query_one("#dialog").content_size.width, ROW_LINES)
        return Content.assemble(sentence, "\n", (told, QUIET))

    def on_resize(self) -> None:
        """What of a row is shown depends on the width."""
        self.call_after_refresh(self.rung(self._explain))

    def _sentence(self, option: Option | None) -> str:
        if option is None:
            return "There is nothing to choose from."
        if option.unfit:
            return f"✗ cannot be chosen: {option.unfit}"
        if option.key == self._ask.default:
            return (
                "→ the default: needs what is asked for below." if option.detail else "→ the default: needs no reason."
            )
        start = "Not the default" if self._has_default else "No default here"
        return f"{start}: {'both entries below are' if option.detail else 'a reason is'} needed."

    def may(self, action: str) -> bool | None:
        """An unfit option cannot be taken."""
        if action == "take" and self.is_mounted:
            option = self._marked()
            return True if option is not None and not option.unfit else None
        return True

    def action_take(self) -> None:
        """Take the marked one, if it may be taken and has all that it needs; else go where something is missing."""
        option = self._marked()
        if option is None or option.unfit:
            self.app.bell()
            return
        needed = {"#typed": bool(option.detail), "#reason": option.key != self._ask.default}
        given = {place: self.query_one(place, Input).value.strip() for place, need in needed.items() if need}
        missing = next((place for place, text in given.items() if not text), None)
        if missing is not None:
            self.query_one(missing, Input).focus()
            return
        self.dismiss(Choice(option.key, given.get("#reason", ""), given.get("#typed", "")))
