"""What is in the pictures, and that they look the same wherever they are drawn."""

from __future__ import annotations

import datetime as dt
import io
import math
import pickle
import subprocess
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hourlyclicks import Group, Link, UsageError, plot
from hourlyclicks.render import plots
from hourlyclicks.render.plots import arithmetic
from tests.late import LateModule
from tests.marks import thorough_only
from tests.render.plots.pictures import hatched, scale_labels, series, texts, written
from tests.sizes import sample, sized

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from hourlyclicks import HourlySeries

mpl, colors = LateModule("matplotlib"), LateModule("matplotlib.colors")
fonts, marks, themes = (LateModule(f"{plots.__name__}.{name}") for name in ("fonts", "marks", "themes"))

KINDS = [plot.calendar, plot.week, plot.trend, plot.compare]
THEMES = ["light", "dark"]
HANGUL = Link("한국어", "https://vvd.bz")
GAPS = series(
    30, lambda day, hour: None if day == 10 or hour == 3 else day + hour, missing=[4, 5], provisional=[29]
)
"""Days 4 and 5 were not fetched, day 10 and all third hours not reported, and the last day is not final."""

SHAPES: dict[str, HourlySeries] = {
    "gaps": GAPS,
    "a day": series(1),
    "nothing fetched": series(40, missing=range(40)),
    "nothing reported": series(40, lambda _, __: None),
    "zeros": series(40, lambda _, __: 0),
    "ten years": series(3653, missing=range(100, 900), start="2015-03-10"),
    "hangul": series(8, target=HANGUL),
    "formula": series(8, target=Link("$\\frac{$", "https://vvd.bz")),
}


