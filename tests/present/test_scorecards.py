"""The scorecard as shown, from facts through ``scorecard_table``, so that both fit together."""

import datetime as dt
import math

import pytest

from kpikit.analysis.scorecard import comparison_periods, scorecard_periods, scorecard_table
from kpikit.catalogue import CATALOGUE, fact, make_facts
from kpikit.params.model import Target
from kpikit.periods import Calendar
from kpikit.present.components import Cell
from kpikit.present.scorecards import scorecard_card, scorecard_tiles
from kpikit.present.sentences import Basis, headlines

CALENDAR = Calendar()
PERIOD = CALENDAR.parse("2026Q3")
NAN = float("nan")
VALUES = {  # the quarter, the quarter before, the year before
    "net_revenue": (748.0, 700.0, 680.0),
    "conversion_rate": (0.0261, 0.03, 0.0274),
    "nps": (38.0, 36.0, NAN),
    "mrr": (NAN, NAN, NAN),
}
TARGETS = (
    Target(metric="net_revenue", period="2026Q3", value=735.0),
    Target(metric="conversion_rate", period="2026Q3", value=0.0275),
)


def made(as_of=dt.date(2026, 10, 31), values=VALUES, targets=TARGETS, period=PERIOD):
    compared = comparison_periods(period, calendar=CALENDAR, as_of=as_of)
    rows = []
    for name, (now, before, year_before) in values.items():
        labels = (period.label, compared["previous"].label, compared["year_before"].label)
        known = dict(zip(labels, (now, before, year_before), strict=True))
        for each in scorecard_periods(period, calendar=CALENDAR, as_of=as_of):
            value = known.get(each.label, NAN)
            ends = {"ci_low": 31.0, "ci_high": 45.0} if name == "nps" else {}
            reason = "no rows" if math.isnan(value) else ""
            rows.append(fact(name, each, as_of=as_of, value=value, n=412, reason=reason, **ends))
    metrics = {name: CATALOGUE[name] for name in values}
    frame = scorecard_table(
        make_facts(rows), list(metrics.values()), targets, period=period, calendar=CALENDAR,
        as_of=as_of, currency="GBP",
    )  # fmt: skip
    bases = (compared["previous"], compared["year_before"])
    return frame, metrics, Basis(period, *bases, as_of, "GBP")


def test_metrics_stand_in_groups_by_perspective_with_every_comparison():
    frame, metrics, basis = made()

    table = scorecard_card(frame, metrics, basis)

    assert [row["group"] for row in table.rows if "group" in row] == [
        "Financial",
        "Customer",
        "Process",
    ]
    revenue = table.rows[1]
    assert revenue["actual"] == "£748.00"
    assert revenue["target"] == "£735"
    assert revenue["delta_target"] == Cell("+1.8 %", tone="good")
    assert revenue["yoy"] == Cell("+10.0 %", tone="good")
    assert revenue["qoq"] == Cell("+6.9 %", tone="good")
    assert revenue["status"] == Cell("on track", note="hit", status="on_track")
    assert table.subtitle == (
        "2026Q3 (92 days) against its target, 2025Q3 (92 days) and 2026Q2 (91 days)"
    )


def test_a_missed_target_and_a_leading_metric_are_marked():
    frame, metrics, basis = made()

    conversion = scorecard_card(frame, metrics, basis).rows[-1]

    assert conversion["kpi"] == Cell("Conversion rate", note="leading")
    assert conversion["delta_target"] == Cell("−0.14 pt", tone="bad")
    assert conversion["yoy"] == Cell("−0.13 pt", tone="bad")
    assert conversion["status"] == Cell("off track", note="missed", status="off_track")


def test_a_bullet_holds_value_and_target_on_one_scale():
    frame, metrics, basis = made()

    hit, missed = (scorecard_card(frame, metrics, basis).rows[i]["bullet"] for i in (1, -1))

    assert hit.bullet.value == pytest.approx(1 / 1.08)
    assert hit.bullet.target == pytest.approx(735 / 748 / 1.08)
    assert hit.text == "£748.00 of £735"
    assert (hit.bullet.tone, missed.bullet.tone) == ("good", "bad")


