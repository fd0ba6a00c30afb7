from __future__ import annotations

import pytest

from ringlet_py.moving.formats.powershell import PowerShell
from tests.moving.formats.contract import FormatContract


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
