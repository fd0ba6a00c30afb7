from __future__ import annotations

import pytest

from ringlet_py.document import Source, Table
from ringlet_py.errors import ConfigError, ProfileInvalid


def root(text: str, error: type[ConfigError] = ConfigError) -> Table:
    return Source(path="/c.toml", text=text, error=error).root()


def test_values_come_out_with_their_types() -> None:
    table = root('t = "x"\nf = true\nn = 3\nl = ["a", "b"]\n[m]\nk = "v"\n')

    assert (table.text("t"), table.flag("f"), table.number("n", 0), table.texts("l")) == ("x", True, 3, ("a", "b"))
    assert table.mapping("m") == {"k": "v"}
    table.done()


def test_what_is_missing_takes_its_default() -> None:
    table = root("")

    assert (table.text("t", "d"), table.flag("f"), table.number("n", 7), table.texts("l")) == ("d", False, 7, ())
    assert table.mapping("m") == {}
    assert table.tables("s") == ()


def test_what_is_missing_without_a_default_is_an_error() -> None:
    with pytest.raises(ConfigError, match="'agent' is missing"):
        root("").text("agent")


def test_an_unknown_key_is_an_error_with_its_line_and_the_near_miss() -> None:
    table = root('[credentials]\n\nbackand = "file"\n').table("credentials")
    table.text("backend", "")

    with pytest.raises(ConfigError, match=r"/c.toml, line 3: 'backand' is not known in \[credentials\]") as raised:
        table.done()
    assert raised.value.why == "did you mean 'backend'?"


def test_an_unknown_value_is_an_error_with_the_near_miss() -> None:
    with pytest.raises(ConfigError, match="line 1") as raised:
        root('backend = "sistem"').choice("backend", ("system", "file"), "system")
    assert raised.value.why == "did you mean 'system'?"


@pytest.mark.parametrize(
    ("text", "getter"),
    [
        ("k = 1", "text"),
        ('k = "x"', "flag"),
        ('k = "x"', "texts"),
        ("k = [1]", "texts"),
        ("k = 1", "mapping"),
        ("k = {a = 1}", "mapping"),
        ("k = [1]", "tables"),
        ("k = 1", "table"),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error(text: str, getter: str) -> None:
    with pytest.raises(ConfigError, match="must be"):
        getattr(root(text), getter)("k")


@pytest.mark.parametrize("text", ["n = true", "n = 2", "n = -1", "n = 1.5"])
def test_a_number_must_be_whole_and_large_enough(text: str) -> None:
    with pytest.raises(ConfigError, match="'n' must be a whole number"):
        root(text).number("n", 5, least=3)


def test_what_does_not_parse_is_an_error_with_line_and_column() -> None:
    with pytest.raises(ProfileInvalid, match=r"/c\.toml is not valid TOML") as raised:
        root("a = \n", ProfileInvalid)
    assert "line 1, column 5" in raised.value.why


def test_a_list_of_tables_is_read_one_by_one() -> None:
    tables = root('[[shapes]]\nshape = "a"\n[[shapes]]\nshape = "b"\n').tables("shapes")

    assert [table.text("shape") for table in tables] == ["a", "b"]
