"""From exposures and what users did to one row per user."""

import ibis
import pandas as pd
import pytest

from kpikit.analysis.experiments.shaping import (
    Measure,
    assign_units,
    dimensions_at_exposure,
    maturity,
    unit_table,
)
from kpikit.errors import AnalysisError, PeriodError, UnknownNameError

PLACE = {"experiment": "tour", "start": "2026-05-01", "end": "2026-05-10"}


def exposures_of(*rows):
    """Return exposures from (user, variant, time, platform)."""
    full = [(*row, "web")[:4] for row in rows]
    frame = pd.DataFrame(full, columns=["user_id", "variant", "exposure_time", "platform"])
    times = pd.to_datetime(frame["exposure_time"], format="ISO8601")
    return frame.assign(exposure_time=times, experiment="tour")


def events_of(*rows):
    """Return events from (user, event, time, value)."""
    full = [(*row, 1.0)[:4] for row in rows]
    frame = pd.DataFrame(full, columns=["user_id", "event", "event_time", "value"])
    return frame.assign(event_time=pd.to_datetime(frame["event_time"], format="ISO8601"))


def rows_of(table, *columns):
    frame = table.order_by("user_id").to_pandas()
    return frame[list(columns)].to_numpy().tolist()


@pytest.fixture
def three():
    return exposures_of(
        ("ada", "a", "2026-05-01"), ("bob", "b", "2026-05-02T12:00"), ("cy", "a", "2026-05-09")
    )


def test_the_first_exposure_of_each_user_counts():
    exposures = exposures_of(
        ("ada", "a", "2026-05-03", "web"), ("ada", "a", "2026-05-01", "phone"),
        ("bob", "b", "2026-05-02", "web"),
    )  # fmt: skip

    found = assign_units(exposures, **PLACE)

    assert rows_of(found.units, "user_id", "variant", "platform") == [
        ["ada", "a", "phone"], ["bob", "b", "web"],
    ]  # fmt: skip
    days = found.units.order_by("user_id").exposure_day.to_pandas().astype(str)
    assert days.tolist() == ["2026-05-01", "2026-05-02"]
    assert found.counts["repeated"] == 1


def test_users_in_several_variants_are_left_out_or_stay_in_the_first_as_declared():
    exposures = exposures_of(
        ("ada", "a", "2026-05-01"), ("ada", "b", "2026-05-03"), ("bob", "b", "2026-05-02"),
        ("cy", "a", "2026-05-02"),
    )  # fmt: skip

    without = assign_units(exposures, **PLACE)
    first = assign_units(exposures, crossovers="first", **PLACE)

    assert rows_of(without.units, "user_id", "variant") == [["bob", "b"], ["cy", "a"]]
    assert rows_of(first.units, "user_id", "variant") == [["ada", "a"], ["bob", "b"], ["cy", "a"]]
    assert without.counts["crossovers"] == first.counts["crossovers"] == 1
    assert without.crossovers.to_numpy().tolist() == [["a", 2, 1, 0.5], ["b", 1, 0, 0.0]]


def test_what_is_odd_about_exposures_is_counted_and_left_out():
    exposures = exposures_of(
        ("ada", "a", "2026-05-01"), ("ada", "a", "2026-05-01"),  # delivered twice
        ("bob", "b", "2026-04-30T23:59"), ("cy", "a", "2026-05-11"),  # early, late
        (None, "a", "2026-05-02"), ("dee", None, "2026-05-02"), ("eve", "b", "2026-05-10T23:59"),
    )  # fmt: skip
    other = exposures_of(("ada", "b", "2026-05-01")).assign(experiment="price")

    found = assign_units(pd.concat([exposures, other]), **PLACE)

    assert found.counts.to_dict() == {
        "exposures": 7, "missing_user": 1, "missing_variant": 1, "early": 1, "late": 1,
        "repeated": 1, "duplicates": 1, "users": 2, "crossovers": 0,
    }  # fmt: skip
    assert rows_of(found.units, "user_id") == [["ada"], ["eve"]]


def test_the_days_of_an_experiment_are_local():
    exposures = exposures_of(("ada", "a", "2026-05-01T03:00"), ("bob", "b", "2026-05-11T03:00"))

    found = assign_units(exposures, timezone="America/New_York", **PLACE)

    # 3:00 UTC is 23:00 of the day before in New York
    assert rows_of(found.units, "user_id") == [["bob"]]
    assert (found.counts["early"], found.counts["late"]) == (1, 0)


