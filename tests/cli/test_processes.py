"""The command line as a process: pipes, Ctrl-C and a real terminal."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.simulator import Hang, Rule, Script, Status
from tests.cli.serving import (
    APRIL,
    ENVIRONMENT,
    FAST,
    LINK,
    NOW_ASKED,
    ONE_AT_A_TIME,
    PATIENCE,
    ROOT,
    Barrier,
    Stopper,
    read_all,
    serving,
    start,
)
from tests.forkserver.starting import forked_python

if TYPE_CHECKING:
    from hourlyclicks.simulator import Simulator

WITHOUT_STREAM = """
import os, sys
closed = int(sys.argv.pop(1))
os.close(closed)
setattr(sys, ("stdin", "stdout", "stderr")[closed], None)
from hourlyclicks.cli import main
main()
"""
"""What an interpreter finds that was started with a stream closed."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and terminals are different there")


def interrupted(*words: str) -> tuple[int, str, str]:
    """Fetch April one day at a time, send SIGINT with the sixth request; return the result."""
    stopper = Stopper(NOW_ASKED, Hang())
    with serving(faults=stopper) as server:
        with start("fetch", *LINK, *APRIL, *ONE_AT_A_TIME, "--base-url", server.url, *words) as process:
            assert stopper.reached.wait(PATIENCE)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
        assert server.counters.requests == NOW_ASKED
    return process.returncode, out, err


def test_ctrl_c_keeps_what_is_finished() -> None:
    """With --partial the finished days are written; exit code 130, and the command for the rest."""
    code, out, err = interrupted("--format", "csv", "--partial")
    assert code == 130
    days = {
        line[: len("https://vvd.bz/kYdr,2025-04-01")]
        for line in out.splitlines()
        if "not_fetched" not in line
    }
    assert len(days - {"target,date,hour,clicks,unique"}) == NOW_ASKED - 1
    assert err.splitlines()[-1].startswith("Error: interrupted after ")
    assert "--from 2025-04-06 --to 2025-04-30\n" in err
    assert "Traceback" not in err


def test_ctrl_c_without_partial_writes_nothing() -> None:
    """A pipe gets no incomplete series unless --partial is given."""
    code, out, err = interrupted("--format", "csv")
    assert (code, out) == (130, "")
    assert "5 days discarded" in err


def test_ctrl_c_keeps_an_unfinished_file_aside(tmp_path: Path) -> None:
    """The file is only ever complete; the finished days are in another file."""
    code, _, err = interrupted("-o", str(tmp_path / "clicks.csv"))
    assert code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["clicks.csv.partial"]
    assert "clicks.from-2025-04-06.csv" in err


def test_a_reader_that_leaves_ends_it_quietly(server: Simulator) -> None:
    """``| head`` causes neither a traceback nor a message."""
    words = ("fetch", *LINK, *APRIL, *FAST, "--base-url", server.url, "--format", "csv")
    with start(*words) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.wait(PATIENCE)
    assert process.returncode == 141
    assert [line for line in err.splitlines() if "30 days" not in line] == []


def test_data_arrives_through_a_pipe(server: Simulator) -> None:
    """A pipe gets exactly the data, in UTF-8."""
    words = (
        "fetch",
        "--link",
        "한/글",
        "--domain",
        "https://vvd.bz",
        *APRIL,
        *FAST,
        "--base-url",
        server.url,
    )
    with start(*words, "--format", "csv", env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}) as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert len(out.splitlines()) == 1 + 30 * 24
    assert out.splitlines()[1].startswith("https://vvd.bz/한/글,2025-04-01,0,")


def test_the_simulator_serves_until_ctrl_c() -> None:
    """It prints a command that works, and after Ctrl-C its counters; that is its normal end."""
    with start("simulate", "--time-scale", "0.001", "--seed", "5", "--policing", "token_bucket") as simulator:
        assert simulator.stdout is not None
        lines = [simulator.stdout.readline() for _ in range(5)]
        key, command, *words = "".join(lines[2:4]).replace("\\\n", "").split()
        assert command == "hourlyclicks"
        with start(*words, env={**ENVIRONMENT, "HOURLYCLICKS_API_KEY": key.partition("=")[2]}) as fetch:
            assert "clicks in 7 days" in fetch.communicate(timeout=PATIENCE)[0]
        simulator.send_signal(signal.SIGINT)
        out, err = simulator.communicate(timeout=PATIENCE)
    assert (fetch.returncode, simulator.returncode, err) == (0, 0, "")
    assert out.splitlines() == ["7 requests: 7 x 200", "Over the rate: 0, too many at a time: 0"]


