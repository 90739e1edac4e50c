"""What a report has asked the engine once, it does not ask again."""

import datetime as dt

import pytest

from kpikit.catalogue import fact, make_facts
from kpikit.catalogue.built_in import CATALOGUE
from kpikit.params import Product
from kpikit.periods import Calendar, Period
from kpikit.sections.known import KnownFacts, KnownParts, weekly_metrics

ORDERS, USERS = CATALOGUE["orders"], CATALOGUE["mau"]
JULY, AUGUST, SEPTEMBER = (Calendar().parse(f"2026-0{month}") for month in (7, 8, 9))
AS_OF = dt.date(2026, 9, 30)
METRICS = {"Spring": "orders", "Summer": "orders", "Autumn": None, "Winter": "unknown"}


class Engine:
    """Answers with a number per metric and month, and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def totals(self, wanted):
        self.asked.append({one.name: [each.label for each in wanted[one]] for one in wanted})
        return make_facts(
            fact(metric.name, period, as_of=AS_OF, value=len(metric.name) + period.start.month)
            for metric, periods in wanted.items()
            for period in periods
        )

    def parts(self, wanted, dimensions):
        self.asked.append(
            ({one.name: [each.label for each in wanted[one]] for one in wanted}, list(dimensions))
        )
        rows = {("DE", JULY): 4, ("DE", AUGUST): 5, ("FR", AUGUST): 1}
        return make_facts(
            fact(
                metric.name, period, as_of=AS_OF, dimension=dimension, segment=segment,
                value=rows.get((segment, period), 0), n=rows.get((segment, period), 0),
            )
            for metric, periods in wanted.items()
            for dimension in dimensions
            for segment in ("DE", "FR")
            for period in periods
        )  # fmt: skip


@pytest.fixture
def engine():
    return Engine()


def test_only_what_is_not_known_is_asked(engine):
    known = KnownFacts(engine.totals)
    known.of([ORDERS], [JULY, AUGUST])

    facts = known.of([USERS, ORDERS], [AUGUST, SEPTEMBER])

    assert engine.asked == [
        {"orders": ["2026-07", "2026-08"]},
        {"mau": ["2026-08", "2026-09"], "orders": ["2026-09"]},
    ]
    assert list(facts["metric"]) == ["mau", "mau", "orders", "orders"]
    assert list(facts["value"]) == [3 + 8, 3 + 9, 6 + 8, 6 + 9]


def test_what_is_known_is_not_asked_again(engine):
    known = KnownFacts(engine.totals)
    known.of([ORDERS, USERS], [JULY, AUGUST])

    facts = known.of([USERS], [AUGUST])

    assert len(engine.asked) == 1
    assert facts[["metric", "period", "value"]].values.tolist() == [["mau", "2026-08", 11.0]]


def test_metrics_are_learnt_each_in_its_own_periods(engine):
    known = KnownFacts(engine.totals)

    known.learn({ORDERS: [JULY], USERS: [AUGUST]})
    known.learn({ORDERS: [JULY], USERS: [AUGUST]})

    assert engine.asked == [{"orders": ["2026-07"], "mau": ["2026-08"]}]


def test_campaigns_that_are_declared_are_asked_for_by_week():
    campaign = {"start": "2026-07-01", "end": "2026-07-14"}
    listed = [{"campaign": name, "metric": metric, **campaign} for name, metric in METRICS.items()]
    params = Product.model_validate(
        {"product": {"key": "shop", "name": "Shop"}, "campaigns": listed}
    )

    assert weekly_metrics(params, CATALOGUE) == [ORDERS]


def test_a_period_cut_short_is_another_period(engine):
    known = KnownFacts(engine.totals)
    cut = Period(AUGUST.start, dt.date(2026, 8, 20), "month", AUGUST.label)
    known.of([ORDERS], [AUGUST])

    known.of([ORDERS], [cut])

    assert len(engine.asked) == 2


def test_parts_of_fewer_periods_are_known_without_segments_that_have_no_row_in_them(engine):
    known = KnownParts(engine.parts)
    known.of(ORDERS, [JULY, AUGUST], "country")

    july = known.of(ORDERS, [JULY], "country")
    both = known.of(ORDERS, [JULY, AUGUST], "country")

    assert len(engine.asked) == 1
    assert july[["segment", "value"]].values.tolist() == [["DE", 4.0]]
    assert both[["segment", "value"]].values.tolist() == [
        ["DE", 4.0], ["DE", 5.0], ["FR", 0.0], ["FR", 1.0],
    ]  # fmt: skip


def test_parts_by_another_dimension_or_of_a_further_period_are_asked(engine):
    known = KnownParts(engine.parts)
    known.of(ORDERS, [JULY], "country")
    known.of(ORDERS, [JULY], "device")

    known.of(ORDERS, [JULY, SEPTEMBER], "country")

    assert len(engine.asked) == 3


def test_what_was_asked_ahead_is_known(engine):
    known = KnownParts(engine.parts)
    known.learn({ORDERS: [JULY, AUGUST], USERS: [AUGUST]}, ["country", "device"])

    orders = known.of(ORDERS, [JULY], "device")
    users = known.of(USERS, [AUGUST], "country")
    known.learn({USERS: [AUGUST]}, ["country"])

    assert engine.asked == [
        ({"orders": ["2026-07", "2026-08"], "mau": ["2026-08"]}, ["country", "device"])
    ]
    assert orders[["dimension", "segment", "value"]].values.tolist() == [["device", "DE", 4.0]]
    assert users[["metric", "segment", "value"]].values.tolist() == [
        ["mau", "DE", 5.0], ["mau", "FR", 1.0],
    ]  # fmt: skip
