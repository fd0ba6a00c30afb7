from __future__ import annotations

import tomllib
import traceback

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.errors import CatalogInvalid, ConfigError
from ringlet_py.files import toml, toml_editing

COMMENTED = """\
# my keys
[anthropic.work]  # the firm's
key = "a" # mine
note = "x"

# OpenAI, paid by Bob
[openai.default]
key = "b"
# below b
[anthropic.home]
key = "c"

# the end
"""

names = st.text(st.sampled_from("ab.-_"), min_size=1, max_size=4)
tables = st.tuples(names, names)
values = st.text(max_size=8).filter(lambda text: text.isprintable())
documents = st.dictionaries(
    names, st.dictionaries(names, st.dictionaries(names | st.just("key"), values, max_size=3), max_size=3), max_size=3
)
mangled = st.tuples(documents.map(tomlkit.dumps), st.integers(0, 200), st.text("[]\"'#=.\nab{}", max_size=3)).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
)


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.lstrip().startswith("#")]


class TestParsing:
    def test_gives_plain_data(self):
        assert toml.parse('a = 1\n[b]\nc = "d"', "config.toml") == {"a": 1, "b": {"c": "d"}}

    @pytest.mark.parametrize(
        "text", ["a =", "a = 1\nb = [", '"', "[a]\n[a]", "a = " + "9" * 5000, "a = " + "[" * 20000, "\ufeffa = 1"]
    )
    def test_what_is_no_toml_is_an_error_with_file_and_place(self, text: str):
        with pytest.raises(ConfigError) as caught:
            toml.parse(text, "config.toml")

        assert "config.toml" in str(caught.value)
        assert caught.value.why

    def test_the_line_and_column_are_said(self):
        with pytest.raises(ConfigError) as caught:
            toml.parse("a = 1\nb = ?", "config.toml")

        assert "line 2, column 5" in caught.value.why

    def test_the_error_asked_for_is_raised(self):
        with pytest.raises(CatalogInvalid):
            toml.parse("=", "x.toml", error=CatalogInvalid)

    def test_the_parsers_exception_is_not_chained(self):
        with pytest.raises(ConfigError) as caught:
            toml.parse("=", "x.toml")

        assert caught.value.__context__ is None
        assert "TOMLDecodeError" not in "".join(traceback.format_exception(caught.value))


class TestThePlaceOfAnError:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("", ""),
            ("a = 1", ""),
            ("a = 1\nb = ?", "line 2, column 5"),
            ('[a]\nkey = "sk-canary\n', "line 2, column 17"),
            ('key = "sk-canary', "end of document"),
            ("a = " + "9" * 5000, "unknown place"),
            ("a = " + "[" * 20000, "unknown place"),
        ],
    )
    def test_is_said_without_quoting(self, text: str, place: str):
        assert toml.place_of_error(text) == place

    @given(st.text(st.sampled_from("[]ab\"'#=.\n\\{},1 "), max_size=30))
    def test_is_said_exactly_for_what_does_not_parse(self, text: str):
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            assert toml.place_of_error(text)
        else:
            assert toml.place_of_error(text) == ""


class TestLineOf:
    @pytest.mark.parametrize(
        ("key", "table", "line"),
        [
            ("key", "anthropic.work", 3),
            ("note", "anthropic.work", 4),
            ("key", "anthropic.home", 11),
            ("work", "anthropic", 2),
            ("note", "openai.default", 0),
            ("none", "", 0),
        ],
    )
    def test_is_the_line_in_that_table(self, key: str, table: str, line: int):
        assert toml.line_of(COMMENTED, key, table=table) == line

    @pytest.mark.parametrize("header", ['[a."b.c"]', "[a.'b.c']", '[ "a" . "b.c" ]', "[[a.b.c]]"])
    def test_quotes_and_blanks_in_headers_do_not_matter(self, header: str):
        assert toml.line_of(f"{header}\n'key' = 1", "key", table="a.b.c") == 2