def test_an_experiment_without_exposures_has_no_units():
    found = assign_units(exposures_of(("ada", "a", "2026-07-01")), **PLACE)

    assert found.units.count().to_pandas() == 0
    assert (found.counts["users"], found.counts["repeated"]) == (0, 0)


def test_an_empty_table_of_exposures_has_no_units():
    found = assign_units(exposures_of(), **PLACE)

    assert found.units.count().to_pandas() == 0
    assert found.counts.sum() == 0


def test_an_end_before_the_start_is_an_error():
    with pytest.raises(AnalysisError, match="ends on 2026-05-01, before it starts on 2026-05-10"):
        assign_units(exposures_of(), experiment="tour", start="2026-05-10", end="2026-05-01")


def test_an_unknown_way_with_crossovers_is_an_error(three):
    with pytest.raises(AnalysisError, match="Did you mean 'exclude'"):
        assign_units(three, crossovers="exclud", **PLACE)


def measured(exposures, events, *, window="7d", as_of="2026-06-30", before=None, **measures):
    units = assign_units(exposures, **PLACE).units
    return unit_table(units, {"events": events}, measures=measures, window=window, as_of=as_of,
                      before=before)  # fmt: skip


def test_only_what_follows_within_the_window_counts(three):
    events = events_of(
        ("ada", "buy", "2026-04-30T23:59"), ("ada", "buy", "2026-05-01"),
        ("ada", "buy", "2026-05-07T23:59"), ("ada", "buy", "2026-05-08"),
        ("bob", "look", "2026-05-03"), ("zoe", "buy", "2026-05-03"),
    )  # fmt: skip

    table = measured(
        three, events,
        buys=Measure("events", where={"event": "buy"}),
        bought=Measure("events", "converted", where={"event": ["buy", "order"]}),
        actions=Measure("events"),
    )  # fmt: skip

    assert rows_of(table, "user_id", "buys", "bought", "actions") == [
        ["ada", 2, 1, 2], ["bob", 0, 0, 1], ["cy", 0, 0, 0],
    ]  # fmt: skip


def test_a_user_without_rows_has_a_sum_of_zero_and_one_without_values_none(three):
    events = events_of(("ada", "buy", "2026-05-02", 5.0), ("ada", "buy", "2026-05-03", 2.0),
                       ("bob", "buy", "2026-05-03", None))  # fmt: skip

    table = measured(three, events, spend=Measure("events", "sum", column="value"))

    found = table.order_by("user_id").spend.to_pandas()
    assert found.tolist()[::2] == [7.0, 0.0]
    assert pd.isna(found[1])


def test_retention_is_conversion_that_starts_late(three):
    events = events_of(("ada", "login", "2026-05-02"), ("bob", "login", "2026-05-06T12:00"))

    table = measured(three, events, back=Measure("events", "converted", from_days=4))

    assert rows_of(table, "user_id", "back") == [["ada", 0], ["bob", 1], ["cy", 0]]


def test_covariates_are_what_came_before_exposure(three):
    events = events_of(
        ("ada", "buy", "2026-04-28", 3.0), ("ada", "buy", "2026-04-20", 9.0),
        ("ada", "buy", "2026-05-01", 5.0), ("bob", "buy", "2026-04-30", 4.0),
    )  # fmt: skip

    table = measured(three, events, before="7d", spend=Measure("events", "sum", column="value"))

    assert rows_of(table, "user_id", "spend", "spend_before") == [
        ["ada", 5, 3], ["bob", 0, 4], ["cy", 0, 0],
    ]  # fmt: skip


def test_only_users_whose_window_has_ended_are_kept(three):
    # windows end on 8 May, on 9 May at noon and on 16 May
    units = assign_units(three, **PLACE).units

    table = measured(three, events_of(), as_of="2026-05-08", actions=Measure("events"))
    shares = maturity(units, window="7d", as_of="2026-05-08")

    assert rows_of(table, "user_id") == [["ada"]]
    assert shares.to_numpy().tolist() == [["a", 2, 1, 0.5], ["b", 1, 0, 0.0]]