def pixels(figure: Figure) -> np.ndarray[Any, Any]:
    """Return a picture as an array, drawn without its own way of saving."""
    canvas: Any = LateModule("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()


@pytest.mark.parametrize(("shape", "kind"), sample([(shape, kind) for shape in SHAPES for kind in KINDS], 3))
def test_every_series_can_be_drawn(kind: Any, shape: str) -> None:  # noqa: ANN401 - a function of the module
    """No warning and no error, whatever is or is not known; each picture is a figure of matplotlib."""
    figure = kind(SHAPES[shape], theme="dark")
    assert isinstance(figure, LateModule("matplotlib.figure").Figure)
    figure.draw_without_rendering()


@pytest.mark.parametrize("kind", sized([plot.trend], KINDS))
def test_an_svg_is_the_same_each_time(kind: Any) -> None:  # noqa: ANN401 - as above
    """Two pictures of one series are equal byte by byte, and one that is saved twice."""
    figure = kind(GAPS)
    first = written(figure, "svg")
    assert first == written(figure, "svg") == written(kind(GAPS), "svg")
    assert b"<dc:date>" not in first


def test_a_pdf_is_the_same_each_time(tmp_path: Path) -> None:
    """It has no time either, and a format is known by the name of the file."""
    figure = plot.week(GAPS)
    for name in ("a.pdf", "b.pdf", "a.svg", "b.svg"):
        figure.savefig(tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


OTHERS = {
    "font.family": ["serif"],
    "font.size": 20,
    "hatch.linewidth": 9,
    "savefig.transparent": True,
    "savefig.dpi": 30,
    "figure.facecolor": "red",
    "axes.facecolor": "red",
    "xtick.labelsize": 30,
    "path.sketch": (9, 9, 9),
    "svg.hashsalt": "another",
    "text.antialiased": False,
    "text.hinting": "no_hinting",
}


@thorough_only
@pytest.mark.parametrize("kind", sized([plot.calendar], KINDS))
def test_the_settings_of_the_user_do_not_matter(kind: Any) -> None:  # noqa: ANN401 - as above
    """A picture looks the same under any settings, when it is made and when it is drawn or saved."""
    first, figure = kind(GAPS), kind(GAPS)
    expected, drawn = written(first, "png"), pixels(first)
    before = dict(mpl.rcParams)
    with mpl.rc_context(OTHERS):
        assert written(figure, "png") == expected
        assert written(kind(GAPS), "png") == expected
        np.testing.assert_array_equal(pixels(figure), drawn)
    assert dict(mpl.rcParams) == before


def test_a_picture_can_be_pickled_and_shown_in_a_notebook() -> None:
    """Both give the same image as saving it."""
    figure = plot.week(GAPS)
    expected = written(figure, "png")
    assert figure._repr_png_() == expected  # type: ignore[attr-defined]  # of our subclass
    assert written(pickle.loads(pickle.dumps(figure)), "png") == expected  # noqa: S301 - ours


def test_options_of_savefig_work() -> None:
    """The user can still choose the resolution, and add metadata."""
    figure, stream = plot.week(GAPS), io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Title": "Kings"})
    assert b"Kings" in stream.getvalue()
    small, large = io.BytesIO(), io.BytesIO()
    figure.savefig(small, dpi=50)
    figure.savefig(large, dpi=100)
    assert len(large.getvalue()) > len(small.getvalue())


@thorough_only
def test_nothing_imports_pyplot() -> None:
    """Neither the package nor a picture; without a picture, not even matplotlib and NumPy are imported."""
    script = """
import sys, io, datetime as dt
import hourlyclicks, hourlyclicks.plot
from hourlyclicks import DateRange, HourlySeries, Link
from hourlyclicks.model.series_builder import SeriesBuilder
series = SeriesBuilder(Link("a", "https://vvd.bz"), DateRange.of("2025-01-01", "2025-01-09")).build()
assert not {"matplotlib", "numpy"} & set(sys.modules)
for kind in ("calendar", "week", "trend", "compare"):
    picture = getattr(hourlyclicks.plot, kind)(series)
picture.savefig(io.BytesIO(), format="png")
assert "matplotlib" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)  # noqa: S603 - ours


# -- the rules ------------------------------------------------------------------------------------------


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as the WCAG define it."""
    lights: list[float] = sorted(marks.luminance(colors.to_rgba(colour)) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_contrasts(name: str) -> None:
    """Hatching, marks and lines have 3:1 with what is behind them, and text has 4.5:1."""
    theme = themes.theme_named(name)
    assert contrast(theme.hatch, theme.ground) >= 3
    for colour in (theme.provisional, theme.line):
        assert contrast(colour, theme.background) >= 3
    for colour in (theme.ink, theme.quiet):
        assert contrast(colour, theme.background) >= 4.5


@pytest.mark.parametrize("name", THEMES)
def test_the_ground_of_hatching_is_no_shade_of_the_scale(name: str) -> None:
    """The ground is grey; zero, the palest shade, is not."""
    theme = themes.theme_named(name)

    def saturation(colour: str) -> float:
        parts: tuple[float, ...] = colors.to_rgb(colour)
        return max(parts) - min(parts)

    assert saturation(theme.ground) < 0.03
    assert saturation(theme.shades[0]) > 0.08


@pytest.mark.parametrize("name", THEMES)
def test_a_scale_is_one_hue_and_goes_one_way(name: str) -> None:
    """Each shade is blue, and the contrast with the background grows."""
    theme = themes.theme_named(name)
    shades = [theme.scale(part) for part in np.linspace(0, 1, 50)]
    assert all(shade[2] >= shade[1] >= shade[0] for shade in shades)
    lights = [marks.luminance(shade) for shade in shades]
    assert lights == sorted(lights, reverse=name == "light")


@pytest.mark.parametrize("name", THEMES)
def test_labels_in_cells_can_be_read(name: str) -> None:
    """In the middle shades too, black or white has 4.5:1."""
    theme = themes.theme_named(name)
    for part in np.linspace(0, 1, 50):
        shade = theme.scale(part)
        text = colors.to_rgba(marks.readable_on(shade))
        lights = sorted((marks.luminance(text), marks.luminance(shade)))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5


def test_the_calendar_tells_the_three_states_apart() -> None:
    """Zeros have a colour; hours without figures have none, and are hatched as what they are."""
    figure = plot.calendar(GAPS)
    cells = figure.axes[0].images[0].get_array()
    shapes = hatched(figure)
    assert cells is not None
    assert cells.shape == (24, 30)
    assert cells[0, 0] == 0
    mask = np.ma.getmaskarray(cells)
    assert mask[:, 4].all()
    assert not mask[0, 0]
    assert {name: shape.get_hatch() for name, shape in shapes.items()} == {
        "not reported": "//////",
        "not fetched": "xxxx",
    }
    for day in range(30):
        for hour in range(24):
            inside = {
                name
                for name, shape in shapes.items()
                if shape.get_path().contains_point((day + 0.5, hour + 0.5))
            }
            status = "not fetched" if day in {4, 5} else "not reported" if day == 10 or hour == 3 else None
            assert inside == ({status} if status else set())
            assert mask[hour, day] == bool(status)


def test_the_legend_explains_what_is_there() -> None:
    """And nothing else."""
    assert {"not reported", "not fetched", marks.PROVISIONAL} <= set(texts(plot.calendar(GAPS)))
    assert not {"not reported", "not fetched", marks.PROVISIONAL} & set(texts(plot.calendar(series(30))))
    assert {"not fetched"} == {"not reported", "not fetched"} & set(texts(plot.compare([series(1)])))
    never = series(30, lambda _, hour: hour or None)
    assert {"not reported"} == {"not reported", "not fetched"} & set(texts(plot.compare([never])))


def test_a_single_day_of_many_years_is_seen() -> None:
    """Its hatching is wider than the day, which is thinner than a pixel; where there is room, it is not."""
    for days, factor in ((365, 1.0), (1218, 3.0)):
        figure = plot.trend(series(days, missing=[50]))
        shape = hatched(figure)["not fetched"].get_path().get_extents()
        assert (shape.x0 + shape.x1) / 2 == pytest.approx(50.5)
        assert shape.width == pytest.approx(factor, rel=0.05)


@pytest.mark.parametrize(("kind", "name"), [(plot.calendar, "dark"), (plot.trend, "light")])
def test_an_orange_mark_is_above_a_provisional_day(kind: Any, name: str) -> None:  # noqa: ANN401 - as above
    """It is outside the axes, as wide as the day."""
    figure = kind(series(40, provisional=[7, 38, 39]), theme=name)
    found = [patch for patch in figure.axes[0].patches if patch.get_label() == marks.PROVISIONAL]
    assert [(patch.get_x(), patch.get_width()) for patch in found] == [(7, 1), (38, 2)]
    for patch in found:
        assert patch.get_window_extent().y0 > figure.axes[0].get_window_extent().y1
        assert not patch.get_clip_on()
        assert patch.get_facecolor() == colors.to_rgba(themes.theme_named(name).provisional)


def test_the_scale_says_what_lies_beyond_its_end() -> None:
    """A burst gets the last shade, whose label begins with a sign; without one, there is none."""
    burst = series(365, lambda day, hour: 50_000 if (day, hour) == (100, 5) else (day + hour) % 100)
    figure = plot.calendar(burst)
    image = figure.axes[0].images[0]
    assert image.norm.vmax == arithmetic.scale_end(arithmetic.hourly(burst)) == 99
    np.testing.assert_array_equal(image.norm(np.array([50_000.0])), [1])
    assert scale_labels(figure) == ["0", "10", "40", "≥ 99"]
    assert scale_labels(plot.calendar(series(365, lambda _, hour: hour))) == ["0", "2", "9", "23"]


def test_a_long_range_has_a_row_for_each_year() -> None:
    """Each begins with January, so that seasons are below each other."""
    figure = plot.calendar(series(800, start="2023-11-30"))
    rows = [axes for axes in figure.axes if axes.images][:-1]
    assert [list(axes.images[0].get_extent()[:2]) for axes in rows] == [
        [333, 365], [0, 366], [0, 365], [0, 37],
    ]  # fmt: skip
    assert {axes.get_xlim() for axes in rows} == {(0, 366)}
    assert {"2023", "2024", "2025", "2026"} <= set(texts(figure))
    with pytest.raises(UsageError, match="at most 60 years, not 80"):
        plot.calendar(series(80 * 365, lambda _, __: None, missing=range(80 * 365), start="1950-01-01"))


def labels(figure: Figure) -> list[str]:
    """Return the counts that are written into cells."""
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_busiest_hours_of_the_week_are_labelled() -> None:
    """Three of them, with their means, and none that is zero."""
    assert labels(plot.week(series(14, lambda _, hour: hour * hour)))[:3] == ["529", "529", "529"]
    assert len(labels(plot.week(series(14)))) == 3
    assert labels(plot.week(series(14, lambda _, __: 0))) == []
    assert len(labels(plot.calendar(series(30)))) == 3
    assert len(labels(plot.calendar(series(7)))) == 7 * 24 - sum(
        (day * 7 + hour * 31) % 97 == 0 for day in range(7) for hour in range(24)
    )


def test_the_week_is_a_mean_of_reported_hours() -> None:
    """With the days without figures, Wednesday has one value less, and its mean is the same."""
    figure = plot.week(series(14, lambda day, _: None if day == 7 else 5))
    cells = figure.axes[0].images[0].get_array()
    assert cells is not None
    assert np.ma.allequal(cells, 5)
    assert cells.shape == (7, 24)
    assert [text.get_text() for text in figure.axes[1].texts] == ["120"] * 7


def test_weekdays_without_figures_are_hatched() -> None:
    """By what is the reason."""
    drawn = series(7, lambda day, _: None if day == 2 else 1, start="2025-01-06", missing=[4])
    shapes = hatched(plot.week(drawn))
    assert shapes["not reported"].get_path().get_extents().bounds == (0, 2, 24, 1)
    assert shapes["not fetched"].get_path().get_extents().bounds == (0, 4, 24, 1)


def test_the_trend_has_no_line_across_a_gap() -> None:
    """Neither the mean nor the unique users; days without figures are hatched in both."""
    figure = plot.trend(series(100, lambda day, _: None if day == 60 else day + 1, missing=[30, 31]))
    above, below = figure.axes[:2]
    means = next(line for line in above.lines if line.get_label() == marks.MEAN).get_ydata()
    users = next(line for line in below.lines if line.get_label() == "unique users").get_ydata()
    gaps = {30, 31, 60}
    assert {day for day, value in enumerate(np.asarray(users)) if math.isnan(value)} == gaps
    few = {0, 1, 2, 32, 33, 34, 61, 62, 63}
    assert {day for day, value in enumerate(np.asarray(means)) if math.isnan(value)} == gaps | few
    for place in (0, 1):
        shapes = hatched(figure, place)
        assert shapes["not fetched"].get_path().get_extents().intervalx.tolist() == [30, 32]
        assert shapes["not reported"].get_path().get_extents().intervalx.tolist() == [60, 61]
    assert np.asarray(users)[:3].tolist() == [1, 2, 3]


def burst(day: int, hour: int) -> int:
    """Return clicks of which those of two days and of the last one are far above all others."""
    return 1_000 if day in {100, 101, 364} else (day + hour) % 10


@pytest.mark.parametrize("kind", [plot.trend, plot.compare])
def test_a_burst_does_not_flatten_a_year(kind: Any) -> None:  # noqa: ANN401 - as above
    """The axis ends at an ordinary day; what lies beyond is cut off, marked, labelled and explained."""
    drawn = series(365, burst)
    figure = kind(drawn) if kind is plot.trend else kind([drawn])
    axes = figure.axes[0]
    ordinary = max(day.total_clicks for place, day in enumerate(drawn.days()) if burst(place, 0) < 10)
    assert ordinary < axes.get_ylim()[1] < 1.1 * ordinary
    marked = next(line for line in axes.lines if line.get_label() == marks.BEYOND)
    assert np.asarray(marked.get_xdata()).tolist() == [101, 364.5]
    labels = [text for text in axes.texts if text.get_label() == marks.BEYOND]
    assert [text.get_text() for text in labels] == ["up to 24k", "24k"]
    figure.draw_without_rendering()
    for text in labels:
        box = text.get_window_extent()
        assert axes.bbox.x0 <= box.x0 < box.x1 <= axes.bbox.x1
        assert axes.bbox.y0 <= box.y0 < box.y1 <= axes.bbox.y1
    assert marks.BEYOND in texts(figure)


def test_without_a_burst_nothing_is_cut_off() -> None:
    """A busy month has its busiest day in full, and no mark."""
    figure = plot.trend(series(31, lambda day, _: 1_000 if day == 9 else 1))
    assert figure.axes[0].get_ylim()[1] > 24_000
    assert marks.BEYOND not in texts(figure)


def test_a_legend_that_is_too_long_has_two_rows() -> None:
    """All that a picture can explain has room beside the scale of a comparison."""

    def all_kinds(day: int, hour: int) -> int | None:
        return None if day == 30 or hour == 3 else burst(day, hour)

    figure = plot.compare([series(365, all_kinds, missing=[50], provisional=[364])])
    figure.draw_without_rendering()
    scale = figure.axes[-1].bbox
    names = (*marks.HATCHES, marks.DAYS, marks.MEAN, marks.BEYOND, marks.PROVISIONAL)
    named = [text for text in figure.texts if text.get_text() in names]
    legend = [text for text in named if text.get_position()[1] < 0.5]  # the first one is a title
    assert len(legend) == len(names)
    assert all(text.get_window_extent().x1 < scale.x0 for text in legend)
    assert len({text.get_position()[1] for text in legend}) == 2


def test_a_day_alone_among_gaps_is_seen() -> None:
    """A line has no end there, so a point stands for it."""
    figure = plot.trend(series(9, missing=[3, 5]))
    points = [line for line in figure.axes[1].lines if line.get_marker() == "o"]
    assert [np.asarray(line.get_xdata()).tolist() for line in points] == [[4.5]]


def test_axes_of_counts_have_whole_numbers() -> None:
    """There is no half of a click."""
    figure = plot.trend(series(30, lambda day, hour: int(hour == 0 and day % 2)))
    axes = figure.axes[0]
    assert all(tick == int(tick) for tick in axes.get_yticks())


def test_a_comparison_has_a_row_for_each_series() -> None:
    """One scale for the days of all, and one for the hours of the week, in percent."""
    large, small = series(60, lambda _, hour: 19 * hour), series(30, lambda _, hour: hour, target=Group(7))
    figure = plot.compare(large, [small, large])
    days, weeks = figure.axes[:3], figure.axes[3:6]
    assert len({axes.get_ylim() for axes in days}) == len({axes.get_xlim() for axes in days}) == 1
    parts = [axes.images[0].get_array() for axes in weeks]
    for each in parts:
        assert each is not None
        np.testing.assert_allclose(each.sum(), 100)
    assert len({axes.images[0].norm.vmax for axes in weeks}) == 1
    assert texts(figure)[0] == "2 targets compared" or texts(figure)[0] == "3 targets compared"
    assert "group 7" in texts(figure)


def test_a_small_series_beside_a_large_one_has_its_own_scale() -> None:
    """Its days would be flat; the picture says so. A series of zeros has nothing to show in either way."""
    large, small = series(60, lambda _, hour: 21 * hour), series(60, lambda _, hour: hour)
    zeros = series(60, lambda _, __: 0)
    apart, together = plot.compare(large, small, zeros), plot.compare(large, zeros)
    tops = [axes.get_ylim()[1] for axes in apart.axes[:3]]
    assert tops == [21 * 276 * 1.08, 276 * 1.08, 1]
    assert "clicks a day; mind the different scales" in texts(apart)
    assert together.axes[0].get_ylim() == together.axes[1].get_ylim()
    assert "clicks a day" in texts(together)


def test_two_series_have_a_picture_of_their_difference() -> None:
    """It is in percentage points, above zero where the first one has more."""
    one, other = series(70, lambda _, hour: int(hour == 9)), series(70, lambda _, hour: int(hour in {9, 10}))
    figure = plot.compare([one, other])
    points = figure.axes[-2].images[0].get_array()
    assert points is not None
    np.testing.assert_allclose(points[:, 9], 100 / 7 / 2)
    np.testing.assert_allclose(points[:, 10], -100 / 7 / 2)
    assert np.ma.count(points) == 168
    assert texts(figure)[0] == "https://vvd.bz/kYdr against https://vvd.bz/kYdr"
    assert not any("Difference" in texts(plot.compare(each)) for each in ([one], [one, other, one]))


def test_a_comparison_of_different_ranges_has_one_axis() -> None:
    """Each series is where its days are; a shorter one says which these are."""
    early, late = series(70), series(40, start="2025-03-01")
    figure = plot.compare(early, late)
    span = figure.axes[1].patches[0].get_path().get_extents().intervalx if figure.axes[1].patches else None
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim() == (0, 99)
    assert span is None or span[0] >= 59
    assert any("1 Mar 2025" in text for text in texts(figure)[2:])


def test_lines_separate_the_hours_of_the_week() -> None:
    """They have the colour of the background, in each theme."""
    figure = plot.week(GAPS, theme="dark")
    lines = [
        each
        for each in figure.axes[0].collections
        if isinstance(each, LateModule("matplotlib.collections").LineCollection)
    ]
    assert len(lines) == 2
    assert all(
        colors.to_rgba(np.asarray(each.get_color())[0])
        == colors.to_rgba(themes.theme_named("dark").background)
        for each in lines
    )


# -- names ----------------------------------------------------------------------------------------------


def test_a_long_target_is_shortened() -> None:
    """The title stays on the sheet."""
    figure = plot.calendar(series(365, target=Link("한" * 300, "https://vvd.bz")))
    figure.draw_without_rendering()
    title = figure.texts[0].get_window_extent()
    assert title.x1 < figure.bbox.x1
    assert figure.texts[0].get_text().endswith("...")


def test_a_character_that_no_font_has_is_written_as_in_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """No warning and no empty box; the address is still the same."""
    monkeypatch.setattr(f"{plots.__name__}.fonts._CJK", ())
    assert fonts.drawable("https://vvd.bz/é한", 60) == "https://vvd.bz/é%ED%95%9C"
    pixels(plot.week(series(8, target=HANGUL)))


def test_only_installed_fonts_are_named() -> None:
    """There would be a warning of any other; its own is always there, and the first."""
    names = fonts.families()
    assert names[0] == "DejaVu Sans"
    assert set(names) <= {entry.name for entry in LateModule("matplotlib.font_manager").fontManager.ttflist}


def test_hangul_is_drawn_where_a_font_has_it() -> None:
    """Then the title has it as it is."""
    if len(fonts.families()) == 1:
        pytest.skip("no font with Hangul is installed")
    assert texts(plot.week(series(8, target=HANGUL)))[0].endswith(unicodedata.normalize("NFC", "한국어"))


def test_control_characters_are_harmless() -> None:
    """A target cannot break a line or steer anything."""
    title = texts(plot.week(series(3, target=Link("a\nb\x1b[31m", "https://vvd.bz"))))[0]
    assert title.isprintable()


# -- mistakes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_theme_is_refused(kind: Any) -> None:  # noqa: ANN401 - as above
    """The error names both."""
    with pytest.raises(UsageError, match="a theme is 'light' or 'dark', not 'blue'"):
        kind(GAPS, theme="blue")


@pytest.mark.parametrize("kind", KINDS)
def test_only_series_of_hours_can_be_drawn(kind: Any) -> None:  # noqa: ANN401 - as above
    """The error names the type of anything else."""
    with pytest.raises(UsageError, match="needs an HourlySeries, not date"):
        kind(dt.date(2025, 1, 1))


def test_a_comparison_has_one_to_24_series() -> None:
    """An endless iterable is not gone through to its end."""
    with pytest.raises(UsageError, match="a comparison needs a series"):
        plot.compare()
    with pytest.raises(UsageError, match="at most 24 series"):
        plot.compare(GAPS for _ in iter(int, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_without_matplotlib_an_error_names_the_extra(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401 - as above
    """In one sentence."""
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"^pictures need matplotlib: pip install 'hourlyclicks\[plot\]'$"):
        kind(GAPS)
