"""Metrics are counted by local day, in any periods, and say zero and unknown apart."""

import datetime as dt
from decimal import Decimal

import ibis
import pyarrow as pa
import pytest

from kpikit.analysis.metrics import check_metrics, composite_table, metric_table, sql_of
from kpikit.catalogue import CATALOGUE, Metric, fact, make_facts
from kpikit.errors import AnalysisError, ParamsError
from kpikit.params.model import Product
from kpikit.periods import Calendar, Period

UTC = Calendar()
AS_OF = dt.date(2026, 9, 30)
SALE, REFUND, ADJUSTMENT = "sale", "refund", "adjustment"


def declared(**keys):
    return Product.model_validate({"product": {"key": "shop", "name": "Shop"}, **keys})


def times(texts):
    return pa.array(texts).cast(pa.timestamp("us"))


def orders_of(*rows):
    """Make orders of (order_id, user_id, time, revenue, kind)."""
    ids, users, texts, amounts, kinds = zip(*rows, strict=True) if rows else ([],) * 5
    return ibis.memtable(
        pa.table(
            {
                "order_id": pa.array(ids, pa.string()),
                "user_id": pa.array(users, pa.string()),
                "order_time": times(pa.array(texts, pa.string())),
                "revenue": pa.array([Decimal(text) for text in amounts], pa.decimal128(18, 3)),
                "kind": pa.array(kinds, pa.string()),
                "country": pa.array(
                    ["UK" if kind == SALE else None for kind in kinds], pa.string()
                ),
            }
        )
    )


def events_of(*rows):
    """Make events of (user_id, event, time)."""
    users, names, texts = zip(*rows, strict=True)
    return ibis.memtable(
        pa.table(
            {
                "user_id": pa.array(users, pa.string()),
                "event": names,
                "event_time": times(texts),
                "platform": ["ios" if name == "open" else "web" for name in names],
            }
        )
    )


def costs_of(*rows):
    days, amounts = zip(*rows, strict=True)
    return ibis.memtable(
        pa.table(
            {
                "cost_date": pa.array(days).cast(pa.date32()),
                "channel": ["search"] * len(days),
                "cost": pa.array([Decimal(text) for text in amounts], pa.decimal128(18, 2)),
            }
        )
    )


ORDERS = orders_of(
    ("1", "ann", "2026-04-10 12:00", "100.10", SALE),
    ("2", "ann", "2026-07-05 12:00", "50.20", SALE),
    ("2", "ann", "2026-07-05 12:00", "-5.00", REFUND),  # an order with lines of both signs
    ("3", "bob", "2026-07-31 23:30", "30.00", SALE),
    ("4", None, "2026-08-10 12:00", "20.00", SALE),
    ("5", "bob", "2026-08-20 12:00", "-30.00", REFUND),
    ("6", None, "2026-09-01 12:00", "-2.50", ADJUSTMENT),
    ("7", "ann", "2026-09-30 23:59", "10.00", SALE),
)
_OF_BUYERS = ["paying_users", "arpu", "repeat_purchase_rate", "new_customers"]
SALES = [name for name, metric in CATALOGUE.items() if metric.table == "orders"]


def compute(names, periods, *, calendar=UTC, as_of=AS_OF, params=None, dimension="", **tables):
    return metric_table(
        tables,
        [CATALOGUE[name] if isinstance(name, str) else name for name in names],
        periods
        if isinstance(periods, dict)
        else [calendar.parse(item) if isinstance(item, str) else item for item in periods],
        calendar=calendar,
        as_of=as_of,
        params=params or declared(),
        dimension=dimension,
    )


def values(facts):
    return facts["value"].round(9).tolist()


# orders


def test_amounts_follow_the_kind_of_each_order_and_are_exact():
    facts = compute(["gross_revenue", "refunds", "net_revenue"], ["2026Q3"], orders=ORDERS)

    gross = 50.20 + 30 + 20 + 10
    assert facts["value"].tolist() == [gross, 35.0, 72.7]  # net: 110.20 - 5 - 30 - 2.50
    assert facts["n"].tolist() == [4, 2, 4]  # orders, refunds, orders


def test_users_are_unknown_rather_than_none_where_no_order_names_one():
    orders = orders_of(
        ("1", None, "2026-07-01 12:00", "10.00", SALE),
        ("2", None, "2026-08-01 12:00", "5.00", SALE),
    )

    facts = compute(["gross_revenue", *_OF_BUYERS], ["2026Q3"], orders=orders)
    by_country = compute(["orders", *_OF_BUYERS], ["2026Q3"], orders=orders, dimension="country")

    assert facts["value"].tolist()[0] == 15.0
    assert facts["value"].isna().tolist()[1:] == [True] * len(_OF_BUYERS)
    assert set(facts["reason"][1:]) == {"no row says whose it is"}
    assert by_country["metric"].tolist() == ["orders"]


