"""Axes and texts of a chart that cost no more than what is seen of them.

matplotlib's own axes make ticks, each with marks, labels and grid lines, and its texts are laid out
for any angle and any number of lines. A chart of a report writes its scale as plain texts, so that
most of this is made, measured and drawn for nothing.
"""

from typing import Any, Literal

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis, YAxis
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_hex
from matplotlib.text import Text
from matplotlib.transforms import Transform, blended_transform_factory, offset_copy

from kpikit.present import lettering

Coordinates = Literal["data", "panel", "sheet"]
_PARTS_LEFT = {"left": 0.0, "center": 0.5, "right": 1.0}


class Panel(Axes):
    """Axes without a frame whose ticks are made when somebody asks for them."""

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


class _Unticked(Axis):
    """An axis that begins without a tick; matplotlib's makes the first ones to set them up."""

    def reset_ticks(self) -> None:
        self.majorTicks, self.minorTicks = [], []


class _UntickedX(_Unticked, XAxis):
    pass


class _UntickedY(_Unticked, YAxis):
    pass


class Label(Text):
    """A text that stands on its baseline; of one line, it is drawn without being laid out."""

    def set_clip_path(self, path: Any, transform: Transform | None = None) -> None:
        """Take no outline to be cut by, which all artists of a panel are given: it is never cut."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw the text; see ``matplotlib.text.Text.draw``, which draws any other."""
        text = self.get_text()
        plain = self.get_visible() and self.get_alpha() is None and not self.get_rotation()
        if "\n" in text or self.get_bbox_patch() or not plain:
            super().draw(renderer)
            return
        size, bold = float(self.get_fontsize()), self.get_fontweight() == "bold"
        x, y = self.get_transform().transform(self.get_position())
        part = _PARTS_LEFT[self.get_horizontalalignment()]
        if part:
            width = lettering.text_width(text, size=size, bold=bold)
            x -= part * float(renderer.points_to_pixels(width))  # type: ignore[arg-type]  # a number
        _, height = renderer.get_canvas_width_height()
        y = height - y if renderer.flipy() else y
        svg = getattr(renderer, "writer", None)
        if svg is not None and rcParams["svg.fonttype"] == "path":
            # As one path: matplotlib looks each glyph up, writes it, and refers to it by name.
            svg.element(
                "path",
                d=lettering.outline(text, bold=bold),
                style=f"fill: {to_hex(self.get_color())}",
                transform=f"translate({x:.2f} {y:.2f}) "
                f"scale({size / lettering.EM:g} {-size / lettering.EM:g})",
            )
            return
        pen = renderer.new_gc()
        pen.set_foreground(self.get_color())
        renderer.open_group("text", self.get_gid())
        renderer.draw_text(pen, x, y, text, self.get_fontproperties(), 0.0, mtext=self)
        renderer.close_group("text")
        pen.restore()
