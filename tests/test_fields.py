from __future__ import annotations

import datetime as dt
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py import fields
from ringlet_py.catalog import Catalog
from ringlet_py.entry import FIELDS, Address, Entry, utc
from ringlet_py.errors import InvalidField, InvalidName, LimitInvalid, UsageError
from ringlet_py.testing import START

PROVIDERS = Catalog("/nowhere").providers
NOW = 1_795_000_000.0  # 2026-11-18T11:06:40Z
TEXTS = ("label", "org", "source", "login", "batch")
KEY = "sk-ant-api03-" + "a1" * 20


def checked(**given: Any) -> dict[str, Any]:
    return fields.checked(given, providers=PROVIDERS, now=NOW)


def entry(name: str = "openai/a", **said: Any) -> Entry:
    return Entry(Address.parse(name), backend="file", **said)


class TestTexts:
    @pytest.mark.parametrize("text", ["acme", "Acme Inc. (EU)", "ops@acme.example", "Grüße", "x" * 200, "a=b;c"])
    def test_are_taken_as_they_are(self, text: str) -> None:
        given = dict.fromkeys(TEXTS, text)

        assert checked(**given) == given

    @pytest.mark.parametrize("name", TEXTS)
    @pytest.mark.parametrize("text", ["a\nb", "a\0", "\x1b[31m", "a\u202eb", "x" * 201])
    def test_of_several_lines_or_too_long_are_refused(self, name: str, text: str) -> None:
        with pytest.raises(InvalidField, match=f"the {name} "):
            checked(**{name: text})

    @pytest.mark.parametrize("name", [*TEXTS, "owner", "tier", "expires_at", "max_uses", "base_url", "weight"])
    @pytest.mark.parametrize("text", [KEY, f"my key {KEY}", f"https://x.example/{KEY}", f"user:{KEY}", f"k={KEY}"])
    def test_that_look_like_a_key_are_refused_and_never_repeated(self, name: str, text: str) -> None:
        with pytest.raises(InvalidField, match="looks like a key") as raised:
            checked(**{name: text})

        problem = raised.value
        assert KEY not in f"{problem.what}{problem.why}{problem.hint}"

    @pytest.mark.parametrize("name", [name for name in FIELDS if isinstance(FIELDS[name], str)] + ["weight"])
    def test_an_empty_one_takes_the_field_back(self, name: str) -> None:
        assert checked(**{name: ""}) == {name: FIELDS[name]}


class TestOtherTypes:
    @pytest.mark.parametrize(("given", "weight"), [(2, 2.0), (0.5, 0.5), (1_000_000, 1_000_000.0), ("3", 3.0)])
    def test_a_weight_may_be_a_number(self, given: object, weight: float) -> None:
        found = checked(weight=given)["weight"]
        assert (found, type(found)) == (weight, float)

    @pytest.mark.parametrize("given", [0, -1, 0.0, math.inf, math.nan, 1_000_001, 10**400, True, (), b"1"])
    def test_a_weight_that_cannot_be_is_refused(self, given: object) -> None:
        with pytest.raises(InvalidField, match="weight"):
            checked(weight=given)

    @pytest.mark.parametrize(
        ("given", "active"), [(True, True), (False, False), ("yes", True), ("no", False), ("", True)]
    )
    def test_active_is_a_bool_or_yes_or_no(self, given: object, active: bool) -> None:  # noqa: FBT001 - a case
        assert checked(active=given)["active"] is active

    @pytest.mark.parametrize("given", ["perhaps", "0", 0, 1, None, "NO"])
    def test_active_is_nothing_else(self, given: object) -> None:
        with pytest.raises(InvalidField, match="active"):
            checked(active=given)

    @pytest.mark.parametrize("name", [*TEXTS, "owner", "tier", "expires_at", "max_uses", "base_url", "weight"])
    @pytest.mark.parametrize("given", [None, [KEY], {KEY: 1}, KEY.encode(), True, object()])
    def test_what_is_no_text_is_refused_and_not_repeated(self, name: str, given: object) -> None:
        with pytest.raises(InvalidField, match=fields.written(name)) as raised:
            checked(**{name: given})

        problem = raised.value
        assert KEY not in f"{problem.what}{problem.why}{problem.hint}"

    def test_none_is_refused_with_the_way_to_take_a_field_back(self) -> None:
        with pytest.raises(InvalidField, match="the owner is None") as raised:
            checked(owner=None)
        assert raised.value.hint == 'leave it out, or take it back with ""'


