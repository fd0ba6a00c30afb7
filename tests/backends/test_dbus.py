"""The D-Bus client: its bytes against jeepney's, its addresses, its limits, and what hostile buses do to it."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.backends.system import dbus_message as messages
from ringlet_py.backends.system import dbus_wire as wire
from ringlet_py.backends.system.dbus import HELLO, Call, Connection, ErrorReply, bus_call
from ringlet_py.backends.system.dbus_stream import bus_addresses
from ringlet_py.backends.system.secret_service import SecretService, Timeouts
from ringlet_py.backends.system.secret_service_errors import _MEANINGS, refuse
from ringlet_py.entry import Address
from ringlet_py.errors import KeychainAbsent, KeychainBroken, KeychainDenied, KeychainError, KeychainTimeout
from ringlet_py.imaging import PLAN, SECRET_SERVICE
from ringlet_py.secret import Secret
from tests.fakes.bus import GREETING, after_greeting, scripted_bus, sends

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import SearchStrategy

    from tests.fakes.bus import Script

jeepney = pytest.importorskip("jeepney", reason="jeepney comes with keyring on Linux only")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")

LIMITS = Timeouts(connect=0.4, call=0.4, activation=0.4, total=1, prompt=0.4)
# for buses that never answer, which need not be waited for
IMPATIENT = Timeouts(connect=0.1, call=0.1, activation=0.1, total=0.5, prompt=0.1)
NUMBERS = {"y": (0, 8), "n": (1, 16), "q": (0, 16), "i": (1, 32), "u": (0, 32), "x": (1, 64), "t": (0, 64)}
PATHS = st.lists(st.text("abcXYZ019_", min_size=1), max_size=4).map(lambda parts: "/" + "/".join(parts))
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ADDRESS = Address("anthropic")
REPLIES = ["aoao", "vo", "(oayays)", "v", "oo", "o", "aoo", "bv", "u", "s", ""]


def number(code: str) -> SearchStrategy[Any]:
    signed, bits = NUMBERS[code]
    low = -(1 << (bits - 1)) if signed else 0
    return st.integers(low, low + (1 << bits) - 1)


BASIC: dict[str, SearchStrategy[Any]] = {
    **{code: number(code) for code in NUMBERS},
    "b": st.booleans(),
    "s": TEXTS,
    "o": PATHS,
    "g": st.sampled_from(["", "s", "a{sv}", "(oayays)"]),
}
LEAVES: dict[str, SearchStrategy[Any]] = {
    **BASIC,
    "ay": st.binary(max_size=40),
    "v": st.sampled_from([*BASIC, "ay", "as"]).flatmap(lambda kind: st.tuples(st.just(kind), values(kind))),
}
SIGNATURES = st.recursive(
    st.sampled_from(list(LEAVES)),
    lambda inner: st.one_of(
        inner.map(lambda kind: "a" + kind),
        st.lists(inner, min_size=1, max_size=3).map(lambda kinds: "(" + "".join(kinds) + ")"),
        st.tuples(st.sampled_from(["s", "u", "o"]), inner).map(lambda pair: "a{" + "".join(pair) + "}"),
    ),
    max_leaves=6,
)


def values(signature: str) -> SearchStrategy[Any]:
    """Python values of one complete type."""
    if signature in LEAVES:
        return LEAVES[signature]
    if signature.startswith("a{"):
        key, value = wire.split_signature(signature[2:-1])
        return st.dictionaries(values(key), values(value), max_size=3)
    if signature.startswith("a"):
        return st.lists(values(signature[1:]), max_size=3)
    return st.tuples(*(values(kind) for kind in wire.split_signature(signature[1:-1])))


BODIES = st.lists(SIGNATURES, max_size=3).flatmap(
    lambda kinds: st.tuples(st.just("".join(kinds)), st.tuples(*(values(kind) for kind in kinds)))
)


def reply_bytes(serial: int, signature: str = "", body: tuple[Any, ...] = (), *, big: bool = False) -> bytes:
    """A method return as jeepney writes it."""
    call = jeepney.new_method_call(jeepney.DBusAddress("/x", "x.y", "x.y"), "Z")
    call.header.serial = serial
    message = jeepney.new_method_return(call, signature or None, body)
    message.header.endianness = jeepney.Endianness.big if big else jeepney.Endianness.little
    return bytes(message.serialise(serial=7))


def signal_bytes(path: str, member: str, signature: str = "", body: tuple[Any, ...] = ()) -> bytes:
    """A signal as jeepney writes it."""
    emitter = jeepney.DBusAddress(path, "x.y", "x.Y")
    return bytes(jeepney.new_signal(emitter, member, signature or None, body).serialise(serial=9))


def parsed(data: bytes) -> messages.Message:
    assert messages.message_size(data[: messages.HEAD_SIZE]) == len(data)
    return messages.parse_message(data)


class TestAgainstJeepney:
    @given(BODIES)
    def test_what_we_write_it_reads(self, body: tuple[str, tuple[Any, ...]]) -> None:
        signature, contents = body
        data = Call("a.b", ("/c/d", "e.f"), "G", signature=signature, args=contents).packed(5)

        message = jeepney.Message.from_buffer(data)

        fields = {field.name: value for field, value in message.header.fields.items()}
        assert message.header.serial == 5
        assert fields.pop("signature", "") == signature
        assert fields == {"path": "/c/d", "interface": "e.f", "member": "G", "destination": "a.b"}
        assert message.body == contents

    @given(BODIES, st.booleans())
    def test_what_it_writes_we_read(self, body: tuple[str, tuple[Any, ...]], big: bool) -> None:  # noqa: FBT001
        signature, contents = body

        message = parsed(reply_bytes(5, signature, contents, big=big))

        assert message.kind == messages.METHOD_RETURN
        assert message.reply_to == 5
        assert message.values(signature) == contents

    def test_signals_and_errors_keep_what_we_look_at(self) -> None:
        message = parsed(signal_bytes("/p/1", "Completed", "bv", (False, ("s", ""))))

        assert (message.kind, message.path, message.member) == (messages.SIGNAL, "/p/1", "Completed")
        assert message.values("bv") == (False, ("s", ""))

    @given(BODIES)
    def test_what_we_write_we_read(self, body: tuple[str, tuple[Any, ...]]) -> None:
        signature, contents = body

        assert wire.unpack_values(signature, wire.pack_values(signature, contents)) == contents


def only_broken(action: Callable[[], object]) -> None:
    try:
        action()
    except KeychainBroken as error:
        assert error.__cause__ is None  # noqa: PT017 - any other exception is the failure here
        assert error.__suppress_context__ or error.__context__ is None  # noqa: PT017


class TestHostileBytes:
    @given(st.binary(min_size=16, max_size=400), st.sampled_from(REPLIES))
    def test_random_bytes_are_a_message_or_broken(self, data: bytes, signature: str) -> None:
        def read() -> None:
            size = messages.message_size(data[: messages.HEAD_SIZE])
            messages.parse_message(data.ljust(size, b"\1")[:size]).values(signature)

        only_broken(read)

    @given(BODIES, st.data())
    def test_a_spoiled_message_is_a_message_or_broken(self, body: tuple[str, tuple[Any, ...]], data: Any) -> None:
        signature, contents = body
        spoiled = bytearray(reply_bytes(5, signature, contents))
        for _ in range(data.draw(st.integers(1, 4))):
            spoiled[data.draw(st.integers(0, len(spoiled) - 1))] = data.draw(st.integers(0, 255))

        def read() -> None:
            size = messages.message_size(bytes(spoiled[: messages.HEAD_SIZE]))
            messages.parse_message(bytes(spoiled).ljust(size, b"\0")[:size]).values(signature)

        only_broken(read)

    @given(st.text("aybsogv(){}ui", max_size=60), st.binary(max_size=100))
    def test_any_signature_over_any_bytes_is_values_or_broken(self, signature: str, data: bytes) -> None:
        only_broken(lambda: wire.unpack_values(signature, data))

    @given(BODIES.filter(lambda body: body[0] != ""), st.data())
    def test_a_cut_off_body_is_broken(self, body: tuple[str, tuple[Any, ...]], data: Any) -> None:
        signature, contents = body
        whole = wire.pack_values(signature, contents)

        with pytest.raises(KeychainBroken):
            wire.unpack_values(signature, whole[: data.draw(st.integers(0, len(whole) - 1))])

    @pytest.mark.parametrize("signature", ["(" * 200, "a" * 200 + "y", "()", "a", "a{", "(s", "z", "s)", "a{vs}", "}"])
    def test_a_signature_that_is_none_is_broken(self, signature: str) -> None:
        with pytest.raises(KeychainBroken):
            wire.unpack_values(signature, bytes(64))

    def test_variants_in_variants_end_somewhere(self) -> None:
        with pytest.raises(KeychainBroken):
            wire.unpack_values("v", b"\1v\0" * 5000)

    def test_an_array_that_claims_gigabytes_is_broken(self) -> None:
        with pytest.raises(KeychainBroken):
            wire.unpack_values("ay", struct.pack("<I", 0xFFFFFFFF) + b"x" * 10)

    def test_an_array_that_ends_within_an_element_is_broken(self) -> None:
        with pytest.raises(KeychainBroken):
            wire.unpack_values("au", struct.pack("<III", 6, 1, 2))

    @pytest.mark.parametrize("fmt", ["<", ">"])
    def test_a_message_that_claims_gigabytes_is_broken_before_it_is_read(self, fmt: str) -> None:
        mark = b"l" if fmt == "<" else b"B"

        for sizes in ((0xFFFFFFFF, 0), (0, 0xFFFFFFFF), (messages.MAX_MESSAGE, 0)):
            head = mark + b"\2\0\1" + struct.pack(fmt + "III", sizes[0], 1, sizes[1])
            with pytest.raises(KeychainBroken):
                messages.message_size(head)

    def test_a_text_with_nul_is_not_sent(self) -> None:
        with pytest.raises(ValueError):
            wire.pack_values("s", ("a\0b",))


def asked(environ: Mapping[str, str], *, limits: Timeouts = LIMITS, ahead: bool = False) -> KeychainError:
    """How a lookup on this bus fails, whether it was begun ahead of time or not."""
    start = time.monotonic()
    service = SecretService(environ=environ, can_ask=False, say=print, timeouts=limits)
    if ahead:
        service.expect(ADDRESS)
    with pytest.raises(KeychainError) as caught:
        service.get(ADDRESS)
    assert time.monotonic() - start < limits.total + 1
    return caught.value


def outcome(script: Script, *, limits: Timeouts = LIMITS, ahead: bool = False) -> type[KeychainError]:
    with scripted_bus(script) as environ:
        return type(asked(environ, limits=limits, ahead=ahead))


def limits_for(expected: type[KeychainError]) -> Timeouts:
    return IMPATIENT if expected is KeychainTimeout else LIMITS


SESSION = reply_bytes(3, "vo", (("s", ""), "/session"))
VALUE = reply_bytes(4, "(oayays)", (("/session", b"", b"sk-value", "text/plain"),))
HELLO_REPLY = reply_bytes(1, "s", (":1.1",))
FOUND = reply_bytes(2, "aoao", (["/item"], []))


class TestHostileBuses:
    @pytest.mark.parametrize("ahead", [False, True])
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (b"REJECTED EXTERNAL\r\n", KeychainDenied),
            (b"ERROR\r\n", KeychainBroken),
            (b"\r\n", KeychainBroken),
            (b"x" * 5000, KeychainBroken),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", KeychainBroken),
            (b"OK", KeychainTimeout),
        ],
    )
    def test_an_answer_to_the_greeting(
        self,
        answer: bytes,
        expected: type[KeychainError],
        ahead: bool,  # noqa: FBT001
    ) -> None:
        assert outcome(sends(answer), limits=limits_for(expected), ahead=ahead) is expected

    @pytest.mark.parametrize("ahead", [False, True])
    def test_one_that_hangs_up_on_the_greeting_denies_us(self, ahead: bool) -> None:  # noqa: FBT001
        assert outcome(lambda plug: None, ahead=ahead) is KeychainDenied

    @pytest.mark.slow
    @pytest.mark.parametrize("ahead", [False, True])
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (b"", KeychainTimeout),
            (HELLO_REPLY, KeychainTimeout),
            (HELLO_REPLY + FOUND[:-1], KeychainTimeout),
            (HELLO_REPLY + reply_bytes(3, "aoao", ([], [])), KeychainTimeout),
            (HELLO_REPLY + reply_bytes(2, "as", (["/item"],)), KeychainBroken),
            (HELLO_REPLY + reply_bytes(2), KeychainBroken),
            (reply_bytes(1, "u", (1,)) + FOUND, KeychainBroken),
            (b"l\2\0\1" + struct.pack("<III", 0x7FFFFFFF, 1, 0), KeychainBroken),
            (b"\0" * 64, KeychainBroken),
            (os.urandom(16), KeychainBroken),
        ],
        ids=itertools.count(),
    )
    def test_an_answer_to_the_search(
        self,
        answer: bytes,
        expected: type[KeychainError],
        ahead: bool,  # noqa: FBT001
    ) -> None:
        assert outcome(after_greeting(sends(answer)), limits=limits_for(expected), ahead=ahead) is expected

    def test_one_that_hangs_up_later_is_broken_at_once(self) -> None:
        assert outcome(after_greeting(sends(HELLO_REPLY, then_waits=False))) is KeychainBroken

    def test_one_that_talks_without_end_and_never_answers_is_a_timeout(self) -> None:
        def chatter(plug: socket.socket) -> None:
            while True:
                plug.sendall(signal_bytes("/item", "Changed", "s", ("x" * 10_000,)) + reply_bytes(99))

        assert outcome(after_greeting(chatter), limits=IMPATIENT) is KeychainTimeout

    def test_one_that_sends_byte_after_byte_is_a_timeout(self) -> None:
        def drip(plug: socket.socket) -> None:
            for byte in itertools.chain(HELLO_REPLY, itertools.cycle(b"l")):
                plug.sendall(bytes([byte]))
                time.sleep(0.05)

        assert outcome(after_greeting(drip), limits=IMPATIENT) is KeychainTimeout

    def test_one_whose_queue_is_full_is_a_timeout(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "bus"))
            listener.listen(0)
            waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
            for plug in waiting:
                plug.settimeout(0)
                plug.connect_ex(str(tmp_path / "bus"))

            error = asked({"DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/bus"}, limits=IMPATIENT)

            for plug in waiting:
                plug.close()
        assert type(error) is KeychainTimeout


class TestAhead:
    """A search that was begun before its answer is wanted."""

    def service(self, environ: Mapping[str, str], *, limits: Timeouts = LIMITS) -> SecretService:
        return SecretService(environ=environ, can_ask=False, say=print, timeouts=limits)

    def test_is_the_one_that_get_takes_up(self) -> None:
        connections: list[object] = []

        def count(plug: socket.socket) -> None:
            connections.append(plug)
            sends(HELLO_REPLY + FOUND + SESSION + VALUE)(plug)

        with scripted_bus(after_greeting(count)) as environ:
            service = self.service(environ)
            service.expect(ADDRESS)

            assert service.get(ADDRESS).same_as(Secret("sk-value"))
            service.dismiss()
        assert len(connections) == 1

    def test_is_waited_for_as_long_as_one_that_was_not(self) -> None:
        moment = 0.0
        with scripted_bus(after_greeting(sends(HELLO_REPLY + FOUND + SESSION + VALUE))) as environ:
            service = SecretService(environ=environ, can_ask=False, say=print, timeouts=LIMITS, now=lambda: moment)
            service.expect(ADDRESS)
            moment = LIMITS.total - LIMITS.connect / 2

            assert service.get(ADDRESS).same_as(Secret("sk-value"))

    def test_is_dismissed_only_after_its_answer_has_come(self) -> None:
        left: list[bool] = []

        def late(plug: socket.socket) -> None:
            plug.settimeout(0.1)
            try:
                left.append(plug.recv(1) == b"")
            except TimeoutError:
                left.append(False)
            plug.settimeout(None)
            sends(HELLO_REPLY + FOUND)(plug)

        with scripted_bus(after_greeting(late)) as environ:
            service = self.service(environ)
            service.expect(ADDRESS)
            service.dismiss()
        assert left == [False]

    def test_is_dismissed_in_time_by_a_bus_that_never_answers(self) -> None:
        with scripted_bus(after_greeting(sends(b""))) as environ:
            service = self.service(environ, limits=IMPATIENT)
            service.expect(ADDRESS)
            start = time.monotonic()
            service.dismiss()

            assert time.monotonic() - start < IMPATIENT.total

    def test_where_there_is_no_bus_says_nothing(self) -> None:
        service = self.service({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"})
        service.expect(ADDRESS)
        service.dismiss()

        with pytest.raises(KeychainAbsent):
            service.get(ADDRESS)


def connected(environ: Mapping[str, str]) -> Connection:
    return Connection(bus_addresses(environ), until=time.monotonic() + 5, connect_limit=1, now=time.monotonic)


class TestConnection:
    def test_replies_are_matched_by_serial_in_whatever_order_they_come(self) -> None:
        replies = signal_bytes("/x", "Y") + reply_bytes(2, "s", ("second",)) + reply_bytes(9) + HELLO_REPLY
        with scripted_bus(after_greeting(sends(replies))) as environ:
            connection = connected(environ)

            first, second = connection.batch([HELLO, bus_call("Second", reply="s")], 1)

            connection.close()
        assert (first, second) == ((":1.1",), ("second",))

    def test_an_error_beside_a_reply_is_told_apart_and_its_text_is_dropped(self) -> None:
        call = jeepney.new_method_call(jeepney.DBusAddress("/x", "x.y", "x.y"), "Z")
        call.header.serial = 2
        error = jeepney.new_error(call, "a.b.C", "s", ("sk-secret text",)).serialise(serial=8)
        with scripted_bus(after_greeting(sends(HELLO_REPLY + bytes(error)))) as environ:
            connection = connected(environ)

            _, answer = connection.batch([HELLO, bus_call("Second", reply="s")], 1)

            connection.close()
        assert isinstance(answer, ErrorReply)
        assert answer.name == "a.b.C"
        assert "sk-secret" not in repr(vars(answer)) + str(answer)

    def test_what_was_not_answered_in_time_can_be_waited_for_again(self) -> None:
        def late(plug: socket.socket) -> None:
            time.sleep(0.3)
            sends(HELLO_REPLY)(plug)

        with scripted_bus(after_greeting(late)) as environ:
            connection = connected(environ)
            connection.send([HELLO], 1)
            with pytest.raises(KeychainTimeout):
                connection.answers([HELLO], 0.05)

            assert connection.answers([HELLO], 2) == [(":1.1",)]
            connection.close()

    def test_only_watched_signals_are_kept(self) -> None:
        data = signal_bytes("/x", "Other", "s", ("no",)) + signal_bytes("/y", "Done", "s", ("no",))
        data += signal_bytes("/x", "Done", "s", ("yes",))
        with scripted_bus(after_greeting(sends(HELLO_REPLY + data))) as environ:
            connection = connected(environ)
            connection.watch("/x", "Done")
            connection.batch([HELLO], 1)

            assert connection.signal("/x", "Done", signature="s", within=1) == ("yes",)
            connection.watch("/x", "Done")
            assert connection.signal("/x", "Done", signature="s", within=0.05) is None
            connection.close()

    def test_nothing_is_waited_for_past_the_end_of_the_clock_it_was_given(self) -> None:
        moments = iter([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 50.0, 50.0, 50.0])
        with scripted_bus(after_greeting(sends(b""))) as environ:
            connection = Connection(bus_addresses(environ), until=30, connect_limit=1, now=lambda: next(moments, 50.0))
            with pytest.raises(KeychainTimeout):
                connection.batch([HELLO], 1000)
            connection.close()

    def test_its_socket_is_not_inherited(self) -> None:
        with scripted_bus(after_greeting(sends(HELLO_REPLY))) as environ:
            connection = connected(environ)

            assert not os.get_inheritable(connection._stream._socket.fileno())
            connection.close()

    def test_a_failed_greeting_leaves_no_socket_open(self) -> None:
        with scripted_bus(sends(b"REJECTED\r\n")) as environ:
            before = os.listdir("/proc/self/fd")
            for _ in range(5):
                asked(environ)
            time.sleep(0)

            assert len(os.listdir("/proc/self/fd")) <= len(before) + 1


class TestAddresses:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("unix:path=/run/user/7/bus", [b"/run/user/7/bus"]),
            ("unix:path=/a,guid=0123", [b"/a"]),
            ("unix:guid=0123,path=/a", [b"/a"]),
            ("unix:abstract=/tmp/dbus-x,guid=1", [b"\0/tmp/dbus-x"]),
            ("unix:path=/a;unix:path=/b", [b"/a", b"/b"]),
            ("tcp:host=x,port=1;unix:path=/b", [b"/b"]),
            ("unix:path=/with%20blank%2c%3b%25", [b"/with blank,;%"]),
            ("unix:path=/%c3%a4", ["/ä".encode()]),
            ("unix:path=/bad%2", []),
            ("unix:path=/bad%zz", []),
            ("unix:path=/nul%00byte", []),
            ("unix:path=", []),
            ("unix:tmpdir=/tmp", []),
            ("unix:", []),
            ("", []),
            (";;", []),
            ("tcp:host=localhost,port=12", []),
            ("autolaunch:", []),
            ("disabled:", []),
            ("/run/user/7/bus", []),
        ],
    )
    def test_of_the_variable(self, given: str, expected: list[bytes]) -> None:
        assert bus_addresses({"DBUS_SESSION_BUS_ADDRESS": given, "XDG_RUNTIME_DIR": "/run/user/0"}) == expected

    @pytest.fixture
    def run_folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / str(os.getuid())
        folder.mkdir()
        return folder

    def test_without_the_variable_the_runtime_folder_is_looked_at(self, tmp_path: Path, run_folder: Path) -> None:
        with socket.socket(socket.AF_UNIX) as plug, socket.socket(socket.AF_UNIX) as other:
            plug.bind(str(tmp_path / "bus"))
            other.bind(str(run_folder / "bus"))

            environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
            assert bus_addresses(environ, run_folder=str(tmp_path)) == [f"{tmp_path}/bus".encode()]
            assert bus_addresses({}, run_folder=str(tmp_path)) == [f"{run_folder}/bus".encode()]
            environ = {"XDG_RUNTIME_DIR": "/nowhere"}
            assert bus_addresses(environ, run_folder=str(tmp_path)) == [f"{run_folder}/bus".encode()]

    def test_what_is_no_socket_there_is_no_bus(self, tmp_path: Path, run_folder: Path) -> None:
        (run_folder / "bus").touch()

        assert bus_addresses({"XDG_RUNTIME_DIR": "/no\0where"}, run_folder=str(tmp_path)) == []

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can give a socket away")
    def test_somebody_elses_socket_there_is_no_bus(self, tmp_path: Path, run_folder: Path) -> None:
        with socket.socket(socket.AF_UNIX) as plug:
            plug.bind(str(run_folder / "bus"))
            os.chown(run_folder / "bus", 65534, 65534)

            assert bus_addresses({}, run_folder=str(tmp_path)) == []

    def test_the_first_that_answers_is_taken(self) -> None:
        with scripted_bus(sends(GREETING)) as environ:
            given = f"unix:path=/nowhere;{environ['DBUS_SESSION_BUS_ADDRESS']};unix:path=/elsewhere"

            connected({"DBUS_SESSION_BUS_ADDRESS": given}).close()

    @pytest.mark.parametrize("path", ["/nowhere/bus", "/dev/null", "/tmp", "/" + "x" * 200])
    def test_one_where_nobody_listens_is_absent(self, path: str) -> None:
        error = asked({"DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"})

        assert type(error) is KeychainAbsent
        assert path in error.why

    def test_an_abstract_one_works(self) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            name = f"ringlet-test-{os.getpid()}"
            listener.bind(b"\0" + name.encode())
            listener.listen()

            environ = {"DBUS_SESSION_BUS_ADDRESS": f"unix:abstract={name}"}
            assert type(asked(environ, limits=IMPATIENT)) is KeychainTimeout


ALLOWED = {"_operator", "_socket", "_struct", "errno", "itertools", "select", "time"}


def imported_by_a_read(*replies: bytes) -> tuple[str, set[str]]:
    """How a read ends on a bus that answers so, and the modules that it has imported by then."""
    program = (
        "import __future__, os, sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "from ringlet_py.backends.system.secret_service import SecretService\n"
        "from ringlet_py.entry import Address\n"
        "environ = {'DBUS_SESSION_BUS_ADDRESS': sys.argv[2]}\n"
        "try: print(repr(SecretService(environ=environ, can_ask=False, say=print).get(Address('a'))))\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    root = str(Path(__file__).parents[2])
    with scripted_bus(after_greeting(sends(b"".join(replies)))) as environ:
        command = [sys.executable, "-I", "-S", "-c", program, root, environ["DBUS_SESSION_BUS_ADDRESS"]]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    outcome_line, modules = done.stdout.splitlines()
    return outcome_line, set(modules.split())


def test_a_failing_read_imports_nothing_slow() -> None:
    outcome_line, modules = imported_by_a_read(HELLO_REPLY, reply_bytes(2, "as", (["/item"],)))

    assert outcome_line == "KeychainBroken"
    assert {name for name in modules if not name.startswith("ringlet_py")} <= ALLOWED


def test_a_plain_read_needs_no_module_beyond_those_of_its_image() -> None:
    outcome_line, modules = imported_by_a_read(HELLO_REPLY, FOUND, SESSION, VALUE)

    assert outcome_line == repr(Secret("sk-value"))
    ours = {name.removeprefix("ringlet_py.") for name in modules if name.startswith("ringlet_py.")}
    assert ours <= {*PLAN, *SECRET_SERVICE}
    assert set(SECRET_SERVICE) <= ours


def test_a_reason_is_said_in_words_and_a_name_of_dbus_only_where_nothing_is_known_of_it() -> None:
    names = [*_MEANINGS, "org.freedesktop.DBus.Error.LimitsExceeded"]
    reasons = {}
    for name in names:
        with pytest.raises(KeychainError) as caught:
            refuse(name)
        reasons[name] = caught.value.why

    assert [name for name, why in reasons.items() if why] == names[-1:]