def test_no_bullet_is_drawn_below_zero():
    frame, metrics, basis = made(values={"net_revenue": (-5.0, 1.0, 1.0)})

    row = scorecard_card(frame, metrics, basis).rows[1]

    assert "bullet" not in {column.key for column in scorecard_card(frame, metrics, basis).columns}
    assert row["bullet"] == ""


def test_a_metric_without_a_value_says_why_and_compares_nothing():
    frame, metrics, basis = made()

    mrr = scorecard_card(frame, metrics, basis).rows[2]

    assert (mrr["actual"], mrr["yoy"], mrr["qoq"], mrr["spark"]) == ("–", "–", "–", "")
    assert mrr["status"] == Cell("no data", note="no rows", status="no_data")


def test_notes_say_why_a_change_is_not_comparable():
    frame, metrics, basis = made()

    notes = scorecard_card(frame, metrics, basis).notes

    assert notes == ("Δ year of NPS is not comparable (2025Q3: no rows).",)


def test_a_change_from_a_base_that_is_not_covered_whole_is_struck_out():
    frame, metrics, basis = made()
    frame.loc[0, "comparable_yoy"] = False

    revenue = scorecard_card(frame, metrics, basis).rows[1]

    assert revenue["yoy"] == Cell("+10.0 %", struck=True)


def test_an_unfinished_quarter_has_an_open_target_and_no_distance_from_it():
    frame, metrics, basis = made(as_of=dt.date(2026, 8, 8))

    table = scorecard_card(frame, metrics, basis)

    revenue = table.rows[1]
    assert revenue["delta_target"] == ""
    assert revenue["status"].text == "open"
    assert revenue["status"].note.startswith("39 of 92 days passed")
    assert "delta_target" not in {column.key for column in table.columns}
    assert table.subtitle == (
        "2026Q3, 39 of 92 days, against its target, the first 39 days of 2025Q3 "
        "and the first 39 days of 2026Q2"
    )


def test_columns_in_which_nothing_stands_are_left_out_and_missing_targets_are_said():
    frame, metrics, basis = made(targets=())

    table = scorecard_card(frame, metrics, basis)

    assert [column.key for column in table.columns] == [
        "kpi",
        "actual",
        "yoy",
        "qoq",
        "spark",
        "status",
    ]
    assert table.notes[-1] == "No target is declared for 2026Q3."
    assert table.rows[1]["status"] == "no target"
    assert table.subtitle == "2026Q3 (92 days) against 2025Q3 (92 days) and 2026Q2 (91 days)"


def test_a_remark_on_the_data_stands_beside_its_metric():
    frame, metrics, basis = made()

    table = scorecard_card(frame, metrics, basis, badges={"net_revenue": "1 warning"})
    tiles = scorecard_tiles(frame, basis, badges={"net_revenue": "1 warning"})

    assert table.rows[1]["data"] == "1 warning"
    assert tiles.items[0].badge == "1 warning"


def test_a_spark_says_in_words_where_it_begins_and_ends():
    frame, metrics, basis = made()

    spark = scorecard_card(frame, metrics, basis).rows[1]["spark"]

    assert spark.text == "from £680.00 to £748.00"
    assert len(spark.spark) == 8


def test_a_single_known_quarter_makes_no_line():
    frame, metrics, basis = made(values={"net_revenue": (748.0, NAN, NAN)})

    table, tiles = scorecard_card(frame, metrics, basis), scorecard_tiles(frame, basis)

    assert table.rows[1]["spark"] == ""
    assert tiles.items[0].spark == ()


def test_tiles_show_the_first_metrics_that_have_a_value():
    frame, _, basis = made()

    revenue, conversion, nps = scorecard_tiles(frame, basis).items

    assert (revenue.value, revenue.delta, revenue.tone, revenue.arrow) == (
        "£748.00",
        "+10.0 %",
        "good",
        "up",
    )
    assert revenue.footer == "on 2025Q3 · target £735 · hit"
    assert revenue.spark_target == 735.0
    assert (conversion.tone, conversion.arrow) == ("bad", "down")
    assert nps.footer == "on 2026Q2 · 31 to 45 · no target"
    assert nps.spark_target is None


