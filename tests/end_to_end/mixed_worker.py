"""One of many processes that set, replace, remove and list keys at once: `python -m …mixed_worker NAME STEPS`.

Its own keys must at every step be as it left them; one key is everybody's.  At the end it prints what is to be
there of its own, and how many changes it asked for.
"""

from __future__ import annotations

import json
import os
import random
import sys

from ringlet_py.app import App
from ringlet_py.entry import Address
from ringlet_py.errors import KeyExists, KeyNotFound
from ringlet_py.secret import Secret

SHARED = Address("shared", "everybodys")


class Worker:
    """Knows what its own keys are to be."""

    def __init__(self, name: str) -> None:
        self.chance = random.Random(name)  # noqa: S311 - a test that can be run again
        self.own = [Address("worker", f"{name}-{number}") for number in range(3)]
        self.expected: dict[Address, str] = {}
        self.changes = 0

    def step(self) -> None:
        """One change, or a look."""
        keychain = App(os.environ).keychain
        address = self.chance.choice([*self.own, SHARED])
        act = self.chance.choice(["set", "set", "replace", "replace", "remove", "list"])
        if act == "list":
            self.look()
            return
        self.changes += 1
        value = f"value-{self.chance.getrandbits(128):032x}"
        try:
            if act == "remove":
                keychain.remove(address)
            else:
                keychain.set(address, Secret(value), replace=act == "replace")
        except (KeyExists, KeyNotFound) as problem:
            self.check_refusal(address, problem)
            return
        self.note(address, "" if act == "remove" else value)

    def note(self, address: Address, value: str) -> None:
        """Remembers what a change of its own did."""
        if address == SHARED:
            return
        if value:
            self.expected[address] = value
        else:
            del self.expected[address]

    def check_refusal(self, address: Address, problem: Exception) -> None:
        """Of its own keys it knows whether they exist."""
        assert address == SHARED or isinstance(problem, KeyExists) == (address in self.expected), problem

    def look(self) -> None:
        """Its own keys are listed, no more and no fewer, and hold what it gave them."""
        app = App(os.environ)
        listed = {entry.address for entry in app.keychain.entries()}
        assert listed.intersection(self.own) == set(self.expected)
        for address, value in self.expected.items():
            assert app.backend.get(address).same_as(Secret(value))


def main() -> None:
    """Works, and says what is left."""
    worker = Worker(sys.argv[1])
    for _ in range(int(sys.argv[2])):
        worker.step()
    worker.look()
    left = {str(address): value for address, value in worker.expected.items()}
    sys.stdout.write(json.dumps({"left": left, "changes": worker.changes}))


if __name__ == "__main__":
    main()
