"""Where the API key comes from, and where it must not come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hourlyclicks import UsageError
from hourlyclicks.cli.app import COMMANDS, app
from hourlyclicks.cli.keys import default_file, find_key

KEY = "canary-key-31415926"
OTHER = "another-key-27182818"
posix_only = pytest.mark.skipif(os.name != "posix", reason="permissions are different there")


def default() -> Path:
    """Return the default file of this test's home."""
    path = default_file()
    assert path is not None
    return path


def written(path: Path, text: str = KEY, mode: int = 0o600) -> Path:
    """Write a file with these permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without a key."""
    monkeypatch.delenv("HOURLYCLICKS_API_KEY", raising=False)


def test_the_environment_has_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is enough, and comes before the file that nobody named."""
    written(default(), OTHER)
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", KEY)
    assert find_key() == KEY


def test_a_named_file_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever names a file means it."""
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", OTHER)
    assert find_key(written(tmp_path / "k", KEY + "\n")) == KEY


def test_the_default_file_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an unset or empty variable, the file in the configuration folder is read."""
    written(default())
    assert find_key() == KEY
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", "")
    assert find_key() == KEY


def test_no_key_anywhere_says_where_to_put_one() -> None:
    """The sentence names the variable and the file."""
    with pytest.raises(UsageError) as caught:
        find_key()
    assert "HOURLYCLICKS_API_KEY" in str(caught.value)
    assert str(default_file()) in str(caught.value)


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    """The sentence says what to do, and not what is in the file."""
    with pytest.raises(UsageError, match="chmod 600") as caught:
        find_key(written(tmp_path / "k", mode=mode))
    assert KEY not in str(caught.value)


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_read(tmp_path: Path, mode: int) -> None:
    """Only the owner may read it, whether or not he may write it."""
    assert find_key(written(tmp_path / "k", mode=mode)) == KEY


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, a device and a file that is not there are told apart from a key."""
    for path in (tmp_path, Path(os.devnull), tmp_path / "missing"):
        with pytest.raises(UsageError, match="key file"):
            find_key(path)


def test_a_key_hides_itself(tmp_path: Path) -> None:
    """A traceback with locals does not show it."""
    assert KEY not in repr(find_key(written(tmp_path / "k")))


def test_no_option_takes_a_key() -> None:
    """Arguments of a process can be seen by everybody: only a file's name is one."""
    context = app.make_context("hourlyclicks", ["demo"])
    options = {
        option
        for name in COMMANDS
        for parameter in (app.get_command(context, name) or app).params
        for option in parameter.opts
        if "key" in option
    }
    assert options == {"--key-file"}


@pytest.mark.skipif(os.name != "posix", reason="there are no such pipes elsewhere")
def test_a_pipe_is_no_key_file(tmp_path: Path) -> None:
    """A pipe that nobody writes into is refused at once, not waited for."""
    path = tmp_path / "key"
    os.mkfifo(path, 0o600)
    with pytest.raises(UsageError, match="is not a file"):
        find_key(path)
