"""KWallet 5 and KeePassXC as further real Secret Services for the tests, both without a screen."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import socket
import subprocess
import uuid

from ringlet_py.backends.system.dbus import Call, bus_call
from tests.secret_services import PASSWORD, SERVICE_PATH, PrivateBus, requires, wait_until

_PATIENCE = 20.0  # seconds; only a broken machine needs them
WALLETS_NAME = "org.kde.kwalletd5"
_KWALLET_CONFIG = """[Wallet]
First Use=false
Prompt on Open=false
Close When Idle=false
Launch Manager=false
Default Wallet=kdewallet
[org.freedesktop.secrets]
apiEnabled=true
[Migration]
alreadyMigrated=true
"""
_KEEPASS_CONFIG = """[General]
ConfigVersion=2
[FdoSecrets]
Enabled=true
ConfirmAccessItem=false
ConfirmDeleteItem=false
ShowNotification=false
UnlockBeforeSearch={unlock_first}
[GUI]
CheckForUpdates=false
"""
_KEEPASS_XML = """<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile><Meta><DatabaseName>tests</DatabaseName><CustomData><Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key>
<Value>{{{group_text}}}</Value></Item></CustomData></Meta>
<Root><Group><UUID>{group}</UUID><Name>Root</Name></Group></Root></KeePassFile>
"""


class KWallet(PrivateBus):
    """kwalletd5 with a wallet that the PAM module's protocol opened, which it reports as locked all the same."""

    def __init__(self) -> None:
        requires("kwallet")
        super().__init__()
        self.environ |= {"PAM_KWALLET5_LOGIN": "test", "QT_QPA_PLATFORM": "offscreen"}
        self._wallets = self.folder / "data/kwalletd"
        self._wallets.mkdir(mode=0o700)
        (self._wallets / "kdewallet.salt").write_bytes(os.urandom(56))
        (self.folder / "config/kwalletrc").write_text(_KWALLET_CONFIG)

    def prepare(self) -> None:
        """Make the wallet with a first start, which shows no collection; then start again."""
        self._start_daemon()
        wait_until(self._is_written, "the wallet is made")
        self.kill()
        self.start()

    def start(self) -> None:
        """Start the daemon as a login does, and wait until it has opened the wallet."""
        self._start_daemon()
        wait_until(self.is_open, "the wallet is open")

    def _is_written(self) -> bool:
        # it is there and empty for a moment, and an empty one is never opened again
        wallet = self._wallets / "kdewallet.kwl"
        return wallet.exists() and wallet.stat().st_size > 0

    def _start_daemon(self) -> None:
        # as the PAM module does it: the wallet's key through a pipe, the session's variables through a socket
        salt = (self._wallets / "kdewallet.salt").read_bytes()
        reader, writer = os.pipe()
        os.write(writer, hashlib.pbkdf2_hmac("sha512", PASSWORD, salt, 50_000, 56))
        with socket.socket(socket.AF_UNIX) as listener:
            path = str(self.folder / "run/kwallet")
            listener.bind(path)
            listener.listen()
            plugs = (reader, listener.fileno())
            self.daemon = self.spawn("kwalletd5", "--pam-login", *map(str, plugs), pass_fds=plugs)
            os.close(writer)
            os.close(reader)
            with socket.socket(socket.AF_UNIX) as login:
                login.connect(path)
                lines = (f"{name}={value}\n" for name, value in self.environ.items() if "\n" not in value)
                login.sendall("".join(lines).encode())
            os.unlink(path)
            wait_until(self.has_owner, "kwalletd5 owns its name")

    def is_open(self) -> bool:
        """Whether the wallet is open, which is not what the Secret Service says of its collection."""
        target = ("/modules/kwalletd5", "org.kde.KWallet")
        (answer,) = self.ask(Call(WALLETS_NAME, target, "isOpen", signature="s", args=("kdewallet",), reply="b"))
        return bool(answer == (True,))

    def close(self) -> None:
        """Close the wallet, whoever uses it."""
        target = ("/modules/kwalletd5", "org.kde.KWallet")
        self.ask(Call(WALLETS_NAME, target, "close", signature="sb", args=("kdewallet", True), reply="i"))
        wait_until(lambda: not self.is_open(), "the wallet is closed")

    def kill(self) -> None:
        """End the daemon and wait until the bus knows."""
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()
        wait_until(lambda: not self.has_owner(), "the bus knows that the daemon is gone")


class KeePassXC(PrivateBus):
    """KeePassXC with one database that offers its entries as a Secret Service.

    `unlock_first` is its default setting: a search in a locked database then waits until a person unlocks it.
    """

    def __init__(self, *, is_open: bool = True, unlock_first: bool = False) -> None:
        requires("keepassxc")
        super().__init__()
        self.environ |= {"QT_QPA_PLATFORM": "offscreen"}
        self._is_open = is_open
        self._ini = self.folder / "keepassxc.ini"
        self._ini.write_text(_KEEPASS_CONFIG.format(unlock_first=str(unlock_first).lower()))

    def prepare(self) -> None:
        """Make the database and start the program.

        KeePassXC 2.7 can crash if it is called while it starts, so this listens until it has made its collection,
        and has opened it if it is to be opened.
        """
        database = self._made_database()
        signs = ["CollectionCreated", *["CollectionChanged"] * (2 * self._is_open)]
        rule = f"type='signal',path='{SERVICE_PATH}',interface='org.freedesktop.Secret.Service'"
        with self.connection() as connection:
            connection.call(bus_call("AddMatch", signature="s", args=(rule,)), _PATIENCE)
            self._start(database)
            for sign in signs:
                connection.watch(SERVICE_PATH, sign)
                assert connection.signal(SERVICE_PATH, sign, signature="o", within=_PATIENCE), sign

    def revive(self) -> None:
        """Start it again if it has crashed, which KeePassXC 2.7 hardly ever does on a loaded machine."""
        if self.program.poll() is not None:
            (self.folder / "tests.kdbx").unlink()
            self.prepare()

    def _made_database(self) -> str:
        group = uuid.uuid4()
        xml = _KEEPASS_XML.format(group=base64.b64encode(group.bytes).decode(), group_text=group)
        (self.folder / "tests.xml").write_text(xml)
        database = str(self.folder / "tests.kdbx")
        twice = f"{PASSWORD.decode()}\n" * 2
        made = self.run("keepassxc-cli", "import", "-p", str(self.folder / "tests.xml"), database, stdin=twice)
        assert made.returncode == 0, made.stderr
        return database

    def _start(self, database: str) -> None:
        flags = ["--pw-stdin"] if self._is_open else []
        self.program = self.spawn("keepassxc", "--config", str(self._ini), *flags, database, stdin=subprocess.PIPE)
        assert self.program.stdin
        with self.program.stdin as stdin:
            stdin.write(PASSWORD + b"\n" if self._is_open else b"")
