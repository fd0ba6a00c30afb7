"""Which setting comes from where: option, environment, config.toml, or default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py.configuring.known import SETTINGS, setting_named, shown
from ringlet_py.files.toml import line_of
from ringlet_py.settings import read_settings, read_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.configuring.known import Setting
    from ringlet_py.document import Source

_NO = ("", "0", "false", "f", "no", "n", "off")  # as the command line's parser reads a variable
FLAG, ENVIRONMENT, FILE, DEFAULT = "flag", "environment", "config.toml", "default"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What one layer says of a setting: its name, where exactly, and the value as people see it (None: nothing)."""

    kind: str
    where: str
    value: str | None


def typed_as(setting: Setting, value: str | None) -> bool | int | list[str] | str | None:
    """The value for programs: as JSON has it where the setting is yes or no, a number or a list."""
    if value is None:
        return None
    if isinstance(setting.default, bool):
        return value.lower() not in _NO
    if isinstance(setting.default, int):
        return int(value)
    if isinstance(setting.default, tuple):
        return value.split(",")
    return value


@dataclass(frozen=True, kw_only=True)
class Explained:
    """A setting with its layers, the strongest first."""

    setting: Setting
    layers: tuple[Layer, ...]

    @property
    def winner(self) -> Layer:
        """The layer that counts: the first that says anything."""
        return next(layer for layer in self.layers if layer.value is not None)


def explain(
    path: str, environ: Mapping[str, str], flags: Mapping[str, str], names: tuple[str, ...] = ()
) -> list[Explained]:
    """The settings (all, or of these names) with what each layer says; raises what reading config.toml raises.

    `flags` are the options that were given, by the name of their setting.
    """
    source = read_source(path)
    read_settings(source, environ)
    wanted = [setting_named(name) for name in names] or list(SETTINGS)
    data = source.root().values
    return [_explained(setting, source, data, environ, flags) for setting in wanted]


def _explained(
    setting: Setting, source: Source, data: dict[str, Any], environ: Mapping[str, str], flags: Mapping[str, str]
) -> Explained:
    layers = []
    if setting.flag:
        layers.append(Layer(kind=FLAG, where=setting.flag, value=flags.get(setting.name)))
    if setting.variable:
        given = environ.get(setting.variable) or None
        layers.append(Layer(kind=ENVIRONMENT, where=setting.variable, value=shown(setting, given)))
    if setting.in_file:
        table, key = setting.place
        line = line_of(source.text, key, table=table)
        where = f"{source.path}, line {line}" if line else source.path
        layers.append(Layer(kind=FILE, where=where, value=shown(setting, data.get(table, {}).get(key))))
    layers.append(Layer(kind=DEFAULT, where="", value=shown(setting, setting.default) or ""))
    return Explained(setting=setting, layers=tuple(layers))
