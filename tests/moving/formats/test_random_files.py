"""Random files, put together from lines that people write, read by the real shells before and after a random cut."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.formats import encoded
from ringlet_py.moving.formats.fish import Fish
from ringlet_py.moving.formats.posix import Posix
from tests.moving.formats.contract import certain, check_cut
from tests.moving.formats.real_shells import accepts, reads

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.moving.formats import Format

FILES = 40  # for each shell
# @ is an assignment of a new name, % a value
ASSIGNMENTS = ("@=%", "@='%'", '@="%"', "@=%", '@="%$HOME"', "@=%\\ x", "@=${NOTHING:-%}", "@=$(echo %)", "@=$'%'")
COMMANDS = (
    "export @",
    "export @ @",
    "export @ \\\n  @",
    "export X=$X. @",
    "@; export Y=$Y+",
    "@",
    "@ @",
    "readonly @",
    "echo 'a # b' \"c # d\" e#f",
    "@ true",
    "false",
    "true",
    'echo "status $?"',
    "[ -d / ]",
    "X=x$X",
    "export X Y",
    "echo ${X:-'a b'} \"${Y%'+'}\" `echo x` $((1 + 2))",
    "eval 'export @'",
    "! true",
)
LINES = (
    "{c}",
    "{c}",
    "  {c}  ",
    "{c} # it's {c}",
    "{c}; {c}",
    "{c}; {c};",
    "{c} && {c} || {c}",
    "{c} &&\n  {c}",
    "if {c}; then\n  {c}\nelse\n  {c}\nfi",
    "if {c}; then {c}; elif {c}\nthen {c}; else {c}; fi",
    "for i in 1 2; do\n  {c}\ndone",
    "for i in 1; do {c}; {c}; done",
    "while false; do {c}; done",
    "case x in\n  y) {c} ;;\n  (x|z)\n    {c}\n    {c};;\nesac",
    "case x in x) {c};; esac",
    "f() {{\n  {c}\n}}\nf",
    "f() {{ {c}; {c}; }}; f",
    "{{ {c}; }}",
    "( {c}; {c} )",
    "cat <<EOF; {c}\nexport @ it's\nEOF",
    "cat <<'E' && {c}\n$(\nE",
    "{c} | cat",
    "{c} >/dev/null",
    "# {c}",
    "",
    "{c} \\\n",
)
FISH_ASSIGNMENTS = ("@ %", "@ '%'", '@ "%"', "@ %$HOME", "@ % x", "@ (echo %)", "@ %\\ x")
FISH_COMMANDS = (
    "set -gx @",
    "set -x @",
    "set @",
    "set -gx X $X.",
    "set --global --export @",
    "true",
    "false",
    "echo $status",
    "echo 'a # b' \"c # d\" e#f (echo g; echo h)",
    "export @",
    "export E=x @",
    "set -q X",
)
FISH_LINES = (
    "{c}",
    "{c}",
    "  {c}  ",
    "{c} # it's {c}",
    "{c}; {c}",
    "{c}; {c};",
    "{c}; and {c}; or {c}",
    "{c}\nand echo yes # {c}\nor echo no",
    "{c} && {c} || {c}",
    "{c} &&\n  {c}",
    "if true; {c}; end",
    "if true\n  {c}\nelse if false\n  {c}\nelse\n  {c}\nend",
    "for i in 1 2\n  {c}\n  true\nend",
    "while false; {c}; end",
    "switch x\n  case y\n    {c}\n  case x\n    {c}\nend",
    "begin; {c}; end",
    "function f\n  {c}\n  true\nend\nf",
    "{c} | cat",
    "# {c}",
    "",
    "{c} \\\n",
)
FAMILIES: dict[str, tuple[Format, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "posix": (Posix(), ASSIGNMENTS, COMMANDS, LINES),
    "fish": (Fish(), FISH_ASSIGNMENTS, FISH_COMMANDS, FISH_LINES),
}


class Writer:
    """Writes random texts of one family."""

    def __init__(self, family: str, seed: str) -> None:
        _, self.assignments, self.commands, self.lines = FAMILIES[family]
        self.random = random.Random(seed)  # noqa: S311
        self.names = 0

    def text(self) -> str:
        lines = [self.line() for _ in range(self.random.randint(1, 8))]
        return "\n".join(lines) + self.random.choice(["\n", "\n", ""])

    def line(self) -> str:
        pieces = self.random.choice(self.lines).split("{c}")
        raw = [pieces[0], *(part for piece in pieces[1:] for part in (self.command(), piece))]
        return "".join(raw).replace("{{", "{").replace("}}", "}")

    def command(self) -> str:
        first, *rest = self.random.choice(self.commands).split("@")
        made = first + "".join(self.assignment() + piece for piece in rest)
        return re.sub(r"(export .*KEY_\d+) ", r"\1=", made)  # as fish's `set` has a blank where `export` has none

    def assignment(self) -> str:
        self.names += 1
        value = f"sk-made-up-{self.names}-0123456789abcdefABCDEF=="
        return self.random.choice(self.assignments).replace("@", f"KEY_{self.names}").replace("%", value)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(FILES))
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_real_shell_does_the_same_without_random_keys(shell: str, number: int, tmp_path: Path):
    family = "fish" if shell == "fish" else "posix"
    format_ = FAMILIES[family][0]
    writer = Writer(family, f"{family} {number}")
    text = writer.text()
    if shell == "sh":  # dash has no quotes of that kind
        text = text.replace("$'", "'")
    if not accepts(shell, encoded(text), tmp_path):
        pytest.skip("the shell finds the text wrong itself")
    spots = [spot for spot in certain(format_.spots(text)) if spot.name.startswith("KEY_")]
    cut = [spot for spot in spots if writer.random.random() < 0.6]
    names = tuple(spot.name for spot in cut)

    before = reads(shell, encoded(text), tmp_path, names)
    after_text = check_cut(format_, text, cut)
    assert accepts(shell, encoded(after_text), tmp_path)
    after = reads(shell, encoded(after_text), tmp_path, names)

    assert after.exported == {name: value for name, value in before.exported.items() if name.decode() not in names}
    assert (after.printed, after.status) == (before.printed, before.status)
    assert "=set" not in after.named
    told = {spot.name: spot.value.reveal() for spot in spots}
    given = {name.decode(): value.decode() for name, value in before.exported.items()}
    assert {name: given[name] for name in told if name in given} == {name: told[name] for name in told if name in given}
