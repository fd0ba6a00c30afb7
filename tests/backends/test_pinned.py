"""Nothing that redirects the keyring library redirects ringlet: variables, its config file, installed plugins."""

from __future__ import annotations

import base64
import importlib.util
import os
import pathlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import ringlet_py

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
CANARY = "sk-ant-canary-7f3a"
linux = pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="elsewhere this would use the real keychain")

PLAIN_KEYRING = f"""
import keyring
keyring.set_password("ringlet", "anthropic/work", "{CANARY}")
print(type(keyring.get_keyring()).__name__, keyring.get_password("ringlet", "anthropic/work"))
"""

ROUND_TRIP = f"""
from ringlet_py.entry import Address
from ringlet_py.secret import Secret
work = Address("anthropic", "work")
def round_trip(backend):
    backend.check()
    backend.set(work, Secret("{CANARY}"))
    read = backend.get(work).reveal()
    print("names", *backend.names())
    backend.remove(work)
    return read
"""

MACOS = f"""
import pathlib, sys
from tests.fakes.security import fake_security
{ROUND_TRIP}
with fake_security(pathlib.Path(sys.argv[1])) as security:
    from ringlet_py.backends.system.macos import MacKeychain
    print("read", round_trip(MacKeychain(timeout=20)))
    print("left", security.count())
import keyring.core
print("chosen", keyring.core._keyring_backend)
"""

WINDOWS = f"""
from tests.fakes.credentials import fake_credentials
{ROUND_TRIP}
with fake_credentials() as windows:
    from ringlet_py.backends.system.windows import CredentialManager
    print("read", round_trip(CredentialManager()))
    print("left", len(windows.kept))
import keyring.core
print("chosen", keyring.core._keyring_backend)
"""

CHAINED = f"""
import pathlib, platform, sys
from keyrings.alt.file import PlaintextKeyring
from ringlet_py.entry import Address
from ringlet_py.errors import KeyNotFound
from tests.fakes.security import fake_security
PlaintextKeyring().set_password("ringlet", "anthropic/work", "{CANARY}")
with fake_security(pathlib.Path(sys.argv[1])):
    from ringlet_py.backends.system.macos import MacKeychain
    platform.system = lambda: "Darwin"
    import keyring
    print(type(keyring.get_keyring()).__name__, keyring.get_password("ringlet", "anthropic/work"))
    try: MacKeychain(timeout=20).get(Address("anthropic", "work"))
    except KeyNotFound as error: print(error)
"""

LINUX = """
import sys
from ringlet_py.backends.system.secret_service import SecretService
from ringlet_py.entry import Address
from ringlet_py.errors import KeychainAbsent
from ringlet_py.secret import Secret
backend = SecretService(environ={}, can_ask=False, say=print)
for verb in (lambda: backend.set(Address("a"), Secret("k")), lambda: backend.get(Address("a")), backend.names):
    try: verb()
    except KeychainAbsent: print("absent")
print("keyring" in sys.modules)
"""

HIJACKER = """
import os, pathlib
pathlib.Path(os.environ["HOME"], "hijacked").touch()
from keyring.backends.null import Keyring
"""


