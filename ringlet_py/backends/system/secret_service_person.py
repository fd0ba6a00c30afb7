"""When the Secret Service wants its person: unlocking, its prompts, and one ringlet asking at a time."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.backends.system.dbus import Call, ErrorReply, bus_call
from ringlet_py.backends.system.secret_service_conversation import SERVICE_NAME, service_call
from ringlet_py.backends.system.secret_service_objects import (
    COLLECTION,
    NOTHING,
    batch,
    default_collection,
    is_locked,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ringlet_py.backends.system.secret_service_conversation import Conversation

_UNLOCK = "unlock the keychain"
_PROMPT = "org.freedesktop.Secret.Prompt"
_WALLETS = {"org.kde.kwalletd5": "/modules/kwalletd5", "org.kde.kwalletd6": "/modules/kwalletd6"}
_TURN = "ringlet.AsksThePerson"
_IN_QUEUE = 2  # RequestName's answer while another has the name
_ACQUIRED = ("/org/freedesktop/DBus", "NameAcquired")
# a prompt that ends within this many seconds was answered by a program; one that lasts is a window
_UNSEEN = 0.3


def unlock(conversation: Conversation, paths: Sequence[str]) -> None:
    """Unlock these objects: without a word where the service can, else through the person."""
    path = _unlock(conversation, paths)
    unseen = path != NOTHING and _unlocks_unseen(conversation)
    if path != NOTHING and not unseen and _waited_for_another(conversation):
        path = _unlock(conversation, paths)
        if path != NOTHING:
            raise errors.KeychainLocked("the keychain is locked", why="another ringlet has just asked for it in vain")
    prompt(conversation, path, doing=_UNLOCK, unseen=unseen)


def opened_default(conversation: Conversation, *, note: Callable[[str], None]) -> bool:
    """Whether the default collection, of which `note` hears, was locked until now; KeychainLocked if it stays so.

    A locked KeePassXC finds nothing at all, so "not there" is true only of an unlocked collection.
    """
    collection = default_collection(conversation)
    note(collection)
    if not is_locked(conversation, collection, COLLECTION):
        return False
    unlock(conversation, [collection])
    return True


def prompt(conversation: Conversation, path: str, *, doing: str, unseen: bool = False) -> None:
    """Let the service ask the person, if it wants to and there is one; else KeychainLocked, Denied or Timeout.

    A prompt that is known to be `unseen`, since the service answers it by itself, needs no person.
    """
    if path == NOTHING:
        return
    if not conversation.ask and not unseen:
        raise _nobody_to_ask(doing)
    rule = f"type='signal',sender='{SERVICE_NAME}',path='{path}'"
    conversation.connection.watch(path, "Completed")
    conversation.call(bus_call("AddMatch", signature="s", args=(rule,)))
    conversation.call(Call(SERVICE_NAME, (path, _PROMPT), "Prompt", signature="s", args=("",)))
    answer = _completed(conversation, path, _UNSEEN)
    if answer is None and conversation.ask:
        _await_person(conversation, path, doing=doing)
    elif answer is None or answer[0]:
        raise _nobody_to_ask(doing, why="the keychain could not ask for it here")


def _unlock(conversation: Conversation, paths: Sequence[str]) -> str:
    _, path = conversation.call(service_call("Unlock", signature="ao", args=(paths,), reply="aoo"))
    return str(path)


def _unlocks_unseen(conversation: Conversation) -> bool:
    """Whether a prompt for unlocking would be answered without a person.

    A wallet that PAM opened at login is called locked until a prompt, which KWallet answers by itself.
    """
    service = _owner(conversation, SERVICE_NAME)
    for name, path in _WALLETS.items():
        if service and _owner(conversation, name) == service:
            return _is_open(conversation, name, (path, "org.kde.KWallet"))
    return False


def _owner(conversation: Conversation, name: str) -> str:
    (answer,) = batch(conversation, [bus_call("GetNameOwner", signature="s", args=(name,), reply="s")])
    return "" if isinstance(answer, ErrorReply) else str(answer[0])


def _is_open(conversation: Conversation, name: str, target: tuple[str, str]) -> bool:
    (wallet,) = conversation.call(Call(name, target, "localWallet", reply="s"))
    (is_open,) = conversation.call(Call(name, target, "isOpen", signature="s", args=(wallet,), reply="b"))
    return bool(is_open)


def _waited_for_another(conversation: Conversation) -> bool:
    """Whether another ringlet was asking the person, and has finished; else it is our turn now.

    One at a time: several prompts at once where no window can be shown leave gnome-keyring in a state in
    which no prompt ever ends, and a person wants to type a password once.  A name on the bus is the lock:
    it belongs to this session alone, and is free again when its owner ends, however that happens.
    """
    if not conversation.ask:
        return False
    conversation.connection.watch(*_ACQUIRED)
    (answer,) = batch(conversation, [bus_call("RequestName", signature="su", args=(_TURN, 0), reply="u")])
    # a bus that lends no names (a sandbox's) lends no turns either
    if isinstance(answer, ErrorReply) or answer[0] != _IN_QUEUE:
        return False
    if not _our_turn(conversation, _UNSEEN):
        conversation.say_waiting("waiting {} for another ringlet, which is asking you to unlock the keychain")
        if not _our_turn(conversation, conversation.timeouts.prompt):
            raise errors.KeychainTimeout("another ringlet is still waiting for the keychain to be unlocked")
    return True


def _our_turn(conversation: Conversation, within: float) -> bool:
    return conversation.connection.signal(*_ACQUIRED, signature="s", within=within) is not None


def _await_person(conversation: Conversation, path: str, *, doing: str) -> None:
    conversation.say_waiting(f"waiting {{}} for you to let ringlet {doing}, in the keychain's window")
    limit = conversation.timeouts.prompt
    answer = _completed(conversation, path, limit)
    # a window that is late is left alone: the person may still answer, and Dismiss kills gnome-keyring 42
    if answer is None:
        raise errors.KeychainTimeout(f"nobody let ringlet {doing} within {limit:g} s")
    if answer[0]:
        raise errors.KeychainDenied(f"the keychain's window was closed without letting ringlet {doing}")


def _completed(conversation: Conversation, path: str, within: float) -> tuple[Any, ...] | None:
    return conversation.connection.signal(path, "Completed", signature="bv", within=within)


def _nobody_to_ask(doing: str, *, why: str = "there is no terminal here, so nobody to ask") -> errors.KeychainError:
    if doing == _UNLOCK:
        return errors.KeychainLocked("the keychain is locked", why=why)
    return errors.KeychainDenied(f"the keychain wants a person to let ringlet {doing}", why=why)
