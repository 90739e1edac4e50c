"""The appendix says which published values are not what they were, and why."""

import dataclasses
import datetime as dt

import pytest

from kpikit.ledger import read_ledger
from kpikit.present.components import Cell, Paragraph, Table
from kpikit.publish.ledger import record
from kpikit.sections.restatements import restatements
from kpikit.sections.summary import summary_section


@pytest.fixture
def published(shop, tmp_path):
    """Return a function that gives the context earlier reviews with these values of 2026Q2."""

    def publish(*values, data_hash="before", version=1):
        kpis = [
            {"metric": metric, "period": "2026Q2", "value": value, "unit": "EUR", "n": n,
             "complete": True, "target": None, "flags": []}
            for metric, value, n in values
        ]  # fmt: skip
        document = {
            "product": "shop", "template": "quarterly_review", "period": "2026Q2",
            "as_of": "2026-06-30", "run_id": "aaa", "data_hash": data_hash, "kpis": kpis,
            "definitions": {metric: version for metric, _, _ in values},
        }  # fmt: skip
        record(tmp_path / "ledger", document, published_at=dt.datetime(2026, 7, 5, tzinfo=dt.UTC))
        ledger = read_ledger(tmp_path / "ledger", product="shop")
        earlier = ledger.before(shop.period, template="quarterly_review", calendar=shop.calendar)
        return dataclasses.replace(shop, earlier=earlier)

    return publish


def test_a_value_that_was_published_otherwise_is_listed_with_its_cause(published):
    [table] = restatements(published(("net_revenue", 45.0, 3), ("orders", 1, 1)))

    assert isinstance(table, Table)
    assert table.title == "Restated since it was published: 1 value"
    assert table.rows == (
        {
            "kpi": "Net revenue", "period": "2026Q2", "reported_in": "2026Q2",
            "published": "€45.00", "now": "€50.00", "delta": "+€5.00",
            "cause": "the data changed: 2 fewer orders",
        },
    )  # fmt: skip


def test_a_change_by_another_definition_is_struck_out_with_its_reason(published):
    [table] = restatements(published(("net_revenue", 45.0, 3), version=2))

    (row,) = table.rows
    assert row["delta"] == Cell("+€5.00", struck=True)
    assert row["cause"] == "not comparable, definition version 2 then, 1 now: 2 fewer orders"


def test_the_summary_says_what_the_last_review_said_of_its_period_and_is_no_more(published):
    context = published(("net_revenue", 45.0, 3), ("orders", 2, 2))

    last = summary_section(context).items[0].items[-1]

    assert (last.mark, last.claim) == ("!", "Restated:")
    assert last.rest == (
        "net revenue of 2026Q2 was published as €45.00, now €50.00: the data changed: 2 fewer "
        "orders; 1 more value in appendix A."
    )


def test_the_summary_is_silent_where_the_last_review_still_holds(published, shop):
    for context in (shop, published(("net_revenue", 50.0, 1))):
        told = summary_section(context).items[0].items

        assert "Restated:" not in [item.claim for item in told]


def test_values_that_still_hold_are_said_to_hold(published):
    [found] = restatements(published(("net_revenue", 50.0, 1)))

    assert found == Paragraph("Nothing that the earlier review published was restated.")


def test_without_an_earlier_review_nothing_can_be_restated(shop):
    [found] = restatements(shop)

    assert found == Paragraph("No earlier review is in the ledger, so none can be restated.")