def test_a_terminal_sees_it_live() -> None:
    """A terminal gets the live view, and the heatmap in colour."""
    import pty  # noqa: PLC0415 - there is none on every system

    terminal, end = pty.openpty()
    with start("demo", "--days", "8", "--no-faults", stdin=end, stdout=end, stderr=end) as process:
        os.close(end)
        shown = read_all(terminal)
        process.wait(PATIENCE)
    os.close(terminal)
    assert process.returncode == 0
    assert " of 8 days" in shown
    assert " left" in shown
    assert ", bound by " in shown
    assert "\x1b[38;5;" in shown
    assert "all 192 hours equal the server's figures" in shown


def test_it_runs_as_in_a_container(server: Simulator) -> None:
    """It runs without a home, with the key in a file of root, and an output in a read-only folder."""
    setpriv = shutil.which("setpriv")
    if setpriv is None or os.geteuid() != 0:
        pytest.skip("needs setpriv and root")
    environment = {
        name: value
        for name, value in ENVIRONMENT.items()
        if name not in {"HOME", "HOURLYCLICKS_API_KEY", "TMPDIR", "XDG_CONFIG_HOME"}
    }
    as_user = [setpriv, "--reuid=12345", "--regid=12345", "--clear-groups"]
    capabilities = [
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
    ]  # to find the interpreter
    words = (*LINK, *APRIL, *FAST, "--base-url", server.url, "--key-file", "key", "-o", "clicks.csv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "key").write_text(f'"{server.key}"\r\n')
        (folder / "key").chmod(0o444)
        (folder / "clicks.csv").write_text("old")
        os.chown(folder / "clicks.csv", 12345, 12345)
        folder.chmod(0o755)
        command = [*as_user, *capabilities, sys.executable, "-m", "hourlyclicks", "fetch", *words]
        done = subprocess.run(  # noqa: S603 - ours
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if "setpriv" in done.stderr:
            pytest.skip("no such capabilities here")
        assert (done.returncode, len((folder / "clicks.csv").read_text().splitlines())) == (0, 1 + 30 * 24)
        assert sorted(path.name for path in folder.iterdir()) == ["clicks.csv", "key"]


@pytest.mark.parametrize("trouble", ["narrow", "closed"])
def test_a_terminal_costs_no_data(tmp_path: Path, trouble: str) -> None:
    """A terminal of one column, or one that goes away, does not prevent the file."""
    import pty  # noqa: PLC0415 - there is none on every system
    import termios  # noqa: PLC0415 - likewise

    barrier, output = Barrier(NOW_ASKED), tmp_path / "clicks.csv"
    terminal, end = pty.openpty()
    environment = {name: value for name, value in ENVIRONMENT.items() if name not in {"COLUMNS", "LINES"}}
    with serving(faults=barrier) as server:
        words = (*LINK, *APRIL, *ONE_AT_A_TIME, "--base-url", server.url, "-o", str(output))
        with start("fetch", *words, stdin=end, stdout=end, stderr=end, env=environment) as process:
            assert barrier.reached.wait(PATIENCE)
            if trouble == "narrow":
                termios.tcsetwinsize(end, (1, 1))
            os.close(end)
            if trouble == "closed":
                os.close(terminal)
            barrier.opened.set()
            if trouble == "narrow":
                assert "Traceback" not in read_all(terminal)
                os.close(terminal)
            process.wait(PATIENCE)
    assert process.returncode == 0
    assert len(output.read_text("utf-8").splitlines()) == 1 + 30 * 24


def test_it_is_a_module_too() -> None:
    """``python -m hourlyclicks`` is the command line."""
    command = [sys.executable, "-m", "hourlyclicks", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT)  # noqa: S603 - ours
    assert done.stdout.startswith("hourlyclicks, version ")


def test_the_data_is_kept_without_a_reader_of_stderr(server: Simulator, tmp_path: Path) -> None:
    """When the reader of stderr is gone, the file is written all the same."""
    reader, writer = os.pipe()
    os.close(reader)
    output = tmp_path / "clicks.csv"
    words = ("fetch", *LINK, *APRIL, *FAST, "--base-url", server.url, "-o", str(output))
    with start(*words, stderr=writer) as process:
        os.close(writer)
        process.wait(PATIENCE)
    assert len(output.read_text("utf-8").splitlines()) == 1 + 30 * 24


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110 - no file
@pytest.mark.parametrize("command", ["fetch", "estimate"])
def test_a_full_disk_behind_stdout_is_an_error_in_a_sentence(
    server: Simulator, command: str, tmp_path: Path
) -> None:
    """There is one sentence and the exit code for output; what was fetched is kept elsewhere."""
    words = {"fetch": (*LINK, *FAST, "--base-url", server.url, "--format", "csv"), "estimate": ()}[command]
    environment = {**ENVIRONMENT, "TMPDIR": str(tmp_path)}
    with (
        open("/dev/full", "w") as full,  # noqa: PTH123 - no file
        start(command, *words, *APRIL, stdout=full, env=environment) as process,
    ):
        _, err = process.communicate(timeout=PATIENCE)
    kept = list(tmp_path.glob("*.csv"))
    assert [len(path.read_text("utf-8").splitlines()) for path in kept] == [1 + 30 * 24] * len(kept)
    assert [str(path) in err for path in kept] == [True] * (command == "fetch")
    assert process.returncode == 11
    assert err.splitlines()[-1].startswith("Error: cannot write to stdout: ")
    assert "Traceback" not in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110 - no file
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("words", "full", "code"),
    [
        (["--help"], "stdout", 11),
        (["--version"], "stdout", 11),
        (["fetch", "--help"], "stdout", 11),
        (["--nonsense"], "stderr", 2),
        (["nonsense"], "stderr", 2),
        (["fetch", "--nonsense"], "stderr", 2),
        (["fleet", "nonsense"], "stderr", 2),
    ],
)
def test_a_command_line_ends_as_documented_on_a_full_disk(
    words: list[str], full: str, code: int, unbuffered: str
) -> None:
    """What is printed before a command begins, as help is, ends it as what a command prints."""
    environment = {**ENVIRONMENT, "PYTHONUNBUFFERED": unbuffered}
    with (
        open("/dev/full", "w") as device,  # noqa: PTH123 - no file
        start(*words, env=environment, **{full: device}) as process,
    ):
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in (err or "")) == (code, False)


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_is_no_accident(server: Simulator, closed: int, tmp_path: Path) -> None:
    """With a standard stream closed, a file is written as usual."""
    output = tmp_path / "clicks.csv"
    words = (*LINK, *APRIL, *FAST, "--base-url", server.url, "-o", str(output))
    command = [*forked_python(), "-c", WITHOUT_STREAM, str(closed), "fetch", *words]
    done = subprocess.run(command, check=False, env=ENVIRONMENT, cwd=ROOT, capture_output=True)  # noqa: S603 - ours
    assert done.returncode == 0
    assert len(output.read_text("utf-8").splitlines()) == 1 + 30 * 24


