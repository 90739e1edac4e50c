"""Views: the numbers of a choice, what is refused, and what a product's file keeps."""

import dataclasses
import datetime as dt
import math

import pytest

from kpikit.errors import AnalysisError, PeriodError, UnknownNameError
from kpikit.params.views import View
from kpikit.present.components import Absence, Stack, Table
from kpikit.report import Report
from kpikit.sections.experiments import open_trial
from kpikit.sections.funnels import FunnelSections
from kpikit.sections.views import (
    SECTIONS,
    NothingFound,
    find_view,
    kept_views,
    queries_of,
    section_of,
    view_section,
)
from kpikit.sections.views.answers import period_options, value_options
from tests.sections.conftest import ORDERS, ORDERS_YAML
from tests.sections.test_funnels import FUNNELS, events_csv

# Sales of the quarter: 100.00 (DE), 60.50 (FR), 39.50 (no country), less 9.50 given back.


def drawn(context, **settings):
    """Return the components of a view."""
    found = find_view(context, View(**settings))
    exhibits = SECTIONS[settings["section"]].draw(found)
    assert all(len(exhibit.answer.frame) for exhibit in exhibits)
    return [exhibit.component for exhibit in exhibits]


def rows_of(table):
    return [
        {key: cell if isinstance(cell, str) else cell.text for key, cell in row.items()}
        for row in table.rows
    ]


@pytest.fixture
def shop(open_context):
    drivers = "drivers: {gross_revenue: orders * average_order_value}\n"
    return open_context(f"{ORDERS_YAML}    {drivers}", {"orders.csv": ORDERS})


@pytest.fixture
def funnel(open_context):
    return open_context(FUNNELS, {"events.csv": events_csv(180)})


# -- trends ----------------------------------------------------------------------------------


def test_a_trend_shows_its_months_beside_the_year_before(shop):
    found = find_view(shop, View(section="trends", metric="net_revenue"))

    series = found.answers["series"].frame.set_index("period")
    assert found.view.grain == "month"
    assert series.loc["2026-07", "value"] == 100
    assert series.loc["2026-07", "previous"] == 40
    assert series.loc["2026-07", "change"] == pytest.approx(1.5)
    assert series.loc["2026-08", "value"] == 60.5


def test_a_trend_beside_the_period_before_compares_neighbours(shop):
    view = View(section="trends", metric="net_revenue", grain="quarter", comparison="previous")

    series = find_view(shop, view).answers["series"].frame.set_index("period")

    assert series.loc["2026Q3", "value"] == 190.5  # 100 + 60.50 + 39.50 - 9.50
    assert series.loc["2026Q3", "previous"] == 50  # the one order of May


def test_a_trend_ends_with_the_last_period_that_is_whole_in_the_report(shop):
    may = shop.calendar.parse("2026-05")
    earlier = dataclasses.replace(shop, period=may)

    series = find_view(earlier, View(section="trends", metric="net_revenue", grain="quarter"))

    assert series.answers["series"].frame["period"].iloc[-1] == "2026Q1"


def test_a_trend_of_one_segment_counts_its_rows_alone(shop):
    view = View(section="trends", metric="net_revenue", where={"country": "DE"}, comparison="none")

    found = find_view(shop, view)

    series = found.answers["series"].frame.set_index("period")
    assert series.loc["2026-07", "value"] == 100
    assert series.loc["2026-08", "value"] == 0
    assert series["previous"].isna().all()
    assert "only country = DE" in SECTIONS["trends"].draw(found)[0].component.subtitle


def test_a_trend_by_segment_ranks_the_segments_of_the_last_whole_period(shop):
    figure, table = drawn(
        shop, section="trends", metric="net_revenue", grain="quarter", by="country"
    )

    assert table.title == "Net revenue by country, 2026Q3"
    assert [(row["segment"], row["value"]) for row in rows_of(table)] == [
        ("DE", "€100.00"), ("FR", "€60.50"), ("unknown", "€30.00"),
    ]  # fmt: skip
    assert figure.alt.startswith("Line by quarter: Net revenue.")


