"""ringlet keeps API keys where the operating system keeps secrets, and lends them to coding agents."""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py import errors as errors
    from ringlet_py.api import AsyncRinglet as AsyncRinglet
    from ringlet_py.api import Ringlet as Ringlet


def __getattr__(name: str) -> object:
    """What programs use, imported when it is first asked for: a launch needs none of it."""
    if name == "errors":
        import ringlet_py.errors

        return ringlet_py.errors
    if name in ("AsyncRinglet", "Ringlet"):
        import ringlet_py.api

        return getattr(ringlet_py.api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