def test_a_period_of_guests_alone_has_no_known_buyer():
    facts = compute(["paying_users"], ["2026-08"], orders=ORDERS)

    assert facts["value"].tolist() == [0]


def test_a_sum_that_floats_would_miss_is_exact():
    orders = orders_of(*[(str(i), "ann", "2026-07-01", "0.1", SALE) for i in range(10)])

    facts = compute(["gross_revenue"], ["2026Q3"], orders=orders)

    assert facts["value"].tolist() == [1.0]  # ten times 0.1 is 0.9999999999999999 in floats


def test_orders_and_customers_are_counted_once_and_unknown_ones_only_where_they_may():
    facts = compute(
        ["orders", "average_order_value", "paying_users", "arpu"], ["2026Q3"], orders=ORDERS
    )

    assert values(facts) == [4, 110.20 / 4, 2, 90.20 / 2]
    assert facts["numerator"].tolist() == [4, 110.2, 2, 90.2]
    assert facts["denominator"].tolist()[1::2] == [4, 2]


def test_a_repeat_buyer_has_bought_before_whenever_that_was():
    facts = compute(["repeat_purchase_rate", "new_customers"], ["2026Q3"], orders=ORDERS)

    # of ann and bob, ann bought in April; bob's first sale falls in July
    assert values(facts) == [1 / 2, 1]


def test_two_first_orders_in_one_period_make_a_repeat_buyer_too():
    orders = orders_of(
        ("1", "ann", "2026-07-01", "1", SALE),
        ("2", "ann", "2026-08-01", "1", SALE),
        ("3", "bob", "2026-08-01", "1", SALE),
        ("3", "bob", "2026-08-01", "-1", REFUND),
    )

    facts = compute(["repeat_purchase_rate", "new_customers"], ["2026Q3"], orders=orders)

    assert values(facts) == [1 / 2, 2]


def test_a_share_of_counted_users_bears_wilsons_interval_and_a_ratio_of_money_none():
    facts = compute(["repeat_purchase_rate", "average_order_value"], ["2026Q3"], orders=ORDERS)

    low, high = facts["ci_low"].tolist(), facts["ci_high"].tolist()
    # 1 of 2: (p + z²/2n ± z sqrt(pq/n + z²/4n²)) / (1 + z²/n) with z = 1.96
    assert [low[0], high[0]] == pytest.approx([0.0945312, 0.9054688], abs=1e-7)
    assert facts["ci_low"].isna().tolist() == [False, True]


def test_sums_of_months_are_those_of_the_quarter():
    names = ["gross_revenue", "refunds", "net_revenue", "orders", "new_customers"]

    facts = compute(names, ["2026Q3", "2026-07", "2026-08", "2026-09"], orders=ORDERS)

    by_grain = facts.groupby(["metric", "grain"])["value"].sum().unstack()
    assert by_grain["month"].round(9).tolist() == by_grain["quarter"].round(9).tolist()


def test_distinct_customers_of_a_quarter_are_not_the_sum_of_its_months():
    facts = compute(["paying_users"], ["2026Q3", "2026-07", "2026-08", "2026-09"], orders=ORDERS)

    assert facts["value"].tolist() == [2, 2, 0, 1]


def test_a_row_belongs_to_its_local_day():
    berlin = Calendar("Europe/Berlin")  # 31 July 23:30 UTC is 1 August 01:30 there

    facts = compute(["orders"], ["2026-07", "2026-08"], calendar=berlin, orders=ORDERS)

    assert facts["value"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("day", "orders"),
    [
        ("2026-03-28", 1),  # winter: the local day ends at 23:00 UTC
        ("2026-03-29", 2),  # 23 hours, to 22:00 UTC
        ("2026-03-30", 1),  # summer
    ],
)
def test_a_day_on_which_the_clock_changes_has_the_hours_that_it_has(day, orders):
    table = orders_of(
        ("1", "ann", "2026-03-28 22:59", "1", SALE),
        ("2", "ann", "2026-03-28 23:00", "1", SALE),
        ("3", "ann", "2026-03-29 21:59", "1", SALE),
        ("4", "ann", "2026-03-29 22:00", "1", SALE),
    )

    facts = compute(["orders"], [day], calendar=Calendar("Europe/Berlin"), orders=table)

    assert facts["value"].tolist() == [orders]


