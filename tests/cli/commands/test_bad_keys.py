"""A bad key costs few requests, in whatever form the server reports it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import product
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.simulator import Envelope, Rule, Script, Status
from tests.cli.serving import invoke, serving
from tests.sizes import sample

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.simulator import Fault

FORMS: dict[str, Fault] = {
    "401": Status(401),
    "403": Status(403),
    "code 401": Envelope({"code": 401, "message": ""}),
    "code 403": Envelope({"code": 403, "message": "forbidden"}),
    "English": Envelope({"code": 1002, "message": "invalid API key"}),
    "Korean": Envelope({"code": 1002, "message": "유효하지 않은 API 키입니다."}),
}
YEAR = ("--from", "2024-04-01", "--to", "2025-03-31")


@pytest.mark.parametrize(("form", "concurrency"), sample(list(product(FORMS, [1, 2])), 7))
def test_a_bad_key_costs_five_requests(form: str, concurrency: int, tmp_path: Path) -> None:
    """A backfill of three links and a fetch end with exit code 3, name the key, and store no failure."""
    links = [word for number in range(3) for word in ("--link", f"link{number}")]
    rate = ("--limit", "100000/1", "--concurrency", str(concurrency), "--domain", "https://vvd.bz")
    store = ("--store", str(tmp_path / "clicks.db"))
    for words in (("backfill", *links, *store), ("fetch", *links[:2])):
        with serving(faults=Script(Rule(FORMS[form]))) as server:
            result = invoke(*words, *YEAR, *rate, "--base-url", server.url)
            assert server.counters.requests <= 5
        assert (result.exit_code, "API key" in result.stderr) == (3, True)
    with closing(sqlite3.connect(tmp_path / "clicks.db")) as db:
        assert db.execute("SELECT sum(attempts) FROM days").fetchone() in {(0,), (None,)}
