import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont

from kpikit.present import canvas, charts, lettering, theme


def test_a_chart_leaves_the_settings_of_matplotlib_as_they_were():
    before = dict(mpl.rcParams)

    inside = canvas.themed(lambda: mpl.rcParams["text.color"])()

    assert inside == theme.INK
    assert dict(mpl.rcParams) == before


def test_settings_return_even_when_a_chart_fails():
    @canvas.themed
    def fail():
        raise ValueError("no")

    before = dict(mpl.rcParams)

    with pytest.raises(ValueError, match="no"):
        fail()

    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(("weight", "style"), [("normal", "Regular"), ("bold", "Bold")])
def test_the_text_face_comes_from_its_wheel(weight, style):
    lettering.register_fonts()

    found = findfont(mpl.font_manager.FontProperties(family=theme.FONT_FAMILY, weight=weight))

    assert found == str(theme.FONT_FILES[style])


def test_a_panel_lies_so_many_points_inside_the_sheet():
    sheet = canvas.new_sheet("half", height_cm=2.54)

    panel = canvas.add_panel(sheet, left=10, right=20, top=5, bottom=7)

    width, height = canvas.sheet_points(sheet)
    assert height == pytest.approx(72)
    assert canvas.panel_points(panel) == pytest.approx((width - 30, 60))


def test_a_longer_text_is_wider_and_a_bold_one_too():
    plain = lettering.text_width("revenue")

    assert lettering.text_width("net revenue") > plain
    assert lettering.text_width("revenue", bold=True) > plain
    assert lettering.widest(["a", "revenue"]) == plain
    assert lettering.widest([]) == 0


def test_a_text_is_cut_with_an_ellipsis_only_where_it_does_not_fit():
    whole = lettering.fit_text("United Kingdom", 200)
    cut = lettering.fit_text("United Kingdom", 40)

    assert whole == "United Kingdom"
    assert cut.endswith("…")
    assert "United Kingdom".startswith(cut[:-1])
    assert lettering.text_width(cut) <= 40
    assert lettering.fit_text("United Kingdom", 0) == "…"


def test_a_text_with_line_ends_is_one_line_without_a_warning():
    assert lettering.fit_text('a "quoted"\r\nline\t', 200) == 'a "quoted" line'


def test_signs_that_no_font_has_warn_of_nothing_while_a_chart_is_drawn():
    assert canvas.themed(lettering.text_width)("one\ntwo 日本") > 0


def test_text_breaks_between_words_and_its_last_line_is_cut():
    line = lettering.text_width("markets")

    assert lettering.wrap_text("mix of markets", line, lines=3) == "mix of\nmarkets"
    assert lettering.wrap_text("short", 100, lines=2) == "short"
    last = lettering.wrap_text("mix of markets and prices", 40, lines=2).split("\n")
    assert len(last) == 2
    assert last[1].endswith("…")


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([1.0, 9.0], [1.0, 9.0]),
        ([5.0, 5.0], [5.0, 7.0]),
        ([9.9, 9.8], [10.0, 8.0]),  # pushed down from the ceiling, order kept
        ([-3.0, 4.0], [0.0, 4.0]),
        ([1.0] * 7, [0.0, 10 / 6, 20 / 6, 5.0, 40 / 6, 50 / 6, 10.0]),  # no room: even
    ],
)
def test_labels_keep_apart_within_their_range(positions, expected):
    placed = lettering.spread(positions, gap=2.0, low=0.0, high=10.0)

    assert placed == pytest.approx(expected)


def test_one_label_without_any_room_stands_in_the_middle():
    assert lettering.spread([9.0], gap=2.0, low=4.0, high=4.0) == [4.0]


