"""The report in Markdown, in JSON, and in its places in the documentation."""

from __future__ import annotations

import json

import attrs
import pytest

from benchmarks.report import PARTS, SHOWN, MarkerError, Part, Report, fill_page, machine, machine_line
from benchmarks.results import Claim, Section, Table

MACHINE = {
    "cpu": "An Engine",
    "cores": 2,
    "kernel": "Linux 6",
    "python": "CPython 3.11.4",
    "libraries": {"aiohttp": "3.14.3", "attrs": "26.1.0"},
}
THEN, NOW = "2026-11-01T10:00:00+00:00", "2026-11-02T10:00:00+00:00"
TABLE = Table("Days a second", ("contender", "days"), (("ours", "1,000"), ("naive", "700")))
HELD = Claim("ours / naive", 1.4, 1.2, at_least=True)
MISSED = Claim("MiB", 70.0, 64)
PEERS = Section(
    "peers", (TABLE,), (HELD,), {"rounds": [{"wall": 0.5, "days": 500}]}, ("wrk is not installed.",)
)
STORE = Section("store", (), (MISSED,))
PAGE = "# Numbers\n\nBefore.\n\n" + "\n".join(
    f"<!-- {name} -->\nold {name}\n<!-- /{name} -->" for name in PARTS
)


def report() -> Report:
    """Return a report of two parts, one of them quick, and one that failed."""
    parts = {"store": Part(THEN, quick=False, section=STORE), "peers": Part(THEN, quick=True, section=PEERS)}
    return Report(THEN, MACHINE, parts, {"micro": "OSError: gone"})


def test_json_round_trip() -> None:
    """What is written as JSON is read as the same report."""
    assert Report.from_json(json.loads(json.dumps(report().to_json()))) == report()


def test_json_for_programs() -> None:
    """The JSON has the machine, and for each part in order its results, under plain names."""
    document = report().to_json()
    assert document["quick"] is True
    assert document["machine"] == MACHINE
    assert list(document["parts"]) == ["peers", "store"]
    assert document["failed"] == {"micro": "OSError: gone"}
    assert document["parts"]["peers"]["when"] == THEN
    assert document["parts"]["peers"]["figures"] == PEERS.figures
    assert document["parts"]["store"]["claims"] == [
        {"text": "MiB", "measured": 70.0, "bound": 64, "at_least": False}
    ]


def test_markdown() -> None:
    """The Markdown has the machine, the tables with their plots, and in the end the missed claims."""
    text = report().markdown({"peers": ["days-a-second.svg"]})
    assert "An Engine, 2 cores; Linux 6; CPython 3.11.4. With aiohttp 3.14.3, attrs 26.1.0." in text
    shown = SHOWN["days-a-second"]
    assert f"## peers\n\nMeasured on {THEN}, a quick run.\n\n![{shown}](days-a-second.svg)\n" in text
    assert f"## store\n\nMeasured on {THEN}.\n" in text
    assert "| ours | 1,000 |" in text
    assert text.index("## peers") < text.index("## store") < text.index("1 of 2 claims hold.")
    assert text.endswith("\n\n- missed: store: MiB: 70\n- failed: micro: OSError: gone\n")


def test_a_clean_verdict_is_one_line() -> None:
    """If all claims hold, there is one line."""
    assert Report(NOW, MACHINE).having("peers", Part(NOW, quick=False, section=PEERS)).verdict() == (
        "1 of 1 claims hold."
    )


def test_a_repeated_part_replaces_what_was_known() -> None:
    """A part that is run again replaces its results, or its failure; the others stay."""
    again = report().on(MACHINE, NOW).having("micro", Part(NOW, quick=False, section=PEERS))
    assert set(again.parts) == {"store", "peers", "micro"}
    assert again.parts["store"] == report().parts["store"]
    assert again.failed == {}
    failed = again.lacking("peers", "OSError: gone")
    assert set(failed.parts) == {"store", "micro"}
    assert failed.failed == {"peers": "OSError: gone"}


def test_parts_from_elsewhere_are_marked() -> None:
    """A part that was measured with other versions says so, once, however often others are repeated."""
    elsewhere = report().on(MACHINE | {"python": "CPython 3.13.1"}, NOW)
    twice = elsewhere.on(MACHINE, NOW)
    for marked in (elsewhere, twice):
        assert marked.parts["store"].section.remarks == (
            f"Measured on {THEN}, when this was different: python.",
        )
    assert report().on(MACHINE, NOW).parts == report().parts


def test_a_page_is_filled_between_the_markers() -> None:
    """Each part that was run replaces what stood in its place; all else on the page stays."""
    filled = fill_page(PAGE, report(), {"peers": ["benchmarks/days-a-second.svg"]})
    assert filled.startswith("# Numbers\n\nBefore.\n\n<!-- peers -->\n\nAn Engine")
    assert "(benchmarks/days-a-second.svg)" in filled
    assert "old peers" not in filled
    assert "old store" not in filled
    assert "<!-- pacing -->\nold pacing\n<!-- /pacing -->" in filled
    assert fill_page(filled, report(), {"peers": ["benchmarks/days-a-second.svg"]}) == filled


@pytest.mark.parametrize("marker", ["<!-- pacing -->", "<!-- /micro -->"])
def test_a_missing_marker_is_an_error(marker: str) -> None:
    """A page without the place for any part is refused, whether or not the part was run."""
    with pytest.raises(MarkerError, match=f"{marker} 0 times instead of once"):
        fill_page(PAGE.replace(marker, ""), report(), {})


def test_markers_in_disorder_are_an_error() -> None:
    """A pair of markers that is doubled or the wrong way round is refused."""
    with pytest.raises(MarkerError, match="2 times"):
        fill_page(f"{PAGE}\n<!-- store -->", report(), {})
    turned = PAGE.replace("<!-- store -->\nold store\n<!-- /store -->", "<!-- /store --> <!-- store -->")
    with pytest.raises(MarkerError, match="<!-- /store --> before <!-- store -->"):
        fill_page(turned, report(), {})


def test_this_machine() -> None:
    """The machine is described without a name or an address."""
    described = machine()
    assert set(described) == set(MACHINE)
    assert described["cpu"]
    assert described["cores"] >= 1
    assert described["libraries"]["aiohttp"]
    assert machine_line(described).endswith(f" cores; {described['kernel']}; {described['python']}.")


def test_a_report_stays_what_it_is() -> None:
    """Adding to a report makes another one."""
    before = report()
    before.having("micro", Part(NOW, quick=False, section=PEERS))
    before.lacking("store", "gone")
    assert before == report()
    assert attrs.asdict(before) == attrs.asdict(report())
