"""What stands on the screen: the keys, how many of each provider can be used, the filter, and what was said last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App
from textual.filter import NoColor
from textual.message import Message
from textual.widgets import DataTable, Footer, Static

from ringlet_py.errors import RingletError
from ringlet_py.screens import rows
from ringlet_py.screens.forms import Line
from ringlet_py.values import looks_like_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.filter import LineFilter

    from ringlet_py.entry import Entry
    from ringlet_py.screens.desk import Desk
    from ringlet_py.screens.rows import View
    from ringlet_py.status import Status

NO_KEYS = "there are no keys yet: press a to add one"
NONE_FITS = "no key fits the filter: Escape takes it back"
EXAMPLE = "text, or FIELD=VALUE, for example org=acme active=no"


@dataclass(frozen=True)
class Cell:
    """Text of a cell; in a plain string Textual would look for markup."""

    text: str

    def __str__(self) -> str:
        return self.text


class Board(App[int]):
    """The screen and what is done to it; which key does what is said in `table`."""

    CSS_PATH = "table.tcss"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    def __init__(self, desk: Desk, first: View, *, plain: bool = False) -> None:
        super().__init__(ansi_color=True)  # the terminal's own colours, and none with NO_COLOR
        self._plain = [NoColor()] if plain and not self.no_color else []
        self.no_color |= plain
        self.desk = desk
        self.view = first
        self.failure: Exception | None = None
        self.held = ("", "")  # a filter, and the address of a key that stays in sight although it fits no longer
        self.deaf_until = 0.0  # keys that were typed before are not heard, in the seconds of the library's messages

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The library's, and what takes the colours out where somebody said --no-color."""
        return [*super().get_line_filters(), *self._plain]

    def compose(self) -> ComposeResult:
        yield Static("", id="place", markup=False)
        yield DataTable[Cell](id="keys", cursor_type="row")
        yield Static("", id="empty", markup=False)
        yield DataTable[Cell](id="counts", cursor_type="none")
        yield Line("", is_key=self.is_key, done=self.leave_filter, placeholder=EXAMPLE, name="filter")
        yield Static("", id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.theme = "ansi-dark"
        self.begin_capture_print(self)
        self.keys.add_columns(*rows.HEADER)
        self.counts.add_columns(*map(str.upper, rows.COUNTS))
        self.counts.can_focus = False
        self.filter.display = False
        self.show()
        self.tell("; ".join(map(rows.printable, self.view.notes)))
        self.set_focus(self.keys)

    async def on_event(self, event: events.Event) -> None:
        """Does what a key of the keyboard says before the next one is looked at.

        The library lets a key wander through the widgets meanwhile: typed quickly, the text after `/` would then be
        taken for commands.
        """
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._typed(event)
        else:
            await super().on_event(event)

    async def _typed(self, event: events.Key) -> None:
        self.app_focus = True  # gives the line its focus back, if the terminal's window was left and entered
        if await self._check_bindings(event.key, priority=True) or event.time < self.deaf_until:
            return
        if isinstance(self.focused, Line) and event.is_printable:
            self.focused.take(event.character or "")
        else:
            await self._check_bindings(event.key)

    def forget_typed(self) -> None:
        """Lets no key be heard that was typed until now: nobody saw then what it is an answer to."""
        self.deaf_until = Message().time

    def leave_filter(self) -> None:
        """Goes back to the keys that fit, or says what is wrong with the filter."""
        complaint = self.guarded(lambda: rows.checked_filter(self.filter.value))
        self.tell(complaint)
        if not complaint:
            self.filter.display = bool(self.filter.value)
            self.show()
            self.set_focus(self.keys)

    def on_print(self, event: events.Print) -> None:
        """What a service says while the table is there."""
        if event.text.strip():
            self.tell(rows.printable(event.text.strip()))

    @property
    def keys(self) -> DataTable[Cell]:
        """The table of the keys."""
        return self.query_one("#keys", DataTable)

    @property
    def counts(self) -> DataTable[Cell]:
        """The table of the numbers."""
        return self.query_one("#counts", DataTable)

    @property
    def filter(self) -> Line:
        """The filter's line."""
        return self.query_one(Line)

    def is_key(self, text: str) -> bool:
        """Whether that looks like a key, which belongs into no line of the screen."""
        return looks_like_key(text, self.desk.app.catalog.providers)

    def chosen(self) -> Entry | None:
        """The entry under the cursor; None if there is none."""
        if not self.keys.row_count:
            self.tell("there is no key to choose")
            return None
        return self.view.entry(self._address_at_cursor())

    def move_to(self, address: str) -> None:
        """Moves the cursor to that key, if it is shown."""
        if address in self.keys.rows:
            self.keys.move_cursor(row=self.keys.get_row_index(address))

    def tell(self, text: str) -> None:
        """Says something below the table, in place of what was said before."""
        self.query_one("#said", Static).update(text)

    def try_to(self, act: Callable[[], str]) -> None:
        """Does it, says what came of it, and looks again; what cannot be read now stays as it was, and is told."""
        said = self.guarded(act)
        problem = self.guarded(self._look)
        self.tell("; ".join(filter(None, [said, problem and f"shown as it was before: {problem}"])))

    def guarded(self, act: Callable[[], str]) -> str:
        """What it answers, or its error in words."""
        try:
            return act()
        except (RingletError, OSError) as problem:
            return rows.words(problem)

    def _fatal_error(self) -> None:
        """What nobody thought of ends the table, and is raised again by who opened it.

        The library's own report would show what the functions on the way held, and one of them may have held a key.
        """
        self.failure = self._exception
        self._close_messages_no_wait()

    def show(self) -> None:
        """Fills the tables anew; the cursor stays at its key."""
        before = self._address_at_cursor()
        shown = self._filtered()
        self.keys.clear()
        for one in shown:
            self.keys.add_row(*map(Cell, rows.cells(one)), key=str(one.entry.address))
        self.move_to(before)
        self.counts.clear()
        for group in self.view.groups:
            self.counts.add_row(*map(Cell, rows.count_cells(group)))
        self.keys.display = bool(shown)
        self.counts.display = bool(self.view.groups)
        self.query_one("#empty").display = not shown
        self.query_one("#empty", Static).update(NONE_FITS if self.view.keys else NO_KEYS)
        self.query_one("#place", Static).update(rows.printable(f"{self._how_many(shown)} in {self.view.place}"))

    def _look(self) -> str:
        self.view = self.desk.look()
        self.show()
        return ""

    def _filtered(self) -> list[Status]:
        """The keys that fit; what is not a whole filter yet leaves all of them."""
        text, (held_for, held) = self.filter.value, self.held
        try:
            return rows.filtered(self.view.keys, text, now=self.desk.app.clock(), held=held if text == held_for else "")
        except RingletError:
            return list(self.view.keys)

    def _how_many(self, shown: list[Status]) -> str:
        count = len(self.view.keys)
        of = f"{len(shown)} of " if len(shown) < count else ""
        return f"{of}{count} key{'s' * (count != 1)}"

    def _address_at_cursor(self) -> str:
        if not self.keys.row_count:
            return ""
        return self.keys.coordinate_to_cell_key(self.keys.cursor_coordinate).row_key.value or ""
