"""The daemon as a process: started twice, stopped, killed, told to read its settings again."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.daemon.running import RealDaemon, needs_ipv6, read_all
from tests.end_to_end.program import FILE_BACKEND, KEY, PATIENCE, Home, command, store_key
from tests.people import as_root, run_as_nobody

if TYPE_CHECKING:
    from collections.abc import Callable

    Made = Callable[..., RealDaemon]


MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "


def store_limited(home: Home, limit: str) -> None:
    assert home.here("tiers", "set", "few", f"*={limit}").status == 0
    done = home.here("keychain", "set", "anthropic", "work", "--force", "--tier", "few", stdin=KEY.encode())
    assert done.status == 0, done.err


def claim(daemon: RealDaemon) -> int:
    return daemon.request("POST", "/leases", json={"provider": "anthropic", "alias": "work"}, token=daemon.admin).status


def until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
    return found


def test_it_answers_on_loopback_and_on_its_socket(daemon: RealDaemon):
    assert daemon.request("GET", "/health").json == {"status": "ok"}
    assert daemon.request("GET", "/health", unix=True).json == {"status": "ok"}


@pytest.mark.slow
@needs_ipv6
def test_it_answers_on_the_other_address_of_loopback_too(daemon: RealDaemon):
    with socket.create_connection(("::1", daemon.port)) as one:
        one.sendall(f"GET /health HTTP/1.1\r\nHost: [::1]:{daemon.port}\r\nConnection: close\r\n\r\n".encode())
        assert read_all(one).startswith(b"HTTP/1.1 200")


@pytest.mark.slow
def test_on_request_it_has_no_port_at_all(made_daemon: Made):
    daemon = made_daemon("--socket")
    daemon.home.environ["WEB_CONCURRENCY"] = "nonsense"  # which uvicorn would read
    daemon.start()

    assert daemon.urls == []
    assert daemon.request("GET", "/health", unix=True).status == 200


@pytest.mark.slow
def test_everything_it_makes_is_for_its_user_alone(daemon: RealDaemon):
    folder = os.path.join(daemon.runtime, "ringlet")
    modes = {name: stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode) for name in os.listdir(folder)}

    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert modes == {"daemon.sock": 0o600, "daemon.json": 0o600, "daemon.lock": 0o600}
    assert stat.S_IMODE((daemon.home.config / "http_token").stat().st_mode) == 0o600


@pytest.mark.slow
@as_root
def test_other_users_cannot_come_at_its_socket(daemon: RealDaemon):
    code = "import socket, sys\n---\ntry:\n    socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
    code += "except PermissionError:\n    print('refused')"

    assert run_as_nobody(code, daemon.socket).stdout == "refused\n"


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_its_memory_goes_into_no_core_and_to_no_debugger(daemon: RealDaemon):
    assert daemon.process is not None
    limits = Path(f"/proc/{daemon.process.pid}/limits").read_text()
    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]

    assert core[4:6] == ["0", "0"]
    # the files in /proc of a process that is not dumpable are root's
    assert os.stat(f"/proc/{daemon.process.pid}/environ").st_uid == 0
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            Path(f"/proc/{daemon.process.pid}/environ").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_and_leaves_nothing_behind(daemon: RealDaemon, number: int):
    assert daemon.stop(number) == 0

    assert os.listdir(os.path.join(daemon.runtime, "ringlet")) == ["daemon.lock"]
    assert daemon.process is not None
    started, stopped = daemon.error.splitlines()
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(rf"{moment} ringlet: the daemon \S+ has started as process {daemon.process.pid}", started)
    assert re.fullmatch(rf"{moment} ringlet: the daemon has stopped", stopped)


@pytest.mark.slow
def test_a_request_that_is_under_way_is_answered_before_it_ends(daemon: RealDaemon):
    store_key(daemon.home)
    body = json.dumps({"provider": "anthropic", "alias": "default"}).encode()
    head = f"POST /leases HTTP/1.1\r\nHost: localhost:{daemon.port}\r\nAuthorization: Bearer {daemon.admin}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", daemon.port)) as one:
        one.sendall(head.encode() + body[:10])
        until(lambda: daemon.request("GET", "/health").status == 200)
        assert daemon.process is not None
        daemon.process.terminate()
        until(lambda: is_closed(daemon.port))
        one.sendall(body[10:])
        answer = read_all(one)

    assert answer.startswith(b"HTTP/1.1 201"), answer
    assert b"connection: close" in answer
    assert KEY.encode() in answer
    assert daemon.stop() == 0
    assert daemon.home.here("audit", "list", "--action", "claim", "--json").out.count('"outcome": "ok"') == 1
    assert daemon.home.here("audit", "verify").status == 0


def is_closed(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.slow
def test_what_was_claimed_before_a_crash_is_counted_once_after_it(daemon: RealDaemon):
    store_limited(daemon.home, "10/day")
    assert [claim(daemon) for _ in range(4)] == [201] * 4

    daemon.kill()
    assert daemon.home.here("daemon", "status").status == 16
    daemon.start()

    assert [claim(daemon) for _ in range(7)] == [201] * 6 + [429]
    assert daemon.home.here("audit", "verify").status == 0


@pytest.mark.slow
def test_after_a_crash_it_starts_on_the_same_port(made_daemon: Made):
    first = made_daemon().start()
    port = first.port
    first.kill()

    second = RealDaemon(first.home, first.runtime, ("--listen", f"localhost:{port}"))
    try:
        assert second.start().port == port
    finally:
        second.kill()


@pytest.mark.slow
def test_a_second_one_is_told_which_one_has_its_place(daemon: RealDaemon):
    assert daemon.process is not None
    for words in (("--foreground",), ()):
        done = daemon.home.ringlet("daemon", "start", "--listen", "localhost:0", *words)

        assert done.status == 16
        assert "the daemon runs already" in done.err
        assert f"process {daemon.process.pid} answers on {daemon.url}" in done.err


@pytest.mark.slow
def test_a_port_that_another_program_has_is_told_with_its_holder(home: Home, made_daemon: Made):
    made_daemon()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for words in (("--foreground",), ()):
            done = home.ringlet("daemon", "start", "--listen", f"127.0.0.1:{port}", *words)

            assert done.status == 16
            assert f"port {port} is taken" in done.err
            assert f"process {os.getpid()}" in done.err


@pytest.mark.slow
def test_in_the_background_it_is_started_looked_at_and_stopped(home: Home, made_daemon: Made):
    made_daemon()
    started = home.ringlet("daemon", "start", "--listen", "localhost:0")
    try:
        assert started.status == 0, started.err
        shown = json.loads(home.here("daemon", "status", "--json").out)
        assert shown["running"]
        assert shown["answers"]
        assert f"running: process {shown['pid']}\n" in started.out
        assert shown["urls"][0] in started.out
        assert shown["token_file"] == str(home.config / "http_token")
        assert shown["uptime_seconds"] >= 0
    finally:
        stopped = home.ringlet("daemon", "stop")
    assert stopped.status == 0
    assert f"stopped: process {shown['pid']}" in stopped.out
    assert home.here("daemon", "status").status == 16
    assert home.here("daemon", "stop").status == 16


@pytest.mark.slow
def test_one_that_does_not_answer_is_told_so(daemon: RealDaemon):
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGSTOP)
    done = daemon.home.here("daemon", "status")

    assert done.status == 16
    assert "answers: no" in done.out


@pytest.mark.slow
def test_whether_it_keeps_records_can_be_said_for_one_in_the_background_too(home: Home, made_daemon: Made):
    daemon = made_daemon()
    assert home.ringlet("--no-audit-log", "daemon", "start", "--socket").status == 0
    try:
        assert daemon.request("GET", "/tokens", unix=True, token="wrong").status == 401
    finally:
        home.ringlet("daemon", "stop")

    assert "authenticate" not in home.here("audit", "list").out


@pytest.mark.slow
def test_what_keeps_it_from_starting_in_the_background_is_told(home: Home, made_daemon: Made):
    made_daemon()
    home.configure('[credentials]\nbackend = "nonsense"\n')

    done = home.ringlet("daemon", "start", "--listen", "localhost:0")

    assert done.status == 16
    assert "nonsense" in done.err

    home.configure(FILE_BACKEND)
    (home.config / "providers").mkdir()
    (home.config / "providers/mine.toml").write_text("name = ")
    assert "mine.toml is not valid TOML" in home.ringlet("daemon", "start", "--listen", "localhost:0").err


@pytest.mark.slow
def test_its_process_outlives_the_terminal_and_holds_no_pipe_of_it(home: Home, made_daemon: Made):
    made_daemon()
    try:
        # ends only when nobody has the pipes any more
        done = subprocess.run(
            [*command(), "daemon", "start", "--listen", "localhost:0"],
            env=home.environ,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0
        pid = json.loads(home.here("daemon", "status", "--json").out)["pid"]
        assert os.getsid(pid) == pid
    finally:
        home.ringlet("daemon", "stop")


@pytest.mark.slow
def test_a_process_that_got_the_number_of_a_killed_one_is_left_alone(daemon: RealDaemon):
    said = Path(daemon.runtime) / "ringlet/daemon.json"
    content = json.loads(said.read_text())
    daemon.kill()
    said.write_text(json.dumps({**content, "pid": os.getpid()}))

    assert daemon.home.here("daemon", "stop").status == 16


@pytest.mark.slow
def test_a_runtime_folder_that_others_can_enter_is_refused(made_daemon: Made):
    daemon = made_daemon()
    os.mkdir(os.path.join(daemon.runtime, "ringlet"), 0o755)

    done = daemon.home.ringlet("daemon", "start", "--foreground")

    assert done.status == 10
    assert "chmod 700" in done.err


@pytest.mark.slow
@as_root
def test_a_runtime_folder_of_another_user_is_refused(made_daemon: Made):
    daemon = made_daemon()
    folder = os.path.join(daemon.runtime, "ringlet")
    os.mkdir(folder, 0o700)
    os.chown(folder, 65534, 65534)

    assert daemon.home.ringlet("daemon", "start", "--foreground").status == 10


@pytest.mark.slow
def test_a_new_admin_token_counts_from_the_next_request_on(daemon: RealDaemon):
    old = daemon.admin
    assert daemon.request("GET", "/tokens", token=old).status == 200

    done = daemon.home.here("daemon", "rotate-token")

    assert done.status == 0
    assert daemon.admin not in done.out + done.err
    assert str(daemon.home.config / "http_token") in done.out
    assert daemon.request("GET", "/tokens", token=old).status == 401
    assert daemon.request("GET", "/tokens", token=daemon.admin).status == 200


@pytest.mark.slow
def test_the_admin_token_can_be_replaced_while_it_does_not_run(daemon: RealDaemon):
    old = daemon.admin
    daemon.stop()
    daemon.home.here("daemon", "rotate-token")
    daemon.start()

    assert daemon.admin != old
    assert daemon.request("GET", "/tokens", token=old).status == 401


@pytest.mark.slow
def test_settings_that_change_are_read_again_and_nothing_is_lost(daemon: RealDaemon):
    store_limited(daemon.home, "3/day")
    assert claim(daemon) == 201
    daemon.home.configure('[credentials]\nbackend = "file"\n[audit]\nenabled = false\n')
    until(lambda: "the settings were read again" in daemon.error)

    assert [claim(daemon) for _ in range(3)] == [201, 201, 429]
    assert daemon.home.here("audit", "list", "--action", "claim", "--json").out.count('"outcome": "ok"') == 1


@pytest.mark.slow
def test_wrong_settings_change_nothing(daemon: RealDaemon):
    store_key(daemon.home, "anthropic/work")
    assert daemon.process is not None
    daemon.home.configure('[credentials]\nbackend = "nonsense"\n')
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: "the settings were not read again" in daemon.error)

    assert claim(daemon) == 201


@pytest.mark.slow
def test_on_sighup_the_catalog_is_read_again(daemon: RealDaemon):
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGHUP)

    until(lambda: "the settings were read again" in daemon.error)
    assert daemon.request("GET", "/health").status == 200


@pytest.mark.slow
def test_one_that_can_ask_for_no_passphrase_is_warned_of(home: Home, made_daemon: Made):
    made_daemon()
    home.configure('[credentials]\nbackend = "sealed"\n[sealed]\nmaster-key = "passphrase"\n')
    try:
        done = home.ringlet("daemon", "start", "--socket")
        assert (done.status, "cannot ask for the passphrase" in done.err) == (0, True)
    finally:
        home.ringlet("daemon", "stop")


@pytest.mark.slow
def test_who_asks_it_to_reload_is_told_when_it_has(daemon: RealDaemon):
    store_key(daemon.home, "anthropic/work")
    assert daemon.process is not None

    done = daemon.home.here("daemon", "reload")
    assert done.out == f"reloaded: process {daemon.process.pid} has read its settings and the catalog again\n"
    assert daemon.error.count("the settings were read again") == 1

    daemon.home.configure('[credentials]\nbackend = "nonsense"\n')
    wrong = daemon.home.here("daemon", "reload")
    assert (wrong.status, "nonsense" in wrong.err, claim(daemon)) == (16, True, 201)

    daemon.home.configure(FILE_BACKEND)
    (daemon.home.config / "providers").mkdir()
    (daemon.home.config / "providers/mine.toml").write_text("name = ")
    wrong = daemon.home.here("daemon", "reload")
    assert (wrong.status, "mine.toml" in wrong.err, claim(daemon)) == (16, True, 201)


def shown(home: Home) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(home.here("daemon", "status", "--json").out)
    return found


@pytest.mark.slow
def test_restarted_it_is_another_process_in_the_same_place(home: Home, made_daemon: Made):
    daemon = made_daemon()
    try:
        assert home.ringlet("--no-audit-log", "daemon", "start", "--listen", "127.0.0.1:0").status == 0
        before = shown(home)
        done = home.ringlet("daemon", "restart")
        after = shown(home)

        assert done.status == 0, done.err
        assert done.out.startswith(f"stopped: process {before['pid']}\nrunning: process {after['pid']}\n")
        assert before["pid"] != after["pid"]
        assert (before["urls"], before["socket"]) == (after["urls"], after["socket"])
        assert daemon.request("GET", "/tokens", unix=True, token="wrong").status == 401
        assert "authenticate" not in home.here("audit", "list").out

        assert home.ringlet("daemon", "restart", "--socket").status == 0
        assert shown(home)["urls"] == []
        assert "urls" not in home.here("daemon", "status").out
    finally:
        home.ringlet("daemon", "stop")


@pytest.mark.slow
def test_one_that_does_not_run_is_started(home: Home, made_daemon: Made):
    made_daemon()
    try:
        done = home.ringlet("daemon", "restart", "--socket")
        assert (done.status, done.err, done.out.startswith("running: ")) == (0, "it did not run\n", True)
    finally:
        home.ringlet("daemon", "stop")


@pytest.mark.slow
def test_settings_that_are_wrong_end_none_that_runs(home: Home, made_daemon: Made):
    made_daemon()
    try:
        home.ringlet("daemon", "start", "--socket")
        pid = shown(home)["pid"]
        home.configure('[credentials]\nbackend = "nonsense"\n')

        assert home.ringlet("daemon", "restart").status == 11
        home.configure(FILE_BACKEND)
        (home.config / "providers").mkdir()
        (home.config / "providers/mine.toml").write_text("name = ")
        assert home.ringlet("daemon", "restart").status == 11
        assert home.here("daemon", "status").out.find(f"pid: {pid}\n") > 0
    finally:
        home.ringlet("daemon", "stop")


@pytest.mark.slow
def test_one_that_another_program_looks_after_is_left_to_it(daemon: RealDaemon):
    done = daemon.home.here("daemon", "restart")

    assert done.status == 16
    assert "which would not know of the new one" in done.err
    assert daemon.request("GET", "/health").status == 200


@pytest.mark.slow
def test_each_line_of_the_log_has_its_moment_whatever_went_wrong(home: Home, made_daemon: Made):
    daemon = made_daemon()
    home.ringlet("daemon", "start", "--socket")
    home.ringlet("daemon", "stop")
    home.configure('[credentials]\nbackend = "nonsense"\n')
    home.ringlet("daemon", "start", "--socket")
    home.configure(FILE_BACKEND)
    with socket.create_server(("127.0.0.1", 0)) as other:
        home.ringlet("daemon", "start", "--listen", f"127.0.0.1:{other.getsockname()[1]}")

    said = (home.state / "daemon.log").read_text()
    assert "nonsense" in said
    assert "is taken" in said
    assert all(re.match(MOMENT, line) for line in said.splitlines()), said
    assert daemon.process is None


@pytest.mark.slow
def test_of_one_that_ends_without_a_word_the_log_says_that(home: Home, made_daemon: Made):
    made_daemon()
    broken = home.path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text("import os, sys\nif '--detached' in sys.orig_argv: os._exit(7)\n")
    path = f"{broken}{os.pathsep}{home.environ['PYTHONPATH']}"

    done = home.ringlet("daemon", "start", "--socket", environ={"PYTHONPATH": path})

    assert (done.status, "it ended with status 7" in done.err) == (16, True)
    said = (home.state / "daemon.log").read_text()
    assert re.fullmatch(rf"{MOMENT}ringlet: error: the daemon did not start: it ended with status 7\n", said)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.168.0.1:1", "[::]:0"])
def test_no_other_address_can_be_asked_for(home: Home, address: str):
    for words in (("--foreground",), ()):
        done = home.here("daemon", "start", "--listen", address, *words)

        assert done.status == 2
        assert "loopback" in done.err
    assert home.here("daemon", "install", "--listen", address).status == 2
