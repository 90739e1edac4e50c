import re

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.axis import XTick, YTick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import TextPath

from kpikit.present import lettering, theme
from kpikit.present.canvas import add_panel, new_sheet, themed, write
from kpikit.present.svg import svg_text


@pytest.fixture
def panel():
    sheet = new_sheet("small")
    return add_panel(sheet, left=20, right=20, top=20, bottom=20)


@themed
def drawn(panel):
    return svg_text(panel.get_figure())


@themed
def written(panel, text="Week 7", **options):
    return write(panel, text, (0.5, 0.5), within=("panel", "panel"), **options)


def starts(svg):
    """Return where each text of a drawing starts, in points."""
    return [
        tuple(map(float, found))
        for found in re.findall(r"translate\(([\d.]+) ([\d.]+)\) scale\(0\.0", svg)
    ]


def test_a_panel_draws_neither_frame_nor_scale_and_makes_no_tick_for_them(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a tick was made")

    for kind in (XTick, YTick):
        monkeypatch.setattr(kind, "__init__", fail)

    bare = add_panel(new_sheet("small"), left=20, right=20, top=20, bottom=20)

    assert "<use" not in drawn(bare)
    assert not bare.get_frame_on()


def test_a_panel_shows_ticks_and_grid_to_one_who_asks_for_them(panel):
    panel.xaxis.set_visible(True)
    panel.set_xticks([0, 1], ["left", "right"])
    panel.grid(visible=True, axis="x")

    assert [label.get_text() for label in panel.get_xticklabels()] == ["left", "right"]
    assert all(line.get_visible() for line in panel.get_xgridlines())
    assert "<use" in drawn(panel)


@pytest.mark.parametrize(("align", "part"), [("left", 0.0), ("center", 0.5), ("right", 1.0)])
def test_a_text_lies_beside_its_point_by_its_width(panel, align, part):
    width, _ = panel.get_figure().get_size_inches()
    written(panel, align=align)

    (start, _height) = starts(drawn(panel))[0]

    expected = 72 * width / 2 - part * lettering.text_width("Week 7")
    assert start == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("align", ["left", "center", "right"])
@pytest.mark.parametrize("text", ["Week 7", "eager\n(Åsa)\nn = 7"])
def test_it_lies_where_matplotlib_itself_would_draw_it(panel, text, align, monkeypatch):
    label = written(panel, text, align=align)
    ours = starts(drawn(panel))

    monkeypatch.setattr(type(label), "draw", Text.draw)
    theirs = starts(drawn(panel))

    assert ours == [pytest.approx(place, abs=0.02) for place in theirs]


@pytest.mark.parametrize("align", ["left", "right"])
@pytest.mark.parametrize("text", ["Week 7", "eager\n7"])
def test_the_paper_below_it_is_as_large_as_matplotlib_would_make_it(
    panel, text, align, monkeypatch
):
    label = written(panel, text, align=align, on_paper=True)
    ours = re.search(r'd="M(\S+) (\S+)h(\S+)V(\S+)h\S+z" style="fill: #ffffff"', drawn(panel))
    left, top, wide, foot = map(float, ours.groups())

    label.set_bbox({"facecolor": "#ffffff", "edgecolor": "none", "pad": 0.4})
    monkeypatch.setattr(type(label), "draw", Text.draw)
    theirs = re.search(r'd="([^"]*)" style="fill: #ffffff', drawn(panel))[1]
    corners = np.array(re.findall(r"[\d.]+", theirs), dtype=float).reshape(-1, 2)

    assert (left, top) == pytest.approx(corners.min(axis=0), abs=0.05)
    assert (left + wide, foot) == pytest.approx(corners.max(axis=0), abs=0.05)


KINDS = {
    "M": Path.MOVETO, "l": Path.LINETO, "q": Path.CURVE3, "c": Path.CURVE4, "z": Path.CLOSEPOLY,
}  # fmt: skip


def path_of(data):
    """Return the path that SVG data of absolute starts and relative steps draws."""
    places, codes = [np.zeros(2)], []
    for command, numbers in re.findall("([Mlqcz])([^Mlqcz]*)", data):
        steps = np.array(re.findall("-?[0-9]+", numbers) or [0, 0], dtype=float).reshape(-1, 2)
        places += list(steps if command == "M" else places[-1] + steps)
        codes += [KINDS[command]] * len(steps)
    return Path(places[1:], codes)


@pytest.mark.parametrize("text", ["AVo 7,5 %", "Ångström (Wj)", "△ − ✓", "i"])
@pytest.mark.parametrize("bold", [False, True])
def test_its_shapes_are_those_of_its_face(panel, text, bold):
    write(panel, text, (0.5, 0.5), within=("panel", "panel"), bold=bold)
    families = [theme.FONT_FAMILY, theme.FONT_FALLBACK]
    face = FontProperties(family=families, weight="bold" if bold else "normal")
    path = TextPath((0, 0), text, size=8.5, prop=face)

    data, scale = re.search(r'd="([^"]*)"[^>]* scale\(([\d.]+)', drawn(panel)).groups()

    ours = float(scale) * path_of(data).get_extents().get_points()
    assert ours == pytest.approx(path.get_extents().get_points(), abs=0.02)


def test_a_reader_of_another_format_sees_it_too(panel):
    written(panel)
    canvas = FigureCanvasAgg(panel.get_figure())
    canvas.draw()

    assert np.asarray(canvas.buffer_rgba())[..., 3].any()


def test_an_analyst_may_have_letters_in_the_place_of_shapes(panel):
    written(panel)
    with rc_context({"svg.fonttype": "none"}):
        svg = svg_text(panel.get_figure())

    assert ">Week 7</text>" in svg


def test_a_turned_and_a_hidden_text_are_left_to_matplotlib(panel):
    written(panel, "turned", on_paper=True).set_rotation(90)
    written(panel, "hidden").set_visible(False)

    svg = drawn(panel)

    assert starts(svg) == []
    assert svg.count("rotate(-90)") == 1
    assert "fill: #ffffff" in svg


@pytest.mark.parametrize("options", [{}, {"on_paper": True}])
def test_a_text_may_stand_outside_its_panel(panel, options):
    write(panel, "above", (0.5, 1.1), within=("panel", "panel"), **options)

    assert "clip" not in drawn(panel)


DRAWN = {
    "line": (
        lambda panel: panel.line([0, 1, 2], [0.2, np.nan, 0.9], color="#112233"),
        lambda panel: panel.plot([0, 1, 2], [0.2, np.nan, 0.9], color="#112233"),
    ),
    "dots": (
        lambda panel: panel.dots([0, 1], [0.2, 0.4], 5, color="#112233"),
        lambda panel: panel.plot([0, 1], [0.2, 0.4], "o", markersize=5, color="#112233"),
    ),
    "level lines": (
        lambda panel: panel.level_lines([0.1, 0.2], [0, np.nan], 1.5, color="#112233"),
        lambda panel: panel.hlines([0.1], [0], 1.5, color="#112233"),
    ),
    "upright line": (
        lambda panel: panel.upright_lines(1, 0.25, 0.75, color="#112233", linewidth=2),
        lambda panel: panel.vlines(1, 0.25, 0.75, color="#112233", linewidth=2),
    ),
    "no lines": (
        lambda panel: panel.upright_lines([], 0, 1, color="#112233"),
        lambda panel: panel.vlines([], 0, 1, color="#112233"),
    ),
    "band": (
        lambda panel: panel.band([0, 1, 2], [0.1, np.nan, 0.1], [0.5, 0.6, 0.7], color="#112233"),
        lambda panel: panel.fill_between(
            [0, 1, 2], [0.1, np.nan, 0.1], [0.5, 0.6, 0.7], color="#112233"
        ),
    ),
    "span": (
        lambda panel: panel.span(0.5, 0.75, color="#112233"),
        lambda panel: panel.axvspan(0.5, 0.75, color="#112233"),
    ),
    "columns": (
        lambda panel: panel.columns([0, 1], [0.5, -0.5], 0.4, bottom=[0, 0.8], color="#112233"),
        lambda panel: panel.bar([0, 1], [0.5, -0.5], 0.4, bottom=[0, 0.8], color="#112233"),
    ),
    "bars": (
        lambda panel: panel.bars(0.5, 1.5, 0.2, left=0.25, color="#112233", edgecolor="#445566"),
        lambda panel: panel.barh(0.5, 1.5, 0.2, left=0.25, color="#112233", edgecolor="#445566"),
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), DRAWN.values(), ids=DRAWN)
def test_it_draws_what_matplotlib_would_draw(ours, theirs):
    sheets = [new_sheet("small"), new_sheet("small")]
    for sheet, draw in zip(sheets, (ours, theirs), strict=True):
        panel = add_panel(sheet, left=20, right=20, top=20, bottom=20)
        panel.set_xlim(0, 2)
        themed(draw)(panel)
        panel.set_ylim(0, 1)

    assert themed(svg_text)(sheets[0]) == themed(svg_text)(sheets[1])


def test_what_it_draws_leaves_its_limits_as_they_were(panel):
    for draw, _ in DRAWN.values():
        draw(panel)
    panel.line([5, 6], [7, 8])

    assert (panel.get_xlim(), panel.get_ylim()) == ((0, 1), (0, 1))


def test_texts_alike_share_their_place(panel):
    first, second = written(panel), written(panel, "Week 8")

    assert first.get_transform() is second.get_transform()
    assert written(panel, align="left", shift=(3, 0)).get_transform() is not first.get_transform()
