"""Tables as CSV and JSON Lines; ``model/export`` writes the usual one, with a row an hour, much faster."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

from hourlyclicks.model.export import csv_cell
from hourlyclicks.model.frames.values import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.model.export import Writable
    from hourlyclicks.model.frames.table import Field, Table
    from hourlyclicks.model.frames.values import Value


def write_csv_header(fields: Sequence[Field], out: Writable) -> None:
    """Write the line with the names of the columns."""
    out.write(",".join([field.name for field in fields]) + "\n")


def write_csv_rows(table: Table, fields: Sequence[Field], out: Writable) -> None:
    """Write a line for each row; a null is left empty, and a moment has its offset from UTC."""
    cells = {label: csv_cell(label) for column in table.columns for label in column.labels}
    for row in rows(table, fields):
        out.write(",".join([cells[value] if isinstance(value, str) else _plain(value) for value in row]))
        out.write("\n")


def write_json_rows(table: Table, fields: Sequence[Field], out: Writable) -> None:
    """Write an object for each row, in ASCII; a null is ``null``."""
    names = [field.name for field in fields]
    for row in rows(table, fields):
        values = [value.isoformat() if isinstance(value, dt.date) else value for value in row]
        out.write(json.dumps(dict(zip(names, values, strict=True))) + "\n")


def _plain(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, dt.date) else str(value)
