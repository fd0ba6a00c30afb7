"""What every ledger engine must do for tokens and leases; a test class inherits it and gives two fixtures.

`callers` is the engine, empty, and `others` makes another one on the same store, as another process would have it.
`claims` counts on that store.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.ledger.tokens import LONGEST_CHAIN, StoredLease, Token

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from ringlet_py.ledger.claims import Claims
    from ringlet_py.ledger.tokens import Callers

ODD = ["", "ä→\U0001f600", "a\nb", "a\x00b", "'; DROP TABLE tokens; --", " two  blanks ", '"}', "x" * 5000, "a:b|c%41"]


def token(name: str, parent: str = "", **fields: Any) -> Token:
    """A token whose id and digest tell its name."""
    return Token(**{"id": f"id-{name}", "name": name, "digest": f"digest-{name}", "parent": parent, **fields})


def full_token() -> Token:
    """One whose every field says something."""
    return token(
        "full", scope="pool=openai", created_at=1_795_000_000_123, expires_at=2**53 - 1, max_uses="5", quota="9/day"
    )


def lease(name: str, **fields: Any) -> StoredLease:
    return StoredLease(**{"id": name, "address": "openai/a", **fields})


def full_lease() -> StoredLease:
    """One whose every field says something."""
    texts = ("caller", "token", "feature", "pool", "purpose", "backend", "org", "reason", "ended")
    return lease("full", **{name: f"the {name}" for name in texts}, created_at=1, expires_at=2**53 - 1, ended_at=3)


def at_once(*actions: Callable[[], object]) -> list[Any]:
    """What they answer, each begun in a thread of its own when all are ready."""
    answers: list[Any] = [None] * len(actions)
    barrier = threading.Barrier(len(actions))

    def run(place: int) -> None:
        barrier.wait(10)
        answers[place] = actions[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def in_processes(*actions: Callable[[], object]) -> list[Any]:
    """What they answer, as JSON would have it, each done in a child of its own."""
    children = [_forked(partial(_say, action)) for action in actions]
    answers = [said.readline() for _, said in children]
    for child, said in children:
        said.close()
        assert os.waitpid(child, 0)[1] == 0
    return [json.loads(answer) for answer in answers]


def _say(action: Callable[[], object], said: TextIO) -> None:
    print(json.dumps(action()), file=said)


def _forked(action: Callable[[TextIO], object]) -> tuple[int, TextIO]:
    """A child that does this, and what it says."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, os.fdopen(reading)
    status = 1
    try:
        with os.fdopen(writing, "w", buffering=1) as said:
            action(said)
        status = 0
    finally:
        os._exit(status)  # the child must never go on with the test


class OfTokens:
    def test_there_are_none_at_first(self, callers: Callers):
        assert callers.tokens() == []
        assert callers.chain("digest-a") == []
        assert list(callers.remove_token("id-a")) == []
        assert callers.change_token(token("a"), token("b")) is False
        assert callers.tokens() == []

    def test_gives_back_what_was_added_with_every_field(self, callers: Callers):
        assert callers.add_token(full_token())
        assert callers.add_token(token("a"))

        assert callers.tokens() == [token("a"), full_token()]
        assert callers.chain("digest-full") == [full_token()]

    @pytest.mark.parametrize("text", ODD)
    def test_a_text_comes_back_as_it_was(self, callers: Callers, text: str):
        odd = token(f"n{text}", scope=text, max_uses=text, quota=text)
        assert callers.add_token(token("n"))
        assert callers.add_token(odd) is (text != "")
        assert callers.change_token(token("n"), token("n", scope=text))
        expected = [token("n", scope=text), *([odd] if text else [])]

        assert callers.tokens() == sorted(expected, key=lambda each: each.name)
        assert callers.chain(odd.digest)[0].id == odd.id
        assert callers.add_token(replace(odd, id="other", digest="other")) is False

    def test_names_are_sorted_and_differ_by_case(self, callers: Callers):
        for name in ("b", "\U0001f600", "B", "ä", "\uffee", "a"):
            assert callers.add_token(token(name))

        assert [each.name for each in callers.tokens()] == ["B", "a", "b", "ä", "\uffee", "\U0001f600"]

    @pytest.mark.parametrize("field", ["id", "name", "digest"])
    def test_no_two_have_one_id_name_or_digest(self, callers: Callers, field: str):
        assert callers.add_token(full_token())
        second = replace(token("second"), **{field: getattr(full_token(), field)})

        assert callers.add_token(second) is False
        assert callers.tokens() == [full_token()]
        assert callers.chain(full_token().digest) == [full_token()]
        assert callers.chain("digest-second") == []

    def test_what_was_refused_may_come_later(self, callers: Callers):
        callers.add_token(token("a"))
        assert callers.add_token(replace(token("b"), name="a")) is False
        callers.remove_token("id-a")

        assert callers.add_token(replace(token("b"), name="a"))
        assert callers.chain("digest-b") == [replace(token("b"), name="a")]

    def test_a_token_without_its_parent_is_not_made(self, callers: Callers):
        assert callers.add_token(token("a", parent="id-nobody")) is False
        assert callers.add_token(token("a", parent="id-a")) is False
        assert callers.tokens() == []

    def test_a_chain_goes_from_the_token_to_the_one_that_was_made_under_none(self, callers: Callers):
        family = [token("a"), token("b", "id-a"), token("c", "id-b"), token("d", "id-a")]
        for each in family:
            assert callers.add_token(each)

        assert callers.chain("digest-c") == [family[2], family[1], family[0]]
        assert callers.chain("digest-d") == [family[3], family[0]]
        assert callers.chain("digest-a") == [family[0]]
        assert callers.chain("") == []

    def test_a_chain_that_is_too_long_is_none(self, callers: Callers):
        for number in range(LONGEST_CHAIN + 1):
            assert callers.add_token(token(str(number), f"id-{number - 1}" if number else ""))

        assert len(callers.chain(f"digest-{LONGEST_CHAIN - 1}")) == LONGEST_CHAIN
        assert callers.chain(f"digest-{LONGEST_CHAIN}") == []

    def test_the_ledgers_version_stays_whatever_happens_to_tokens_and_leases(self, callers: Callers, claims: Claims):
        before = claims.version()
        callers.add_token(token("a"))
        callers.change_token(token("a"), token("a", scope="pool=p"))
        callers.remove_token("id-a")
        callers.add_lease(lease("l"))
        callers.change_lease(lease("l"), lease("l", ended="released", ended_at=1))
        callers.forget_leases(9)

        assert claims.version() == before


