"""Real Secret Services for the tests: each on a bus of its own, in a folder of its own, gone at the end.

Nothing here touches the person's own session: bus, home, runtime and data folders are temporary, and DISPLAY
is left out, so no window can open.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from ringlet_py.backends.system.dbus import HELLO, Call, Connection, ErrorReply, bus_call
from ringlet_py.backends.system.dbus_stream import bus_addresses
from ringlet_py.backends.system.secret_service import SecretService, Timeouts
from ringlet_py.backends.system.secret_service_conversation import ITEM, SERVICE_NAME
from ringlet_py.backends.system.secret_service_objects import COLLECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PASSWORD = b"test-pass"
# what RINGLET_REQUIRE may name, and the program that each of them is
PROGRAMS = {
    "gnome-keyring": "gnome-keyring-daemon",
    "secret-tool": "secret-tool",
    "kwallet": "kwalletd5",
    "keepassxc": "keepassxc",
    "valgrind": "valgrind",
}
SERVICE_PATH = "/org/freedesktop/secrets"
_SERVICE = (SERVICE_PATH, "org.freedesktop.Secret.Service")
_PROPERTIES = "org.freedesktop.DBus.Properties"
_LEFT_OUT = ("DISPLAY", "WAYLAND_DISPLAY", "GNOME_KEYRING_CONTROL", "PYTHON_KEYRING_BACKEND")
_BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={folder}/run/bus</listen><auth>EXTERNAL</auth>
<servicedir>{folder}/services</servicedir><policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""
_PATIENCE = 20.0  # seconds; only a broken machine needs them


def requires(*names: str) -> None:
    """Skip the test if one of these programs is missing; fail it if RINGLET_REQUIRE names it, as CI does."""
    for name in names:
        if shutil.which(PROGRAMS[name]) and shutil.which("dbus-daemon"):
            continue
        problem = f"{PROGRAMS[name]} or dbus-daemon is not installed"
        if name in os.environ.get("RINGLET_REQUIRE", "").split():
            pytest.fail(f"{name} is required here: {problem}")
        pytest.skip(problem)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds; the test fails if it never does."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited in vain: {what}")
        time.sleep(0.01)


class PrivateBus:
    """A session bus; `services` maps the names that it can activate to the commands that offer them."""

    def __init__(self, services: Mapping[str, str] | None = None) -> None:
        # a short path: a socket's name has room for 107 bytes
        self.folder = Path(tempfile.mkdtemp(prefix="rl-", dir="/tmp"))
        self._children: list[subprocess.Popen[bytes]] = []
        for name in ("home", "run", "data", "config", "cache", "tmp", "services"):
            (self.folder / name).mkdir(mode=0o700)
        for name, command in (services or {}).items():
            text = f"[D-BUS Service]\nName={name}\nExec={command}\n"
            (self.folder / "services" / f"{name}.service").write_text(text)
        self.environ = self._environ()

    def __enter__(self) -> Self:
        try:
            self._start_bus()
            self.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def prepare(self) -> None:
        """Start what this bus is for."""

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            child.kill()
            child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def backend(
        self, *, can_ask: bool = False, timeouts: Timeouts | None = None, said: list[str] | None = None
    ) -> SecretService:
        """Ringlet's backend on this bus; what it says goes to the list `said`."""
        heard: list[str] = [] if said is None else said
        return SecretService(environ=self.environ, can_ask=can_ask, say=heard.append, timeouts=timeouts)

    def spawn(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program in this environment; it ends with the bus, or with the test process."""
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], **{**quiet, "env": self.environ, **options}
        )
        self._children.append(child)
        return child

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program in this environment to its end."""
        return subprocess.run(
            command, input=stdin, env=self.environ, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )

    def ask(self, *calls: Call) -> list[Any]:
        """What each call returns; error replies are in the list too."""
        with self.connection() as connection:
            if calls[0].to == SERVICE_NAME:
                # the first message to the service is always a search: anything else can kill gnome-keyring
                connection.batch([search_call({})], _PATIENCE)
            return list(connection.batch(calls, _PATIENCE))

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection to the bus."""
        until = time.monotonic() + _PATIENCE
        connection = Connection(bus_addresses(self.environ), until=until, connect_limit=5, now=time.monotonic)
        try:
            connection.batch([HELLO], _PATIENCE)
            yield connection
        finally:
            connection.close()

    def has_owner(self, name: str = SERVICE_NAME) -> bool:
        """Whether somebody owns the name on this bus."""
        return bool(self.ask(bus_call("NameHasOwner", signature="s", args=(name,), reply="b"))[0][0])

    def search(self, **attributes: str) -> list[str]:
        """The items with these attributes, locked or not."""
        unlocked, locked = self.ask(search_call(attributes))[0]
        return [*unlocked, *locked]

    def default_collection(self) -> str:
        """The path of the default collection; "/" if there is none."""
        call = service_call("ReadAlias", signature="s", args=("default",), reply="o")
        answer = self.ask(call)[0]
        return "/" if isinstance(answer, ErrorReply) else str(answer[0])

    def property(self, path: str, interface: str, name: str) -> Any:
        """One property of an object of the service; None if it cannot be read."""
        call = Call(SERVICE_NAME, (path, _PROPERTIES), "Get", signature="ss", args=(interface, name), reply="v")
        answer = self.ask(call)[0]
        return None if isinstance(answer, ErrorReply) else answer[0][1]

    def label(self, item: str) -> str:
        """What the person's own tools show as the item's name."""
        return str(self.property(item, ITEM, "Label"))

    def is_locked(self) -> bool:
        """Whether the default collection says that it is locked."""
        return bool(self.property(self.default_collection(), COLLECTION, "Locked"))

    def lock(self) -> None:
        """Lock the default collection, as the person's own tools do."""
        call = service_call("Lock", signature="ao", args=([self.default_collection()],), reply="aoo")
        with self.connection() as connection:
            connection.batch([search_call({})], _PATIENCE)
            self._finish(connection, connection.call(call, _PATIENCE)[1])
        wait_until(self.is_locked, "the collection is locked")

    def create(self, value: bytes, *, collection: str = "", label: str = "made by another", **attributes: str) -> None:
        """Make one more item, whatever is there already."""
        target = (collection or self.default_collection(), COLLECTION)
        properties = {f"{ITEM}.Label": ("s", label), f"{ITEM}.Attributes": ("a{ss}", attributes)}
        with self.connection() as connection:
            connection.batch([search_call({})], _PATIENCE)
            _, session = connection.call(open_session_call(), _PATIENCE)
            args = (properties, (session, b"", value, "text/plain"), False)
            call = Call(SERVICE_NAME, target, "CreateItem", signature="a{sv}(oayays)b", args=args, reply="oo")
            self._finish(connection, connection.call(call, _PATIENCE)[1])

    def delete(self, item: str) -> None:
        """Delete an item, as the person's own tools do."""
        with self.connection() as connection:
            connection.batch([search_call({})], _PATIENCE)
            (prompt,) = connection.call(Call(SERVICE_NAME, (item, ITEM), "Delete", reply="o"), _PATIENCE)
            self._finish(connection, prompt)

    def _finish(self, connection: Connection, prompt: str) -> None:
        if prompt != "/":
            connection.watch(prompt, "Completed")
            connection.call(bus_call("AddMatch", signature="s", args=(f"type='signal',path='{prompt}'",)), _PATIENCE)
            target = (prompt, "org.freedesktop.Secret.Prompt")
            connection.call(Call(SERVICE_NAME, target, "Prompt", signature="s", args=("",)), _PATIENCE)
            assert connection.signal(prompt, "Completed", signature="bv", within=_PATIENCE)

    def _environ(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in _LEFT_OUT and not name.startswith("KEYRING_PROPERTY_")
        }
        folders = {"HOME": "home", "XDG_RUNTIME_DIR": "run", "TMPDIR": "tmp"}
        folders |= {f"XDG_{name.upper()}_HOME": name for name in ("data", "config", "cache")}
        kept |= {variable: str(self.folder / name) for variable, name in folders.items()}
        return {**kept, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.folder}/run/bus"}

    def _start_bus(self) -> None:
        config = self.folder / "bus.conf"
        config.write_text(_BUS_CONFIG.format(folder=self.folder))
        ready, ready_in_child = os.pipe()
        self.bus = self.spawn(
            "dbus-daemon",
            f"--config-file={config}",
            "--nofork",
            "--nopidfile",
            f"--print-address={ready_in_child}",
            pass_fds=(ready_in_child,),
        )
        os.close(ready_in_child)
        with open(ready, "rb") as reader:
            if not reader.readline():
                pytest.fail("dbus-daemon did not start")


class GnomeKeyring(PrivateBus):
    """gnome-keyring-daemon with an unlocked login collection.

    Without a password there is no collection at all, unless `keyrings` says what the files of that folder are.
    """

    def __init__(self, *, password: bytes = PASSWORD, keyrings: Mapping[str, str] | None = None) -> None:
        requires("gnome-keyring")
        super().__init__()
        self._password = password
        for name, text in (keyrings or {}).items():
            (self.folder / "data/keyrings").mkdir(mode=0o700, exist_ok=True)
            (self.folder / "data/keyrings" / name).write_text(text)

    def prepare(self) -> None:
        """Start the daemon."""
        self.start()

    def start(self, *, unlocked: bool = True) -> None:
        """Start the daemon and wait until it answers."""
        unlock = ["--unlock"] if unlocked and self._password else []
        command = ("gnome-keyring-daemon", "--foreground", "--components=secrets", *unlock)
        self.daemon = self.spawn(*command, stdin=subprocess.PIPE)
        assert self.daemon.stdin
        with self.daemon.stdin as stdin:
            stdin.write(self._password if unlock else b"")
        wait_until(self.has_owner, "gnome-keyring-daemon owns its name")

    def kill(self) -> None:
        """End the daemon without warning, and wait until the bus knows."""
        self.daemon.kill()
        self.daemon.wait()
        wait_until(lambda: not self.has_owner(), "the bus knows that the daemon is gone")


def service_call(member: str, *, signature: str = "", args: Sequence[Any] = (), reply: str = "") -> Call:
    """A call to the Secret Service's own object."""
    return Call(SERVICE_NAME, _SERVICE, member, signature=signature, args=args, reply=reply)


def search_call(attributes: dict[str, str]) -> Call:
    """A search for items with these attributes."""
    return service_call("SearchItems", signature="a{ss}", args=(attributes,), reply="aoao")


def open_session_call() -> Call:
    """The opening of a session that sends values as they are."""
    return service_call("OpenSession", signature="sv", args=("plain", ("s", "")), reply="vo")