class TestSettingAValue:
    def test_changes_that_value_and_nothing_else(self):
        edited = toml_editing.with_value(COMMENTED, ("anthropic", "work"), "key", "new")

        assert edited == COMMENTED.replace('"a"', '"new"')

    def test_a_new_table_comes_last(self):
        edited = toml_editing.with_value(COMMENTED, ("groq", "a.b"), "key", "new")

        assert edited == COMMENTED + '\n[groq."a.b"]\nkey = "new"\n'

    def test_a_table_without_the_key_gets_it(self):
        edited = toml_editing.with_value('[a.b] # c\nnote = "n"\n', ("a", "b"), "key", "new")

        assert edited == '[a.b] # c\nkey = "new"\nnote = "n"\n'

    def test_the_first_text_is_one_table(self):
        assert toml_editing.with_value("", ("a", "b"), "key", "new") == '[a.b]\nkey = "new"\n'

    @pytest.mark.parametrize(
        "text",
        [
            "[a.b]",
            "# only a comment",
            "[ 'a' . b ] # c\n'key' = 'old' # d\n",
            '[a.b]\nkey = """\n[a.b]\nkey = "fake"\n"""\n',
            '[a.c]\nnote = """\n[a.b]\nkey = "fake"\n"""\n',
            '[x.y]\nn = [\n[1],\n]\n[a.b]\nkey = "old"',
            'a = {b = {key = "old"}} # c\n',
            'a = {c = {key = "old"}} # c\n',
            'a.b.key = "old" # c\n',
            '[a]\nb = {key = "old"} # c\n',
            '[a]\nb.key = "old" # c\n',
            '[a.b]\r\nkey = "old"\r\n# c\r\n',
            "[a.c]\nx = nan\ny = 1e400\n",
            "[a.b]\nkey = 3\n",
            "[a.b.c]\nkey = 'deeper'\n",
        ],
    )
    def test_however_the_text_is_written(self, text: str):
        edited = toml_editing.with_value(text, ("a", "b"), "key", "new")

        assert tomllib.loads(edited)["a"]["b"]["key"] == "new"
        assert comments(edited) == comments(text)

    @given(documents | mangled, tables, values)
    def test_is_that_change_of_the_data_or_an_error(self, source: object, table: tuple[str, str], value: str):
        text = source if isinstance(source, str) else tomlkit.dumps(source)  # type: ignore[arg-type]
        try:
            wanted = tomllib.loads(text)
            wanted.setdefault(table[0], {}).setdefault(table[1], {})["key"] = value
        except (ValueError, TypeError, AttributeError):
            return
        try:
            edited = toml_editing.with_value(text, table, "key", value)
        except ConfigError:
            assert isinstance(source, str), "a document that is only tables can be edited"
        else:
            assert tomllib.loads(edited) == wanted

    @pytest.mark.parametrize("text", ["a = 1\n", '[a]\nb = "x"\n', "[[a.b]]\nkey = 'x'\n"])
    def test_what_cannot_be_edited_is_an_error(self, text: str):
        with pytest.raises(ConfigError, match="cannot be edited"):
            toml_editing.with_value(text, ("a", "b"), "key", "new")


class TestDroppingATable:
    def test_takes_its_lines_and_no_comment(self):
        edited = toml_editing.without_table(COMMENTED, ("anthropic", "work"))

        assert comments(edited) == comments(COMMENTED)
        assert "# OpenAI, paid by Bob\n[openai.default]" in edited
        assert tomllib.loads(edited) == {"openai": {"default": {"key": "b"}}, "anthropic": {"home": {"key": "c"}}}

    def test_the_last_leaves_nothing(self):
        assert toml_editing.without_table('[a.b]\nkey = "x"\n', ("a", "b")) == ""

    @given(st.lists(tables, unique=True, max_size=6), st.randoms())
    def test_tables_made_can_be_dropped_in_any_order(self, made: list[tuple[str, str]], random: object):
        text = "# first\n"
        for table in made:
            text = toml_editing.with_value(text, table, "key", "x")
        random.shuffle(made)  # type: ignore[attr-defined]
        for table in made:
            text = toml_editing.without_table(text, table)

        assert text.rstrip("\n") == "# first"

    @pytest.mark.parametrize(
        "text",
        [
            'a = {b = {key = "old"}, c = {}} # c\n',
            'a.b.key = "old" # c\n',
            '[a]\nb = {key = "old"}\n# c\n',
            '[a.b]\nkey = """\n[a.b]\nkey = "fake"\n"""\n# c\n',
            '[a.b]\nlist = [\n  "x",\n]\nkey = "old"\n# c\n',
            '[a.b]\r\nkey = "old"\r\n# c\r\n',
        ],
    )
    def test_however_the_text_is_written(self, text: str):
        edited = toml_editing.without_table(text, ("a", "b"))

        assert "b" not in tomllib.loads(edited).get("a", {})

    @given(documents, st.randoms())
    def test_is_that_change_of_the_data(self, wanted: dict[str, dict[str, object]], random: object):
        text = tomlkit.dumps(wanted)
        there = [(outer, inner) for outer in wanted for inner in wanted[outer]]
        if not there:
            return
        outer, inner = random.choice(there)  # type: ignore[attr-defined]
        del wanted[outer][inner]
        if not wanted[outer]:
            del wanted[outer]

        edited = tomllib.loads(toml_editing.without_table(text, (outer, inner)))

        assert edited == {name: table for name, table in wanted.items() if table or name in edited}


class TestEditing:
    def test_comments_and_order_are_kept(self):
        assert toml_editing.dump(toml_editing.edit(COMMENTED)) == COMMENTED

    @pytest.mark.parametrize("text", ["=", "a = 1\na = 2", "[a]\n[a]"])
    def test_what_cannot_be_edited_is_an_error_without_the_text(self, text: str):
        with pytest.raises(ConfigError) as caught:
            toml_editing.edit(text)

        assert caught.value.__context__ is None