def test_fiscal_quarters_and_custom_weeks_are_periods_like_others():
    calendar = Calendar(fiscal_year_start=2, week_start="sunday")
    quarter = calendar.period_of(dt.date(2026, 7, 31), "quarter")  # May to July
    week = calendar.period_of(dt.date(2026, 7, 5), "week")  # begins on this Sunday

    facts = compute(["orders"], [quarter, week], calendar=calendar, orders=ORDERS)

    assert facts["value"].tolist() == [2, 1]


def test_a_cut_period_counts_its_first_days_beside_the_whole():
    quarter = UTC.parse("2026Q3")
    cut = Period(quarter.start, dt.date(2026, 8, 1), quarter.grain, quarter.label)

    facts = compute(["orders"], [quarter, cut, quarter], orders=ORDERS)

    assert facts[["end", "value"]].to_numpy().tolist() == [
        [dt.date(2026, 10, 1), 4],
        [dt.date(2026, 8, 1), 2],
    ]


def test_rows_after_the_last_complete_day_do_not_count():
    facts = compute(["orders"], ["2026Q3"], as_of=dt.date(2026, 9, 29), orders=ORDERS)

    assert facts["value"].tolist() == [3]
    assert facts["complete"].tolist() == [False]


def test_a_period_whose_first_days_have_no_data_is_not_complete():
    facts = compute(["orders"], ["2026Q2", "2026Q3"], orders=ORDERS)

    assert facts["complete"].tolist() == [False, True]  # the data begin on 10 April


# zero and missing


def test_within_the_data_nothing_is_zero_and_a_ratio_of_nothing_is_missing():
    facts = compute(
        ["gross_revenue", "orders", "average_order_value", "repeat_purchase_rate"],
        ["2026-05"],
        orders=ORDERS,
    )

    assert facts["value"].tolist()[:2] == [0, 0]
    assert facts["value"].isna().tolist() == [False, False, True, True]
    assert facts["reason"].tolist() == ["", "", "there are no orders", "there are no buyers"]


@pytest.mark.parametrize(
    ("period", "reason"),
    [
        ("2026-03", "the data begin on 10 Apr 2026"),
        ("2026-10", "the data end on 30 Sep 2026"),
    ],
)
def test_outside_the_data_everything_is_missing(period, reason):
    facts = compute(["orders"], [period], as_of=dt.date(2026, 12, 31), orders=ORDERS)

    assert facts["value"].isna().tolist() == [True]
    assert facts["reason"].tolist() == [reason]


def test_a_future_period_says_where_the_counted_data_end():
    facts = compute(["orders"], ["2026-09"], as_of=dt.date(2026, 8, 31), orders=ORDERS)

    assert facts["reason"].tolist() == ["the data end on 31 Aug 2026"]


def test_an_absent_table_and_an_empty_one_say_so():
    absent = compute(["orders"], ["2026Q3"])
    empty = compute(["orders"], ["2026Q3"], orders=orders_of())

    assert absent["reason"].tolist() == ["there is no table 'orders'"]
    assert empty["reason"].tolist() == ["table 'orders' has no row"]
    assert [*absent["complete"], *empty["complete"]] == [False, False]


def test_one_row_is_enough():
    facts = compute(SALES, ["2026-07"], orders=orders_of(("1", "ann", "2026-07-01", "9.99", SALE)))

    assert values(facts) == [9.99, 0, 9.99, 1, 9.99, 1, 9.99, 0, 1]


def test_a_value_that_is_no_number_is_missing_not_shown():
    table = ibis.memtable(
        pa.table(
            {
                "metric": ["rating"],
                "period_start": pa.array(["2026-07-01"]).cast(pa.date32()),
                "value": [float("nan")],
            }
        )
    )
    metric = Metric(
        name="rating", label="R", question="Q?", unit="number", table="observations",
        numerator=lambda rows: rows.value.mean(),
    )  # fmt: skip

    facts = compute([metric], ["2026Q3"], observations=table)

    assert facts["reason"].tolist() == ["a value in the data is no number"]


def test_no_periods_or_no_metrics_give_no_facts():
    assert compute(["orders"], [], orders=ORDERS).empty
    assert compute([], ["2026Q3"], orders=ORDERS).empty


# segments


def test_segments_are_sorted_named_when_missing_and_sum_to_the_total():
    facts = compute(["net_revenue"], ["2026Q3", "2026-07"], dimension="country", orders=ORDERS)

    assert facts[["dimension", "segment", "period"]].to_numpy().tolist() == [
        ["country", "(missing)", "2026Q3"],
        ["country", "(missing)", "2026-07"],
        ["country", "UK", "2026Q3"],
        ["country", "UK", "2026-07"],
    ]
    assert values(facts) == [-37.5, -5, 110.2, 80.2]