def test_a_trend_of_a_share_tells_its_interval_and_its_change_in_points(shop):
    _, table = drawn(shop, section="trends", metric="repeat_purchase_rate", grain="quarter")

    # b bought twice and c once; a year before a bought once: 1 of 2 against 0 of 1
    assert rows_of(table)[0] == {
        "period": "2026Q3", "value": "50.0 %", "interval": "9.5 to 90.5 %",
        "previous": "0.00 %", "change": "+50.0 pt",
    }  # fmt: skip


def test_no_band_of_a_trend_is_below_what_never_was(shop):
    frame = find_view(shop, View(section="trends", metric="orders", grain="day")).answers["series"]

    assert frame.frame["lower"].min() == 0  # most days have none and some have one order


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter"])
def test_a_trend_has_any_grain(shop, grain):
    figure, table = drawn(shop, section="trends", metric="orders", grain=grain)

    assert figure.svg
    assert [column.key for column in table.columns] == ["period", "value", "previous", "change"]


def test_a_segment_without_rows_says_what_to_choose(shop):
    with pytest.raises(NothingFound, match=r"no row where country = XX in 2026Q3.\nChoose another"):
        find_view(shop, View(section="trends", where={"country": "XX"}))


def test_a_column_that_is_not_there_is_named_with_the_nearest(shop):
    with pytest.raises(AnalysisError, match=r"table orders has no column 'contry'.\nDid you mean"):
        find_view(shop, View(section="trends", where={"contry": "DE"}))


def test_a_metric_that_is_not_there_is_named_with_the_nearest(shop):
    with pytest.raises(
        UnknownNameError, match=r"metric 'net_revenu'.*\nDid you mean 'net_revenue'"
    ):
        find_view(shop, View(section="trends", metric="net_revenu"))


def test_a_period_without_data_is_refused(shop):
    with pytest.raises(PeriodError, match=r"no data in 2031Q1"):
        find_view(shop, View(section="trends", period="2031Q1"))


def test_a_section_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"section 'trend'.*\nDid you mean 'trends'"):
        section_of("trend")


# -- segments, drivers, scorecard --------------------------------------------------------------


def test_segments_are_those_of_one_period(shop):
    _, table = drawn(shop, section="segments", metric="net_revenue", period="2026-08")

    assert [(row["segment"], row["value"]) for row in rows_of(table)] == [("FR", "€60.50")]


def test_segments_choose_a_metric_that_the_column_parts(shop):
    found = find_view(shop, View(section="segments"))

    assert (found.view.metric, found.view.by) == ("net_revenue", "country")


def test_a_metric_made_of_others_has_no_segments(open_context):
    context = open_context(
        "source: {tables: {orders: {files: orders.csv}}}\nsegments: [country]\nmetrics: [arpu]\n",
        {"orders.csv": ORDERS},
    )
    composed = next(iter(m.name for m in context.catalogue.values() if m.inputs))

    with pytest.raises(AnalysisError, match="is made of other metrics and has no segments"):
        find_view(context, View(section="segments", metric=composed, by="country"))


def test_without_a_declared_column_nothing_can_be_broken_down(open_context):
    context = open_context(
        "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders]\n",
        {"orders.csv": ORDERS},
    )

    with pytest.raises(AnalysisError, match=r"Name some under segments: in shop.yml"):
        find_view(context, View(section="segments"))


def test_a_tree_sums_to_the_change(shop):
    found = find_view(shop, View(section="drivers"))

    tree = found.answers["tree"].frame
    root, parts = tree.iloc[0], tree[tree["level"] == 1]
    assert parts["effect"].sum() == pytest.approx(root["after"] - root["before"])
    assert root["after"] == 200
    assert root["before"] == 40
    bridge, table = (exhibit.component for exhibit in SECTIONS["drivers"].draw(found))
    assert bridge.alt.startswith("Waterfall")
    assert isinstance(table, Table)


