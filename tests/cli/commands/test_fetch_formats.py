"""``hourlyclicks fetch`` into Parquet and Excel files."""

from __future__ import annotations

import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.model.frames import excel
from hourlyclicks.simulator import Rule, Script, Status
from tests.cli.commands.test_fetch import BAD, COMMON, fetched
from tests.cli.serving import APRIL, invoke, serving
from tests.sizes import sample

if TYPE_CHECKING:
    from hourlyclicks.simulator import Simulator

FORMATS = ("csv", "jsonl", "parquet", "xlsx")
LAYOUTS = (("--by", "day"), ("--by", "week"), ("--by", "month"), ("--wide",))

pq: Any = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("xlsxwriter")


def cells_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file."""
    if path.read_bytes()[:4] == b"PAR1":
        return list(pq.read_table(path).to_pylist())
    openpyxl = pytest.importorskip("openpyxl")
    with path.open("rb") as file:
        header, *rows = openpyxl.load_workbook(file).active.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    """Return the clicks and the status of each row of a file."""
    return [(row["clicks"], row["status"]) for row in cells_of(path)]


@pytest.mark.parametrize("form", ["parquet", "xlsx"])
@pytest.mark.parametrize("daily", [False, True])
def test_what_is_fetched_is_in_the_file(server: Simulator, tmp_path: Path, form: str, *, daily: bool) -> None:
    """Hours, or sums of days."""
    path = tmp_path / f"clicks.{form}"
    words = ("--daily",) if daily else ()
    result = fetched(server, *words, "-o", str(path))
    assert result.exit_code == 0
    rows = rows_of(path)
    assert len(rows) == 30 if daily else 30 * 24
    assert {status for _, status in rows} <= {"reported", "not_reported"}
    assert sum(clicks or 0 for clicks, _ in rows) > 0
    assert list(tmp_path.glob("clicks*")) == [path]


@pytest.mark.parametrize("form", ["parquet", "xlsx"])
def test_an_incomplete_result_has_another_name(tmp_path: Path, form: str) -> None:
    """The format is the one that was asked for, and missing days are marked."""
    path = tmp_path / f"clicks.{form}"
    with serving(faults=Script(Rule(Status(501), day=BAD))) as server:
        result = fetched(server, "-o", str(path))
    assert result.exit_code == 10
    assert not path.exists()
    rows = rows_of(tmp_path / f"clicks.{form}.partial")
    assert [status for _, status in rows].count("not_fetched") == 24


def test_what_cannot_be_written_is_not_fetched(server: Simulator, tmp_path: Path) -> None:
    """Too many rows, a missing library and a contradiction are found before the first request."""
    many = ("--from", "1900-01-01", "--to", "2024-12-31")
    words = [word for word in COMMON if word not in {"--from", "--to", "2025-04-01", "2025-04-30"}]
    result = invoke(*words, *many, "--base-url", server.url, "-o", str(tmp_path / "x.xlsx"))
    assert result.exit_code == 2
    assert "an Excel sheet has 1,048,575 rows, not 1,095,744" in result.stderr
    result = fetched(server, "-o", str(tmp_path / "x.xlsx"), "--format", "parquet")
    assert (result.exit_code, "does not go with .xlsx" in result.stderr) == (2, True)
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "hourlyclicks.model.frames.excel", raising=False)
        patch.delattr("hourlyclicks.model.frames.excel", raising=False)
        patch.setitem(sys.modules, "xlsxwriter", None)
        result = fetched(server, "-o", str(tmp_path / "x.xlsx"))
    assert (result.exit_code, "hourlyclicks[excel]" in result.stderr) == (2, True)
    assert server.counters.requests == 0


def test_data_that_is_nowhere_else_is_kept_as_csv(
    server: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the file cannot be written in the end, the data needs no library to be kept."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(excel.Sheet, "finish", full)
    result = fetched(server, "-o", str(tmp_path / "x.xlsx"))
    assert result.exit_code == 11
    kept = Path(result.stderr.partition("; the data is in ")[2].strip().splitlines()[0])
    assert kept.suffix == ".csv"
    assert len(kept.read_text("utf-8").splitlines()) == 1 + 30 * 24
    assert not (tmp_path / "x.xlsx").exists()


@pytest.mark.parametrize(("layout", "form"), sample(list(product(LAYOUTS, FORMATS)), 4))
def test_rows_are_those_of_an_export(
    server: Simulator, tmp_path: Path, form: str, layout: tuple[str, ...]
) -> None:
    """The same days, from a store, are the same rows."""
    path, again, store = tmp_path / f"clicks.{form}", tmp_path / f"again.{form}", tmp_path / "clicks.db"
    assert fetched(server, *layout, "--store", str(store), "-o", str(path)).exit_code == 0
    result = invoke("export", "--store", str(store), *APRIL, *layout, "-o", str(again))
    assert result.exit_code == 0
    if form in {"parquet", "xlsx"}:
        assert cells_of(path) == cells_of(again) != []
    else:
        assert path.read_bytes() == again.read_bytes()


def test_a_table_has_a_row_for_each_month(server: Simulator) -> None:
    """A table of periods has the columns of a file, and the same sum."""
    result = fetched(server, "--by", "month")
    assert result.exit_code == 0
    title, _, names, month, _, total = result.stdout.splitlines()
    assert title == "https://vvd.bz/kYdr, 2025-04-01..2025-04-30"
    assert names.split() == ["date", "clicks", "days", "fetched_days", "reported_hours", "final"]
    date, clicks, *_, final = month.split()
    assert (date, final) == ("2025-04-01", "yes")
    assert total == f"{clicks} clicks in 30 days"


def test_a_csv_can_begin_with_a_byte_order_mark(server: Simulator, tmp_path: Path) -> None:
    """Excel takes it for UTF-8 then; what follows is the usual CSV."""
    path, usual = tmp_path / "clicks.csv", tmp_path / "usual.csv"
    assert fetched(server, "--bom", "-o", str(path)).exit_code == 0
    assert fetched(server, "-o", str(usual)).exit_code == 0
    assert path.read_bytes() == b"\xef\xbb\xbf" + usual.read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "x.jsonl", "--bom"), "--bom is for CSV, not for jsonl"),
        (("--bom",), "--bom is for CSV, not for table"),
        (("-o", "x.csv", "--wide", "--by", "week"), "use --wide or --by, not both"),
        (("--wide",), "--wide has too many columns for a table: use --format or -o FILE"),
        (
            ("-o", "x.csv", "--daily", "--by", "week"),
            "--daily has a row for each day: not with --by or --wide",
        ),
        (("-o", "x.csv", "--daily", "--wide"), "--daily has a row for each day: not with --by or --wide"),
    ],
)
def test_options_that_contradict_each_other_cost_nothing(
    server: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    """They are found before a request is sent."""
    monkeypatch.chdir(tmp_path)
    result = fetched(server, *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert server.counters.requests == 0
    assert not [*tmp_path.iterdir()]