def test_a_segment_without_a_row_in_a_period_is_zero_there():
    facts = compute(["orders"], ["2026-07", "2026-09"], dimension="country", orders=ORDERS)

    assert facts[facts["segment"] == "(missing)"]["value"].tolist() == [0, 0]


def test_metrics_of_a_table_without_the_column_are_left_out():
    tables = {"orders": ORDERS, "costs": costs_of(("2026-07-01", "5"))}

    facts = compute(
        ["orders", "acquisition_cost", "new_users"], ["2026Q3"], dimension="channel", **tables
    )

    assert facts["metric"].unique().tolist() == ["acquisition_cost"]


def test_several_dimensions_are_one_query_and_one_row_each_per_segment():
    orders = ORDERS.mutate(device=ibis.ifelse(ORDERS.user_id == "ann", "phone", "desk"))

    facts = compute(["orders"], ["2026-07"], dimension=["device", "country"], orders=orders)

    assert facts[["dimension", "segment", "value"]].to_numpy().tolist() == [
        ["device", "desk", 1],
        ["device", "phone", 1],
        ["country", "(missing)", 0],
        ["country", "UK", 2],
    ]


def test_several_dimensions_tell_of_each_metric_what_one_does():
    names = ["new_users", "retention_rate", "dau", "mau"]
    events = EVENTS.mutate(country=ibis.ifelse(EVENTS.user_id == "ann", "UK", ibis.null("string")))
    given = {"events": events, "orders": ORDERS}

    both, *each = (
        compute(names, ["2026-07", "2026Q3"], dimension=dimension, **given)
        for dimension in (["platform", "country"], "platform", "country")
    )

    told = [map(str, facts.to_numpy().tolist()) for facts in (both, *each)]  # NaN equals NaN
    assert sorted(told[0]) == sorted([*told[1], *told[2]])
    assert set(both["segment"]) == {"ios", "web", "UK", "(missing)"}


def test_a_dimension_that_a_table_lacks_is_left_out_beside_another():
    facts = compute(["orders"], ["2026-07"], dimension=["channel", "country"], orders=ORDERS)

    assert set(facts["dimension"]) == {"country"}


def test_each_metric_may_have_periods_of_its_own():
    july, august = UTC.parse("2026-07"), UTC.parse("2026-08")

    facts = compute(
        ["orders", "net_revenue", "refunds"],
        {"orders": [july], "net_revenue": [august, july], "refunds": []},
        orders=ORDERS,
    )

    assert facts[["metric", "period", "value"]].to_numpy().tolist() == [
        ["orders", "2026-07", 2],
        ["net_revenue", "2026-08", -10],
        ["net_revenue", "2026-07", 75.2],
    ]


# users

EVENTS = events_of(
    ("ann", "open", "2026-03-31 12:00"),
    ("ann", "open", "2026-07-01 12:00"),
    ("ann", "sign", "2026-07-02 12:00"),
    ("ann", "buy", "2026-07-02 11:00"),
    ("bob", "open", "2026-07-02 12:00"),
    ("bob", "export", "2026-07-09 11:59"),
    ("cyd", "sign", "2026-09-25 12:00"),
    (None, "open", "2026-07-03 12:00"),
)
DECLARED = declared(
    activation={"events": ["export"], "within_days": 7},
    conversion={"from": "sign", "to": "buy"},
    features={"Export": "export", "Purchase": "buy"},
)


def test_active_users_are_new_or_returning():
    facts = compute(
        ["active_users", "new_users", "returning_users"], ["2026Q3", "2026-07"], events=EVENTS
    )

    assert facts["value"].tolist() == [3, 2, 2, 1, 1, 1]  # cyd comes in September


def test_a_month_in_which_nobody_came_has_zero_users_and_zero_daily_users():
    facts = compute(["active_users", "new_users", "dau"], ["2026-05"], events=EVENTS)

    assert facts["value"].tolist() == [0, 0, 0]
    assert facts["reason"].tolist() == ["", "", ""]


def test_activation_waits_until_a_new_users_time_is_over():
    facts = compute(["activation_rate"], ["2026Q3"], events=EVENTS, params=DECLARED)

    # bob exported a minute before his 7 days ended; cyd has had 5 days; ann is not new
    assert facts[["value", "n"]].to_numpy().tolist() == [[1, 1]]


