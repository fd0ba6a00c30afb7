"""The compiled code of many modules in one file: to find and read each by itself costs more than to launch.

An image lies beside Python's own compiled files and is believed as these are: whoever can write there can
change the sources too.  `imaging` makes it; without one, Python imports as it always does.
"""

import os
import sys
from _imp import source_hash
from marshal import loads

from ringlet_py import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    Image = tuple[list[tuple[str, tuple[int, ...]]], list[tuple[str, str, CodeType]]]

FOLDER = os.path.dirname(__file__)
MAGIC = f"ringlet image 1 {__version__} {sys.hexversion:x}\n".encode()
INIT = "__init__.py"


def load(name: str) -> None:
    """Takes in the modules of that image, unless it is missing, damaged, or a source has changed since."""
    try:
        stamps, modules = _unpacked(_content(path_of(name)))
    except (OSError, ValueError, EOFError, TypeError):
        return
    if all(stamp_of(os.path.join(FOLDER, file)) == stamp for file, stamp in stamps):
        _take_in(modules)


def path_of(name: str) -> str:
    """Where the image of that name lies."""
    return f"{FOLDER}/__pycache__/{name}.{sys.implementation.cache_tag}.image"


def stamp_of(path: str) -> "tuple[int, ...]":
    """What changes when the file does; empty where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_mode, status.st_uid)


def check_of(body: bytes) -> bytes:
    """Tells a damaged body, on which unmarshalling may crash; quick, and no protection from anybody."""
    return source_hash(0, body)


def _content(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        return os.read(fd, os.fstat(fd).st_size)
    finally:
        os.close(fd)


def _unpacked(raw: bytes) -> "Image":
    start = len(MAGIC) + 8
    body = raw[start:]
    if raw[:start] != MAGIC + check_of(body):
        raise ValueError
    return loads(body)  # type: ignore[no-any-return]  # noqa: S302 - as trustworthy as Python's own compiled files


def _take_in(modules: "list[tuple[str, str, CodeType]]") -> None:
    """Imports the modules as Python would, in this order, but for those that are there already."""
    make = type(sys)
    for name, file, code in modules:
        if name in sys.modules:
            continue
        module = make(name)
        parent, _, own = name.rpartition(".")
        names = module.__dict__
        path = names["__file__"] = os.path.join(FOLDER, file)
        names["__package__"] = parent
        if file.endswith(INIT):
            names["__package__"] = name
            names["__path__"] = [os.path.dirname(path)]
        sys.modules[name] = module
        try:
            exec(code, names)  # noqa: S102 - this is what importing does
        except BaseException:
            del sys.modules[name]
            raise
        if parent not in sys.modules:
            __import__(parent)
        setattr(sys.modules[parent], own, module)
