"""A copy of the prepared process does what a new interpreter does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.forkserver.server import LOST_OUTPUT
from tests.forkserver.starting import SHARED, forked_python, server_path, share_server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no copies of processes")

KILLED_BY_ITSELF = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
OUTLIVING_THREAD = """
import threading, time
def finish():
    main.join()
    print("thread")
main = threading.main_thread()
threading.Thread(target=finish).start()
"""
ENDINGS = {
    "pass": 0,
    "import sys; sys.exit()": 0,
    "import sys; sys.exit(7)": 7,
    "import sys; sys.exit(-1)": 255,
    "import sys; sys.exit('a sentence')": 1,
    "1 / 0": 1,
    "raise KeyboardInterrupt": -signal.SIGINT,
    "import os; os._exit(9)": 9,
    KILLED_BY_ITSELF: -signal.SIGKILL,
}


def run(python: Sequence[str], script: str, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401 - passed on
    """Run a script, with output that is buffered."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    defaults = {"capture_output": True, "text": True, "check": False, "timeout": 60, "env": buffered}
    return subprocess.run([*python, "-c", script, *words], **{**defaults, **options})  # noqa: S603, PLW1510 - ours


def same(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    """Return what a copy and a new interpreter have in common: the last line of stderr is no traceback."""
    return done.returncode, done.stdout, "".join(done.stderr.splitlines()[-1:])


def test_processes_that_run_tests_share_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are started later use it, unless their commands need more modules than others."""
    monkeypatch.setenv(SHARED, "")
    share_server()
    for _ in range(2):
        assert server_path.__wrapped__() == os.environ[SHARED]
    assert server_path.__wrapped__("this") != os.environ[SHARED]


@pytest.mark.parametrize("script", ENDINGS)
def test_it_ends_as_the_command_has_ended(script: str) -> None:
    """With its exit code or by its signal, and with the message of an exception."""
    found = same(run(forked_python(), script))
    assert found[0] == ENDINGS[script]
    assert found == same(run([sys.executable], script))


def test_the_end_is_in_the_order_of_an_interpreter() -> None:
    """Threads end first, then the functions of ``atexit`` are called, then streams are flushed."""
    script = f"import atexit\natexit.register(print, 'atexit')\n{OUTLIVING_THREAD}\nprint('script')"
    done = run(forked_python(), script)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["script", "thread", "atexit"], "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110 - no file
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_that_is_lost(stream: str) -> None:
    """The exit code is that of an interpreter which cannot write what is left."""
    script = f"import sys; sys.{stream}.write('x')"
    for python in (forked_python(), [sys.executable]):
        with open("/dev/full", "w") as full:  # noqa: PTH123 - no file
            streams = {"capture_output": False, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            assert run(python, script, **{**streams, stream: full}).returncode == LOST_OUTPUT


def test_it_has_the_streams_and_words_of_its_own(tmp_path: Path) -> None:
    """A file as standard input, a pipe as standard output, and the arguments of the command."""
    (tmp_path / "text").write_text("한글\n", "utf-8")
    script = "import sys; print(sys.argv, sys.stdin.read(), end=''); print('err', file=sys.stderr)"
    with (tmp_path / "text").open() as text:
        done = run(forked_python(), script, "--word", "", stdin=text, encoding="utf-8")
    assert (done.stdout, done.stderr) == ("['-c', '--word', ''] 한글\n", "err\n")


def test_it_has_the_folder_and_the_environment_of_its_own(tmp_path: Path) -> None:
    """Nothing of the server's, nor of the command before it; the time zone is that of the variable."""
    script = "import os, time; print(os.getcwd(), sorted(os.environ), time.tzname[0])"
    for name, zone in (("TZ", "KST"), ("WORD", "UTC")):
        done = run(forked_python(), script, cwd=tmp_path, env={name: "KST-9", "LC_CTYPE": "C.UTF-8"})
        assert done.stdout == f"{os.path.realpath(tmp_path)} {['LC_CTYPE', name]} {zone}\n"


def test_a_module_is_run_as_by_an_interpreter() -> None:
    """Under the name of a program, with its arguments."""
    command = [*forked_python(), "-m", "hourlyclicks", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.startswith("hourlyclicks, version ")


@pytest.mark.parametrize("words", [["-m", "program"], ["program.py"], ["-c", "import program"]])
def test_modules_of_its_folder_are_found_first(tmp_path: Path, words: list[str]) -> None:
    """A program, and what it imports, is found where an interpreter finds it."""
    (tmp_path / "program.py").write_text("import sys, tests\nprint(sys.argv[1:], tests.OURS)\n")
    (tmp_path / "tests.py").write_text("OURS = 1\n")
    for python in (forked_python(), [sys.executable]):
        command = [*python, *words, "--word"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603 - ours
        assert done.stdout == "['--word'] 1\n"


WAITING = """
import signal, sys, time
def end(number, _):
    sys.exit(100 + number)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
print("ready", flush=True)
while True:
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 100 + signal.SIGTERM),
        (signal.SIGHUP, -signal.SIGHUP),
        (signal.SIGINT, -signal.SIGINT),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_signals_reach_the_command(number: signal.Signals, code: int) -> None:
    """It can handle them; one that cannot be handled ends what stands for it, and the server kills it."""
    with subprocess.Popen(  # noqa: S603 - ours
        [*forked_python(), "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == ""  # no process has the other end any more
    assert process.returncode == code
