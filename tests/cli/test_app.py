"""The commands and their common entry point."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hourlyclicks import UsageError, __version__
from hourlyclicks.cli import main
from hourlyclicks.cli.actions import estimate
from hourlyclicks.cli.app import COMMANDS, app
from hourlyclicks.cli.commands.fleet import COMMANDS as FLEET_COMMANDS
from tests.cli.every_command import EVERY_COMMAND
from tests.cli.serving import ENVIRONMENT, ROOT, invoke


def test_help_lists_the_commands() -> None:
    """Without a command, the commands are listed."""
    result = invoke("--help")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in COMMANDS)
    assert invoke("-h").stdout == result.stdout


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_the_list_says_what_the_command_says(name: str) -> None:
    """A command has the same description in the list of its group and in its own help."""
    listed = COMMANDS | {f"fleet {each}": text for each, text in FLEET_COMMANDS.items()}
    assert (EVERY_COMMAND[name].help or "").splitlines()[0] == listed[name]
    assert invoke(*name.split(), "--help").exit_code == 0


def test_the_version_is_shown() -> None:
    """--version shows the name and version of the program."""
    assert invoke("--version").stdout == f"hourlyclicks, version {__version__}\n"


def test_an_unknown_command_is_a_mistake() -> None:
    """It ends with the exit code for a wrong command line."""
    result = invoke("conquer")
    assert result.exit_code == 2
    assert "conquer" in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UsageError("no such thing"), 2, "Error: no such thing\n"),
        (KeyboardInterrupt(), 130, "Error: interrupted\n"),
    ],
)
def test_errors_end_with_a_sentence(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of ours, and a second Ctrl-C, end in one line without a traceback."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(estimate, "present", fail)
    result = invoke("estimate", "--last", "3d")
    assert (result.exit_code, result.stderr) == (code, text)


def run_python(script: str) -> subprocess.CompletedProcess[str]:
    """Run some Python in another process."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=ENVIRONMENT)  # noqa: S603 - ours


@pytest.mark.parametrize("package", ["click", "rich", "platformdirs"])
def test_without_its_packages_it_says_how_to_install_them(package: str) -> None:
    """There is one sentence, exit code 2, and no traceback."""
    done = run_python(
        f"import sys; sys.modules[{package!r}] = None; from hourlyclicks.cli import main; main()"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "The command line needs more packages: pip install 'hourlyclicks[cli]'\n"


def test_help_loads_neither_rich_nor_the_simulator() -> None:
    """What a command needs is imported when it runs."""
    script = (
        "import sys\nfrom hourlyclicks.cli import app\n"
        "app.app.main(['--help'], standalone_mode=False)\n"
        "fetch = 'hourlyclicks.cli.commands.fetch'\n"
        "loaded = {'rich.console', 'hourlyclicks.simulator', 'aiohttp.web', fetch}\n"
        "sys.exit(str(loaded & set(sys.modules)) if loaded & set(sys.modules) else 0)"
    )
    done = run_python(script)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_leaves_with_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The entry point of the script exits the interpreter."""
    monkeypatch.setattr(sys, "argv", ["hourlyclicks", "estimate"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "no days given" in capsys.readouterr().err


def test_ctrl_c_before_anything_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during the imports ends with exit code 130 and no traceback."""

    def load(**_words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "main", load)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 130
