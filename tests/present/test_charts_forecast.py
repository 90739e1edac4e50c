"""Charts of what is foreseen, by what is drawn and written in them."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from kpikit.present import charts, theme
from tests.present.test_charts import bars, drawn, labels, periods, svg, texts

NAN = math.nan
ENDS = ("low_50", "high_50", "low_80", "high_80", "low_95", "high_95")


def outlook(values, means, *, spread=10.0, so_far=NAN):
    """Months of 2025: what came, then forecasts with intervals of 1, 2 and 3 spreads."""
    names = [f"2025-{index + 1:02d}" for index in range(len(values) + len(means))]
    frame = periods(names, [*values, *[NAN] * len(means)])
    frame["mean"] = [NAN] * len(values) + list(means)
    for place, (low, high) in enumerate(zip(ENDS[::2], ENDS[1::2], strict=True), start=1):
        frame[low], frame[high] = frame["mean"] - place * spread, frame["mean"] + place * spread
    return frame.assign(so_far=[NAN] * len(values) + [so_far] * len(means))


def spans(axes, label):
    """Return the ends of the vertical lines of one interval."""
    found = [lines for lines in axes.collections if lines.get_label() == label]
    return [tuple(part[:, 1]) for lines in found for part in lines.get_segments()]


def band(axes, label):
    (found,) = [area for area in axes.collections if area.get_label() == label]
    return found


class TestColumns:
    def test_a_total_to_come_is_hatched_above_what_has_come_of_it(self):
        axes = charts.plot_forecast_columns(
            outlook([100.0, 120.0], [150.0], so_far=60.0), unit="count"
        )

        hatched = [bar for c in axes.containers if c.get_label() == "forecast" for bar in c]
        assert bars(axes, "actual")[:2] == [100, 120]
        assert bars(axes, "so far") == [60]
        assert [(bar.get_y(), bar.get_height(), bar.get_hatch()) for bar in hatched] == [
            (60, 90, "////")
        ]

    def test_two_lines_hold_the_total_with_80_and_95_percent(self):
        axes = charts.plot_forecast_columns(outlook([100.0], [150.0]), unit="count")

        assert spans(axes, "80 %") == [(130, 170)]
        assert spans(axes, "95 %") == [(120, 180)]

    def test_the_forecast_bears_its_value_and_the_target_its_name(self):
        target = pd.DataFrame(
            {"start": [dt.date(2025, 2, 1)], "end": [dt.date(2025, 3, 1)], "value": [160.0]}
        )

        axes = charts.plot_forecast_columns(
            outlook([100.0], [150.0]), unit="money", currency="EUR", target=target
        )

        assert set(texts(axes)) == {"in Feb", "€150.00", "target €160"}
        assert labels(axes, "x") == ["Jan 2025", "Feb"]
        np.testing.assert_allclose(drawn(axes, "target")[0], [160, 160])

    def test_the_scale_holds_zero_and_the_widest_interval_below_it(self):
        axes = charts.plot_forecast_columns(outlook([-40.0], [-20.0], spread=20), unit="number")

        low, high = axes.get_ylim()
        assert low < -80
        assert high > 40

    def test_a_frame_without_a_forecast_says_so(self):
        axes = charts.plot_forecast_columns(outlook([100.0], []), unit="count")

        assert texts(axes) == ["No data"]


class TestFan:
    def test_the_fan_opens_at_the_last_known_value_in_three_greys(self):
        axes = charts.plot_forecast_fan(outlook([50.0, 60.0], [70.0, 80.0]), unit="ratio")

        np.testing.assert_allclose(drawn(axes, "forecast")[0], [60, 70, 80])
        for label, width, color in (
            ("50 %", 10, theme.LIGHT), ("80 %", 20, theme.LINE), ("95 %", 30, theme.PALE)
        ):  # fmt: skip
            area = band(axes, label)
            box = area.get_datalim(axes.transData)
            assert (box.x0, box.x1) == (1, 3)
            assert box.y1 == 80 + width
            assert tuple(area.get_facecolor()[0]) == to_rgba(color)

    def test_a_month_missing_before_the_forecast_keeps_its_place(self):
        frame = outlook([50.0, 60.0, 65.0], [70.0]).drop(index=1)

        axes = charts.plot_forecast_fan(frame, unit="ratio")

        (line,) = [line for line in axes.lines if line.get_label() == "forecast"]
        assert line.get_xdata().tolist() == [2, 3]

    def test_an_unknown_spread_draws_the_line_alone(self):
        axes = charts.plot_forecast_fan(outlook([50.0], [50.0], spread=NAN), unit="share")

        np.testing.assert_allclose(drawn(axes, "forecast")[0], [50, 50])
        assert svg(axes).startswith("<svg")

    @pytest.mark.parametrize("values", [[], [NAN, NAN]])
    def test_a_frame_without_any_value_says_so(self, values):
        assert texts(charts.plot_forecast_fan(outlook(values, [1.0]), unit="share")) == ["No data"]
