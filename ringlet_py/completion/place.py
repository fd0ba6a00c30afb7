"""Where in the command line the cursor stands, from the words before it."""

from __future__ import annotations

from ringlet_py.completion.words import ARGUMENTS, COMMANDS, LETTERS, OPTIONS, SHORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Place:
    """The command that was named, the options and arguments it was given, and the option that still wants a value."""

    __slots__ = ("awaits", "command", "given", "values")

    def __init__(self, before: Iterable[str]) -> None:
        self.command = ""
        self.given: dict[str, str] = {}
        self.values: list[str] = []
        self.awaits = ""
        for word in before:
            self._take(word)

    @property
    def options(self) -> dict[str, tuple[str, str]]:
        """The command's options: the kind of the value that each takes ("" for none), and what it is for."""
        return {**OPTIONS.get(self.command, {}), "--help": ("", "Show this message and exit")}

    @property
    def argument(self) -> str:
        """The kind of the next argument; "" if there is none."""
        kinds = ARGUMENTS.get(self.command, ())
        return kinds[len(self.values)] if len(self.values) < len(kinds) else ""

    @property
    def provider(self) -> str:
        """The provider that was named, as an argument or as an option; "" if none was."""
        named = zip(ARGUMENTS.get(self.command, ()), self.values, strict=False)
        return dict(named).get("provider") or self.given.get("--provider", "")

    def kind(self, option: str) -> str:
        """The kind of the value that the option takes, of which some are ringlet's; "" for none, or an unknown one."""
        name = LETTERS.get(option, option)
        return {**OPTIONS[""], **self.options}.get(name, ("", ""))[0]

    def _take(self, word: str) -> None:
        if self.awaits:
            self.given[self.awaits], self.awaits = word, ""
        elif word.startswith("-"):
            self._take_option(word)
        elif self.command in COMMANDS:
            full = f"{self.command} {word}".lstrip()
            self.command = SHORT.get(full, full)
        else:
            self.values.append(word)

    def _take_option(self, word: str) -> None:
        option, equals, value = word.partition("=")
        if equals:
            self.given[option] = value
        elif self.kind(option):
            self.awaits = option