class Machine:
    """A throw-away home without a session bus, in which programs run."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.variables: dict[str, str] = {}

    def run(self, program: str) -> str:
        environment = {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_RUNTIME_DIR": str(self.home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-c", program, str(self.home)],
            env=environment | self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    def configure_keyring(self, text: str) -> None:
        folder = self.home / "config" / "python_keyring"
        folder.mkdir(parents=True)
        (folder / "keyringrc.cfg").write_text(text)

    def files_with_canary(self) -> list[str]:
        needles = (CANARY.encode(), base64.b64encode(CANARY.encode()))
        files = (path for path in self.home.rglob("*") if path.is_file() and path.suffix != ".so")
        return [path.name for path in files if any(needle in path.read_bytes() for needle in needles)]


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> Machine:
    if importlib.util.find_spec("keyrings.alt") is None:
        pytest.fail("keyrings.alt is a test dependency, and is not installed")
    return Machine(tmp_path)


def nothing(machine: Machine) -> None:
    """keyrings.alt is installed, and that is all."""


def null_by_variable(machine: Machine) -> None:
    machine.variables["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"


def plaintext_by_variable(machine: Machine) -> None:
    machine.variables["PYTHON_KEYRING_BACKEND"] = "keyrings.alt.file.PlaintextKeyring"


def null_by_file(machine: Machine) -> None:
    machine.configure_keyring("[backend]\ndefault-keyring=keyring.backends.null.Keyring\n")


def foreign_code_by_file(machine: Machine) -> None:
    (machine.home / "hijacker.py").write_text(HIJACKER)
    machine.configure_keyring(f"[backend]\ndefault-keyring=hijacker.Keyring\nkeyring-path={machine.home}\n")


def properties_by_variable(machine: Machine) -> None:
    for name in ("KEYCHAIN", "PERSIST", "PRIORITY", "GET_PASSWORD", "GET_CREDENTIAL", "DELETE_PASSWORD"):
        machine.variables[f"KEYRING_PROPERTY_{name}"] = "elsewhere"
    machine.variables["KEYCHAIN_PATH"] = "/tmp/elsewhere.keychain"


HIJACKS = [
    nothing,
    null_by_variable,
    plaintext_by_variable,
    null_by_file,
    foreign_code_by_file,
    properties_by_variable,
]


@linux
def test_with_keyrings_alt_installed_plain_keyring_chains_the_keychain_to_a_plaintext_file(
    machine: Machine,
) -> None:
    said = machine.run(CHAINED).splitlines()

    assert said == [f"ChainerBackend {CANARY}", "anthropic/work is not in the macOS Keychain, login"]


@linux
def test_without_a_keychain_plain_keyring_silently_writes_a_plaintext_file(machine: Machine) -> None:
    said = machine.run(PLAIN_KEYRING)

    assert said.split() == ["PlaintextKeyring", CANARY]
    assert machine.files_with_canary() == ["keyring_pass.cfg"]


@linux
@pytest.mark.parametrize("hijack", [null_by_variable, null_by_file, foreign_code_by_file])
def test_plain_keyring_can_be_made_to_keep_nothing(machine: Machine, hijack: Callable[[Machine], None]) -> None:
    hijack(machine)

    assert machine.run(PLAIN_KEYRING).split() == ["Keyring", "None"]
    assert (machine.home / "hijacked").exists() == (hijack is foreign_code_by_file)


@linux
@pytest.mark.parametrize("hijack", HIJACKS)
@pytest.mark.parametrize("program", [MACOS, WINDOWS], ids=["macos", "windows"])
def test_ringlet_keeps_to_the_os_keychain(machine: Machine, program: str, hijack: Callable[[Machine], None]) -> None:
    hijack(machine)

    said = machine.run(program).splitlines()

    assert said == ["names anthropic/work", f"read {CANARY}", "left 0", "chosen None"]
    assert machine.files_with_canary() == []
    assert not (machine.home / "hijacked").exists()


@linux
@pytest.mark.parametrize("hijack", HIJACKS)
def test_on_linux_ringlet_asks_the_secret_service_or_nobody(
    machine: Machine, hijack: Callable[[Machine], None]
) -> None:
    hijack(machine)

    assert machine.run(LINUX).split() == ["absent", "absent", "absent", "False"]


def test_no_module_asks_keyring_to_choose() -> None:
    folder = pathlib.Path(ringlet_py.__file__).parent
    choosing = ("get_keyring", "init_backend", "load_keyring", "keyring.set_", "keyring.get_", "keyring.delete_")

    guilty = [
        path.name for path in folder.rglob("*.py") if any(word in path.read_text(encoding="utf-8") for word in choosing)
    ]

    assert guilty == []
