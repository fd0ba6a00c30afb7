"""Ringlet's backend and the other real Secret Services: KWallet 5 and KeePassXC."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from ringlet_py.backends.system.secret_service import SecretService, Timeouts
from ringlet_py.errors import KeychainDenied, KeychainLocked, KeychainTimeout
from ringlet_py.secret import Secret
from tests.backends.contract import BackendContract
from tests.backends.secret_service_cases import (
    ADDRESS,
    AS_ARGUMENTS,
    ATTRIBUTES,
    CANARY,
    assert_each_verb_raises,
    every_verb,
    fresh,
)
from tests.other_secret_services import KeePassXC, KWallet
from tests.secret_services import requires

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.keychain,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's"),
]

SHORT = Timeouts(activation=0.5, prompt=0.6)


@pytest.fixture(scope="module")
def kwallet_of_module() -> Iterator[KWallet]:
    with KWallet() as wallet:
        yield wallet


@pytest.fixture(scope="module")
def keepassxc_of_module() -> Iterator[KeePassXC]:
    with KeePassXC() as program:
        yield program


class TestKWallet(BackendContract):
    @pytest.fixture
    def backend(self, kwallet_of_module: KWallet) -> SecretService:
        return fresh(kwallet_of_module).backend()

    @pytest.fixture
    def another(self, kwallet_of_module: KWallet) -> SecretService:
        return kwallet_of_module.backend()


class TestKeePassXC(BackendContract):
    @pytest.fixture
    def backend(self, keepassxc_of_module: KeePassXC) -> SecretService:
        # it lets nothing be deleted without a prompt, which its settings here answer
        keepassxc_of_module.revive()
        return fresh(keepassxc_of_module).backend(can_ask=True)

    @pytest.fixture
    def another(self, keepassxc_of_module: KeePassXC) -> SecretService:
        return keepassxc_of_module.backend()


class TestKWalletsWays:
    @pytest.fixture
    def kwallet(self) -> Iterator[KWallet]:
        with KWallet() as wallet:
            wallet.backend().set(ADDRESS, Secret(CANARY))
            yield wallet

    def test_a_wallet_that_is_open_but_called_locked_needs_nobody(self, kwallet: KWallet) -> None:
        time.sleep(6)  # it writes its file five seconds late
        kwallet.kill()
        kwallet.start()
        assert kwallet.is_locked()
        said: list[str] = []

        assert kwallet.backend(said=said).names() == [ADDRESS]
        assert kwallet.backend(said=said).get(ADDRESS).reveal() == CANARY
        assert said == []

    def test_a_wallet_that_was_closed_is_locked_and_opens_no_window(self, kwallet: KWallet) -> None:
        kwallet.close()

        for verb in ("get", "set", "remove", "check"):
            with pytest.raises(KeychainLocked):
                every_verb(kwallet.backend())[verb]()

    def test_secret_tool_and_ringlet_see_the_same(self, kwallet: KWallet) -> None:
        requires("secret-tool")
        assert kwallet.run("secret-tool", "lookup", *AS_ARGUMENTS).stdout == CANARY

        kwallet.run("secret-tool", "store", "--label=by hand", *AS_ARGUMENTS, stdin="sk-by-hand")

        assert kwallet.backend().get(ADDRESS).reveal() == "sk-by-hand"


class TestKeePassXCsWays:
    def test_a_locked_database_is_locked_and_never_empty(self) -> None:
        with KeePassXC(is_open=False) as keepassxc:
            assert keepassxc.search(**ATTRIBUTES) == []
            assert_each_verb_raises(KeychainLocked, keepassxc.backend())

    def test_one_that_waits_for_its_person_is_a_timeout_without_one(self) -> None:
        with KeePassXC(is_open=False, unlock_first=True) as keepassxc:
            assert_each_verb_raises(KeychainTimeout, keepassxc.backend(timeouts=SHORT))

    def test_one_that_waits_for_its_person_is_waited_for_and_said(self) -> None:
        said: list[str] = []
        with KeePassXC(is_open=False, unlock_first=True) as keepassxc:
            with pytest.raises(KeychainTimeout):
                keepassxc.backend(timeouts=SHORT, can_ask=True, said=said).get(ADDRESS)
            assert "waiting up to 0.6 s for you to unlock it" in said[0]

    def test_a_deletion_that_wants_a_person_is_denied_without_one(self) -> None:
        with KeePassXC() as keepassxc:
            keepassxc.backend().set(ADDRESS, Secret(CANARY))

            with pytest.raises(KeychainDenied):
                keepassxc.backend().remove(ADDRESS)

            assert keepassxc.backend().get(ADDRESS).reveal() == CANARY

    def test_duplicates_are_resolved_without_its_dialog(self) -> None:
        with KeePassXC() as keepassxc:
            keepassxc.backend().set(ADDRESS, Secret("sk-old"))
            keepassxc.create(b"sk-other", **ATTRIBUTES, made_by="another")
            assert len(keepassxc.search(**ATTRIBUTES)) == 2

            keepassxc.backend(can_ask=True).set(ADDRESS, Secret(CANARY))

            assert keepassxc.backend().get(ADDRESS).reveal() == CANARY
            assert len(keepassxc.search(**ATTRIBUTES)) == 1
