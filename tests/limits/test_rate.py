from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.errors import LimitInvalid, UsageError
from ringlet_py.limits import Rate
from ringlet_py.limits.calendars import DAY
from ringlet_py.limits.rate import LONGEST_WINDOW, MOST

ZONES = ["UTC", "America/Los_Angeles", "Etc/GMT+8", "America/Argentina/Buenos_Aires"]

amounts = st.integers(1, MOST)
sliding = st.builds(Rate, amount=amounts, window=st.integers(1, LONGEST_WINDOW))
calendar = st.builds(
    Rate, amount=amounts, calendar=st.sampled_from(["day", "week", "month"]), zone=st.sampled_from(ZONES)
)
rates = st.one_of(sliding, calendar, st.builds(Rate, amount=amounts))


@given(rates)
def test_a_rate_is_parsed_from_what_it_is_written_as(rate: Rate):
    assert Rate.parse(str(rate)) == rate
    assert hash(Rate.parse(str(rate))) == hash(rate)


@pytest.mark.parametrize(
    ("text", "milliseconds", "written"),
    [
        ("10/second", 1000, "10/second"),
        ("10/s", 1000, "10/second"),
        ("10/minutes", 60_000, "10/minute"),
        ("10/m", 60_000, "10/minute"),
        ("10/1h", 3_600_000, "10/hour"),
        ("10/d", DAY, "10/day"),
        ("10/24h", DAY, "10/day"),
        ("10/7d", 7 * DAY, "10/week"),
        ("10/2weeks", 14 * DAY, "10/14d"),
        ("1000/30d", 30 * DAY, "1000/30d"),
        ("10/90m", 5_400_000, "10/90m"),
        ("5/1.5s", 1500, "5/1.5s"),
        ("5/0.001s", 1, "5/0.001s"),
        ("5/1.50h", 5_400_000, "5/90m"),
        ("5/0.0025m", 150, "5/0.15s"),
        ("1/3650d", LONGEST_WINDOW, "1/3650d"),
    ],
)
def test_a_window_is_exact_and_written_in_its_plainest_form(text: str, milliseconds: int, written: str):
    rate = Rate.parse(text)

    assert (rate.window, rate.calendar, rate.zone) == (milliseconds, "", "")
    assert str(rate) == written


@pytest.mark.parametrize(("text", "unit"), [("5/day@UTC", "day"), ("5/w@UTC", "week"), ("5/months@UTC", "month")])
def test_a_zone_makes_a_calendar_window(text: str, unit: str):
    rate = Rate.parse(text)

    assert (rate.window, rate.calendar, rate.zone) == (0, unit, "UTC")
    assert not rate.is_lifetime


def test_an_amount_alone_is_for_a_lifetime():
    assert Rate.parse("1000") == Rate(amount=1000)
    assert Rate.parse("1000").is_lifetime


WRONG = [
    ("", "no amount"),
    ("/minute", "no amount"),
    ("0/minute", "between 1 and"),
    ("0", "between 1 and"),
    ("1000000001/day", "between 1 and"),
    ("9" * 5000, "between 1 and"),
    ("-1/minute", "whole number"),
    ("+1/minute", "whole number"),
    ("1.5/minute", "whole number"),
    ("1e3/minute", "whole number"),
    ("nan/minute", "whole number"),
    ("inf", "whole number"),
    ("١٠/minute", "whole number"),  # noqa: RUF001
    (" 10/minute", "whole number"),
    ("1_000/day", "digits alone"),
    ("1,000/day", "digits alone"),
    ("10/", "not a unit"),
    ("10/1.", "not a unit"),
    ("10/.5s", "not a unit"),
    ("10/0s", "no length"),
    ("10/0.0s", "no length"),
    ("10/30", "no unit"),
    ("10/nan", "no unit"),
    ("10/-5s", "no unit"),
    ("10/1e3s", "no unit"),
    ("10/٣٠d", "no unit"),  # noqa: RUF001
    ("10/minute ", "no unit"),
    ("10/minute\n", "no unit"),
    ("10/month", "time zone"),
    ("10/0.0005s", "finer than a millisecond"),
    ("10/1.0001s", "finer than a millisecond"),
    ("10/3651d", "10 years"),
    ("10/" + "9" * 20 + "d", "10 years"),
    ("10/" + "9" * 5000 + "d", "digits"),
    ("10/hour@UTC", "none of the calendar's"),
    ("10/m@UTC", "none of the calendar's"),
    ("10/30d@UTC", "none of the calendar's"),
    ("10/@UTC", "none of the calendar's"),
]


