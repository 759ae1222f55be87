"""Which process this one is, and whether another one of this machine is still there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.coordination import processes
from hourlyclicks.coordination.processes import CHECK_AFTER, Liveness, is_gone, leave, this_process
from hourlyclicks.coordination.state import Process

if TYPE_CHECKING:
    from collections.abc import Callable

only_linux = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="only Linux has namespaces")
SLEEP = "import time; print(flush=True); time.sleep(60)"


@only_linux
def test_a_process_is_there_until_it_ends() -> None:
    """That of the test is; one that has ended is not, also as long as its parent has not asked how."""
    here = this_process()
    assert not is_gone(here, here)
    with subprocess.Popen([sys.executable, "-c", SLEEP], stdout=subprocess.PIPE) as child:  # noqa: S603 - our own command
        assert child.stdout is not None
        child.stdout.readline()
        process = here._replace(pid=child.pid, started=processes._started(child.pid) or 0)
        assert not is_gone(process, here)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(process, here)
    assert is_gone(process, here)
    assert is_gone(here._replace(pid=2**70), here)


@only_linux
def test_another_process_with_the_same_id_is_another_one() -> None:
    """The ids of processes are used again; the time of the start tells."""
    here = this_process()
    assert is_gone(here._replace(started=here.started - 1), here)


@pytest.mark.parametrize("there", ["other", ""])
def test_a_process_of_another_machine_is_not_judged(there: str) -> None:
    """Its id says nothing here, whatever it is; likewise if this machine does not know itself."""
    here = Process("this", os.getpid(), 1)
    for pid in (os.getpid(), 2**22 + 1):
        assert not is_gone(Process(there, pid, 7), here)
        assert not is_gone(Process("this", pid, 7), here._replace(machine=there))


def _with_namespace(number: int) -> Callable[[Path], os.stat_result]:
    """Return what reads the files of a process in another namespace of process ids."""
    stat = Path.stat

    def read(path: Path) -> os.stat_result:
        found = stat(path)
        return os.stat_result((found.st_mode, number, *found[2:])) if path.name == "pid" else found

    return read


@only_linux
def test_two_containers_with_one_name_are_two_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one machine, and with equal host names, the namespace of the process ids differs."""
    here = this_process()
    assert this_process() == here
    monkeypatch.setattr(Path, "stat", _with_namespace(4711))
    there = this_process()
    assert there.machine != here.machine
    assert not is_gone(here._replace(pid=2**22 + 1), there)


@only_linux
def test_without_the_files_that_tell_the_machine_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a sandbox without them."""

    def fails(*_: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", fails)
    assert this_process() == Process("", os.getpid(), 0)


def test_a_process_is_looked_at_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was there is asked for again after a second; one that has ended never again."""
    ended: set[int] = set()
    looks: list[int] = []

    def look(process: Process, _: Process) -> bool:
        looks.append(process.pid)
        return process.pid in ended

    monkeypatch.setattr(processes, "is_gone", look)
    liveness = Liveness()
    known = {"a": Process("m", 1, 0), "b": Process("m", 2, 0), "me": liveness.here}
    assert liveness.gone(known, 0) == set()
    ended.add(2)
    assert liveness.gone(known, CHECK_AFTER - 1) == set()
    assert liveness.gone(known, CHECK_AFTER) == {"b"}
    assert liveness.gone(known, CHECK_AFTER + 1) == {"b"}
    assert looks == [1, 2, 1, 2]
    assert liveness.gone({"a": known["a"]}, CHECK_AFTER + 2) == set()


def test_to_know_this_process_needs_no_import() -> None:
    """It may be asked for first when a run is under way; the codec of ASCII, for instance, is a module."""
    code = "import sys; from hourlyclicks.coordination.processes import this_process\n"
    code += "before = set(sys.modules); this_process(); print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout.split() == []


def test_a_client_of_this_process_that_has_ended_is_gone() -> None:
    """If it has said so; another one of this process is there."""
    liveness, known = Liveness(), {"ended": this_process(), "other": this_process()}
    assert liveness.gone(known, 0) == set()
    leave("ended")
    assert liveness.gone(known, 1) == {"ended"}
    assert Liveness().gone({"ended": this_process()._replace(machine="elsewhere")}, 0) == set()
