from __future__ import annotations

import pytest

from ringlet_py.moving.formats.nushell import Nushell
from tests.moving.formats.contract import FormatContract


class TestNushell(FormatContract):
    format = Nushell()
    texts = (
        "$env.A = \"a\"; $env.B = 'b' # c\n  $env.C = 'c'\n",
        'load-env { A: "a", B: \'b\' }\nload-env {\r\n  C: \'c\'\r\n "D": "d",\r\n}\n',
        "if true {\n  $env.A = 'a'\n}\n$env.A = $'x'\necho $env.B; $env.B = 'b'\nwith-env {X: 'b'} { x }\n",
        "def f [] {\n $env.A = r#'\n",
    )


@pytest.mark.parametrize(
    "text",
    [
        '$env.A = "a\\nb"\n',
        "$env.A = a\n",
        "$env.A = `a`\n",
        '$env.A = $"a"\n',
        "$env.A = ('a')\n",
        "$env.A = 'a' ++ 'b'\n",
        "$env.A = 'a'\n  | str trim\n",
        "do { $env.A = 'a' }\n",
        "$env.A = 'a'\nprint $env.A\n",
        "$env.A = 'a'\nprint $env.A?\n",
        "with-env { A: 'a' } { x }\n",
        "A='a' x\n",
        "if x { load-env { A: 'a' } }\n",
        'echo \'unclosed\n$env.A = "a"\n',
        "echo r#'raw'#\n$env.A = 'a'\n",
    ],
)
def test_what_could_be_misread_is_not_certain(text: str):
    spots = [spot for spot in Nushell().spots(text) if spot.name == "A"]

    assert spots
    assert not [spot for spot in spots if spot.certain]


def test_the_files_that_it_reads_are_told_as_written():
    text = "source ~/.zoxide.nu\nsource-env 'my env.nu'\nuse ./keys.nu\nuse std\nsource $file\n# source x.nu\n"

    assert Nushell().sourced(text) == ["~/.zoxide.nu", "my env.nu", "./keys.nu"]
