"""The results of a part go between its markers, and nowhere else."""

from __future__ import annotations

import pytest

from benchmarks.report import PARTS, MarkerError, Part, Report, fill_pages
from benchmarks.results import Claim, Section, Table, spread

FOUND = Report("now", {}).having("store", Part("now", quick=True, section=Section()))
PAGE = "".join(f"<!-- {name} -->old<!-- /{name} -->\n" for name in ("summary", *PARTS))


def test_the_other_parts_keep_what_they_have() -> None:
    """Only what was measured is replaced; the summary needs all parts."""
    (page,) = fill_pages({"page": PAGE}, FOUND, {}).values()
    assert "<!-- store -->\n\n\n\nMeasured on now, a quick run.\n\n\n\n<!-- /store -->" in page
    assert page.count("old") == len(PARTS)


@pytest.mark.parametrize(
    ("marker", "instead"),
    [
        ("<!-- store -->", ""),
        ("<!-- /store -->", ""),
        ("<!-- store -->", "<!-- store --><!-- store -->"),
        ("<!-- /store -->", "<!-- store -->"),
        ("<!-- store -->old<!-- /store -->", "<!-- /store -->old<!-- store -->"),
        ("<!-- summary -->", "<!-- /summary -->"),
    ],
)
def test_markers_are_there_once_and_in_order(marker: str, instead: str) -> None:
    """A marker that is missing, doubled or out of place is an error."""
    assert marker in PAGE
    with pytest.raises(MarkerError):
        fill_pages({"page": PAGE.replace(marker, instead)}, FOUND, {})


@pytest.mark.parametrize("marker", ["<!-- store -->", "<!-- /store -->"])
def test_both_markers_are_on_one_page(marker: str) -> None:
    """A marker on another page than its partner is an error; both of them may be anywhere."""
    with pytest.raises(MarkerError):
        fill_pages({"page": PAGE.replace(marker, ""), "other": marker}, FOUND, {})
    moved = "<!-- store -->old<!-- /store -->"
    filled = fill_pages({"page": PAGE.replace(moved, ""), "other": moved}, FOUND, {})
    assert "a quick run" in filled["other"]


def test_a_report_is_the_same_after_json() -> None:
    """Everything that a part found comes back."""
    section = Section(
        (Table("title", ("", "ms"), (("row", "1"),)),),
        (Claim("claimed", 1.5, 2, at_least=True),),
        {"figure": [1, {"a": None}]},
        ("remark",),
        ("summary",),
    )
    report = FOUND.having("store", Part("then", quick=False, section=section)).lacking("micro", "it failed")
    assert Report.from_json(report.to_json()) == report


def test_a_spread_is_the_median_and_the_ends() -> None:
    """In the form that is asked for."""
    assert spread([3, 1, 2.5], ".1f") == "2.5 (1.0–3.0)"
