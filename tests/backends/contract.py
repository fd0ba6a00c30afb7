"""What every backend promises, as tests: a backend's own tests inherit `BackendContract`.

    class TestFileBackend(BackendContract):
        @pytest.fixture
        def backend(self, tmp_path): ...

The backend must be empty for each test.  One that cannot enumerate (`names` gives None) skips those tests; one
with another place to look from may override `another`, a second backend on the same store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address
from ringlet_py.errors import InvalidSecret, KeychainError, KeyNotFound
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from ringlet_py.backends import Backend

WORK = Address("anthropic", "work")
HOME = Address("anthropic", "home")
WEBHOOK = Address("anthropic", "work", "webhook")
OLD, NEW = "sk-test-old-0123456789", "sk-test-new-abcdefghij"
# no service may touch any of these, and each is refused by some
PRINTABLE = "".join(chr(code) for code in range(33, 127) if chr(code) not in "\"'`\\")


class BackendContract:
    """Inherit this and define the fixture `backend`."""

    @pytest.fixture
    def another(self, backend: Backend) -> Backend:
        """A second backend on the same store, as another process has it; the same one if that cannot be made."""
        return backend

    def test_what_was_set_is_what_get_gives(self, backend: Backend, another: Backend) -> None:
        backend.set(WORK, Secret(OLD))

        assert another.get(WORK).reveal() == OLD

    def test_every_character_that_a_key_may_have_comes_back(self, backend: Backend, another: Backend) -> None:
        backend.set(WORK, Secret(PRINTABLE))

        assert another.get(WORK).reveal() == PRINTABLE

    def test_a_replaced_value_is_gone(self, backend: Backend, another: Backend) -> None:
        backend.set(WORK, Secret(OLD))
        backend.set(WORK, Secret(NEW))

        assert another.get(WORK).reveal() == NEW
        backend.remove(WORK)
        with pytest.raises(KeyNotFound):
            another.get(WORK)

    def test_setting_the_same_value_again_changes_nothing(self, backend: Backend, another: Backend) -> None:
        backend.set(WORK, Secret(OLD))
        backend.set(WORK, Secret(OLD))

        assert another.get(WORK).reveal() == OLD

    def test_get_of_nothing_is_key_not_found_and_names_the_address_and_the_remedy(self, backend: Backend) -> None:
        with pytest.raises(KeyNotFound) as caught:
            backend.get(WORK)

        assert str(WORK) in caught.value.what
        assert caught.value.hint == "ringlet keychain set anthropic work"

    def test_remove_of_nothing_is_key_not_found(self, backend: Backend) -> None:
        backend.set(HOME, Secret(OLD))

        with pytest.raises(KeyNotFound):
            backend.remove(WORK)

        assert backend.get(HOME).reveal() == OLD

    def test_remove_takes_one_entry_and_leaves_the_others(self, backend: Backend, another: Backend) -> None:
        backend.set(WORK, Secret(OLD))
        backend.set(HOME, Secret(NEW))

        backend.remove(WORK)

        assert another.get(HOME).reveal() == NEW
        with pytest.raises(KeyNotFound):
            another.get(WORK)

    def test_a_removed_entry_can_be_set_again(self, backend: Backend, another: Backend) -> None:
        backend.set(WORK, Secret(OLD))
        backend.remove(WORK)
        backend.set(WORK, Secret(NEW))

        assert another.get(WORK).reveal() == NEW

    @pytest.mark.parametrize(
        "neighbour", [Address("anthropic", "wor"), Address("anthropic", "work2"), Address("anthropi", "work")], ids=str
    )
    def test_a_name_that_is_nearly_the_same_is_another_entry(self, backend: Backend, neighbour: Address) -> None:
        backend.set(neighbour, Secret(OLD))

        with pytest.raises(KeyNotFound):
            backend.get(WORK)

    def test_the_longest_names_work(self, backend: Backend) -> None:
        address = Address("p" * 64, "a" * 64)
        backend.set(address, Secret(OLD))

        assert backend.get(address).reveal() == OLD
        assert backend.names() in (None, [address])

    @pytest.mark.parametrize(
        "dots", [Address("a.b", "c.d"), Address("_", "_"), Address("0", "1-2"), Address("a..b", "c-.-")]
    )
    def test_unusual_names_work(self, backend: Backend, dots: Address) -> None:
        backend.set(dots, Secret(OLD))

        assert backend.get(dots).reveal() == OLD
        assert backend.names() in (None, [dots])

    def test_a_value_of_the_greatest_length_comes_back(self, backend: Backend, another: Backend) -> None:
        value = "x" * backend.max_length
        backend.set(WORK, Secret(value))

        assert another.get(WORK).reveal() == value

    def test_a_longer_value_is_refused_and_the_old_one_stays(self, backend: Backend, another: Backend) -> None:
        backend.set(WORK, Secret(OLD))
        value = "x" * (backend.max_length + 1)

        with pytest.raises(InvalidSecret):
            backend.set(WORK, Secret(value))

        assert another.get(WORK).reveal() == OLD

    def test_names_are_sorted_and_say_what_is_there(self, backend: Backend, another: Backend) -> None:
        if backend.names() is None:
            pytest.skip("this store cannot enumerate")
        for address in (WORK, Address("openai"), HOME):
            backend.set(address, Secret(OLD))
        backend.set(HOME, Secret(NEW))
        assert another.names() == [HOME, WORK, Address("openai")]

        backend.remove(HOME)

        assert another.names() == [WORK, Address("openai")]

    def test_a_bound_secret_is_an_entry_beside_its_key(self, backend: Backend, another: Backend) -> None:
        backend.set(WEBHOOK, Secret(NEW))
        with pytest.raises(KeyNotFound):
            another.get(WORK)

        backend.set(WORK, Secret(OLD))

        assert another.get(WEBHOOK).reveal() == NEW
        assert another.get(WORK).reveal() == OLD
        assert another.names() in (None, [WORK, WEBHOOK])

    def test_a_bound_secret_is_replaced_and_removed_alone(self, backend: Backend, another: Backend) -> None:
        for address in (WORK, WEBHOOK, Address("anthropic", "work", "other")):
            backend.set(address, Secret(OLD))
        backend.set(WEBHOOK, Secret(NEW))
        assert another.get(WEBHOOK).reveal() == NEW

        backend.remove(WEBHOOK)

        with pytest.raises(KeyNotFound):
            another.get(WEBHOOK)
        assert another.get(WORK).reveal() == OLD
        assert another.names() in (None, [WORK, Address("anthropic", "work", "other")])

    def test_a_bound_secret_that_is_not_there_is_key_not_found_with_its_own_remedy(self, backend: Backend) -> None:
        backend.set(WORK, Secret(OLD))

        with pytest.raises(KeyNotFound) as caught:
            backend.get(WEBHOOK)

        assert str(WEBHOOK) in caught.value.what
        assert caught.value.hint == "ringlet keychain edit anthropic work --secret webhook"

    def test_the_longest_names_of_a_bound_secret_work(self, backend: Backend) -> None:
        address = Address("p" * 64, "a" * 64, "s" * 64)
        backend.set(address, Secret(OLD))

        assert backend.get(address).reveal() == OLD
        assert backend.names() in (None, [address])

    def test_an_empty_store_has_no_names(self, backend: Backend) -> None:
        assert backend.names() in (None, [])

    def test_a_store_in_order_passes_its_check(self, backend: Backend) -> None:
        backend.check()

    def test_it_says_what_it_is(self, backend: Backend) -> None:
        assert backend.name
        assert backend.name == backend.name.lower()
        assert backend.place
        assert backend.max_length > 500

    def test_no_error_and_no_repr_holds_a_value(self, backend: Backend) -> None:
        backend.set(WORK, Secret(OLD))

        assert OLD not in repr(backend)
        assert OLD not in repr(vars(backend) if hasattr(backend, "__dict__") else backend)
        with pytest.raises((KeychainError, KeyNotFound)) as caught:
            backend.get(HOME)
        assert OLD not in f"{caught.value!r} {caught.value.why} {caught.value.hint}"
