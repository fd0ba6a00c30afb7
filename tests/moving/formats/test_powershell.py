from __future__ import annotations

import pytest

from ringlet_py.moving.formats.powershell import PowerShell
from tests.growth import grows_with_its_length
from tests.moving.formats.contract import FormatContract, check_cut


class TestPowerShell(FormatContract):
    format = PowerShell()
    texts = (
        "$env:A = \"a\"; ${env:B}='b' # c\nif ($x) { $env:C = 'c' }\n",
        "[Environment]::SetEnvironmentVariable('A', \"a\", 'User')\nSet-Item Env:B b\r\n<# $env:D = 'd' #>\n",
        "@'\n$env:A = 'a'\n'@ | x\n$env:A = \"a$b\"\n$env:B = $env:C = 'b'\n@{ x = 1 }\nsi -Path Env:\\C -Value 'c'\n",
        "$env:A = `\n  'a'\nWrite-Host $env:B\n$env:B='b'\n",
    )


@pytest.mark.parametrize(
    "text",
    [
        '$env:A = "a$b"\n',
        '$env:A = "a`n"\n',
        "$env:A = 'it''s'\n",
        "$env:A = 'a' + 'b'\n",
        "$env:A = ('a')\n",
        "$env:A =\n  'a'\n",
        "$env:A = 'a'\n  | Out-Null\n",
        "$env:A = 'a' |\n  Out-Null\n",
        "x = @( $env:A = 'a' )\n",
        "$env:A = 'a'\nWrite-Host $ENV:a\n",
        "$env:A = 'a'\nWrite-Host ${env:A}\n",
        "$env:A = 'a'\n[Environment]::GetEnvironmentVariable('A')\n",
        "$env:A = 'a'\n$env:A += 'b'\n",
        "[Environment]::SetEnvironmentVariable('A', $b)\n",
        "New-Item Env:A -Value a\n",
        "Set-Item -Force Env:A a\n",
        'Write-Host "unclosed\n$env:A = a\n',
        "cmd --% 'x\n$env:A = 'a'\n",
        "Write-Host \u201cx\u201d\n$env:A = 'a'\n",
    ],
)
def test_what_could_be_misread_is_not_certain(text: str):
    assert not [spot for spot in PowerShell().spots(text) if spot.name == "A" and spot.certain]


def test_the_files_that_it_reads_are_told_as_written():
    text = '. ~/keys.ps1\n. "$HOME/my keys.ps1"\n. $PSScriptRoot\\k.ps1\n. $file\n. (Join-Path a b)\n# . x.ps1\n'

    assert PowerShell().sourced(text) == ["~/keys.ps1", "$HOME/my keys.ps1", "$PSScriptRoot\\k.ps1"]


@pytest.mark.parametrize("blank", ["\n", "\r\n", " \n", "\n\r\r", "\n |", "<#\n"])
def test_blank_lines_take_no_longer_than_they_are_long(blank: str):
    assert grows_with_its_length(lambda count: PowerShell().spots("$env:A = 'a'" + blank * count), 2000)


def test_a_mark_stands_where_the_line_ends_that_blank_ones_follow():
    text = "x; $env:A = 'a'\n\n \n\r\ny\n"

    after = check_cut(PowerShell(), text, PowerShell().spots(text))

    assert after == "x;  # ringlet: A is made-up/a in the keychain (ringlet migrate undo)\n\n \n\r\ny\n"