def test_a_tree_of_a_segment_without_a_past_says_so(shop):
    with pytest.raises(NothingFound, match=r"cannot be told: .* no value in 2025Q3"):
        find_view(shop, View(section="drivers", where={"country": "FR"}))


def test_an_undeclared_tree_says_where_to_declare_one(funnel):
    with pytest.raises(NothingFound, match=r"Declare one under drivers: in shop.yml"):
        find_view(funnel, View(section="drivers"))


def test_an_unknown_tree_is_named_with_the_nearest(shop):
    with pytest.raises(UnknownNameError, match=r"driver tree 'orders'"):
        find_view(shop, View(section="drivers", metric="orders"))


def test_the_scorecard_of_another_period_is_that_of_its_report(shop):
    [table] = drawn(shop, section="scorecard", period="2026Q2")

    own = dataclasses.replace(shop, period=shop.calendar.parse("2026Q2"))
    assert table == Report(own).scorecard().items[0]


# -- funnel and retention ----------------------------------------------------------------------


def test_a_funnel_has_its_declared_settings_by_default(funnel):
    found = find_view(funnel, View(section="funnel"))

    assert (found.view.funnel, found.view.window, found.view.order) == ("sale", "2d", "ordered")
    steps = found.answers["steps"].frame
    assert steps["users"].tolist() == FunnelSections(funnel).readings[0].now["users"].tolist()


def test_a_funnel_beside_another_period_tells_the_changes(funnel):
    found = find_view(funnel, View(section="funnel", comparison="previous"))

    steps = found.answers["steps"].frame
    before = FunnelSections(funnel).readings[0].before("previous")
    assert steps["previous"].tolist() == before["overall_rate"].tolist()
    assert "change_low" in steps
    _, table = (exhibit.component for exhibit in SECTIONS["funnel"].draw(found))
    assert rows_of(table)[1]["change"].startswith("±0.00 pt")


def test_a_funnel_of_other_steps_counts_these(funnel):
    view = View(section="funnel", steps=["cart", "buy"], comparison="none", window="1d")

    steps = find_view(funnel, view).answers["steps"].frame

    assert steps["name"].tolist() == ["cart", "buy"]
    assert (steps["users"].iloc[1] / steps["users"].iloc[0]) == pytest.approx(5 / 8)


def test_steps_in_another_order_are_another_funnel(funnel):
    view = View(section="funnel", steps=["buy", "cart"], comparison="none")

    steps = find_view(funnel, view).answers["steps"].frame

    assert steps["users"].iloc[1] == 0  # nobody puts into the cart after buying


def test_a_funnel_by_segment_tells_each(funnel):
    *_, table = drawn(funnel, section="funnel", by="device")

    rates = {row["segment"]: row["rate"] for row in rows_of(table)}
    assert rates == {"phone": "60.0 %", "desk": "40.0 %"}  # users 0, 2, 4 against 1, 3 of five each


def test_a_step_that_is_no_event_is_named_with_the_nearest(funnel):
    with pytest.raises(AnalysisError, match=r"step is 'byu'.*\nDid you mean 'buy'"):
        find_view(funnel, View(section="funnel", steps=["view", "byu"]))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"funnel": "sole"}, r"Unknown funnel 'sole'"),
        ({"by": "country"}, r"cannot be told by country"),
        ({"where": {"device": "watch"}}, r"has no row where device = watch"),
    ],
)
def test_what_a_funnel_cannot_show_is_said(funnel, settings, complaint):
    with pytest.raises((UnknownNameError, AnalysisError, NothingFound), match=complaint):
        find_view(funnel, View(section="funnel", **settings))


def test_a_funnel_without_a_full_window_says_so(funnel):
    late = dataclasses.replace(funnel, period=funnel.calendar.parse("2026-09-30"))

    with pytest.raises(NothingFound, match="full"):
        find_view(late, View(section="funnel"))