def test_closed_streams_are_no_accident(server: Simulator, tmp_path: Path) -> None:
    """Neither is a start of the interpreter with all of them closed."""
    output = tmp_path / "clicks.csv"
    command = [sys.executable, "-m", "hourlyclicks", "fetch", *LINK, *APRIL, *FAST, "--base-url", server.url]
    shell = f"exec {shlex.join([*command, '-o', str(output)])} 0>&- 1>&- 2>&-"
    done = subprocess.run(["sh", "-c", shell], check=False, env=ENVIRONMENT, cwd=ROOT, capture_output=True)  # noqa: S603, S607 - ours
    assert done.returncode == 0
    assert len(output.read_text("utf-8").splitlines()) == 1 + 30 * 24


def test_a_pipe_by_name_is_written_to(server: Simulator) -> None:
    """``-o /dev/stdout`` into a pipe, and process substitution, get the data."""
    words = ("fetch", *LINK, *APRIL, *FAST, "--base-url", server.url, "--format", "csv", "-o", "/dev/stdout")
    with start(*words) as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert len(out.splitlines()) == 1 + 30 * 24


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_targets_are_read_is_in_the_report(tmp_path: Path, name: signal.Signals) -> None:
    """The report of an earlier run is replaced by one that tells how this run ended."""
    report = tmp_path / "run.json"
    report.write_text('{"exit_code": 0}', "utf-8")
    words = ("--store", str(tmp_path / "clicks.db"), "--targets", "-", "--report", str(report), *APRIL)
    with start("backfill", *words, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write("# more than a pipe holds\n" * 10_000)
        process.stdin.flush()  # it has begun to read
        process.send_signal(name)
        assert process.wait(PATIENCE) == 130
    found = json.loads(report.read_text("utf-8"))
    assert (found["command"], found["exit_code"], found["message"]) == ("backfill", 130, "interrupted")


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGHUP])
def test_a_service_that_is_stopped_keeps_what_it_has(tmp_path: Path, name: signal.Signals) -> None:
    """SIGTERM and SIGHUP work like Ctrl-C, also sent twice."""
    stopper = Stopper(NOW_ASKED, Hang())
    words = (*LINK, *APRIL, *ONE_AT_A_TIME, "-o", str(tmp_path / "clicks.csv"))
    with serving(faults=stopper) as server, start("fetch", *words, "--base-url", server.url) as process:
        assert stopper.reached.wait(PATIENCE)
        for _ in range(1 + (name == signal.SIGHUP)):
            process.send_signal(name)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert [path.name for path in tmp_path.iterdir()] == ["clicks.csv.partial"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110 - no file
def test_the_exit_code_is_right_without_stderr() -> None:
    """With a full stderr, the exit code still identifies the error."""
    words = (*LINK, *APRIL, *FAST)
    with (
        serving(faults=Script(Rule(Status(401)))) as server,
        open("/dev/full", "w") as full,  # noqa: PTH123 - no file
        start("fetch", *words, "--base-url", server.url, stderr=full) as process,
    ):
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 3