class OfChangingTokens:
    def test_a_changed_token_is_found_under_its_new_name_and_digest_only(self, callers: Callers):
        callers.add_token(token("a"))
        callers.add_token(token("under", "id-a"))
        new = replace(token("a"), name="b", digest="other", scope="pool=p", expires_at=5, max_uses="1", quota="2/day")

        assert callers.change_token(token("a"), new)
        assert callers.tokens() == [new, token("under", "id-a")]
        assert callers.chain("digest-a") == []
        assert callers.chain("other") == [new]
        assert callers.chain("digest-under") == [token("under", "id-a"), new]
        assert callers.add_token(replace(token("a"), id="new"))

    def test_only_what_it_still_is_is_changed(self, callers: Callers):
        callers.add_token(token("a"))
        others: list[dict[str, Any]] = [
            {"scope": "x"},
            {"created_at": 1},
            {"expires_at": 1},
            {"quota": "1/day"},
            {"digest": "x"},
            {"id": "x"},
        ]
        for other in others:
            assert callers.change_token(replace(token("a"), **other), token("a", scope="no")) is False

        assert callers.change_token(token("a"), token("a"))
        assert callers.tokens() == [token("a")]

    @pytest.mark.parametrize("field", ["name", "digest"])
    def test_it_takes_nobodys_name_or_digest(self, callers: Callers, field: str):
        callers.add_token(token("a"))
        callers.add_token(token("b"))

        assert callers.change_token(token("a"), replace(token("a"), **{field: getattr(token("b"), field)})) is False
        assert callers.tokens() == [token("a"), token("b")]
        assert callers.chain("digest-b") == [token("b")]

    def test_its_id_and_parent_stay(self, callers: Callers):
        callers.add_token(token("a"))
        callers.add_token(token("b", "id-a"))

        assert callers.change_token(token("b", "id-a"), replace(token("b"), id="other", scope="pool=p"))
        assert callers.chain("digest-b") == [token("b", "id-a", scope="pool=p"), token("a")]
        assert list(callers.remove_token("id-a")) == ["id-a", "id-b"]

    def test_a_removed_token_does_not_come_back(self, callers: Callers):
        callers.add_token(token("a"))
        callers.remove_token("id-a")

        assert callers.change_token(token("a"), token("a", scope="pool=p")) is False
        assert callers.tokens() == []


