"""The world that launches are measured in: an installed ringlet, a throw-away home for each backend, a made-up key."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sysconfig
import time
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parent.parent
ADDRESS = "anthropic/default"
VARIABLE = "ANTHROPIC_API_KEY"
# the agent of every run; what stands behind the name on PATH differs
AGENT = "measured-agent"
PATIENCE = 60.0  # seconds; only a broken machine needs them
BACKENDS = {"file": "file", "secret-service": "system-only"}
# a console script as pip writes it, but for what happens in place of exec
ENTRY = """import sys
import os
{before}
from ringlet_py.__main__ import main
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(main())
"""
ENDS_AT_EXEC = ENTRY.format(before="os.execve = lambda *_: os._exit(0)")
TELLS_MEMORY = ENTRY.format(
    before="os.execve = lambda *_: (os.write(1, open('/proc/self/status', 'rb').read()), os._exit(0))"
)
# tells the digest of the key that it was given, and never the key
TELLS_DIGEST = f"""#!/bin/sh
printf %s "${VARIABLE}" | sha256sum | cut -d ' ' -f 1
"""


class Unfit(Exception):  # noqa: N818 - the machine is, the program is not in error  # noqa: N818 - says what it found
    """The measurement cannot be made here, or would measure something else than it says."""


@dataclass(frozen=True)
class Installed:
    """A virtual environment that holds ringlet as its users install it."""

    folder: Path
    elsewhere: str = ""  # where the packages are that ringlet needs for its set-up, if not in the environment

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin/python")

    def program(self, name: str) -> str:
        """A program of it."""
        return str(self.folder / "bin" / name)


def bare_installation(folder: Path) -> Installed:
    """An environment that holds ringlet alone, laid out as its wheel is: enough to launch, and no download.

    Nothing else is there to make the bare interpreter slower, so ratios to it are at their worst.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    packages = next((folder / "lib").glob("python3.*")) / "site-packages"
    shutil.copytree(ROOT / "ringlet_py", packages / "ringlet_py", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "profiles", packages / "ringlet_py/catalog/ready_made")
    installed = Installed(folder, elsewhere=sysconfig.get_path("purelib"))
    done(run([installed.python, "-m", "compileall", "-q", str(packages)], {}))
    return installed


@dataclass
class World:
    """One home for each backend, with the same key in both, and a profile `x` with a compiled plan."""

    installed: Installed
    folder: Path
    bus: str  # the address of the session bus with the keychain; "" measures the file backend alone
    key: str = field(default_factory=lambda: "sk-ant-api03-" + os.urandom(40).hex(), repr=False)

    def prepare(self) -> None:
        """Makes the homes, stores the key through ringlet, and checks that an agent gets it."""
        for name in ("bin", "tmp"):
            (self.folder / name).mkdir(mode=0o700, parents=True)
        for backend in self.backends():
            self._furnish(backend)

    def backends(self) -> list[str]:
        """The backends that can be measured."""
        return [name for name in BACKENDS if name == "file" or self.bus]

    def home(self, backend: str) -> Path:
        """The home of the backend."""
        return self.folder / backend

    def environ(self, backend: str = "file") -> dict[str, str]:
        """A shell's environment in that home: nothing of ours, and nothing that steers Python."""
        environ = {"HOME": str(self.home(backend)), "PATH": f"{self.folder}/bin:/usr/bin:/bin"}
        environ |= {"LANG": "C.UTF-8", "TERM": "xterm", "TMPDIR": str(self.folder / "tmp")}
        return environ | ({"DBUS_SESSION_BUS_ADDRESS": self.bus} if self.bus else {})

    def program(self, name: str, text: str) -> str:
        """Puts a program on PATH; gives its path."""
        path = self.folder / "bin" / name
        path.unlink(missing_ok=True)  # never write through the link to a program of the system
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def records(self, backend: str) -> int:
        """How many claims that went well the audit holds."""
        log = self.home(backend) / ".local/state/ringlet/audit.jsonl"
        return sum('"action":"claim"' in line and '"outcome":"ok"' in line for line in log.read_text().splitlines())

    def verify_audit(self, backend: str) -> None:
        """Checks the audit's chain."""
        done(self.ringlet(backend, "audit", "verify"))

    def ringlet(self, backend: str, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs ringlet for the set-up."""
        environ = self.environ(backend)
        if self.installed.elsewhere:
            environ["PYTHONPATH"] = self.installed.elsewhere
        return run([self.installed.python, "-m", "ringlet_py", *argv], environ, stdin=stdin)

    def _furnish(self, backend: str) -> None:
        config = self.home(backend) / ".config/ringlet"
        config.mkdir(mode=0o700, parents=True)
        (config / "config.toml").write_text(f'[credentials]\nbackend = "{BACKENDS[backend]}"\n')
        provider, _, alias = ADDRESS.partition("/")
        done(self.ringlet(backend, "keychain", "set", provider, alias, "--force", stdin=self.key))
        created = ("profiles", "create", "x", "--agent", "generic", "--provider", provider, "--command", AGENT)
        done(self.ringlet(backend, *created))
        self._check_delivery(backend)
        self.program(AGENT, "")
        os.unlink(self.folder / "bin" / AGENT)
        os.symlink(shutil.which("true") or "/bin/true", self.folder / "bin" / AGENT)

    def _check_delivery(self, backend: str) -> None:
        """Until the plan is compiled, which it is not while its sources are fresh, and once with that plan."""
        self.program(AGENT, TELLS_DIGEST)
        plan = self.home(backend) / ".cache/ringlet/plans/x.plan"
        deadline = time.monotonic() + PATIENCE
        while not plan.exists():
            if time.monotonic() > deadline:
                raise Unfit(f"ringlet compiled no plan at {plan}")
            self._check_digest(done(self.ringlet(backend, "run", "x")))
            time.sleep(0.05)
        self._check_digest(
            done(run([self.installed.python, "-c", ENTRY.format(before=""), "run", "x"], self.environ(backend)))
        )

    def _check_digest(self, told: str) -> None:
        if told.strip() != hashlib.sha256(self.key.encode()).hexdigest():
            raise Unfit("the agent was not given the key")


def run(command: Sequence[str], environ: Mapping[str, str], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    return subprocess.run(
        command, input=stdin, env=dict(environ), cwd="/", capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def done(outcome: subprocess.CompletedProcess[str]) -> str:
    """What the program printed; Unfit if it failed."""
    if outcome.returncode:
        raise Unfit(f"{' '.join(outcome.args)[:200]}: exit status {outcome.returncode}\n{outcome.stderr}")
    return outcome.stdout


def peak_memory(world: World, backend: str) -> float:
    """The most memory that a launch had resident before exec, in MB (10^6 bytes)."""
    status = done(run([world.installed.python, "-c", TELLS_MEMORY, "run", "x"], world.environ(backend)))
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024 / 1e6