@pytest.mark.parametrize(("text", "what"), WRONG, ids=lambda value: value[:20])
def test_what_cannot_be_a_rate_is_refused_and_says_why(text: str, what: str):
    with pytest.raises(LimitInvalid) as caught:
        Rate.parse(text)

    assert what in str(caught.value)
    assert caught.value.hint
    assert isinstance(caught.value, UsageError)


@given(st.one_of(st.text(max_size=40), st.text(st.sampled_from("0123456789./@smhdw-+e_,UTCdaynomth"), max_size=20)))
def test_any_text_is_a_rate_that_can_be_written_back_or_is_refused(text: str):
    try:
        rate = Rate.parse(text)
    except LimitInvalid as error:
        refusal = str(error)
    else:
        assert Rate.parse(str(rate)) == rate
        return

    assert refusal.isascii()
    assert refusal.isprintable()


@pytest.mark.parametrize(
    ("text", "near"), [("10/minut", "minute"), ("10/min", "minute"), ("10/Days", "days"), ("10/30secnds", "seconds")]
)
def test_a_mistyped_unit_finds_the_one_that_was_meant(text: str, near: str):
    with pytest.raises(LimitInvalid) as caught:
        Rate.parse(text)

    assert caught.value.why == f"did you mean {near!r}?"


@pytest.mark.parametrize(
    ("zone", "near"),
    [
        ("America/Los_Angles", "America/Los_Angeles"),
        ("america/los_angeles", "America/Los_Angeles"),
        ("Los_Angeles", "America/Los_Angeles"),
        ("Europe/Berln", "Europe/Berlin"),
        ("utc", "UTC"),
    ],
)
def test_a_mistyped_zone_finds_the_one_that_was_meant(zone: str, near: str):
    with pytest.raises(LimitInvalid) as caught:
        Rate.parse(f"100/day@{zone}")

    assert caught.value.why == f"did you mean {near!r}?"


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "America",
        "Mars/Phobos",
        "/etc/passwd",
        "../../etc/passwd",
        "UTC/../UTC",
        "right/UTC",
        "posix/UTC",
        "localtime",
        "UTC\0",
        "UTC\n",
        "Ü",
        "A" * 5000,
    ],
)
def test_what_names_no_zone_of_the_database_is_refused(zone: str):
    with pytest.raises(LimitInvalid, match="there is no time zone"):
        Rate.parse(f"100/day@{zone}")


def test_a_machine_without_zones_says_how_to_get_them_and_still_knows_utc(monkeypatch: pytest.MonkeyPatch):
    def gone(name: str) -> None:
        raise FileNotFoundError(name)

    monkeypatch.setattr("ringlet_py.limits.calendars.ZoneInfo", gone)
    monkeypatch.setattr("ringlet_py.limits.calendars.available_timezones", set)

    assert str(Rate.parse("100/day@UTC")) == "100/day@UTC"
    with pytest.raises(LimitInvalid) as caught:
        Rate.parse("100/day@Europe/Berlin")
    assert "tzdata" in caught.value.hint


def test_a_key_pasted_in_a_rates_place_is_not_shown():
    pasted = "0123456789abcdefghij" * 2
    for text in (pasted, f"10/{pasted}", f"10/day@{pasted}", f"10/day@A{pasted}", f"10/x{pasted}"):
        with pytest.raises(LimitInvalid) as caught:
            Rate.parse(text)

        assert "0123456789" not in str(caught.value) + caught.value.why + caught.value.hint


def test_rates_are_sorted_by_window_and_then_amount():
    texts = ["5/hour", "10/minute", "7/hour", "2/second"]

    assert [str(rate) for rate in sorted(map(Rate.parse, texts))] == ["2/second", "10/minute", "5/hour", "7/hour"]


def test_a_rate_never_changes():
    rate = Rate.parse("10/minute")

    with pytest.raises(dataclasses.FrozenInstanceError):
        rate.amount = 20  # type: ignore[misc]


@pytest.mark.parametrize("fields", [{"amount": 0}, {"amount": -1}, {"amount": 1, "window": -1}, {"amount": MOST + 1}])
def test_a_rate_out_of_range_cannot_be_made_otherwise_either(fields: dict[str, int]):
    with pytest.raises(LimitInvalid):
        Rate(**fields)  # type: ignore[arg-type]