class OfRemovingTokens:
    def test_all_that_were_made_under_it_go_with_it(self, callers: Callers):
        parents = {"a": "", "b": "id-a", "c": "id-b", "d": "id-a", "other": "", "under-other": "id-other"}
        for name, parent in parents.items():
            assert callers.add_token(token(name, parent))
        gone = list(callers.remove_token("id-a"))

        assert sorted(gone) == ["id-a", "id-b", "id-c", "id-d"]
        assert gone[0] == "id-a"
        assert gone.index("id-b") < gone.index("id-c")
        assert [each.name for each in callers.tokens()] == ["other", "under-other"]
        assert [callers.chain(f"digest-{name}") for name in "abcd"] == [[]] * 4
        assert len(callers.chain("digest-under-other")) == 2
        assert list(callers.remove_token("id-a")) == []

    def test_the_one_above_it_stays(self, callers: Callers):
        callers.add_token(token("a"))
        callers.add_token(token("b", "id-a"))

        assert list(callers.remove_token("id-b")) == ["id-b"]
        assert callers.tokens() == [token("a")]
        assert list(callers.remove_token("id-a")) == ["id-a"]

    def test_its_name_and_id_can_be_given_again(self, callers: Callers):
        callers.add_token(token("a"))
        callers.add_token(token("b", "id-a"))
        callers.remove_token("id-a")

        assert callers.add_token(token("a"))
        assert callers.add_token(token("b"))
        assert list(callers.remove_token("id-a")) == ["id-a"], "b was made under none"


class OfLeases:
    def test_there_are_none_at_first(self, callers: Callers):
        assert callers.leases() == []
        assert callers.lease("l") is None
        assert callers.change_lease(lease("l"), lease("l", reason="x")) is False
        assert callers.forget_leases(2**53) == 0

    def test_gives_back_what_was_added_with_every_field(self, callers: Callers):
        callers.add_lease(full_lease())

        assert callers.lease("full") == full_lease()
        assert callers.leases() == [full_lease()]

    @pytest.mark.parametrize("text", ODD)
    def test_a_text_comes_back_as_it_was(self, callers: Callers, text: str):
        odd = lease(f"l{text}", caller=text, purpose=text, reason=text)
        callers.add_lease(odd)

        assert callers.lease(odd.id) == odd
        assert callers.change_lease(odd, replace(odd, org=text))
        assert callers.leases() == [replace(odd, org=text)]

    def test_the_oldest_comes_first(self, callers: Callers):
        for name, created_at in (("c", 30), ("a", 200), ("d", 30), ("b", 1000)):
            callers.add_lease(lease(name, created_at=created_at))

        assert [each.id for each in callers.leases()] == ["c", "d", "a", "b"]

    def test_adding_again_changes_nothing(self, callers: Callers):
        ended = lease("l", ended="revoked", ended_at=5)
        callers.add_lease(lease("l"))
        callers.change_lease(lease("l"), ended)
        callers.add_lease(lease("l"))

        assert callers.leases() == [ended]
        assert callers.forget_leases(6) == 1

    def test_only_what_it_still_is_is_changed(self, callers: Callers):
        callers.add_lease(lease("l", expires_at=10))
        renewed = lease("l", expires_at=20)

        assert callers.change_lease(lease("l", expires_at=11), renewed) is False
        assert callers.change_lease(lease("l", expires_at=10), replace(renewed, id="other"))
        assert callers.change_lease(lease("l", expires_at=10), renewed) is False
        assert callers.leases() == [renewed]

    def test_forgets_what_ended_or_expired_before_that_moment(self, callers: Callers):
        for each in (
            lease("runs for ever"),
            lease("runs", expires_at=100),
            lease("expired", expires_at=99),
            lease("released", expires_at=1000, ended="released", ended_at=99),
            lease("revoked just then", expires_at=1000, ended="revoked", ended_at=100),
            lease("revoked, had no end", ended="revoked", ended_at=50),
        ):
            callers.add_lease(each)

        assert callers.forget_leases(100) == 3
        assert {each.id for each in callers.leases()} == {"runs for ever", "runs", "revoked just then"}
        assert callers.lease("expired") is None
        assert callers.forget_leases(100) == 0
        assert callers.forget_leases(101) == 2
        assert [each.id for each in callers.leases()] == ["runs for ever"]

    def test_a_lease_that_was_renewed_or_ended_is_forgotten_by_its_new_end(self, callers: Callers):
        callers.add_lease(lease("renewed", expires_at=10))
        callers.add_lease(lease("ended", expires_at=1000))
        callers.add_lease(lease("for ever", expires_at=10))
        callers.change_lease(lease("renewed", expires_at=10), lease("renewed", expires_at=500))
        callers.change_lease(lease("ended", expires_at=1000), lease("ended", ended="released", ended_at=20))
        callers.change_lease(lease("for ever", expires_at=10), lease("for ever"))

        assert callers.forget_leases(100) == 1
        assert {each.id for each in callers.leases()} == {"renewed", "for ever"}
        assert callers.forget_leases(2**53) == 1

    @pytest.mark.slow
    def test_forgets_thousands_at_once(self, callers: Callers):
        for number in range(1100):
            callers.add_lease(lease(str(number), expires_at=number + 1))

        assert callers.forget_leases(1051) == 1050
        assert len(callers.leases()) == 50


