"""A Secret Service that a test scripts, on a real bus: windows that a person answers, and services that lie."""

from __future__ import annotations

import threading
import time
from typing import Any, Self

from jeepney import DBusAddress, HeaderFields, MessageType, message_bus, new_error, new_method_return, new_signal
from jeepney.io.blocking import open_dbus_connection

NAME = "org.freedesktop.secrets"
UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
COLLECTION, ITEM, PROMPT = "/collection/fake", "/collection/fake/1", "/prompt/1"
# (signature, values), or an error's name
Answer = tuple[str, tuple[Any, ...]] | str


class FakeSecretService:
    """Answers each member with what `answers` holds for it: an answer, a list of them in turn, or a function.

    `prompts` is how the person answers: seconds until then, and whether they dismiss the window.
    """

    def __init__(self, address: str, *, prompts: tuple[float, bool] = (0, False), **answers: Any) -> None:
        self.calls: list[str] = []
        self.read: list[str] = []  # the items whose secret was asked for
        self.unlocked = False
        self._prompts = prompts
        self._answers: dict[str, Any] = {**self._sound(), **answers}
        self._connection = open_dbus_connection(address)
        self._connection.send_and_get_reply(message_bus.RequestName(NAME))
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()
        self._connection.close()

    def _sound(self) -> dict[str, Any]:
        """A service with one locked item, which a prompt unlocks."""
        return {
            "SearchItems": lambda: ("aoao", ([ITEM], []) if self.unlocked else ([], [ITEM])),
            "Unlock": lambda: ("aoo", ([], "/" if self.unlocked else PROMPT)),
            "OpenSession": ("vo", (("s", ""), "/session/1")),
            "GetSecret": ("(oayays)", (("/session/1", b"", b"sk-fake", "text/plain"),)),
            "ReadAlias": ("o", (COLLECTION,)),
            "Get": ("v", (("b", False),)),
            "Prompt": ("", ()),
        }

    def _serve(self) -> None:
        while not self._ended:
            try:
                message = self._connection.receive(timeout=0.05)
            except TimeoutError:
                continue
            if message.header.message_type == MessageType.method_call:
                self._answer(message)

    def _answer(self, message: Any) -> None:
        member = message.header.fields[HeaderFields.member]
        self.calls.append(member)
        if member == "GetSecret":
            self.read.append(message.header.fields[HeaderFields.path])
        answer = self._answers.get(member, UNKNOWN_METHOD)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer()
        self._reply(message, answer)
        if member == "Prompt":
            self._complete()

    def _reply(self, message: Any, answer: Answer) -> None:
        if isinstance(answer, str):
            self._connection.send(new_error(message, answer))
        else:
            self._connection.send(new_method_return(message, answer[0] or None, answer[1]))

    def _complete(self) -> None:
        seconds, dismissed = self._prompts
        if seconds < 0:
            return
        time.sleep(seconds)
        self.unlocked = not dismissed
        emitter = DBusAddress(PROMPT, NAME, "org.freedesktop.Secret.Prompt")
        self._connection.send(new_signal(emitter, "Completed", "bv", (dismissed, ("s", ""))))