class TestExpiry:
    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("30d", "2026-12-18T11:06:40.000Z"),
            ("1w", "2026-11-25T11:06:40.000Z"),
            ("1h30m", "2026-11-18T12:36:40.000Z"),
            ("1s", "2026-11-18T11:06:41.000Z"),
            ("2027-06-15", "2027-06-15T23:59:59.999Z"),
            ("2026-11-18", "2026-11-18T23:59:59.999Z"),
            ("2028-02-29", "2028-02-29T23:59:59.999Z"),
            ("2027-06-15T12:00:00Z", "2027-06-15T12:00:00.000Z"),
            ("2027-06-15T12:00:00.123456+02:00", "2027-06-15T10:00:00.123Z"),
            ("never", ""),
        ],
    )
    def test_is_stored_as_a_moment_in_utc(self, text: str, moment: str) -> None:
        assert fields.expiry(text, NOW) == moment

    @pytest.mark.parametrize("text", ["0d", "2026-11-17", "2020-01-01T00:00:00Z", "2026-11-18T11:06:40Z"])
    def test_that_is_past_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidField, match="is past"):
            fields.expiry(text, NOW)

    @pytest.mark.parametrize(
        "text",
        ["soon", "30", "-1d", "30 d", "1.5d", "30y", "2027-13-01", "2027-02-29", "١d", "Never", "d", "tomorrow"],  # noqa: RUF001
    )
    def test_that_is_none_is_refused_with_examples(self, text: str) -> None:
        with pytest.raises(InvalidField, match="is no expiry") as raised:
            fields.expiry(text, NOW)
        assert raised.value.hint == "for example 30d, 12h, 2027-06-15, 2027-06-15T12:00:00Z or never"

    @pytest.mark.parametrize("text", ["2027-06-15T12:00:00", "20270615"])
    def test_without_a_zone_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidField) as raised:
            fields.expiry(text, NOW)
        assert raised.value.why == "a time needs its zone"

    @pytest.mark.parametrize("text", ["999999999d", "9999-12-31T23:00:00-05:00"])
    def test_beyond_the_calendar_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidField, match="beyond the calendar"):
            fields.expiry(text, NOW)

    @given(st.datetimes(dt.datetime(2026, 12, 1), dt.datetime(9999, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001
    def test_every_moment_to_come_is_what_utc_writes(self, moment: dt.datetime) -> None:
        found = fields.expiry(moment.isoformat(), NOW)

        assert len(found) == len(utc(NOW))
        assert abs(dt.datetime.fromisoformat(found) - moment) < dt.timedelta(milliseconds=1)

    @given(st.text(max_size=20))
    def test_any_other_text_is_refused_in_our_words(self, text: str) -> None:
        with suppress(InvalidField):
            found = fields.expiry(text, NOW)
            assert found == "" or found > utc(NOW)


class TestOthers:
    @pytest.mark.parametrize("owner", ["everyone", "user:42", "user:alice@example.com", "channel:#general", "user:a:b"])
    def test_an_owner_is_taken(self, owner: str) -> None:
        assert checked(owner=owner) == {"owner": owner}

    @pytest.mark.parametrize(
        ("owner", "why"),
        [
            ("everyon", "did you mean 'everyone'?"),
            ("usr:42", "did you mean 'user'?"),
            ("chanel:42", "did you mean 'channel'?"),
            ("user:", "an ID has no blank and no slash, and is not empty"),
            ("user:a b", "an ID has no blank and no slash, and is not empty"),
            ("user", ""),
            ("42", ""),
        ],
    )
    def test_what_is_none_is_refused(self, owner: str, why: str) -> None:
        with pytest.raises(InvalidField, match="is no owner") as raised:
            checked(owner=owner)
        assert raised.value.why == why

    @pytest.mark.parametrize(("text", "weight"), [("1", 1.0), ("2.5", 2.5), ("1e3", 1000.0)])
    def test_a_weight_is_a_number(self, text: str, weight: float) -> None:
        assert checked(weight=text) == {"weight": weight}

    @pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e99", "much"])
    def test_above_nothing_and_below_infinity(self, text: str) -> None:
        with pytest.raises(InvalidField, match="is no weight"):
            checked(weight=text)

    def test_uses_are_a_rate(self) -> None:
        assert checked(max_uses="1000/30d") == {"max_uses": "1000/30d"}
        assert checked(max_uses="1000") == {"max_uses": "1000"}
        with pytest.raises(LimitInvalid):
            checked(max_uses="0/day")

    @pytest.mark.parametrize("url", ["http://evil.example", "ftp://x.example", "https://u:p@x.example", "x.example"])
    def test_a_base_url_is_https_or_on_loopback(self, url: str) -> None:
        assert checked(base_url="https://git.example/api/") == {"base_url": "https://git.example/api"}
        assert checked(base_url="http://127.0.0.1:8080") == {"base_url": "http://127.0.0.1:8080"}
        with pytest.raises(InvalidField):
            checked(base_url=url)

    def test_a_tier_is_a_name(self) -> None:
        with pytest.raises(InvalidName, match="tier"):
            checked(tier="a b")


class TestFilters:
    @pytest.mark.parametrize(
        ("text", "fits"),
        [
            ("provider=openai", True),
            ("provider=open", False),
            ("alias=a", True),
            ("backend=file", True),
            ("org=acme", True),
            ("org=", False),
            ("login=", True),
            ("owner=everyone", True),
            ("active=yes", True),
            ("active=false", False),
            ("expired=no", True),
            ("expires=2027", True),
            ("expires=2027-06-1", True),
            ("expires_at=2028", False),
            ("expires=never", False),
            ("created=", True),
            ("weight=2", True),
            ("weight=2.0", False),
            ("max-uses=10/1d", False),
            ("max_uses=", True),
            ("secret=webhook", True),
            ("secret=web", False),
            ("secrets=", False),
        ],
    )
    def test_every_field_can_be_asked_for(self, text: str, *, fits: bool) -> None:
        one = entry(org="acme", expires_at="2027-06-15T23:59:59.999Z", weight=2.0, secrets=("webhook", "x"))

        assert bool(fields.chosen([one], [fields.parse_filter(text)], now=START)) is fits

    @pytest.mark.parametrize("name", fields.FILTERS)
    def test_each_of_them_is_understood(self, name: str) -> None:
        assert fields.parse_filter(f"{name}=no").field == name

    def test_all_filters_must_fit(self) -> None:
        entries = [entry("a/x", org="o"), entry("b/x", org="o"), entry("b/y")]
        wanted = [fields.parse_filter("org=o"), fields.parse_filter("provider=b")]

        assert [str(one.address) for one in fields.chosen(entries, wanted, now=START)] == ["b/x"]

    def test_an_expired_key_is_found(self) -> None:
        one = entry(expires_at="2020-01-01T00:00:00.000Z")

        assert fields.chosen([one, entry()], [fields.parse_filter("expired=yes")], now=START) == [one]

    @pytest.mark.parametrize(
        ("text", "what", "why"),
        [
            ("orgs=x", "there is no field 'orgs'", "did you mean 'org'?"),
            ("lable=x", "there is no field 'lable'", "did you mean 'label'?"),
            ("fingerprint=x", "there is no field 'fingerprint'", ""),
            ("org", "the filter on org says no value", ""),
            ("active=maybe", "active is yes or no", ""),
        ],
    )
    def test_a_slip_is_refused(self, text: str, what: str, why: str) -> None:
        with pytest.raises(UsageError) as raised:
            fields.parse_filter(text)

        assert raised.value.what.startswith(what)
        assert not why or raised.value.why == why

    def test_a_key_in_the_place_of_a_field_is_not_repeated(self) -> None:
        with pytest.raises(UsageError) as raised:
            fields.parse_filter(KEY)
        assert KEY not in raised.value.what


def test_differences_are_in_peoples_words_and_leave_the_fingerprint_out() -> None:
    before = entry(label="x", fingerprint="1")
    after = entry(active=False, expires_at="2027-06-15T23:59:59.999Z", secrets=("a", "b"), fingerprint="2", weight=3.0)

    assert fields.differences(before, after) == [
        ("label", "x", ""),
        ("expires", "never", "2027-06-15T23:59:59.999Z"),
        ("active", "yes", "no"),
        ("weight", "1", "3"),
        ("secret", "", "a, b"),
    ]
