from __future__ import annotations

import pytest

from benchmarks.peers import contest, remarks, report
from benchmarks.peers.contest import Contender, Failure, Outcome, Rules, Run, order
from benchmarks.peers.environments import Missing, Place

CONTENDERS = (
    Contender("ours", "we", "here"),
    Contender("naive", "by hand", "here"),
    Contender("dlt_source", "slow | one", "slow", 1),
    Contender("httpx_loop", "gone", "nowhere"),
)
PLACES: dict[str, Place | Missing] = {
    "here": Place("python", {"aiohttp": "3.14"}),
    "slow": Place("python", {"dlt": "1.0"}),
    "nowhere": Missing("cannot be installed: no network"),
}


def ran(contender: str, round_: int, wall: float, *, concurrency: int = 3, cpu: float = 1.0) -> Run:
    """Return a run over 100 days."""
    return Run(contender, concurrency, round_, 100, wall, cpu, 0.0, 2**20)


@pytest.fixture
def outcome() -> Outcome:
    """Return a contest in whose second round the machine was busy."""
    return Outcome(
        CONTENDERS,
        PLACES,
        runs=[
            ran("ours", 0, 1.0, cpu=0.5),
            ran("naive", 0, 2.0),
            ran("dlt_source", 0, 50.0),
            ran("ours", 1, 10.0, cpu=0.5),
            ran("naive", 1, 30.0),
            ran("ours", 2, 1.0, cpu=0.5),
        ],
        failures=[Failure("naive", 3, 2, "it broke")],
    )


def test_ratios_are_taken_within_a_round(outcome: Outcome) -> None:
    """Each is that of two runs of the same round, and a round that lacks one of them counts for nothing."""
    assert outcome.ratios("ours", "naive", 3, report.SPEED) == [2.0, 3.0]
    assert outcome.ratios("ours", "dlt_source", 3, report.SPEED) == [50.0]
    assert outcome.ratios("ours", "naive", 10, report.SPEED) == []


def test_the_order_moves_on() -> None:
    """Each contender comes first once, and slow ones are left out of later rounds."""
    three = [Contender(name, name, "here") for name in "abc"]
    orders = ["".join(contender.module for contender in order(three, round_)) for round_ in range(4)]
    assert orders == ["abc", "bca", "cab", "abc"]
    assert [contender.module for contender in order(CONTENDERS, 1)] == ["naive", "httpx_loop", "ours"]


def test_all_take_part_in_all_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round has each contender once at each concurrency, unless it has no place to run."""
    asked: list[tuple[str, int, int]] = []

    def run(who: Contender, _python: str, _rules: Rules, *, concurrency: int, round_: int) -> Run | Failure:
        asked.append((who.name, concurrency, round_))
        if who.name == "naive":
            return Failure(who.name, concurrency, round_, "it broke")
        return ran(who.name, round_, 1.0, concurrency=concurrency)

    monkeypatch.setattr(contest, "run", run)
    said: list[str] = []
    rules = Rules("http://127.0.0.1:9", 100, None, 1.0)
    seen = contest.hold(CONTENDERS, PLACES, rules, rounds=2, concurrencies=(1, 10), say=said.append)
    assert sorted(asked) == sorted(
        [
            (module, concurrency, round_)
            for module in ("ours", "naive")
            for concurrency in (1, 10)
            for round_ in (0, 1)
        ]
        + [("dlt_source", concurrency, 0) for concurrency in (1, 10)]
    )
    assert len(seen.runs) + len(seen.failures) == len(asked)
    assert {failure.contender for failure in seen.failures} == {"naive"}
    assert len(said) == 4


def test_the_table_has_everyone(outcome: Outcome) -> None:
    """A contender that could not be measured is in the table with the reason."""
    rows = {row[0]: row[1:] for row in report.table(outcome, 3, "title").rows}
    assert rows["we"] == ("100 (10–100)", "2.50 (2.00–3.00)", "5,000 (5,000–5,000)", "0.50 (0.50–0.50)", "1")  # noqa: RUF001 - a range is written with a dash
    assert rows["slow | one (1 round)"][1] == "0.04 (0.04–0.04)"  # noqa: RUF001 - as above
    assert rows["gone"] == ("cannot be installed: no network", "", "", "", "")
    at_ten = {row[0]: row[1] for row in report.table(outcome, 10, "title").rows}
    assert at_ten["by hand"] == "failed: not run"


def test_claims_are_held_to_the_medians(outcome: Outcome) -> None:
    """Each claim is of one concurrency, and those without figures are named."""
    found = {claim.text: claim for claim in report.claims(outcome, (3,))}
    assert found["days/s, we / by hand, concurrency 3"].measured == 2.5
    assert found["days/s, we / by hand, concurrency 3"].holds
    assert found["CPU, we / by hand, concurrency 3"].measured == 0.5
    assert found["days/s, we / slow | one, concurrency 3"].measured == 50.0
    assert len(found) == 3
    said = list(remarks.troubles(outcome, (3,)))
    assert said == [
        "The environment nowhere: cannot be installed: no network.",
        "by hand failed in round 3 at concurrency 3: it broke",
        "7 of 10 claims could not be looked at, for lack of figures.",
    ]


def test_a_server_that_is_too_slow_is_told_of(outcome: Outcome) -> None:
    """Contenders above half of the server's rate are named."""
    assert remarks.of_server(outcome, 1000.0).endswith("the fastest, we, ever asked.")
    assert remarks.of_server(outcome, 150.0).endswith("it may have held up we.")


def test_versions_are_told_once() -> None:
    """Equal environments are listed together."""
    places = {**PLACES, "more": Place("python", {"aiohttp": "3.14", "dlt": "2.0", "unknown": "1"})}
    assert remarks.versions(places) == ["aiohttp 3.14", "dlt 1.0", "dlt 2.0"]