def test_activation_after_the_end_of_the_period_counts_whatever_periods_are_asked_for():
    # bob joins on the last evening of July and exports in August, within his seven days
    events = events_of(
        ("bob", "open", "2026-07-31 22:00"),
        ("bob", "export", "2026-08-07 21:59"),
        ("cyd", "open", "2026-09-20 12:00"),
    )

    alone = compute(["activation_rate"], ["2026-07"], events=events, params=DECLARED)
    among = compute(["activation_rate"], ["2026-07", "2026Q3"], events=events, params=DECLARED)

    assert alone["value"].tolist() == [1]
    assert among["value"].tolist()[0] == 1


def test_activation_a_minute_later_is_too_late():
    events = events_of(("bob", "open", "2026-07-02 12:00"), ("bob", "export", "2026-07-09 12:00"))

    facts = compute(["activation_rate"], ["2026Q3"], events=events, params=DECLARED)

    assert facts["value"].tolist() == [0]


def test_conversion_is_among_those_who_began_in_the_same_period():
    facts = compute(["conversion_rate"], ["2026Q3"], events=EVENTS, params=DECLARED)

    assert facts[["numerator", "denominator"]].to_numpy().tolist() == [[1, 2]]  # ann of ann, cyd


def test_retention_is_among_the_users_of_the_whole_period_before():
    facts = compute(["retention_rate"], ["2026-08", "2026-07", "2026-09"], events=EVENTS)

    assert facts["numerator"].tolist()[:1] == [0]
    assert facts["denominator"].tolist() == [2, 0, 0]
    assert facts["reason"].tolist()[1:] == ["there are no users of the period before"] * 2


def test_retention_needs_the_whole_period_before():
    events = events_of(("ann", "open", "2026-06-02 12:00"), ("ann", "open", "2026-07-02 12:00"))

    facts = compute(["retention_rate"], ["2026-07"], events=events)

    assert facts["reason"].tolist() == [
        "the period before is not covered: the data begin on 2 Jun 2026"
    ]


def test_adoption_is_of_any_feature_in_total_and_of_each_in_its_dimension():
    total = compute(["feature_adoption_rate"], ["2026Q3"], events=EVENTS, params=DECLARED)
    each = compute(
        ["feature_adoption_rate", "active_users"],
        ["2026Q3"],
        events=EVENTS,
        params=DECLARED,
        dimension="feature",
    )

    assert values(total) == [round(2 / 3, 9)]
    assert each[["metric", "dimension", "segment"]].to_numpy().tolist() == [
        ["feature_adoption_rate", "feature", "Export"],
        ["feature_adoption_rate", "feature", "Purchase"],
    ]
    assert values(each) == [round(1 / 3, 9)] * 2


def test_a_user_of_two_segments_counts_in_each():
    facts = compute(["active_users"], ["2026Q3"], events=EVENTS, dimension="platform")

    assert facts[["segment", "value"]].to_numpy().tolist() == [["ios", 2], ["web", 3]]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("activation_rate", "activation"),
        ("conversion_rate", "conversion"),
        ("feature_adoption_rate", "features"),
    ],
)
def test_what_the_product_does_not_declare_is_missing_with_the_key_to_write(name, key):
    facts = compute([name], ["2026Q3"], events=EVENTS)

    assert facts["reason"].tolist() == [f"the product's file has no '{key}'"]


def daily(*days):
    return events_of(*[(user, "open", f"{day} 12:00") for day in days for user in ("ann",)])


def test_a_user_counts_for_seven_days_and_never_twice():
    events = daily("2026-07-01", "2026-07-04", "2026-07-20")

    facts = compute(["dau", "wau"], ["2026-07"], as_of=dt.date(2026, 7, 31), events=events)

    # ann counts on 1-10 July (twice overlapping) and on 20-26; WAU is known from the 7th on
    assert facts["numerator"].tolist() == [3, 4 + 7]
    assert facts["denominator"].tolist() == [31, 25]


def test_thirty_day_actives_wait_for_thirty_days_of_data():
    events = daily("2026-07-01", "2026-07-31", "2026-09-20")

    facts = compute(["mau", "stickiness"], ["2026-07", "2026-08"], events=events)
    early = compute(["mau"], ["2026-07"], events=events, as_of=dt.date(2026, 7, 29))

    # in July the 30th and 31st are known: a user on both days, active on one of them
    assert values(facts)[0] == 1
    assert facts["numerator"].tolist()[2] == 1
    assert facts["denominator"].tolist()[2] == 2
    # in August ann counts until the 29th
    assert values(facts)[1] == round(29 / 31, 9)
    assert early["reason"].tolist() == ["there are no days with 30 days of data"]


