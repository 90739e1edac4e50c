"""Axes and texts of a chart that cost no more than what is seen of them.

matplotlib's own axes make ticks, each with marks, labels and grid lines, and its texts are laid out
for any angle and any number of lines. A chart of a report writes its scale as plain texts, so that
most of this is made, measured and drawn for nothing.
"""

import functools
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis, YAxis
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Transform, blended_transform_factory, offset_copy

from kpikit.present import lettering, theme

Coordinates = Literal["data", "panel", "sheet"]
Numbers = npt.ArrayLike  # one, or one for each of what is drawn
_LINE_EM = 1.15  # from one line to the next, in parts of the type size
_PAPER_PT = 0.4  # how far the paper below a text reaches around it
_PARTS_LEFT = {"left": 0.0, "center": 0.5, "right": 1.0}


class Panel(Axes):
    """Axes without a frame whose ticks are made when somebody asks for them.

    Its limits are set by the chart: unlike matplotlib's, the methods below look for no new ones,
    which would take longer than all else they do.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._places: dict[tuple[object, ...], Transform] = {}
        super().__init__(*args, frame_on=False, **options)
        self.xaxis.set_visible(False)
        self.yaxis.set_visible(False)

    def _init_axis(self) -> None:
        """Set the two axes, as matplotlib asks of axes of another kind."""
        self.xaxis = _UntickedX(self, clear=False)
        self.yaxis = _UntickedY(self, clear=False)
        for side, axis in (("bottom", self.xaxis), ("left", self.yaxis)):
            self.spines[side].register_axis(axis)

    def _gen_axes_patch(self) -> Rectangle:
        """Return the background, as matplotlib asks of axes of another kind."""
        return _Background((0, 0), 1, 1)

    def place(
        self, within: tuple[Coordinates, Coordinates], shift: tuple[float, float]
    ) -> Transform:
        """Return the transform of points, moved by points (1/72 inch), alike for alike texts."""
        key = (within, shift)
        if key not in self._places:
            sheet: Any = self.get_figure(root=True)
            known = {"data": self.transData, "panel": self.transAxes, "sheet": sheet.transFigure}
            across, up = (known[name] for name in within)
            base = across if across is up else blended_transform_factory(across, up)
            self._places[key] = offset_copy(base, sheet, *shift, units="points")
        return self._places[key]

    def line(self, places: Numbers, heights: Numbers, **style: Any) -> None:
        """Draw a line through points, or marks at them; see ``matplotlib.lines.Line2D``."""
        self.add_artist(Line2D(places, heights, **style))

    def dots(self, places: Numbers, heights: Numbers, size: float, **style: Any) -> None:
        """Draw a dot at each point, so many points wide."""
        self.line(places, heights, linestyle="none", marker="o", markersize=size, **style)

    def level_lines(self, heights: Numbers, starts: Numbers, ends: Numbers, **style: Any) -> None:
        """Draw a line from left to right at each height, none where an end is unknown."""
        self._lines(starts, heights, ends, heights, **style)

    def upright_lines(self, places: Numbers, feet: Numbers, tops: Numbers, **style: Any) -> None:
        """Draw a line upwards at each place, none where an end is unknown."""
        self._lines(places, feet, places, tops, **style)

    def band(self, places: Numbers, low: Numbers, high: Numbers, **style: Any) -> None:
        """Fill what lies between two lines."""
        corners = map(np.ma.masked_invalid, (places, low, high))
        self.add_artist(FillBetweenPolyCollection("x", *corners, **style))

    def span(self, start: float, end: float, **style: Any) -> None:
        """Fill a stretch from the panel's foot to its top."""
        across = self.get_xaxis_transform()
        self.add_artist(Rectangle((start, 0), end - start, 1, transform=across, **style))

    def columns(
        self, places: Numbers, heights: Numbers, width: float, *, bottom: Numbers = 0.0,
        label: str = "", **style: Any,
    ) -> None:  # fmt: skip
        """Draw a column at each place."""
        self._bars(np.subtract(places, width / 2), bottom, width, heights, label=label, **style)

    def bars(
        self, places: Numbers, lengths: Numbers, height: float, *, left: Numbers = 0.0,
        label: str = "", **style: Any,
    ) -> None:  # fmt: skip
        """Draw a horizontal bar at each place."""
        self._bars(left, np.subtract(places, height / 2), lengths, height, label=label, **style)

    def _bars(self, *edges: Numbers, label: str, color: str, **style: Any) -> None:
        boxes = np.array(np.broadcast_arrays(*edges), dtype=float)  # left, bottom, width, height
        bars = [
            Rectangle((x, y), across, up, facecolor=color, label="_nolegend_", **style)
            for x, y, across, up in boxes.reshape(4, -1).T.tolist()
        ]
        for bar in bars:
            self.add_artist(bar)
        self.add_container(BarContainer(bars, label=label))

    def _lines(self, *ends: Numbers, **style: Any) -> None:
        points = np.array(np.broadcast_arrays(*ends), dtype=float).reshape(4, -1).T
        known = points[np.isfinite(points).all(axis=1)]
        self.add_artist(LineCollection(known.reshape(-1, 2, 2), **style))


