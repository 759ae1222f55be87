"""The command line that fetches what is still missing."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from hourlyclicks.cli.resume import quoted

BASH = shutil.which("bash")


@pytest.mark.parametrize("word", ["kYdr", "a b", "it's", "$HOME", "한글", "", "\\n", "a\x1b[31mb", "'\\\x07"])
def test_a_shell_reads_back_what_was_quoted(word: str) -> None:
    """A quoted word steers no terminal, and means itself in a shell."""
    written = quoted(word)
    assert written.isprintable()
    if BASH is None:
        pytest.skip("needs bash")
    command = [BASH, "-c", f"printf %s {written}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - that is the question
    assert done.stdout == word