def test_daily_actives_are_known_per_segment_too():
    facts = compute(["dau"], ["2026-07"], events=EVENTS, dimension="platform")

    assert facts[["segment", "numerator"]].to_numpy().tolist() == [["ios", 2], ["web", 2]]


# own expressions


def own(**changes):
    given = {
        "name": "own", "label": "Own", "question": "Q?", "unit": "count", "table": "orders",
        "numerator": lambda orders: orders.count(),
    }  # fmt: skip
    return Metric(**{**given, **changes})


def test_days_give_amounts_that_are_summed_or_one_number_per_period():
    events = events_of(
        ("ann", "open", "2026-07-01 12:00"),
        ("ann", "open", "2026-07-02 12:00"),
        ("bob", "open", "2026-07-02 12:00"),
        ("ann", "open", "2026-08-03 12:00"),
    )
    peak = own(name="peak", table="events", per="day", numerator=lambda days: days["dau"].max())
    person_days = own(
        name="person_days", table="events", per="day",
        numerator=lambda days: days["dau"], denominator=lambda days: days["dau"] > 0,
    )  # fmt: skip

    facts = compute([peak, person_days], ["2026-07", "2026-08"], events=events)

    assert facts["value"].tolist() == [2, 1, 3 / 2, 1 / 1]


def test_an_ibis_deferred_expression_is_as_good_as_a_function():
    facts = compute([own(numerator=ibis._.revenue.max())], ["2026Q3"], orders=ORDERS)

    assert facts["value"].tolist() == [50.2]


def test_a_largest_value_of_no_rows_is_missing_not_zero():
    facts = compute([own(numerator=ibis._.revenue.max())], ["2026-05"], orders=ORDERS)

    assert facts["reason"].tolist() == ["there is no value in the period"]


def test_a_ratio_of_floats_is_divided_as_floats():
    metric = own(
        numerator=lambda t: t.revenue.cast("float64").sum(), denominator=lambda t: t.count()
    )

    facts = compute([metric], ["2026Q3"], orders=ORDERS)

    assert values(facts) == [round(72.7 / 7, 9)]


def test_a_share_above_one_bears_no_interval():
    metric = own(
        unit="share",
        numerator=lambda t: t.count(),
        denominator=lambda t: t.order_id.nunique(),
    )

    facts = compute([metric], ["2026Q3"], orders=ORDERS)

    assert facts["value"].tolist() == [7 / 6]
    assert facts["ci_low"].isna().tolist() == [True]


def test_a_metric_may_count_per_user_and_say_what_n_is():
    metric = own(
        table="events", per="user", unit="number",
        numerator=lambda users: users.days.sum(), denominator=lambda users: users.active.sum(),
        n=lambda users: users.events.sum(),
    )  # fmt: skip

    facts = compute([metric], ["2026Q3"], events=EVENTS)

    # days: ann 2, bob 2, cyd 1; events: ann 3, bob 2, cyd 1
    assert facts[["numerator", "denominator", "n"]].to_numpy().tolist() == [[5, 3, 6]]


def test_a_metric_over_subscriptions_sees_paid_spells_numbered():
    table = ibis.memtable(
        pa.table(
            {
                "subscription_id": ["1", "2", "3", "4"],
                "user_id": ["ann", "ann", "bob", "cyd"],
                "start_time": times(["2026-01-01", "2026-07-01", "2026-08-01", None]),
            }
        )
    )

    facts = compute(["new_subscribers"], ["2026Q1", "2026Q3"], subscriptions=table)

    assert facts["value"].tolist() == [1, 1]  # bob in Q3; ann came back; cyd never paid


def test_a_day_kept_as_a_time_is_a_local_day_already():
    table = ibis.memtable(
        pa.table({"cost_date": times(["2026-07-01 00:00", "2026-09-30 00:00"]), "cost": [5, 7]})
    )

    facts = compute(
        ["acquisition_cost"], ["2026Q3"], calendar=Calendar("America/New_York"), costs=table
    )

    assert facts["value"].tolist() == [12]


