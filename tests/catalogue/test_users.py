"""Users of a period have the columns that are asked for, and the values that all of them have."""

import datetime as dt

import ibis
import pyarrow as pa
import pytest

from kpikit.catalogue.relations import Span
from kpikit.catalogue.users import user_periods, user_schema
from kpikit.params import Product
from kpikit.periods import Calendar

UTC = Calendar()
PRODUCT = Product.model_validate(
    {
        "product": {"key": "shop", "name": "Shop"},
        "activation": {"events": ["save"], "within_days": 7},
        "conversion": {"from": "visit", "to": "save"},
        "features": {"Saving": "save", "Export": "export"},
    }
)
SPAN = Span((UTC.parse("2026-07"), UTC.parse("2026-08")), UTC, dt.date(2026, 8, 31))
EVENTS = ibis.memtable(
    pa.table(
        {
            "user_id": ["ann", "ann", "bob", "bob", None],
            "event": ["visit", "save", "visit", "export", "visit"],
            "event_time": pa.array(
                [f"2026-{day} 12:00:00" for day in ("07-01", "07-03", "07-30", "08-02", "08-02")]
            ).cast(pa.timestamp("us")),
            "country": ["UK", "UK", None, "UK", "UK"],
        }
    )
)
NAMES = tuple(user_schema(EVENTS, params=PRODUCT))


def users(columns=None, **given):
    return user_periods(EVENTS, SPAN, params=PRODUCT, columns=columns, **given)


def listed(table):
    keys = [name for name in table.columns if name.startswith("kpikit_")]
    return table.order_by(*keys, "user_id").to_pyarrow().to_pylist()


@pytest.mark.parametrize("dimensions", [(), ("country",), ("country", "event")])
def test_the_schema_is_that_of_the_users(dimensions):
    schema = user_schema(EVENTS, params=PRODUCT, dimensions=dimensions)

    found = users(dimensions=dimensions).schema()

    assert set(found) == set(schema)
    assert {name: kind.copy(nullable=True) for name, kind in found.items()} == dict(
        ibis.schema(schema)
    )


def test_users_of_a_month_are_told_by_what_they_did_in_it():
    rows = {(row["kpikit_period"], row["user_id"]): row for row in listed(users())}

    assert set(rows) == {(0, "ann"), (0, "bob"), (1, "bob")}
    assert [rows[0, "ann"][name] for name in ("days", "events", "activated")] == [2, 2, True]
    assert [rows[1, "bob"][name] for name in ("new", "feature_0", "feature_1")] == [
        False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("look_back", [False, True])
def test_a_column_read_alone_is_that_of_the_whole(name, look_back):
    whole = listed(users(look_back=look_back))

    alone = listed(users({name}, look_back=look_back))

    assert set(alone[0]) == {"kpikit_period", "user_id", name}
    assert [row[name] for row in alone] == [row[name] for row in whole]