def test_measures_of_several_tables_stand_side_by_side(three):
    orders = pd.DataFrame({"user_id": ["ada"], "order_time": [pd.Timestamp("2026-05-02")],
                           "revenue": [12.5]})  # fmt: skip
    subscriptions = pd.DataFrame(
        {"user_id": ["bob"], "start_time": [pd.Timestamp("2026-04-01")],
         "end_time": [pd.Timestamp("2026-05-04")]}
    )  # fmt: skip
    units = assign_units(three, **PLACE).units

    table = unit_table(
        units, {"orders": orders, "subscriptions": subscriptions}, window="7d", as_of="2026-06-30",
        measures={"revenue": Measure("orders", "sum", column="revenue"),
                  "left": Measure("subscriptions", "converted", time="end_time")},
    )  # fmt: skip

    assert rows_of(table, "user_id", "revenue", "left") == [
        ["ada", 12.5, 0], ["bob", 0, 1], ["cy", 0, 0],
    ]  # fmt: skip


def test_a_row_whose_condition_is_unknown_counts_for_no_measure_but_those_without_one(three):
    events = events_of(("ada", None, "2026-05-02"), ("bob", "buy", None))

    table = measured(
        three, events, before="7d", actions=Measure("events"),
        buys=Measure("events", where={"event": "buy"}),
        bought=Measure("events", "converted", where={"event": "buy"}),
        spend=Measure("events", "sum", column="value", where={"event": "buy"}),
    )  # fmt: skip

    assert rows_of(table, "user_id", "actions", "buys", "bought", "spend", "spend_before") == [
        ["ada", 1, 0, 0, 0, 0], ["bob", 0, 0, 0, 0, 0], ["cy", 0, 0, 0, 0, 0],
    ]  # fmt: skip


def test_each_table_is_read_once_whatever_is_measured(three):
    tables = {
        "events": ibis.table({"user_id": "str", "event_time": "timestamp"}, name="all_events"),
        "orders": ibis.table({"user_id": "str", "order_time": "timestamp"}, name="all_orders"),
    }
    units = ibis.table({"user_id": "str", "exposure_time": "timestamp"}, name="all_units")
    measures = {name: Measure(table) for name, table in zip("abcd", [*tables] * 2, strict=True)}

    table = unit_table(units, tables, measures=measures, window="7d", before="7d",
                       as_of="2026-06-30")  # fmt: skip

    sql = ibis.to_sql(table, dialect="duckdb")
    assert [sql.count(f'FROM "{name}"') for name in ("all_events", "all_orders")] == [1, 1]


def test_dimensions_are_those_at_exposure(three):
    rows = pd.DataFrame(
        [("ada", "2026-04-01", "free"), ("ada", "2026-04-30", "pro"), ("ada", "2026-05-02", "team"),
         ("bob", "2026-05-04", "pro")],
        columns=["user_id", "event_time", "plan"],
    )  # fmt: skip
    units = assign_units(three, **PLACE).units

    table = dimensions_at_exposure(units, rows, columns=["plan"])

    known = table.mutate(plan=table.plan.fill_null("unknown"))
    assert rows_of(known, "user_id", "plan") == [
        ["ada", "pro"],
        ["bob", "unknown"],
        ["cy", "unknown"],
    ]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Measure("event"), UnknownNameError, "Did you mean 'events'"),
        (lambda: Measure("events", "mean"), AnalysisError, "how is 'mean' in Measure"),
        (lambda: Measure("events", "sum"), AnalysisError, "how='sum' has column=None"),
        (lambda: Measure("events", column="value"), AnalysisError, "how='count' has column="),
    ],
)  # fmt: skip
def test_wrong_measures_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"window": "soon"}, PeriodError, "'soon' is no length of time"),
        ({"window": pd.Timedelta(0)}, AnalysisError, "The window is 0 days"),
        ({"variant": Measure("events")}, AnalysisError, "have a column 'variant' already"),
        ({"x": Measure("orders")}, UnknownNameError, "Unknown table 'orders' in the measure 'x'"),
        ({"x": Measure("events", where={"evnt": 1})}, AnalysisError, "Did you mean 'event'"),
    ],
)
def test_wrong_shapes_are_named(three, options, error, message):
    with pytest.raises(error, match=message):
        measured(three, events_of(), **options)


def test_an_instant_with_a_zone_is_read_as_utc():
    table = ibis.memtable(
        exposures_of(("ada", "a", "2026-05-01T01:00")).assign(
            exposure_time=lambda frame: frame["exposure_time"].dt.tz_localize("Europe/Berlin")
        )
    )

    found = assign_units(table, **PLACE)

    # 1:00 in Berlin is 23:00 UTC of the day before
    assert found.counts["early"] == 1