def test_a_tile_without_anything_to_compare_has_no_arrow():
    frame, _, basis = made(values={"net_revenue": (5.0, NAN, NAN), "nps": (5.0, 5.0, 5.0)})

    revenue, nps = scorecard_tiles(frame, basis, most=2).items

    assert (revenue.delta, revenue.arrow, revenue.tone) == ("", "", "neutral")
    assert revenue.footer == "target £735 · missed"
    assert (nps.delta, nps.arrow, nps.tone) == ("±0.0", "", "neutral")


def test_a_summary_can_be_written_from_the_same_frame():
    frame, _, basis = made()

    summary = headlines(frame, basis)

    assert summary.title == (
        "Net revenue was £748.00, +10.0 % on 2025Q3, and hit its target; "
        "conversion rate missed its target with 2.61 %"
    )
    assert [item.mark for item in summary.items] == ["+", "-", "+", "!"]


@pytest.mark.parametrize(
    ("period", "before", "periods"),
    [("2026Q3", "Δ quarter", "8 quarters"), ("2026-07", "Δ month", "8 months"),
     ("2026-W31", "Δ week", "8 weeks"), ("2026-07-15", "Δ day", "8 days")],
)  # fmt: skip
def test_columns_are_called_by_the_grain_of_the_period(period, before, periods):
    frame, metrics, basis = made(
        values={"net_revenue": (748.0, 700.0, 680.0)}, period=CALENDAR.parse(period)
    )

    labels = [column.label for column in scorecard_card(frame, metrics, basis).columns]

    assert before in labels
    assert periods in labels


def test_a_year_is_compared_with_the_one_before_it_once():
    values = {"net_revenue": (748.0, NAN, NAN)}
    frame, metrics, basis = made(values=values, targets=(), period=CALENDAR.parse("2025"))

    table = scorecard_card(frame, metrics, basis)

    assert "qoq" not in [column.key for column in table.columns]
    assert table.subtitle == "2025 (365 days) against 2024 (366 days)"
    assert table.notes == (
        "Δ year is not comparable (2024: no rows).", "No target is declared for 2025.",
    )  # fmt: skip


def test_signal_assurance_and_chance_stand_beside_the_status():
    frame, metrics, basis = made()
    frame = frame.assign(
        variation=["concern", "routine", "no_data", "no_data"],
        assurance=["hit_or_miss", "reliably_missed", "no_data", "no_data"],
        p_hit=[0.84, NAN, NAN, NAN],
        aim_period=["2026Q4", "", "", ""],
        status=["at_risk", "off_track", "", "no_data"],
    )

    table = scorecard_card(frame, metrics, basis)

    lines = {
        row["kpi"].text if isinstance(row["kpi"], Cell) else row["kpi"]: row
        for row in table.rows
        if "kpi" in row
    }
    revenue, conversion = lines["Net revenue"], lines["Conversion rate"]
    assert revenue["variation"] == Cell("concern", tone="bad", note="hits and misses")
    assert revenue["p_hit"] == Cell("84 %", note="2026Q4")
    assert revenue["status"] == Cell("at risk", note="by P(hit)", status="at_risk")
    assert conversion["variation"] == Cell("routine", note="misses reliably")
    assert conversion["p_hit"] == ""
    assert lines["NPS"]["variation"] == ""


def test_a_signal_that_turned_from_the_other_side_says_so_and_has_no_colour():
    frame, metrics, basis = made()
    frame = frame.assign(
        variation=["improvement", "concern", "routine", "routine"],
        turned_from=["2026-08", "2026-07", "", ""],
        assurance=["hit_or_miss", "no_data", "no_data", "no_data"],
    )

    table = scorecard_card(frame, metrics, basis)

    told = [row["variation"] for row in table.rows if "kpi" in row]
    assert Cell("improvement", note="after concern, hits and misses") in told
    assert Cell("concern", note="after improvement") in told
