"""Any command line is either carried out exactly, or an error before a request is sent."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.model.quantities import count
from tests.cli.lines import HELD, draw, draw_look
from tests.cli.serving import invoke, serving
from tests.late import LateModule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hourlyclicks.simulator import Simulator
    from tests.cli.lines import CommandLine

openpyxl, parquet = LateModule("openpyxl"), LateModule("pyarrow.parquet")

# More of them: COMMAND_LINES=600 pytest tests/cli/test_command_lines.py
LINES = int(os.environ.get("COMMAND_LINES", "30"))
SEEDS = range(LINES)


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    """One simulator for all tests."""
    with serving() as simulator:
        yield simulator


def asked_for(line: CommandLine) -> set[tuple[str, str]]:
    """Return target and date of everything a command line names."""
    return {(str(target), str(day)) for target in line.targets for day in line.days}


def written(line: CommandLine, data: bytes) -> set[tuple[str, str]]:
    """Return target and date of all that is in a result."""
    if line.form == "parquet":
        table = parquet.read_table(io.BytesIO(data))
        return set(zip(table["target"].to_pylist(), map(str, table["date"].to_pylist()), strict=True))
    if line.form == "xlsx":
        rows = openpyxl.load_workbook(io.BytesIO(data)).active.values
        return {(row[0], str(row[1].date())) for row in islice(rows, 1, None)}
    text = data.decode()
    if line.form == "csv":
        return {(row["target"], row["date"]) for row in csv.DictReader(io.StringIO(text, newline=""))}
    if line.form == "jsonl":
        return {(row["target"], row["date"]) for row in map(json.loads, text.split("\n")[:-1])}
    tables = [table.split("\n") for table in text.split("\n\n")]
    heads = [table[0].rpartition(", ") for table in tables]
    names = [name.replace("\\u2028", "\u2028") for name, _, days in heads if "2025-04-01" in days]
    return {(name, str(day)) for name in names for day in line.days}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_asked_for_is_done_or_refused(seed: int, server: Simulator, tmp_path: Path) -> None:
    """Valid: each day of each target once, and all in the result. Invalid: a sentence, and no request."""
    line = draw(random.Random(seed), tmp_path, server.url)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    server.counters.asked.clear()
    requests = server.counters.requests
    result = invoke(*line.words)
    asked = {(str(target), str(day)) for target, day in server.counters.asked}
    if line.wrong:
        assert result.exit_code in {2, 11}, (line.wrong, result.output)
        assert result.stderr.splitlines()[-1].startswith("Error: ")
        assert (server.counters.requests, result.stdout) == (requests, ""), line.wrong
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
        return
    assert result.exit_code == 0, (line.words, result.output)
    if line.words[0] == "estimate":
        number = len(set(line.targets)) or 1
        assert result.stdout.startswith(f"{count(number * len(line.days), 'request')}: ")
        assert server.counters.requests == requests
        return
    assert asked == asked_for(line)
    assert set(server.counters.asked.values()) == {1}
    if line.words[0] == "fetch":
        data = result.stdout_bytes if line.output is None else read_if_file(line.output)
        assert data is None or written(line, data) == asked
        assert line.output is None or result.stdout == ""


@pytest.fixture(scope="module")
def held(server: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three days of three links."""
    path: Path = tmp_path_factory.mktemp("held") / "clicks.db"
    links = [word for link in HELD for word in ("--link", f"{link.domain}/{link.id}")]
    days = ("--from", "2025-04-01", "--to", "2025-04-03", "--limit", "100000/1")
    result = invoke("backfill", "--base-url", server.url, "--store", str(path), *links, *days)
    assert result.exit_code == 0, result.output
    return path


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_looked_at_is_shown_or_refused(seed: int, held: Path, tmp_path: Path) -> None:
    """Valid: the days of the named targets, or of all. Invalid: a sentence, and nothing else."""
    shutil.copy(held, tmp_path / "clicks.db")
    line = draw_look(random.Random(seed), tmp_path)
    result = invoke(*line.words)
    if line.wrong:
        assert (result.exit_code, result.stdout) == (2, ""), (line.wrong, result.output)
        assert result.stderr.splitlines()[-1].startswith("Error: ")
        assert [path.name for path in tmp_path.iterdir()] == ["clicks.db"]
        return
    assert result.exit_code == 0, (line.words, result.output)
    line.targets = line.targets or list(HELD)
    if line.words[0] == "export":
        data = result.stdout_bytes if line.output is None else line.output.read_bytes()
        assert written(line, data) == asked_for(line)
    else:
        shown = {str(target) for target in HELD if str(target) in result.stdout}
        assert shown == set(map(str, line.targets))


def read_if_file(path: Path) -> bytes | None:
    """Return what is in a file; a device keeps nothing."""
    return path.read_bytes() if path.is_file() else None


def test_the_lines_are_of_both_kinds(tmp_path: Path) -> None:
    """Among them are valid and invalid ones, and each command."""
    lines = [draw(random.Random(seed), tmp_path, "http://127.0.0.1:1") for seed in SEEDS]
    assert 0.25 < sum(not line.wrong for line in lines) / len(lines) < 0.8
    assert {line.words[0] for line in lines} == {"fetch", "backfill", "estimate"}
