"""A config.toml that is named on the command line."""

from __future__ import annotations

import os

from ringlet_py.errors import ConfigError, UsageError
from ringlet_py.files.checks import quoted
from ringlet_py.files.here import full_path
from ringlet_py.suggest import nearest


def named_config(given: str) -> str:
    """The full path of that file; ConfigError if there is none, for its defaults would weaken what it says."""
    if not given:
        raise UsageError("--config needs the name of a file", hint="ringlet config path")
    path = full_path(given, otherwise="--config /FOLDER/FILE")
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(path) from None
    except OSError:
        return path  # whoever reads it says what is wrong
    return path


def _missing(path: str) -> ConfigError:
    folder, name = os.path.split(path)
    try:
        near = nearest(name, os.listdir(folder))
    except OSError:
        return ConfigError(f"there is no {path}", why=f"nor the folder {folder}", hint="ringlet config path")
    if near:
        return ConfigError(f"there is no {path}", why=f"did you mean {near}?", hint=f"ls -l {quoted(folder)}")
    return ConfigError(f"there is no {path}", hint=f"for one that sets nothing yet: touch {quoted(path)}")