def test_a_time_with_a_zone_is_an_instant():
    table = orders_of(("1", "ann", "2026-07-31 22:30", "1", SALE))
    table = table.mutate(order_time=table.order_time.cast("timestamp('UTC')"))

    facts = compute(["orders"], ["2026-07", "2026-08"], orders=table)

    assert facts["value"].tolist()[0] == 1  # 31 July 22:30 UTC


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        (lambda t: t.margin.sum(), r"Metric 'own' of kpikit: its numerator does not fit the table"),
        (lambda t: t["margin"].sum(), r"Columns: order_id, user_id, order_time, revenue, kind"),
        (lambda t: t.revenue, r"its numerator is no aggregate.\nEnd it with .sum\(\)"),
        (lambda t: t.kind.sum(), r"does not fit the table orders"),
    ],
)
def test_an_expression_that_does_not_fit_is_named_with_the_columns_to_choose_from(
    expression, complaint
):
    with pytest.raises(ParamsError, match=complaint):
        compute([own(numerator=expression)], ["2026Q3"], orders=ORDERS)


@pytest.mark.parametrize(
    ("name", "function"),
    [("mrr", "subscription_facts"), ("nps", "survey_facts"), ("cac", "composite_table")],
)
def test_a_metric_of_another_analysis_is_refused_with_its_name(name, function):
    with pytest.raises(AnalysisError, match=f"Metric '{name}' .*\nUse {function}"):
        compute([name], ["2026Q3"], orders=ORDERS)


def test_all_metrics_that_do_not_fit_are_found_without_running_one():
    metrics = [
        own(numerator=lambda t: t.margin.sum()),
        CATALOGUE["orders"],
        own(name="other", denominator=lambda t: t.kind),
        own(name="elsewhere", table="costs", numerator=lambda t: t.nothing.sum()),
        CATALOGUE["nps"],
        CATALOGUE["cac"],
        CATALOGUE["conversion_rate"],
    ]

    with pytest.raises(ParamsError, match="Metric 'own'") as caught:
        check_metrics({"orders": ORDERS}, metrics, calendar=UTC, params=declared())

    assert "Metric 'other'" in str(caught.value)
    assert "elsewhere" not in str(caught.value)
    check_metrics({"orders": ORDERS}, metrics[1:2], calendar=UTC, params=declared())


# the SQL behind the numbers


def test_the_sql_is_what_runs_and_is_the_same_each_time():
    con = ibis.duckdb.connect()
    con.create_table("orders", ORDERS.to_pyarrow())
    asked = [CATALOGUE[name] for name in ("orders", "average_order_value", "new_users", "dau")]
    tables = {"orders": con.table("orders"), "events": EVENTS}
    given = {"calendar": UTC, "as_of": AS_OF, "params": declared()}

    texts = [sql_of(tables, asked, [UTC.parse("2026Q3")], **given) for _ in range(2)]

    assert texts[0] == texts[1]
    assert list(texts[0]) == ["orders", "events by user", "events by day"]
    assert 'AS "average_order_value_numerator"' in texts[0]["orders"]
    assert texts[0]["orders"].count("COUNT(DISTINCT") == 1  # equal aggregates run once
    assert '"memory_1"' in texts[0]["orders"]
    assert "memtable" not in "".join(texts[0].values())


def test_what_cannot_run_has_no_sql():
    given = {"calendar": UTC, "as_of": AS_OF, "params": declared()}

    assert sql_of({}, [CATALOGUE["orders"]], [UTC.parse("2026Q3")], **given) == {}
    assert sql_of({"orders": ORDERS}, [CATALOGUE["orders"]], [], **given) == {}


# composites

QUARTER, MONTH = UTC.parse("2026Q3"), UTC.parse("2026-07")
MARGIN_80 = declared(economics={"gross_margin": 0.8})


def given(period=MONTH, as_of=AS_OF, **inputs):
    return make_facts(
        fact(name, period, as_of=as_of, value=value, n=100 + index)
        for index, (name, value) in enumerate(inputs.items())
    )


def compose(facts, *names, params=None, **options):
    metrics = [CATALOGUE[name] for name in names]
    return composite_table(facts, metrics, params=params or declared(), **options)


def test_lifetime_value_is_revenue_per_account_over_churn():
    # case saas_ltv_chartmogul: ARPA 100, monthly customer churn 5 %
    # help.chartmogul.com/hc/en-us/articles/203359061-Metric-Customer-Lifetime-Value-LTV-
    facts = compose(given(arpa=100, logo_churn_rate=0.05), "ltv")

    assert values(facts) == [2000]


def test_the_churn_of_a_quarter_is_taken_as_three_months_compounded():
    quarterly = 1 - 0.95**3

    facts = compose(given(QUARTER, arpa=100, logo_churn_rate=quarterly), "ltv")

    assert values(facts) == [2000]


def test_an_unfinished_quarter_has_the_months_that_have_passed():
    facts = compose(
        given(QUARTER, dt.date(2026, 7, 31), arpa=100, logo_churn_rate=0.05),
        "ltv",
        as_of=dt.date(2026, 7, 31),
    )

    assert values(facts) == [2000]
    assert facts["complete"].tolist() == [False]


