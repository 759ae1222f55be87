"""Where the API key is read from, and from where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from hourlyclicks import UsageError
from hourlyclicks.cli.options.key_file import default_file
from hourlyclicks.cli.steps.keys import find_key, key_if_any
from tests.cli.every_command import EVERY_COMMAND

KEY = "canary-key-31415926"
OTHER = "another-key-27182818"
posix_only = pytest.mark.skipif(os.name != "posix", reason="permissions are different there")


def default() -> Path:
    """Return the default file in the home of the test."""
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
    """Remove the key from the environment."""
    monkeypatch.delenv("HOURLYCLICKS_API_KEY", raising=False)


def test_the_environment_has_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is enough, and comes before the default file."""
    written(default(), OTHER)
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", KEY)
    assert find_key() == KEY


def test_a_named_file_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file named by the option comes before the variable."""
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", OTHER)
    assert find_key(written(tmp_path / "k", KEY + "\n")) == KEY


def test_the_default_file_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the variable is unset or empty, the file in the configuration folder is read."""
    written(default())
    assert find_key() == KEY
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", "")
    assert find_key() == KEY


def test_no_key_anywhere_says_where_to_put_one() -> None:
    """The error names the variable and the file."""
    with pytest.raises(UsageError) as caught:
        find_key()
    assert "HOURLYCLICKS_API_KEY" in str(caught.value)
    assert str(default_file()) in str(caught.value)


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    """The error says what to do, and does not show the content."""
    with pytest.raises(UsageError, match="chmod 600") as caught:
        find_key(written(tmp_path / "k", mode=mode))
    assert KEY not in str(caught.value)


@posix_only
@pytest.mark.parametrize("mode", [0o444, 0o440])
def test_a_mounted_secret_is_read(tmp_path: Path, mode: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be written is a secret of Docker or Kubernetes, also behind links."""
    written(tmp_path / "..2026" / "key", mode=mode)
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "key").symlink_to("..data/key")
    assert find_key(tmp_path / "key") == KEY
    assert capsys.readouterr().err.count("every user") == (mode == 0o444)
    written(default(), mode=mode)
    with pytest.raises(UsageError, match="chmod 600"):
        find_key()


@posix_only
@pytest.mark.parametrize(("mode", "fine"), [(0o644, True), (0o640, True), (0o664, False), (0o601, False)])
def test_a_file_of_root_need_not_be_ours_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, *, fine: bool
) -> None:
    """A file of root that others may read, and no more, is accepted."""
    path = written(tmp_path / "key", mode=mode)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result((0o100000 | mode, 0, 0, 1, 0, 0, 9, 0, 0, 0)))
    if fine:
        assert find_key(path) == KEY
    else:
        with pytest.raises(UsageError, match="chmod 600"):
            find_key(path)


@posix_only
def test_a_read_only_mount_is_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file on a read-only mount is accepted, also in its default place."""

    class ReadOnly:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(os, "fstatvfs", lambda _: ReadOnly)
    assert find_key(written(tmp_path / "key", mode=0o644)) == KEY
    written(default(), mode=0o444)
    assert find_key() == KEY
    assert capsys.readouterr().err == ""


@posix_only
def test_a_home_that_cannot_be_entered_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to do; commands that need no key ignore it."""

    def forbid(*_: object, **__: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", forbid)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="no API key: set HOURLYCLICKS_API_KEY"):
        find_key()
    assert key_if_any() is None


@pytest.mark.parametrize("error", [RuntimeError("no home"), KeyError("uid"), None])
def test_without_a_home_there_is_no_usual_file(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    """With neither HOME nor an entry for the user, the error names the other places."""

    def path(*_: object, **__: object) -> Path:
        if error is not None:
            raise error
        return Path("~/.config/hourlyclicks")  # how an unknown home is shown

    monkeypatch.setattr("platformdirs.user_config_path", path)
    assert (default_file(), key_if_any()) == (None, None)
    with pytest.raises(UsageError, match="--key-file"):
        find_key()


@pytest.mark.parametrize(
    "content",
    [
        f'"{KEY}"\r\n'.encode(),
        b"\xef\xbb\xbf" + KEY.encode(),
        f"\ufeff{KEY}\r\n".encode("utf-16-le"),
        f"\ufeff{KEY}\r\n".encode("utf-16-be"),
        f"# for the reports\n\nexport HOURLYCLICKS_API_KEY='{KEY}'\n".encode(),
    ],
)
def test_what_is_around_a_key_in_a_file_is_taken_away(tmp_path: Path, content: bytes) -> None:
    """Files of Windows, of editors and for the environment are read, too."""
    path = written(tmp_path / "k")
    path.write_bytes(content)
    assert find_key(path) == KEY


def test_what_is_wrong_with_a_key_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the file or the variable and the fault, but not the key."""
    path = written(tmp_path / "k", f"{KEY} {OTHER}")
    with pytest.raises(UsageError, match="has a blank in it") as caught:
        find_key(path)
    assert str(path) in str(caught.value)
    assert KEY not in str(caught.value)
    with pytest.raises(UsageError, match="is empty"):
        find_key(written(tmp_path / "k", " \n"))
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", f'"{KEY}')
    with pytest.raises(UsageError, match="HOURLYCLICKS_API_KEY has a quotation mark at one end only"):
        find_key()


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_read(tmp_path: Path, mode: int) -> None:
    """A file that only its owner may read is accepted, writable or not."""
    assert find_key(written(tmp_path / "k", mode=mode)) == KEY


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, a device and a missing file are different errors."""
    for path in (tmp_path, Path(os.devnull), tmp_path / "missing"):
        with pytest.raises(UsageError, match="key file"):
            find_key(path)


def test_a_key_hides_itself(tmp_path: Path) -> None:
    """A traceback with locals does not show the key."""
    assert KEY not in repr(find_key(written(tmp_path / "k")))


def test_no_option_takes_a_key() -> None:
    """All users see the arguments of a process, so an option takes only the name of a file, or a number."""
    options = {
        option
        for command in EVERY_COMMAND.values()
        for parameter in command.params
        for option in parameter.opts
        if "key" in option and not isinstance(parameter.type, click.IntRange)
    }
    assert options == {"--key-file"}


@pytest.mark.skipif(os.name != "posix", reason="there are no such pipes elsewhere")
def test_a_pipe_is_no_key_file(tmp_path: Path) -> None:
    """A pipe without a writer is an error at once."""
    path = tmp_path / "key"
    os.mkfifo(path, 0o600)
    with pytest.raises(UsageError, match="is not a file"):
        find_key(path)
