"""What may stand where the cursor is: commands, options and names that begin as the word that is being typed."""

from __future__ import annotations

from ringlet_py.completion.names import names
from ringlet_py.completion.place import Place
from ringlet_py.completion.words import COMMANDS, LISTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def candidates(words: list[str], environ: Mapping[str, str]) -> dict[str, str] | None:
    """The words that may stand here, with what they are; None where the shell's own completion is right.

    `words` is the command line after the program's name; its last word is the one that is being typed.
    """
    *before, word = words or [""]
    if "--" in before:
        return None
    place = Place(before)
    if place.awaits:
        return _values(place, place.awaits, word, environ)
    if not word.startswith("-"):
        return _words(place, word, environ)
    option, equals, value = word.partition("=")
    if equals:
        return _with_front(f"{option}=", _values(place, option, value, environ))
    return _beginning(word, {name: text for name, (_, text) in place.options.items()})


def lines(found: Mapping[str, str]) -> str:
    """The candidates as the shells read them: one a line, with what it is after a tab."""
    return "".join(f"{name}\t{text}\n" if text else f"{name}\n" for name, text in found.items())


def _words(place: Place, word: str, environ: Mapping[str, str]) -> dict[str, str] | None:
    """Commands, or the names that an argument takes."""
    if place.command in COMMANDS:
        return _beginning(word, COMMANDS[place.command])
    if place.command == "help":  # whose words are those of a command
        return _beginning(word, COMMANDS.get(" ".join(place.values), {}))
    front, comma, last = word.rpartition(",")
    if not comma or place.argument != "choice":
        return _named(place, place.argument, word, environ)
    return _with_front(front + comma, _further(place, front.split(","), last, environ))


def _further(place: Place, given: list[str], word: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What may follow in a list, where the setting is one."""
    members = names(place.argument, place, environ) if place.values[0] in LISTS else {}
    return _beginning(word, {name: text for name, text in members.items() if name not in given})


def _values(place: Place, option: str, value: str, environ: Mapping[str, str]) -> dict[str, str] | None:
    """The values that the option takes."""
    kind = place.kind(option)
    variable, equals, address = value.partition("=")
    if kind != "binding" or not equals:
        return _named(place, kind, value, environ)
    if not (variable.isascii() and variable.isidentifier()):
        return {}
    return _with_front(f"{variable}=", _named(place, kind, address, environ))


def _named(place: Place, kind: str, word: str, environ: Mapping[str, str]) -> dict[str, str] | None:
    return None if kind == "file" else _beginning(word, names(kind, place, environ))


def _beginning(word: str, found: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in found.items() if name.startswith(word)}


def _with_front(front: str, found: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if found is None else {front + name: text for name, text in found.items()}
