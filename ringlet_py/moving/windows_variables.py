r"""The user's variables on Windows, which the registry keeps: listed, taken out, and put back.

They are the values of `HKEY_CURRENT_USER\Environment`; programs that start later have them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ringlet_py.errors import RingletError
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

PLACE = r"HKEY_CURRENT_USER\Environment"
HINT = "look at it: rundll32 sysdm.cpl,EditEnvironmentVariables"

# kinds of values, from <winnt.h>
TEXT = 1  # REG_SZ
TEXT_TO_EXPAND = 2  # REG_EXPAND_SZ: `%NAME%` stands for another variable's value

# from <winuser.h>
_EVERY_WINDOW = 0xFFFF
_SETTINGS_CHANGED = 0x001A
_NOT_IF_HUNG = 0x0002
_MILLISECONDS = 1000

_CHANGED = "it was changed meanwhile"


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of the user; `kind` is that of its value in the registry."""

    name: str
    value: Secret = field(compare=False)
    kind: int = TEXT
    why_not: str = ""  # why it may not be taken out


class Registry(Protocol):
    """The values of the one key in the registry; each call raises OSError as Windows gives it."""

    def values(self) -> Sequence[tuple[str, object, int]]:
        """Name, data and kind of each value, in the registry's order."""

    def write(self, name: str, data: str, kind: int) -> None:
        """Makes or replaces the value."""

    def delete(self, name: str) -> None:
        """Takes the value out."""

    def announce(self) -> None:
        """Tells running programs that the variables have changed."""


class UserVariables:
    """The variables of one user."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def listed(self) -> list[Variable]:
        """All that are text, in the registry's order; RingletError where it cannot be read."""
        try:
            values = self._registry.values()
        except FileNotFoundError:  # nobody ever set one
            return []
        except OSError as problem:
            raise _failure(f"{PLACE} was not read", problem) from None
        return [_variable(name, data, kind) for name, data, kind in values if name and _is_text(data, kind)]

    def take_out(self, variable: Variable) -> None:
        """Removes it, if it still has the value it was listed with; RingletError if not, or if Windows refuses."""
        now = self._named(variable.name)
        if variable.why_not or now is None or now.kind != variable.kind or not now.value.same_as(variable.value):
            raise RingletError(f"{variable.name} was left as it is", why=variable.why_not or _CHANGED, hint=HINT)
        try:
            self._registry.delete(variable.name)
            self._registry.announce()
        except OSError as problem:
            raise _failure(f"{variable.name} was not taken out of {PLACE}", problem) from None

    def put_back(self, variable: Variable) -> None:
        """Sets it again; RingletError if it has another value now, or if Windows refuses."""
        now = self._named(variable.name)
        if now is not None and now.value.same_as(variable.value):
            return
        if now is not None:
            raise RingletError(f"{variable.name} was left as it is", why=_CHANGED, hint=HINT)
        try:
            self._registry.write(variable.name, variable.value.reveal(), variable.kind)
            self._registry.announce()
        except OSError as problem:
            raise _failure(f"{variable.name} was not put back into {PLACE}", problem) from None

    def _named(self, name: str) -> Variable | None:
        """The variable as it is now; Windows ignores the case of names."""
        return next((each for each in self.listed() if each.name.lower() == name.lower()), None)


class WindowsRegistry:
    """The registry itself."""

    def __init__(self) -> None:
        import winreg

        self._winreg: Any = winreg

    def values(self) -> Sequence[tuple[str, object, int]]:
        with self._opened(self._winreg.KEY_READ) as key:
            count = self._winreg.QueryInfoKey(key)[1]
            return [self._winreg.EnumValue(key, number) for number in range(count)]

    def write(self, name: str, data: str, kind: int) -> None:
        with self._opened(self._winreg.KEY_SET_VALUE) as key:
            self._winreg.SetValueEx(key, name, 0, kind, data)

    def delete(self, name: str) -> None:
        with self._opened(self._winreg.KEY_SET_VALUE) as key:
            self._winreg.DeleteValue(key, name)

    def announce(self) -> None:
        # without it the desktop gives what it starts the old variables until the next login
        import ctypes

        module: Any = ctypes
        words = (_SETTINGS_CHANGED, 0, "Environment", _NOT_IF_HUNG, _MILLISECONDS, None)
        module.windll.user32.SendMessageTimeoutW(_EVERY_WINDOW, *words)

    def _opened(self, access: int) -> Any:
        return self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, "Environment", 0, access)


def _is_text(data: object, kind: int) -> bool:
    return kind in {TEXT, TEXT_TO_EXPAND} and isinstance(data, str) and bool(data)


def _variable(name: str, data: object, kind: int) -> Variable:
    text = str(data)
    expanded = kind == TEXT_TO_EXPAND and "%" in text
    why_not = "Windows replaces other variables' names in its value" if expanded else ""
    return Variable(name=name, value=Secret(text), kind=kind, why_not=why_not)


def _failure(what: str, problem: OSError) -> RingletError:
    return RingletError(what, why=problem.strerror or type(problem).__name__, hint=HINT)