def test_a_week_is_a_part_of_a_month():
    week = UTC.parse("2026-W30")
    churn = 1 - 0.95 ** (7 / (365.25 / 12))

    facts = compose(given(week, arpa=100, logo_churn_rate=churn), "ltv")

    assert values(facts) == [2000]


@pytest.mark.parametrize(
    ("cac", "arpa", "margin", "months", "tolerance"),
    [
        (1200, 200, 0.8, 7.5, 1e-9),  # case saas_cac_payback_a: pricingnest-com.pages.dev
        (4200, 480, 0.8, 10.94, 0.005),  # case saas_cac_payback_b: utiluno.com
        (200, 50, 0.75, 5.33, 0.005),  # case saas_cac_payback_c: scoutmytool.com
    ],
)
def test_payback_is_cost_over_gross_profit_a_month(cac, arpa, margin, months, tolerance):
    facts = compose(
        given(cac=cac, arpa=arpa),
        "cac_payback_months",
        params=declared(economics={"gross_margin": margin}),
    )

    assert facts["value"].tolist() == [pytest.approx(months, abs=tolerance)]


def test_composites_of_composites_are_computed_in_whatever_order_they_are_asked_for():
    inputs = {"arpa": 100, "logo_churn_rate": 0.1, "acquisition_cost": 400, "new_subscribers": 4}

    facts = compose(given(**inputs), "ltv_to_cac", "cac", "ltv", params=MARGIN_80)

    # CAC 400 / 4 = 100; LTV 100 x 0.8 / 0.1 = 800
    assert facts["metric"].tolist() == ["ltv_to_cac", "cac", "ltv"]
    assert values(facts) == [8, 100, 800]
    assert facts["n"].tolist() == [103, 103, 101]  # new subscribers, and customers for LTV


def test_return_on_investment_credits_gross_profit():
    facts = compose(given(net_revenue=1000, acquisition_cost=200), "roi", params=MARGIN_80)

    assert values(facts) == [(1000 * 0.8 - 200) / 200]


def test_customers_are_those_of_the_first_table_that_knows_any():
    none_subscribed = given(acquisition_cost=300, new_customers=3, new_users=30)
    unknown = make_facts([fact("new_subscribers", MONTH, as_of=AS_OF, reason="no table")])
    facts = make_facts([*unknown.to_dict("records"), *none_subscribed.to_dict("records")])

    assert values(compose(facts, "cac")) == [100]


def test_a_missing_input_says_which_and_why():
    cost = fact("acquisition_cost", MONTH, as_of=AS_OF, reason="there is no table 'costs'")
    facts = make_facts([cost, fact("new_users", MONTH, as_of=AS_OF, value=3)])

    found = compose(facts, "cac", "ltv")

    assert found["value"].isna().all()
    assert found["reason"].tolist() == [
        "acquisition cost: there is no table 'costs'",
        "arpa: not computed",
    ]


def test_without_churn_there_is_no_lifetime_value():
    facts = compose(given(arpa=100, logo_churn_rate=0), "ltv")

    assert facts["value"].isna().tolist() == [True]
    assert facts["reason"].tolist() == ["its denominator is 0"]


def test_a_composite_without_denominator_takes_the_least_n_of_its_inputs():
    metric = Metric(
        name="profit", label="Profit", question="Q?", unit="money", table="orders",
        inputs={"revenue": ("net_revenue",), "cost": ("acquisition_cost",)},
        numerator=lambda given: given.revenue - given.cost,
    )  # fmt: skip

    facts = composite_table(given(net_revenue=10, acquisition_cost=4), [metric], params=declared())

    assert facts[["value", "n"]].to_numpy().tolist() == [[6, 100]]


def test_each_segment_is_composed_of_its_own():
    facts = make_facts(
        fact(name, MONTH, as_of=AS_OF, dimension="channel", segment=segment, value=value)
        for segment, cost, customers in (("ads", 10, 2), ("mail", 9, 3))
        for name, value in (("acquisition_cost", cost), ("new_customers", customers))
    )

    found = compose(facts, "cac")

    assert found[["segment", "value"]].to_numpy().tolist() == [["ads", 5], ["mail", 3]]


def test_events_of_unknown_users_alone_have_no_daily_users():
    events = events_of((None, "open", "2026-07-01 12:00"))

    facts = compute(["active_users", "dau"], ["2026-07"], events=events)

    assert facts["value"].tolist()[:1] == [0]
    assert facts["reason"].tolist() == ["", "there is no value in the period"]
