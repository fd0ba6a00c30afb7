"""The table of keys: which key of the keyboard does what; each becomes a call of the desk."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from ringlet_py.entry import DEFAULT_ALIAS
from ringlet_py.fields import written
from ringlet_py.screens import rows
from ringlet_py.screens.board import Board
from ringlet_py.screens.forms import Form, Line, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from textual.binding import BindingType

    from ringlet_py.entry import Address
    from ringlet_py.screens.desk import Desk
    from ringlet_py.screens.forms import Fields
    from ringlet_py.screens.rows import View

INTERRUPTED = 130  # what shells report for a program that SIGINT ended
TERMINATED = 143  # likewise for SIGTERM
NEW_KEY = {
    "provider": ("provider", "", "for example anthropic"),
    "alias": ("alias", "", f"{DEFAULT_ALIAS}, if you leave it empty"),
    "label": ("label", "", "may be empty: what it is, in your words"),
    "expires_at": ("expires", "", "may be empty: 30d, 12h, 2027-06-15"),
}


class KeyTable(Board):
    """The table; `run()` answers with an exit status.

    A value is typed while the table is put aside, at the hidden prompt that `keychain set` has: so no widget, message,
    log or crash report of the library ever holds it.  `aside` takes the place of that in tests, which have no terminal.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add"),
        Binding("r", "replace", "Replace"),
        Binding("e", "edit", "Edit"),
        Binding("i,space", "switch", "On/off", key_display="i"),
        Binding("d,delete", "remove", "Remove", key_display="d"),
        Binding("x", "remove_expired", "Expired"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("f5", "refresh", "Refresh", key_display="F5"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
        Binding("escape", "unfilter", show=False),
    ]

    def __init__(
        self,
        desk: Desk,
        first: View,
        *,
        aside: Callable[[], AbstractContextManager[None]] | None = None,
        plain: bool = False,
    ) -> None:
        super().__init__(desk, first, plain=plain)
        self._aside = aside or self.suspend

    def on_mount(self) -> None:
        """Somebody who ends the program from elsewhere gets the terminal back as it was."""
        if sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit, TERMINATED)

    async def action_add(self) -> None:
        """Asks where the key is to be, and then for its value."""
        await self._form("add a key", NEW_KEY, check=self._check_new, then=self._add)

    def action_replace(self) -> None:
        """Asks for a new value of the key under the cursor."""
        if entry := self.chosen():
            self.try_to(lambda: self._ask_and_store(entry.address, {}, replace=True))

    async def action_edit(self) -> None:
        """Asks for the fields of the key under the cursor."""
        if not (entry := self.chosen()):
            return
        before = rows.form_of(entry)

        def check(texts: dict[str, str]) -> str:
            return self.guarded(lambda: self.desk.check_fields(rows.changes(before, texts)))

        def edit(texts: dict[str, str]) -> None:
            self.try_to(lambda: self.desk.edit(entry.address, rows.changes(before, texts)))

        fields = {name: (written(name), text, "") for name, text in before.items()}
        await self._form(f"edit {entry.address}", fields, check=check, then=edit)

    def action_switch(self) -> None:
        """Sets the key under the cursor inactive, or active again; it stays there, so that the same key undoes it."""
        if entry := self.chosen():
            self.held = (self.filter.value, str(entry.address))
            self.try_to(lambda: self.desk.switch(entry))

    async def action_remove(self) -> None:
        """Removes the key under the cursor, after a yes."""
        if entry := self.chosen():
            await self._remove([entry.address])

    async def action_remove_expired(self) -> None:
        """Removes every key whose date has come, whatever the filter shows, after a yes that names them all."""
        expired = self.view.expired()
        if expired:
            await self._remove(expired)
        else:
            self.tell("no key has expired")

    def action_filter(self) -> None:
        """Goes to the filter's line."""
        self.filter.display = True
        self.set_focus(self.filter)

    def action_unfilter(self) -> None:
        """Shows all keys again."""
        self.filter.value = ""
        self.filter.display = False
        self.tell("")
        self.show()
        self.set_focus(self.keys)

    def action_refresh(self) -> None:
        """Looks again at what there is."""
        self.try_to(lambda: "looked again")

    def action_interrupt(self) -> None:
        """Ends as a program that was interrupted."""
        self.exit(INTERRUPTED)

    async def action_quit(self) -> None:
        """Ends."""
        self.exit(0)

    def on_input_changed(self, event: Line.Changed) -> None:
        """Filters while somebody types."""
        if event.input is self.filter:
            self.show()

    async def _form(
        self,
        title: str,
        fields: Fields,
        *,
        check: Callable[[dict[str, str]], str],
        then: Callable[[dict[str, str]], None],
    ) -> None:
        await self.push_screen(Form(title, fields, check=check, then=then, is_key=self.is_key))

    def _check_new(self, texts: dict[str, str]) -> str:
        return self.guarded(lambda: self.desk.check_new(texts["provider"], texts["alias"], rows.further(texts)))

    def _add(self, texts: dict[str, str]) -> None:
        address = self.desk.address(texts["provider"], texts["alias"])
        self.try_to(lambda: self._ask_and_store(address, rows.further(texts)))
        self.move_to(str(address))

    def _ask_and_store(self, address: Address, fields: dict[str, str], *, replace: bool = False) -> str:
        """Stores what is typed at the plain terminal; what came of it, or its error, with the table there again."""
        failure: Exception | None = None
        said = ""
        with self._aside():
            # no error may leave this block: `suspend` would not take the terminal back
            try:
                said = self._interruptible(lambda: self.desk.store(address, fields, replace=replace))
            except Exception as problem:  # noqa: BLE001 - raised again below
                failure = problem
        self.forget_typed()
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # it holds this frame, which would hold it, and so what was typed
        return said

    def _interruptible(self, act: Callable[[], str]) -> str:
        # asyncio would keep both signals to itself until somebody presses Enter
        before = {each: signal.signal(each, signal.default_int_handler) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            return act()
        except KeyboardInterrupt:
            return "nothing was stored"
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def _remove(self, addresses: Sequence[Address]) -> None:
        def remove() -> None:
            self.try_to(lambda: self.desk.remove(addresses))

        await self.push_screen(Question(self.desk.question(addresses), shown=self.forget_typed, then=remove))
