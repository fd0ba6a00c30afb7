"""The windows over the table: a form of plain fields, and a question; a key's value is never typed into either."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Grid, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    Fields = dict[str, tuple[str, str, str]]  # label, text and placeholder of each line by its field's name

NO_KEY_HERE = "that looks like a key: it is typed at the hidden prompt, never here"


class Line(Input):
    """One line of plain text; Enter calls `done`.

    What looks like a key is not let in, wherever somebody pastes it.
    """

    def __init__(
        self,
        text: str,
        *,
        is_key: Callable[[str], bool],
        done: Callable[[], None],
        placeholder: str = "",
        name: str = "",
    ) -> None:
        super().__init__(text, placeholder=placeholder, name=name, compact=True, select_on_focus=False)
        self.is_key = is_key
        self.done = done

    def take(self, letter: str) -> None:
        """Writes the letter where the cursor is, at once."""
        self.replace(letter, *self.selection)

    async def action_submit(self) -> None:
        """Enter, at once: the library's message would come after keys that were typed later."""
        self.done()

    def _on_paste(self, event: events.Paste) -> None:
        if self.is_key(event.text):
            event.prevent_default()
            event.stop()
            self.app.notify(NO_KEY_HERE, severity="warning", markup=False)


class Form(ModalScreen[None]):
    """Fields to fill in: Enter leaves it and gives their texts by name to `then`, Escape only leaves it.

    `check` says what speaks against the texts, "" if nothing does.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "leave", "Leave it"),
        ("enter", "done", "Done"),
        ("down", "app.focus_next", "Next"),
        ("up", "app.focus_previous", "Previous"),
    ]

    def __init__(
        self,
        title: str,
        fields: Fields,
        *,
        check: Callable[[dict[str, str]], str],
        then: Callable[[dict[str, str]], None],
        is_key: Callable[[str], bool],
    ) -> None:
        super().__init__()
        self.heading = title
        self.fields = fields
        self.check = check
        self.then = then
        self.is_key = is_key

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(self.heading, markup=False, classes="heading")
            with VerticalScroll(), Grid(classes="lines"):
                for name, (label, text, placeholder) in self.fields.items():
                    yield Static(label, markup=False)
                    yield Line(text, is_key=self.is_key, done=self.action_done, placeholder=placeholder, name=name)
            yield Static("", markup=False, id="complaint")
            yield Static("Enter: done   Tab: next   Escape: leave it", markup=False, classes="hint")

    def on_mount(self) -> None:
        self.set_focus(self.query(Line).first())

    def action_done(self) -> None:
        """Leaves with the texts, unless something speaks against them."""
        texts = {line.name or "": line.value.strip() for line in self.query(Line)}
        complaint = self.check(texts)
        self.query_one("#complaint", Static).update(complaint)
        if not complaint:
            _ = self.dismiss()
            self.then(texts)

    def action_leave(self) -> None:
        """Leaves without anything."""
        _ = self.dismiss()


class Question(ModalScreen[None]):
    """A question that only y answers with yes, which does `then`; Enter, which is pressed by habit, is a no.

    `shown` is called right before it can be seen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", "Yes"),
        ("n,enter,escape", "answer(False)", "No"),
    ]

    def __init__(self, text: str, *, shown: Callable[[], None], then: Callable[[], None]) -> None:
        super().__init__()
        self.text = text
        self.shown = shown
        self.then = then

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            with VerticalScroll():
                yield Static(self.text, markup=False)
            yield Static("y: yes   n: no", markup=False, classes="hint")

    def on_mount(self) -> None:
        self.shown()

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - the key binding says it
        """Leaves, and after a yes does what was asked about."""
        _ = self.dismiss()
        if yes:
            self.then()
