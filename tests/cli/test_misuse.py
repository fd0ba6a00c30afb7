from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from ringlet_py.cli import output
from ringlet_py.cli.misuse import AFTER_DASHES, NO_KEYS, WRITE_ONLY
from ringlet_py.cli.waiting import seconds
from ringlet_py.errors import UsageError
from tests.end_to_end.program import store_key

if TYPE_CHECKING:
    from tests.end_to_end.program import Home


TOOL = "--agent generic --provider anthropic --command true"


@pytest.fixture
def furnished(home: Home) -> Home:
    """A home with one of everything that has a name."""
    store_key(home, "anthropic/work")
    for words in (
        f"profiles create tool --key-alias work {TOOL}",
        "pools create images --provider anthropic",
        "tiers set gold image=5/minute",
        "tokens create laptop --scope provider=anthropic",
    ):
        assert home.here(*words.split()).status == 0
    return home


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("keychain", "show", "openai"), WRITE_ONLY),
        (("tokens", "show", "ci"), ""),
        (("keychain", "set", "openai", "a", "b"), NO_KEYS),
        (("run", "work", "-p"), ""),
        (("run", "work", "hello"), AFTER_DASHES),
        (("profiles", "run", "work", "hello"), AFTER_DASHES),
        (("pools", "claim", "openai", "true"), AFTER_DASHES),
        (("pools", "delete", "a", "b"), ""),
        (("leases", "renew", "a", "b", "--ttl", "1h"), ""),
    ],
)
def test_why_a_word_is_wrong_is_said_where_it_fits(home: Home, words: tuple[str, ...], why: str) -> None:
    shown = home.here(*words).err
    assert [line for line in shown.splitlines() if "why:" in line] == [f"ringlet: why: {why}"] * bool(why)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("keychain", "set", "--label"), "ringlet keychain set"),
        (("leases", "renew", "--ttl"), "ringlet leases renew"),
        (("leases", "renew"), "ringlet leases renew"),
        (("run", "--purpose"), "ringlet run"),
    ],
)
def test_a_missing_value_names_the_help_of_its_own_command(home: Home, words: tuple[str, ...], command: str) -> None:
    assert f"hint: {command} --help\n" in home.here(*words).err


def test_a_command_without_dashes_before_it_is_told_with_them(home: Home) -> None:
    store_key(home)
    home.here("pools", "create", "images", "--provider", "anthropic")
    shown = home.here("pools", "claim", "--pool", "images", "stub-agent").err
    assert "hint: ringlet pools claim --pool images -- stub-agent\n" in shown
    shown = home.here("pools", "claim", "--pool", "images", "anthropic").err
    assert "hint: ringlet pools claim --pool images -- COMMAND [ARGS]\n" in shown


@pytest.mark.parametrize(("given", "found"), [("30", 30), ("1.5", 1.5), ("30s", 30), ("5m", 300), (0.5, 0.5)])
def test_times_to_wait_are_plain_seconds_or_lengths(given: str | float, found: float) -> None:
    assert seconds(given) == found


@pytest.mark.parametrize("given", ["", "soon", "5 m", "m", "x" * 100])
def test_what_is_no_time_is_told_and_nothing_long_is_repeated(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        seconds(given)
    assert "x" * 70 not in str(caught.value)


@pytest.mark.parametrize("given", ["30", "30s"])
def test_a_report_takes_either(home: Home, given: str) -> None:
    store_key(home)
    done = home.here("pools", "report", "anthropic", "default", "rate-limited", "--retry-after", given)
    assert (done.status, "resting until" in done.err) == (0, True)


def test_a_question_that_nobody_can_answer_is_told_in_good_english(home: Home) -> None:
    home.here("pools", "create", "IM", "--provider", "anthropic")
    assert "error: deleting the pool IM needs a yes\n" in home.here("pools", "delete", "IM").err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("keychian list --json", "ringlet keychain list --json"),
        ("-q keychain lst --provider openai", "ringlet -q keychain list --provider openai"),
        ("rnu work -- sh -c x", "ringlet run work -- sh -c x"),
        ("keychain ste anthropic sk-made-up-0123456789", "ringlet keychain --help"),
        ("keychain get anthropic", "ringlet keychain --help"),
        ("nothing-like-it", "ringlet --help"),
    ],
)
def test_a_command_that_is_nearly_right_is_told_whole(home: Home, words: str, hint: str) -> None:
    shown = home.here(*words.split()).err
    error, *_, last = (line for line in shown.replace('", "', '",\n"').splitlines())
    assert "Did you mean" not in error
    assert hint in last
    assert "made-up" not in shown


# what is typed, and what it is answered with
SLIPS = (
    ("keychian list", "'keychain'"),
    ("keychain list --jsno", "--json"),
    ("keychain status anthropic wrok", "anthropic/work"),
    ("keychain edit antropic work --label x", "anthropic/work"),
    ("keychain list --provider antropic", "'anthropic'"),
    ("keychain remove --where alias=wrok", "'work'"),
    ("keychain list --where lable=x", "'label'"),
    ("keychain set anthropic x --tier glod", "'gold'"),
    ("profiles create x --agent claud --provider anthropic", "'claude'"),
    ("profiles create x --agent claude --provider antropic", "'anthropic'"),
    (f"profiles create x {TOOL} --key-pool imags", "'images'"),
    ("profiles inspect toll", "'tool'"),
    ("run toll --dry-run", "'tool'"),
    ("run --key antropic/work -- true", "'anthropic'"),
    ("pools status imags", "'images'"),
    ("pools edit images --policy rnadom", "'random'"),
    ("tiers delete glod", "'gold'"),
    ("tokens rotate laptpo", "'laptop'"),
    ("tokens create two --scope provider=antropic", "'anthropic'"),
    ("tokens edit laptop --scope pool=imags", "'images'"),
    ("leases grant toll", "'tool'"),
    ("audit list --key antropic", "'anthropic'"),
    ("audit list --action token-craete", "'token-create'"),
    ("completion bahs", "'bash'"),
    ("config get credentials.bakend", "credentials.backend"),
    ("config set credentials.backend fiel", "'file'"),
    ("keychain move --to fiel", "'file'"),
    ("sealed rotate --to fiel", "'file'"),
)


def test_a_name_that_is_nearly_right_is_answered_with_the_one_that_is_meant(furnished: Home) -> None:
    missed = [words for words, meant in SLIPS if f"id you mean {meant}" not in furnished.here(*words.split()).err]
    assert missed == []


def test_data_is_written_in_ascii_where_the_encoding_has_no_other_character(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="latin-1", write_through=True))
    output.line("…wXyZ für 日本")
    assert written.getvalue() == "...wXyZ für \\u65e5\\u672c\n".encode("latin-1")
