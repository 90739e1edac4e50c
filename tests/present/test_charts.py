"""Charts, by what is drawn and written in them; what they look like is looked at, not tested."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from kpikit.periods import Calendar
from kpikit.present import charts, theme
from kpikit.present.charts_dots import plot_scatter

CALENDAR = Calendar()
NAN = float("nan")


def periods(texts, values, **columns):
    parsed = [CALENDAR.parse(text) for text in texts]
    spans = {"start": [p.start for p in parsed], "end": [p.end for p in parsed]}
    return pd.DataFrame({"period": texts, **spans, "value": values, **columns})


def months(values, **columns):
    texts = [f"{2025 + index // 12}-{index % 12 + 1:02d}" for index in range(len(values))]
    return periods(texts, values, **columns)


def texts(axes):
    return [text.get_text() for text in axes.texts if text.get_gid() is None]


def labels(axes, which):
    return [text.get_text() for text in axes.texts if text.get_gid() == f"{which} label"]


def drawn(axes, label):
    return [line.get_ydata() for line in axes.lines if line.get_label() == label]


def bars(axes, label):
    found = [c for c in axes.containers if c.get_label() == label]
    return [bar.get_height() for container in found for bar in container]


def lengths(axes, label):
    found = [c for c in axes.containers if c.get_label() == label]
    return [bar.get_width() for container in found for bar in container]


def svg(axes):
    return charts.figure(axes, title="t", subtitle="s", alt="a").svg


class TestTrend:
    def test_actuals_year_before_and_target_are_drawn_and_named(self):
        frame = months([10.0, 20.0, 30.0], previous=[NAN, 15.0, 25.0])
        target = pd.DataFrame(
            {"start": [dt.date(2025, 2, 1)], "end": [dt.date(2025, 4, 1)], "value": [28.0]}
        )

        axes = charts.plot_trend(frame, unit="money", currency="GBP", target=target)

        assert drawn(axes, "actual")[0].tolist() == [10.0, 20.0, 30.0]
        assert drawn(axes, "year before")[0].tolist()[1:] == [15.0, 25.0]
        assert drawn(axes, "target")[0].tolist() == [28.0, 28.0]
        assert texts(axes) == ["£30.00", "year before", "target £28"]

    def test_a_month_of_the_year_before_without_neighbours_is_a_dot(self):
        frame = months([10.0] * 5, previous=[7.0, NAN, 8.0, 9.0, NAN])

        axes = charts.plot_trend(frame, unit="count")

        (before,) = [line for line in axes.lines if line.get_label() == "year before"]
        assert before.get_marker() == "o"
        assert before.get_markevery() == [0]

    def test_what_came_before_may_be_called_otherwise(self):
        frame = months([10.0, 20.0], previous=[15.0, 25.0])

        axes = charts.plot_trend(frame, unit="count", before="period before")

        assert texts(axes) == ["20", "period before"]

    def test_an_unfinished_month_is_dashed_and_said_to_be_so_far(self):
        frame = months([10.0, 20.0, 5.0], complete=[True, True, False])

        axes = charts.plot_trend(frame, unit="count")

        whole, opened = drawn(axes, "actual")[0], drawn(axes, "unfinished")[0]
        assert whole.tolist()[:2] == [10.0, 20.0]
        assert np.isnan(whole[2])
        assert opened.tolist()[1:] == [20.0, 5.0]
        assert texts(axes) == ["so far", "5"]

    def test_weeks_of_a_ratio_share_the_scale_of_its_months_and_those_of_a_count_do_not(self):
        weekly = periods(["2026-W01", "2026-W02"], [1.0, 2.0])
        counted = charts.plot_trend(months([40.0, 80.0]), weekly, unit="count")
        ratio = months([40.0, 80.0], denominator=[1.0, 1.0])
        rated = charts.plot_trend(ratio, weekly, unit="points")

        count_weeks, count_months = counted.figure.axes
        rate_weeks, rate_months = rated.figure.axes

        assert count_weeks.get_ylim()[1] < 3
        assert count_months.get_ylim()[1] > 80
        assert rate_weeks.get_ylim() == rate_months.get_ylim()
        assert labels(rate_months, "y") == []
        assert labels(rate_weeks, "y")
        assert labels(rate_weeks, "x") == ["W01", "W02"]

    def test_weeks_without_any_value_leave_the_sheet_to_the_months(self):
        weekly = periods(["2026-W01"], [NAN])

        axes = charts.plot_trend(months([1.0, 2.0]), weekly, unit="count")

        assert axes.figure.axes == [axes]

    def test_a_missing_month_breaks_the_line(self):
        frame = months([1.0, 2.0, 3.0, 4.0]).drop(index=1)

        axes = charts.plot_trend(frame, unit="count")

        line = drawn(axes, "actual")[0]
        assert np.isnan(line[1])
        assert line.tolist()[2:] == [3.0, 4.0]

    def test_events_inside_the_months_are_marked_and_named(self):
        inside = SimpleNamespace(date=dt.date(2025, 2, 1), end=None, label="price change")
        span = SimpleNamespace(
            date=dt.date(2025, 3, 1), end=dt.date(2025, 3, 31), label="a campaign"
        )
        outside = SimpleNamespace(date=dt.date(2024, 2, 1), end=None, label="long ago")
        weekly = periods(["2025-W05", "2025-W06"], [1.0, 2.0])

        axes = charts.plot_trend(
            months([1.0, 2.0, 3.0, 4.0]), weekly, unit="count", annotations=[inside, span, outside]
        )

        weeks = axes.figure.axes[0]
        assert [t for t in texts(axes) if t != "4"] == ["a campaign", "price change"]
        assert [line.get_xdata()[0] for line in axes.lines if line.get_label() == "event"] == [
            1.5,
            0.5,
        ]
        assert "price change" not in texts(weeks)
        assert len(drawn(weeks, "event")) == 1

    def test_an_event_that_finds_no_room_keeps_its_line(self):
        crowd = [
            SimpleNamespace(date=dt.date(2025, 2, day), end=None, label=f"event number {day}")
            for day in (1, 2, 3, 4)
        ]

        axes = charts.plot_trend(months([1.0] * 24), unit="count", annotations=crowd)

        assert len(drawn(axes, "event")) == 4
        assert len([t for t in texts(axes) if t.startswith("event")]) == 3

    def test_a_target_with_a_gap_is_broken_and_named_where_it_ends(self):
        target = pd.DataFrame(
            {
                "start": [dt.date(2025, 1, 1), dt.date(2025, 3, 1), dt.date(2030, 1, 1)],
                "end": [dt.date(2025, 2, 1), dt.date(2025, 4, 1), dt.date(2030, 2, 1)],
                "value": [5.0, 6.0, 7.0],
            }
        )

        axes = charts.plot_trend(months([1.0] * 6), unit="count", target=target)

        steps = drawn(axes, "target")[0]
        assert np.isnan(steps[2])
        assert steps[[0, 1, 3, 4]].tolist() == [5.0, 5.0, 6.0, 6.0]
        assert "target" in texts(axes)

    @pytest.mark.parametrize(
        "values", [[3.0], [5.0] * 24, [0.0] * 24, [-1e12, -2e12], [1e-9, 2e-9], [-5.0, 5.0]]
    )
    @pytest.mark.parametrize("size", ["full", "half", "small"])
    def test_any_values_can_be_drawn(self, values, size):
        frame = months(values)

        chart = svg(charts.plot_trend(frame, frame, unit="money", currency="JPY", size=size))

        assert len(chart) < 100_000

    def test_no_value_at_all_is_said_with_its_reason(self):
        frame = months([NAN, NAN], reason=["", "the table begins later"])

        axes = charts.plot_trend(frame, unit="count")

        assert texts(axes) == ["No data: the table begins later"]

    def test_no_period_at_all_is_said(self):
        axes = charts.plot_trend(months([]), unit="count")

        assert texts(axes) == ["No data"]


class TestColumns:
    def test_columns_start_at_zero_and_bear_their_values(self):
        frame = months([700.0, 750.0], previous=[600.0, NAN])

        axes = charts.plot_columns(frame, unit="count")

        assert bars(axes, "actual") == [700.0, 750.0]
        assert bars(axes, "year before") == [600.0, 0.0]
        assert axes.get_ylim()[0] == 0
        assert texts(axes) == ["700", "750", "year before"]

    def test_an_unfinished_column_is_open(self):
        frame = months([7.0, 3.0], complete=[True, False])

        axes = charts.plot_columns(frame, unit="count")

        assert bars(axes, "actual") == [7.0]
        assert bars(axes, "unfinished") == [3.0]
        assert texts(axes) == ["7", "3\nso far"]

    def test_many_columns_have_a_scale_instead_of_values(self):
        frame = months([123_456.0 + index for index in range(24)])

        axes = charts.plot_columns(frame, unit="money", currency="EUR", size="small")

        assert texts(axes) == ["€123 k"]
        assert labels(axes, "y") == ["0", "50 k", "100 k"]

    def test_a_negative_column_bears_its_value_below_and_an_unknown_one_none(self):
        axes = charts.plot_columns(months([-5.0, NAN, 5.0]), unit="count")

        below, above = (text for text in axes.texts if text.get_gid() is None)
        assert below.get_text() == "−5"
        assert below.get_window_extent().y1 < axes.transData.transform((0, -5))[1]
        assert above.get_window_extent().y0 > axes.transData.transform((2, 5))[1]

    def test_shares_are_labelled_in_whole_per_cent_unless_all_are_small(self):
        axes = charts.plot_columns(months([0.314, 0.0261]), unit="share")

        assert texts(axes) == ["31", "3 %"]

    def test_a_value_stands_on_its_own_column_where_a_taller_one_is_behind(self):
        frame = months([9_210.0, 876.4], previous=[1_000.0, 5_000.0])

        axes = charts.plot_columns(frame, unit="money", currency="GBP")

        high, low = (text for text in axes.texts if text.get_text() in ("9.21", "0.88 k"))
        assert low.get_window_extent().y0 < axes.transData.transform((1, 1_500))[1]
        assert high.get_window_extent().y0 > axes.transData.transform((0, 9_210))[1]

    def test_quarters_keep_their_names_and_the_target_is_dashed(self):
        frame = periods(["2026Q1", "2026Q2"], [1.0, 2.0])
        target = frame.assign(value=1.5)

        axes = charts.plot_columns(frame, unit="count", target=target)

        assert labels(axes, "x") == ["2026Q1", "2026Q2"]
        assert drawn(axes, "target")[0].tolist() == [1.5] * 4

    def test_no_value_at_all_is_said(self):
        assert texts(charts.plot_columns(months([NAN]), unit="count")) == ["No data"]


class TestWaterfall:
    def test_effects_lead_from_start_to_end_in_green_and_red(self):
        axes = charts.plot_waterfall(
            ["visitors", "conversion", "unknown"],
            [62.0, -18.0, NAN],
            start=("2025Q3", 680.0),
            end=("2026Q3", 724.0),
            unit="money",
            currency="GBP",
        )

        effects = [bar for c in axes.containers if c.get_label() == "effect" for bar in c]
        assert [(bar.get_y(), bar.get_height()) for bar in effects] == [(680, 62), (742, -18)]
        assert [bar.get_facecolor() for bar in effects] == [rgba(theme.GOOD), rgba(theme.BAD)]
        assert texts(axes) == ["£680.00", "+£62.00", "−£18.00", "£724.00"]
        assert axes.get_ylim()[0] == 0

    def test_a_line_leads_on_through_a_step_without_effect(self):
        axes = charts.plot_waterfall(
            ["gain", "nothing", "loss"], [2.0, 0.0, -1.0], start=("a", 1.0), end=("b", 2.0),
            unit="count",
        )  # fmt: skip

        links = [line.get_xdata() for line in axes.lines if line.get_label() == "link"]
        assert links[1][1] == links[2][0] < 2 < links[2][1]

    def test_less_is_good_where_down_is_the_way(self):
        axes = charts.plot_waterfall(
            ["fewer"], [-1.0], start=("a", 2.0), end=("b", 1.0), unit="count", direction="down"
        )

        (effect,) = [bar for c in axes.containers if c.get_label() == "effect" for bar in c]
        assert effect.get_facecolor() == rgba(theme.GOOD)

    def test_long_names_take_two_lines(self):
        axes = charts.plot_waterfall(
            ["mix of far too many markets"] * 5, [1.0] * 5, start=("a", 1.0), end=("b", 6.0),
            unit="count",
        )  # fmt: skip

        assert all("\n" in name for name in labels(axes, "x")[1:-1])

    def test_small_effects_have_no_cents_beside_thousands(self):
        axes = charts.plot_waterfall(
            ["gain", "loss", "none"], [831.4, -31_000.0, 0.0],
            start=("a", 60_700.0), end=("b", 30_531.4), unit="money", currency="USD",
        )  # fmt: skip

        assert texts(axes) == ["$60.7 k", "+$831", "−$31.0 k", "±$0", "$30.5 k"]

    def test_an_unknown_end_is_said(self):
        axes = charts.plot_waterfall([], [], start=("a", NAN), end=("b", 1.0), unit="count")

        assert texts(axes) == ["No data"]

    def test_movements_of_mrr_add_up(self):
        movements = {
            "mrr_start": 100.0, "new": 30.0, "reactivation": 5.0, "expansion": 10.0,
            "contraction": 4.0, "churned": 21.0, "mrr_end": 120.0,
        }  # fmt: skip

        axes = charts.plot_mrr_waterfall(movements, labels=("Jun", "Sep"), currency="USD")

        heights = [bar.get_height() for c in axes.containers for bar in c]
        assert heights == [100.0, 120.0, 30.0, 5.0, 10.0, -4.0, -21.0]
        assert labels(axes, "x")[0] == "Jun"


class TestBars:
    def test_segments_are_ranked_the_rest_last_and_unknown_before_it(self):
        frame = pd.DataFrame(
            {
                "segment": ["other", "DE", "MT", "GB"],
                "value": [90.0, 20.0, NAN, 60.0],
                "share": [0.5, 0.12, NAN, 0.003],
                "n": [90, 4, 2, 60],
                "reason": ["", "", "too few orders", ""],
                "previous": [80.0, NAN, NAN, 70.0],
            }
        )

        axes = charts.plot_ranked_bars(frame, unit="count")

        assert labels(axes, "y") == ["GB", "DE", "MT", "other"]
        assert texts(axes) == [
            "60 · < 1 %",
            "20 · 12 %",
            "too few orders",
            "90 · 50 %",
        ]
        assert lengths(axes, "actual") == [60.0, 20.0, 0.0, 90.0]
        assert lengths(axes, "year before") == [70.0, 0.0, 0.0, 80.0]
        assert axes.get_xlim() == (0, 90)

    def test_rates_bear_their_interval_as_a_line_and_in_words(self):
        frame = pd.DataFrame(
            {
                "segment": ["phone", "tablet"],
                "value": [0.165, NAN],
                "n": [2_104, 12],
                "ci_low": [0.15, NAN],
                "ci_high": [0.181, NAN],
                "reason": ["", "n = 12, fewer than 30"],
            }
        )

        axes = charts.plot_ranked_bars(frame, unit="share")

        assert texts(axes) == ["16.5 % (15.0 to 18.1 %, n = 2,104)", "n = 12, fewer than 30"]
        (lines,) = (c for c in axes.collections if c.get_label() == "interval")
        assert lines.get_segments()[0][:, 0].tolist() == [0.15, 0.181]
        assert axes.get_xlim() == (0, 0.181)

    def test_a_segment_without_value_or_reason_shows_its_count_or_a_dash(self):
        frame = pd.DataFrame(
            {"segment": ["a", "b", "c"], "value": [1.0, NAN, NAN], "n": [9, 2, NAN]}
        )

        axes = charts.plot_ranked_bars(frame, unit="count")

        assert texts(axes) == ["1", "n = 2", "–"]

    def test_nothing_but_zero_can_be_ranked(self):
        frame = pd.DataFrame({"segment": ["a"], "value": [0.0]})

        assert svg(charts.plot_ranked_bars(frame, unit="count")).startswith("<svg")

    def test_no_segment_at_all_is_said(self):
        frame = pd.DataFrame({"segment": ["a"], "value": [NAN], "reason": ["no orders"]})

        assert texts(charts.plot_ranked_bars(frame, unit="count")) == ["No data: no orders"]

    def test_reasons_keep_their_order_and_bear_the_cumulative_share(self):
        frame = pd.DataFrame(
            {
                "reason": ["price", "(missing)"],
                "customers": [996, 4],
                "share": [0.996, 0.004],
                "cumulative_share": [0.996, 1.0],
            }
        )

        axes = charts.plot_pareto(frame)

        assert lengths(axes, "actual") == [996, 4]
        assert texts(axes) == ["996 · > 99 %", "4 · < 1 %", "cumulative", "> 99 %", "100 %"]

    def test_nobody_who_left_is_said(self):
        frame = pd.DataFrame(columns=["reason", "customers", "share", "cumulative_share"])

        assert texts(charts.plot_pareto(frame)) == ["No data: nobody left"]

    def test_parts_of_a_whole_lie_side_by_side(self):
        frame = pd.DataFrame(
            {
                "period": ["2026Q1", "2026Q2"],
                "promoter_share": [NAN, 0.55],
                "passive_share": [NAN, 0.43],
                "detractor_share": [NAN, 0.02],
                "n": [0, 40],
            }
        )
        parts = {
            "promoter_share": "promoters",
            "passive_share": "passives",
            "detractor_share": "detractors",
        }

        axes = charts.plot_composition(frame, parts=parts)

        assert lengths(axes, "passives") == [0.0, 0.43]
        assert [bar.get_x() for bar in axes.containers[2]][1] == pytest.approx(0.98)
        assert "2 %" not in texts(axes)  # no room
        assert {"55 %", "43 %", "no data", "n = 40"} <= set(texts(axes))

    def test_a_composition_of_nothing_is_said(self):
        frame = pd.DataFrame({"period": ["2026Q1"], "a": [NAN], "n": [0]})

        assert texts(charts.plot_composition(frame, parts={"a": "a"})) == ["No data"]


class TestEstimates:
    def test_scores_have_intervals_counts_and_a_target(self):
        frame = pd.DataFrame(
            {
                "period": ["2026Q1", "2026Q2"],
                "nps": [36.0, NAN],
                "ci_low": [30.0, NAN],
                "ci_high": [42.0, NAN],
                "n": [402, 0],
            }
        )

        axes = charts.plot_dot_intervals(frame, unit="points", value="nps", target=40.0)

        (intervals,) = [c for c in axes.collections if c.get_label() == "interval"]
        assert intervals.get_segments()[0].tolist() == [[0.0, 30.0], [0.0, 42.0]]
        assert texts(axes) == ["target", "36"]
        assert labels(axes, "x") == ["2026Q1\nn = 402", "2026Q2\nn = 0"]

    def test_no_score_is_said(self):
        frame = pd.DataFrame({"period": [], "value": [], "ci_low": [], "ci_high": [], "n": []})

        assert texts(charts.plot_dot_intervals(frame, unit="points")) == ["No data"]

    def test_a_retention_curve_leaves_out_the_age_at_which_all_are_there(self):
        curve = pd.DataFrame(
            {
                "age": [0, 1, 2],
                "retention_rate": [1.0, 0.5, 0.25],
                "ci_low": [1.0, 0.4, 0.2],
                "ci_high": [1.0, 0.6, 0.3],
            }
        )

        axes = charts.plot_retention_curve(curve, grain="week")

        assert drawn(axes, "rate")[0].tolist() == [0.5, 0.25]
        assert labels(axes, "x") == ["W1", "W2"]
        assert texts(axes) == ["25.0 %", "50.0 %"]
        assert axes.get_ylim()[0] == 0

    def test_a_single_age_has_its_interval_as_a_line(self):
        curve = pd.DataFrame(
            {"age": [1], "retention_rate": [0.5], "ci_low": [0.4], "ci_high": [0.6]}
        )

        axes = charts.plot_retention_curve(curve, grain="month")

        (interval,) = [c for c in axes.collections if c.get_label() == "interval"]
        assert interval.get_segments()[0].tolist() == [[1.0, 0.4], [1.0, 0.6]]
        assert texts(axes) == ["50.0 %"]

    def test_a_curve_of_nothing_is_said(self):
        curve = pd.DataFrame(columns=["age", "retention_rate", "ci_low", "ci_high"])

        axes = charts.plot_retention_curve(curve, grain="week")

        assert texts(axes) == ["No data: no cohort has a complete period yet"]

    def test_survival_is_a_step_from_time_zero_with_those_at_risk(self):
        table = pd.DataFrame(
            {
                "time": [2.0, 4.0],
                "at_risk": [10, 5],
                "survival": [0.8, 0.4],
                "ci_low": [0.6, 0.2],
                "ci_high": [0.9, 0.6],
            }
        )

        axes = charts.plot_survival(table)

        (step,) = [line for line in axes.lines if line.get_label() == "survival"]
        assert step.get_xdata().tolist() == [0.0, 2.0, 4.0]
        assert step.get_ydata().tolist() == [1.0, 0.8, 0.4]
        assert step.get_drawstyle() == "steps-post"
        assert labels(axes, "x") == ["0 months\n10 at risk", "1\n10", "2\n10", "3\n5", "4\n5"]
        assert texts(axes) == ["40.0 %"]

    def test_survival_that_begins_at_time_zero_begins_as_it_is(self):
        table = pd.DataFrame(
            {"time": [0.0], "at_risk": [10], "survival": [0.9], "ci_low": [0.5], "ci_high": [1.0]}
        )

        axes = charts.plot_survival(table, time_unit="days")

        assert drawn(axes, "survival")[0].tolist() == [0.9]
        assert labels(axes, "x")[-1] == "1\n0"  # nobody is left to observe

    @pytest.mark.parametrize(
        ("until", "unit", "names"),
        [
            (30.0, "months", ["0 months", "6", "12", "18", "24", "30"]),
            (72.0, "months", ["0 months", "12", "24", "36", "48", "60", "72"]),
            (30.0, "days", ["0 days", "10", "20", "30"]),
        ],
    )
    def test_months_are_named_by_years_and_their_halves(self, until, unit, names):
        table = pd.DataFrame(
            {"time": [1.0, until], "at_risk": [10, 5], "survival": [0.9, 0.8],
             "ci_low": [0.8, 0.7], "ci_high": [1.0, 0.9]}
        )  # fmt: skip

        axes = charts.plot_survival(table, time_unit=unit)

        assert [name.split("\n")[0] for name in labels(axes, "x")] == names

    def test_no_subscription_is_said(self):
        table = pd.DataFrame(columns=["time", "at_risk", "survival", "ci_low", "ci_high"])

        axes = charts.plot_survival(table)

        assert texts(axes) == ["No data: no subscription has been observed yet"]


class TestCohorts:
    table = pd.DataFrame(
        [
            {"cohort": dt.date(2026, 7, 6), "age": 0, "cohort_size": 1000, "retention_rate": 1.0},
            {"cohort": dt.date(2026, 7, 6), "age": 1, "cohort_size": 1000, "retention_rate": 0.5},
            {"cohort": dt.date(2026, 7, 6), "age": 2, "cohort_size": 1000, "retention_rate": 0.1},
            {"cohort": dt.date(2026, 7, 13), "age": 0, "cohort_size": 80, "retention_rate": 1.0},
            {"cohort": dt.date(2026, 7, 13), "age": 1, "cohort_size": 80, "retention_rate": 0.4},
        ]
    )

    def test_each_cohort_has_its_size_its_rates_and_dots_for_what_is_not_complete(self):
        axes = charts.plot_cohorts(self.table, grain="week")

        assert texts(axes)[:3] == ["50", "10", "40"]
        assert texts(axes)[3:] == ["6 Jul 2026", "1,000", "13 Jul 2026", "80", "users"]
        (dots,) = [line for line in axes.lines if line.get_label() == "not complete"]
        assert dots.get_xydata().tolist() == [[1.5, 1.5]]
        assert labels(axes, "x") == ["W1", "W2"]

    def test_the_ink_of_a_cell_stands_out_from_its_fill(self):
        axes = charts.plot_cohorts(self.table, grain="week")

        assert [t.get_color() for t in axes.texts[:2]] == [theme.PAPER, theme.INK]

    def test_only_the_latest_cohorts_are_shown(self):
        axes = charts.plot_cohorts(self.table, grain="week", most=1)

        assert "6 Jul 2026" not in texts(axes)
        assert "13 Jul 2026" in texts(axes)

    def test_cohorts_that_nobody_came_back_from_are_zeros(self):
        table = self.table.assign(retention_rate=0.0)

        axes = charts.plot_cohorts(table, grain="week")

        assert texts(axes)[:2] == ["0", "0"]

    def test_no_cohort_is_said(self):
        axes = charts.plot_cohorts(self.table.iloc[:0], grain="week")

        assert texts(axes) == ["No data: no cohort has a complete period yet"]


def rgba(color):
    return to_rgba(color)


class TestScatter:
    def test_each_period_is_a_dot_and_the_median_a_line_by_name(self):
        frame = months([4.0, 9.0, 5.0], middle=5.0)

        axes = plot_scatter(frame, unit="days", level="middle")

        assert drawn(axes, "actual")[0].tolist() == [4.0, 9.0, 5.0]
        assert list(drawn(axes, "median")[0]) == [5.0, 5.0]
        assert texts(axes) == ["median"]

    def test_without_a_value_it_says_so(self):
        axes = plot_scatter(months([NAN], middle=NAN), unit="days", level="middle")

        assert drawn(axes, "actual") == []