class _Background(Rectangle):
    """The whole of a panel, by which all artists are cut: as large as what it is drawn in."""

    def get_transform(self) -> Transform:
        return Artist.get_transform(self)


class _Unticked(Axis):
    """An axis that begins without a tick; matplotlib's makes the first ones to set them up."""

    def reset_ticks(self) -> None:
        self.majorTicks, self.minorTicks = [], []


class _UntickedX(_Unticked, XAxis):
    pass


class _UntickedY(_Unticked, YAxis):
    pass


@functools.cache
def _lettering(size: float, *, bold: bool) -> FontProperties:
    families = [theme.FONT_FAMILY, theme.FONT_FALLBACK]
    return FontProperties(family=families, size=size, weight="bold" if bold else "normal")


class Label(Text):
    """A text that stands on its last baseline; it is drawn without being laid out by matplotlib."""

    zorder = 5.0

    def __init__(
        self, x: float, y: float, text: str, *, transform: Transform, align: str, color: str,
        size: float, bold: bool, on_paper: bool,
    ) -> None:  # fmt: skip
        super().__init__(
            x,
            y,
            text,
            color=color,
            horizontalalignment=align,  # type: ignore[arg-type]  # one of its alignments
            linespacing=_LINE_EM,
            fontproperties=_lettering(size, bold=bold).copy(),
        )
        self.set_transform(transform)
        self._on_paper = on_paper

    def set_clip_path(self, path: Any, transform: Transform | None = None) -> None:
        """Take no outline to be cut by, which all artists of a panel are given: it is never cut."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw the text; see ``matplotlib.text.Text.draw``, which draws any other than into SVG."""
        plain = self.get_visible() and not (
            self.get_rotation() or self.get_bbox_patch() or self.get_alpha() is not None
        )
        svg = getattr(renderer, "writer", None)
        if plain and svg is not None and rcParams["svg.fonttype"] == "path":
            self._write(svg, renderer.get_canvas_width_height()[1])
            return
        if self._on_paper:
            self.set_bbox({"facecolor": theme.PAPER, "edgecolor": "none", "pad": _PAPER_PT})
        super().draw(renderer)

    def _write(self, svg: Any, height: float) -> None:
        """Write each line as one path: matplotlib refers to each glyph by name."""
        size, bold = float(self.get_fontsize()), self.get_fontweight() == "bold"
        part = _PARTS_LEFT[self.get_horizontalalignment()]
        x, y = self.get_transform().transform(self.get_position())
        lines = self.get_text().split("\n")
        widths = [lettering.text_width(line, size=size, bold=bold) for line in lines]
        # as matplotlib does, it keeps the middles of lines equally apart: of what letters take up
        rises = [size * lettering.middle(line, bold=bold) for line in lines]
        last = height - y - rises[-1]
        middles = [last - size * _LINE_EM * after for after in range(len(lines) - 1, -1, -1)]
        if self._on_paper:
            half, wide = size * _LINE_EM / 2 + _PAPER_PT, max(widths) + 2 * _PAPER_PT
            top, left = middles[0] - half, x - part * max(widths) - _PAPER_PT
            data = f"M{left:.2f} {top:.2f}h{wide:.2f}V{last + half:.2f}h{-wide:.2f}z"
            svg.element("path", d=data, style=f"fill: {theme.PAPER}")
        for line, width, middle, rise in zip(lines, widths, middles, rises, strict=True):
            svg.element(
                "path",
                d=lettering.outline(line, bold=bold),
                style=f"fill: {to_hex(self.get_color())}",
                transform=f"translate({x - part * width:.2f} {middle + rise:.2f}) "
                f"scale({size / lettering.EM:g} {-size / lettering.EM:g})",
            )