@pytest.mark.parametrize(
    ("values", "from_zero", "low", "high"),
    [
        ([10.0, 20.0], True, 0.0, 20 * 1.06),
        ([10.0, 20.0], False, 0.0, 20 * 1.06),  # they vary by half: zero stays in
        ([90.0, 100.0], False, 90 - 0.6, 100 + 0.6),
        ([-10.0, -20.0], True, -20 * 1.06, 0.0),
        ([0.0, 0.0], True, 0.0, 1.06),
        ([5.0], False, 3.75 - 0.15, 6.25 + 0.15),
        ([], True, 0.0, 1.06),
        ([float("nan")], False, 0.0, 1.06),
    ],
)
def test_a_value_axis_holds_all_values_with_a_little_air(values, from_zero, low, high):
    assert canvas.value_limits(values, from_zero=from_zero) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("marks", "unit", "texts"),
    [
        ([0, 100_000, 200_000], "money", ["0", "100 k", "200 k"]),
        ([0, 500_000, 1_000_000], "money", ["0", "0.5 M", "1.0 M"]),
        ([0, 0.025, 0.05], "share", ["0 %", "2.5 %", "5.0 %"]),
        ([-20, 0, 20], "points", ["−20", "0", "20"]),
        ([2e12], "money", ["2,000 bn"]),
        ([], "count", []),
        ([0.00005, 0.0001], "number", ["0.00005", "0.00010"]),
    ],
)
def test_ticks_share_a_scale_and_as_many_decimals_as_the_step_needs(marks, unit, texts):
    assert canvas.tick_texts(marks, unit) == texts


def test_an_analysts_own_pyplot_chart_becomes_a_component_and_is_closed():
    _, axes = plt.subplots()
    axes.plot([1, 2])

    chart = canvas.figure(axes, title="Two", subtitle="", alt="Two points.", notes=["a note"])

    assert chart.svg.startswith("<svg")
    assert chart.notes == ("a note",)
    assert plt.get_fignums() == []


def test_a_chart_without_alternative_text_is_refused():
    axes = Figure().add_subplot()

    with pytest.raises(ValueError, match="needs alt text"):
        canvas.figure(axes, title="", subtitle="", alt=" ")


def test_axes_that_belong_to_no_figure_are_refused():
    axes = Figure().add_subplot()
    axes.remove()

    with pytest.raises(ValueError, match="belong to no figure"):
        canvas.figure(axes, title="", subtitle="", alt="x")


def test_the_first_reason_of_a_frame_is_found():
    assert canvas.first_reason(pd.DataFrame({"reason": ["", "no rows", "x"]})) == "no rows"
    assert canvas.first_reason(pd.DataFrame({"value": [1]})) == ""
    assert isinstance(canvas.no_data_panel(canvas.new_sheet("half"), "no rows"), Axes)


def test_signs_that_no_font_has_are_named_below_the_chart_and_nothing_warns():
    frame = pd.DataFrame({"segment": ["日本", "Malta"], "value": [2.0, 1.0]})

    axes = charts.plot_ranked_bars(frame, unit="count")
    chart = charts.figure(axes, title="", subtitle="", alt="Two segments.", notes=["a note"])

    assert chart.notes == (
        "a note",
        "Shown as boxes, for no font of the report has them: 日本",
    )


def test_signs_are_looked_for_in_an_analysts_own_axis_labels_too():
    axes = Figure().add_subplot()
    axes.set_xticks([0], ["東京"])

    chart = charts.figure(axes, title="", subtitle="", alt="One city.")

    assert chart.notes == ("Shown as boxes, for no font of the report has them: 京東",)


@pytest.mark.parametrize("stand", ["top", "center", "bottom"])
def test_texts_of_a_row_stand_on_one_baseline_whatever_their_letters(stand):
    panel = canvas.add_panel(canvas.new_sheet("half"), left=0, right=0, top=0, bottom=0)

    places = {
        canvas.write(panel, text, (0, 0.5), stand=stand).get_transform().transform((0, 0.5))[1]
        for text in ("Jan", "Apr", "ace", "£")
    }

    assert len(places) == 1