def test_without_events_a_funnel_says_what_is_missing(shop):
    with pytest.raises(NothingFound, match="map the table events"):
        find_view(shop, View(section="funnel"))


def test_retention_has_a_grain_and_a_segment(funnel):
    view = View(section="retention", grain="week", where={"device": "phone"})

    found = find_view(funnel, view)

    cohorts = found.answers["cohorts"].frame
    assert cohorts["cohort_size"].max() == 35  # five phones a day
    components = [exhibit.component for exhibit in SECTIONS["retention"].draw(found)]
    assert [type(part).__name__ for part in components] == ["Figure", "Table", "Table"]


def test_retention_of_nobody_says_what_to_choose(funnel):
    with pytest.raises(NothingFound, match=r"Nobody where device = watch .*\nChoose another"):
        find_view(funnel, View(section="retention", where={"device": "watch"}))


def test_retention_has_no_quarters(funnel):
    with pytest.raises(AnalysisError, match=r"no grain 'quarter'.\nChoose day, week or month"):
        find_view(funnel, View(section="retention", grain="quarter"))


def test_buyers_are_retained_where_there_are_no_events(open_context):
    days = [dt.date(2026, 1, 5) + dt.timedelta(days=7 * n) for n in range(38)]
    lines = [f"{n},u{n % 12},{day}T10:00:00,10" for n, day in enumerate(days)]
    text = "order_id,user_id,order_time,revenue\n" + "\n".join(lines) + "\n"
    yaml = "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders]\n"

    figure, *_ = drawn(open_context(yaml, {"orders.csv": text}), section="retention")

    assert "new buyers with an order" in figure.subtitle


# -- options, queries --------------------------------------------------------------------------


def test_every_setting_of_a_section_has_its_options(shop, funnel):
    for context, names in ((shop, ("trends", "segments", "drivers")), (funnel, ("funnel",))):
        for name in names:
            section = SECTIONS[name]
            view = section.fill(context, View(section=name))

            assert set(section.options(context, view)) == set(section.settings)


def test_a_funnel_whose_steps_have_names_of_their_own_has_none_to_drag(funnel):
    section = SECTIONS["funnel"]
    view = section.fill(funnel, View(section="funnel"))

    assert section.options(funnel, view)["steps"] == ()


def test_periods_are_those_of_the_data_the_reports_first(shop):
    labels = [option.value for option in period_options(shop)]

    assert labels[:3] == ["2026Q3", "2026Q2", "2026Q1"]
    assert labels[-1] == "2025-07"


def test_values_are_listed_by_their_rows_at_most_500(open_context):
    lines = [f"{n},u,2026-07-05T10:00:00,1.00,c{n % 9000:05d}" for n in range(10_000)]
    text = "order_id,user_id,order_time,revenue,country\n" + "\n".join(lines) + "\n"
    context = open_context(ORDERS_YAML, {"orders.csv": text})

    options = value_options(context, "orders", "country")

    assert len(options) == 500
    assert options[0].value == "c00000"  # two rows, as all up to c00999
    _, table = drawn(context, section="segments", metric="net_revenue")
    assert table.notes == ("The first 500 of 9,000 segments; copy as CSV has them all.",)


def test_the_queries_of_a_view_are_told_again_though_all_was_known(shop):
    view = View(section="trends", metric="net_revenue")
    find_view(shop, view)
    assert find_view(shop, view).answers["series"].sql == ()

    queries = queries_of(shop, view)

    assert "SELECT" in queries["series"][0]
    assert "memtable" not in queries["series"][0]


# -- experiments -------------------------------------------------------------------------------