class OfManyAtOnce:
    def test_of_many_who_add_one_name_one_does(self, callers: Callers, others: Callable[[], Callers]):
        callers.tokens()
        engines = [others() for _ in range(8)]
        tokens = [replace(token(str(number)), name="same") for number in range(8)]
        answers = at_once(*(partial(e.add_token, t) for e, t in zip(engines, tokens, strict=True)))

        assert sorted(map(bool, answers)) == [False] * 7 + [True]
        assert callers.tokens() == [tokens[answers.index(True)]]

    def test_of_many_who_change_one_token_one_does(self, callers: Callers, others: Callable[[], Callers]):
        callers.add_token(token("a"))
        engines = [others() for _ in range(6)]
        news = [token("a", scope=f"pool={number}", digest=f"new-{number}") for number in range(6)]
        answers = at_once(*(partial(e.change_token, token("a"), n) for e, n in zip(engines, news, strict=True)))

        winner = news[answers.index(True)]
        assert answers.count(True) == 1
        assert callers.tokens() == [winner]
        assert [callers.chain(new.digest) for new in news if new != winner] == [[]] * 5

    def test_what_is_revoked_while_it_is_changed_and_made_under_is_gone(
        self, callers: Callers, others: Callable[[], Callers]
    ):
        engines = [others() for _ in range(4)]
        for number in range(12):
            top = token(f"top-{number}")
            callers.add_token(top)
            child = token(f"child-{number}", top.id)
            changed = replace(top, digest=f"new-{number}")
            gone, was_changed, was_made, other_gone = at_once(
                partial(engines[0].remove_token, top.id),
                partial(engines[1].change_token, top, changed),
                partial(engines[2].add_token, child),
                partial(engines[3].remove_token, top.id),
            )
            ids = sorted([*gone, *other_gone])

            assert ids == ([child.id, top.id] if was_made else [top.id])
            assert was_changed in (True, False)
            assert callers.tokens() == []
            assert [callers.chain(digest) for digest in (top.digest, changed.digest, child.digest)] == [[]] * 3

    def test_a_lease_ends_once(self, callers: Callers, others: Callable[[], Callers]):
        callers.add_lease(lease("l"))
        engines = [others() for _ in range(6)]
        ends = [lease("l", ended="released", ended_at=number + 1) for number in range(6)]
        answers = at_once(*(partial(e.change_lease, lease("l"), n) for e, n in zip(engines, ends, strict=True)))

        assert answers.count(True) == 1
        assert callers.lease("l") == ends[answers.index(True)]

    def test_threads_share_one(self, callers: Callers):
        def some(start: int) -> None:
            for number in range(start, 60, 4):
                callers.add_lease(lease(str(number)))
                callers.add_token(token(str(number)))
                assert callers.chain(f"digest-{number}") != []

        at_once(*(partial(some, start) for start in range(4)))

        assert len(callers.leases()) == len(callers.tokens()) == 60


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class OfManyProcesses:
    def test_of_many_who_add_the_same_names_each_name_is_given_once(
        self, callers: Callers, others: Callable[[], Callers]
    ):
        callers.add_token(token("first"))

        def add(process: int) -> list[int]:
            mine = others()
            tokens = (
                replace(token(f"{number}"), id=f"{process}-{number}", digest=f"{process}-{number}")
                for number in range(30)
            )
            return [number for number, each in enumerate(tokens) if mine.add_token(each)]

        won = in_processes(*(partial(add, process) for process in range(3)))

        assert sorted(number for numbers in won for number in numbers) == list(range(30))
        assert len(callers.tokens()) == 31
        assert all(len(callers.chain(f"{process}-{number}")) == 1 for process in range(3) for number in won[process])

    @pytest.mark.parametrize("round_", range(3))
    def test_a_kill_loses_nothing_that_was_acknowledged_and_breaks_nothing(
        self, callers: Callers, others: Callable[[], Callers], round_: int
    ):
        callers.add_token(token("top"))

        def add_for_ever(said: TextIO) -> None:
            mine = others()
            for number in range(100_000):
                mine.add_token(token(str(number), "id-top"))
                mine.add_lease(lease(str(number)))
                print(number, file=said)

        child, said = _forked(add_for_ever)
        for _ in range(20 + 7 * round_):
            said.readline()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        acknowledged = {line.strip() for line in said.read().splitlines(keepends=True) if line.endswith("\n")}
        said.close()

        made = {each.name for each in callers.tokens()} - {"top"}
        assert acknowledged <= made
        assert acknowledged <= {each.id for each in callers.leases()}
        assert len(callers.remove_token("id-top")) == len(made) + 1


class CallersContract(OfTokens, OfChangingTokens, OfRemovingTokens, OfLeases, OfManyAtOnce, OfManyProcesses):
    """All of it."""
