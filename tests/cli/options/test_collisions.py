"""An output that is also an input is an error before anything is opened or sent."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.cli.exits import CommandError
from hourlyclicks.cli.options.collisions import check_apart
from hourlyclicks.cli.options.key_file import default_file
from tests.cli.serving import APRIL, ENVIRONMENT, FAST, LINK, ROOT, invoke
from tests.forkserver.starting import forked_python

if TYPE_CHECKING:
    from hourlyclicks.simulator import Simulator

posix_only = pytest.mark.skipif(os.name != "posix", reason="links and descriptors are different there")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store, targets and a key, in which the command runs."""
    (tmp_path / "clicks.db").write_bytes(b"as good as a store: nothing of it is read")
    (tmp_path / "links.csv").write_text("link,domain\nkYdr,https://vvd.bz\n")
    (tmp_path / "key").write_text(ENVIRONMENT["HOURLYCLICKS_API_KEY"])
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder and what is in them."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    "output",
    ["clicks.db", "./sub/../clicks.db", "clicks.db-wal", "clicks.db-shm", "clicks.db-journal", "links.csv"],
)
def test_an_export_onto_what_it_reads_is_refused(folder: Path, output: str) -> None:
    """Neither the store nor the targets change, and the exit code is 2."""
    before = contents(folder)
    words = ("--store", "clicks.db", "--targets", "links.csv", "--format", "csv", "-o", output)
    result = invoke("export", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "are the same file" in result.stderr
    assert contents(folder) == before


@pytest.mark.parametrize("output", ["clicks.db", "key", "clicks.db-wal"])
def test_a_fetch_onto_what_it_reads_sends_nothing(folder: Path, server: Simulator, output: str) -> None:
    """It is an error before the first request."""
    before = contents(folder)
    words = (*LINK, *APRIL, *FAST, "--base-url", server.url, "--store", "clicks.db", "--key-file", "key")
    result = invoke("fetch", *words, "--format", "csv", "-o", output)
    assert (result.exit_code, server.counters.requests) == (2, 0)
    assert contents(folder) == before


@posix_only
def test_other_names_of_a_file_are_recognised(folder: Path) -> None:
    """A symbolic link, a hard link, a descriptor and a link to a folder are the file itself."""
    Path("soft").symlink_to("clicks.db")
    Path("hard").hardlink_to("clicks.db")
    Path("here").symlink_to(folder)
    with Path("clicks.db").open("rb") as opened:
        fd = opened.fileno()
        for name in ("soft", "hard", "here/clicks.db", f"/dev/fd/{fd}", f"/proc/self/fd/{fd}"):
            with pytest.raises(CommandError, match="are the same file"):
                check_apart(store="clicks.db", output=Path(name))
            with pytest.raises(CommandError, match="are the same file"):
                check_apart(store=name, output=Path("clicks.db"))


@pytest.mark.parametrize("twin", ["new.db", "sub/../new.db", "NEW.db", "new.db-wal"])
def test_a_file_that_is_not_there_yet_counts(folder: Path, twin: str) -> None:
    """Two names of one future file are an error, also if they differ only in case."""
    assert folder.is_dir()
    with pytest.raises(CommandError, match="are the same file"):
        check_apart(store="new.db", output=Path(twin))
    with pytest.raises(CommandError, match="are the same file"):
        check_apart(store="new.csv.partial", output=Path("new.csv"))


@posix_only
def test_a_link_to_what_is_not_there_yet_counts(folder: Path) -> None:
    """A dangling link to the store, and the files of SQLite beside it, are no outputs."""
    (folder / "link.db").symlink_to("sub/real.db")
    for output in ("sub/real.db", "sub/real.db-wal", "link.db-wal"):
        with pytest.raises(CommandError, match="are the same file"):
            check_apart(store="link.db", output=Path(output))


@pytest.mark.parametrize("store", ["links.csv", "key", "links", "ke"])
def test_a_store_in_place_of_another_file_is_refused(folder: Path, store: str) -> None:
    """Neither the targets nor the key are taken for a store or for a file beside one."""
    (folder / "links-wal").write_text("link\n")
    (folder / "ke-journal").write_text("a key")
    targets, key = ("links-wal", "ke-journal") if store in {"links", "ke"} else ("links.csv", "key")
    with pytest.raises(CommandError, match="are the same file"):
        check_apart(store=store, targets=Path(targets), key_file=Path(key))


def test_the_usual_key_file_counts(folder: Path) -> None:
    """The key in the configuration folder is not overwritten either."""
    usual = default_file()
    assert usual is not None
    assert folder in usual.parents
    with pytest.raises(CommandError, match="the key file"):
        check_apart(output=usual)


def test_files_of_their_own_are_fine(folder: Path) -> None:
    """Different files, a database, and devices are no collision."""
    check_apart(store="clicks.db", output=Path("x.csv"), targets=Path("links.csv"), key_file=Path("key"))
    check_apart(store="postgresql://h/d", output=Path("x.csv"))
    check_apart(targets=Path(os.devnull), output=Path(os.devnull))
    (folder / "Twin").touch()
    if not (folder / "twin").exists():
        check_apart(store="Twin", output=Path("twin"))


@posix_only
@pytest.mark.parametrize("redirection", ["2>> links.csv", ">> clicks.db 2>&1"])
def test_a_redirection_into_what_is_read_is_refused(folder: Path, redirection: str) -> None:
    """Nothing is written if stdout or stderr is redirected to the store, the targets or the key."""
    before = contents(folder)
    script = (
        "from hourlyclicks.cli.app import app\n"
        "app(['status', '--store', 'clicks.db', '--targets', 'links.csv'], prog_name='hourlyclicks')"
    )
    command = ["sh", "-c", f'"$@" {redirection}', "sh", *forked_python(), "-c", script]
    done = subprocess.run(command, check=False, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)})  # noqa: S603 - ours
    assert done.returncode == 2
    assert contents(folder) == before


@posix_only
@pytest.mark.parametrize("output", ["links.csv", "./sub/../links.csv"])
def test_a_list_on_stdin_is_not_overwritten(folder: Path, output: str) -> None:
    """A file that is redirected to stdin is read as one that is named."""
    before = contents(folder)
    command = [*forked_python(), "-m", "hourlyclicks", "fetch", "--targets", "-", *APRIL, *FAST, "-o"]
    command += [output, "--base-url", "http://127.0.0.1:9"]
    with (folder / "links.csv").open() as stdin:
        done = subprocess.run(  # noqa: S603 - ours
            command,
            check=False,
            stdin=stdin,
            capture_output=True,
            env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        )
    assert (done.returncode, b"are the same file" in done.stderr) == (2, True), done.stderr
    assert contents(folder) == before