EXPOSED = "user_id,experiment,variant,exposure_time\n" + "".join(
    f"u{n},new,{'ab'[n % 2]},2026-07-0{1 + n % 7}T10:00:00\n" for n in range(400)
)
BOUGHT = "order_id,user_id,order_time,revenue,country\n" + "".join(
    f"{n},u{n},2026-07-0{1 + n % 7}T11:00:00,{10 + 3 * (n % 2) + n % 5},{'DF'[n // 2 % 2]}\n"
    for n in range(400)
)
TEST = """
    source:
      tables: {exposures: {files: exposures.csv}, orders: {files: orders.csv}}
      as_of: 2026-09-30
    metrics: [net_revenue]
    segments: [country]
    experiments:
      new: {variants: {a: 0.5, b: 0.5}, control: a, start: 2026-07-01, end: 2026-07-07,
            primary: arpu, secondary: [orders_each], conversion_window: 2d, segments: [country],
            metrics: {orders_each: {kind: count, table: orders}}}
"""


@pytest.fixture
def tested(open_context):
    return open_context(TEST, {"exposures.csv": EXPOSED, "orders.csv": BOUGHT})


def test_the_effect_of_a_view_is_that_of_the_report(tested):
    found = find_view(tested, View(section="experiment", metric="arpu"))

    table = open_trial(tested, "new").study.result.table.set_index("metric")
    [row] = found.answers["effects"].frame.to_dict("records")
    assert row["delta_abs"] == pytest.approx(table.loc["arpu", "delta_abs"])
    assert row["segment"] == "all users"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"experiment": "old"}, "Unknown experiment 'old'"),
        ({"metric": "mau"}, "Unknown metric 'mau' in the experiment 'new'"),
        ({"by": "device"}, "Unknown segment 'device' in segments of the experiment 'new'"),
    ],
)
def test_what_a_test_cannot_show_is_said(tested, settings, complaint):
    with pytest.raises(UnknownNameError, match=complaint):
        find_view(tested, View(section="experiment", **settings))


def test_a_product_without_tests_says_where_to_declare_one(shop):
    with pytest.raises(NothingFound, match=r"Declare one under experiments: in shop\.yml"):
        find_view(shop, View(section="experiment"))


# -- kept views --------------------------------------------------------------------------------


def test_a_section_shows_the_views_that_the_file_keeps(open_context):
    kept = "views: [{section: trends, metric: orders, grain: quarter}]\n"
    context = open_context(f"{ORDERS_YAML}    {kept}", {"orders.csv": ORDERS})

    section = Report(context).trends()

    own, view = section.items
    assert own == kept_views(dataclasses.replace(context, loaded=_without(context)), "trends", own)
    assert view.items[1].title == "Orders by quarter"


def _without(context):
    params = context.params.model_copy(update={"views": []})
    return dataclasses.replace(context.loaded, params=params)


def test_a_kept_view_that_cannot_be_shown_says_so_and_stops_nothing(shop):
    section = view_section(shop, View(section="trends", where={"country": "XX"}))

    [line] = section.items
    assert isinstance(line, Absence)
    assert "A kept view of trends is not shown: Net revenue has no row" in line.text


def test_kept_views_leave_the_kpis_of_the_scorecard_alone(open_context):
    kept = "views: [{section: scorecard, period: 2026Q2}]\n"
    context = open_context(f"{ORDERS_YAML}    {kept}", {"orders.csv": ORDERS})

    metadata = Report(context).scorecard().metadata()

    assert {row["period"] for row in metadata["kpis"]} == {
        "2026Q3",
        "2026-07",
        "2026-08",
        "2026-09",
    }


def test_a_test_shows_its_own_kept_views_alone(tested):
    own = Stack(())
    view = View(section="experiment", experiment="other")
    params = tested.params.model_copy(update={"views": [view]})
    context = dataclasses.replace(tested, loaded=dataclasses.replace(tested.loaded, params=params))

    assert kept_views(context, "experiment", own, experiment="new") is own


def test_a_change_from_nothing_has_no_share(shop):
    view = View(section="trends", metric="refunds", grain="quarter")

    series = find_view(shop, view).answers["series"].frame.set_index("period")

    assert series.loc["2026Q3", "value"] == 9.5
    assert math.isnan(series.loc["2026Q3", "change"])  # no refund a year before
