"""Facts have one shape, whatever was left out."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from kpikit.catalogue import FACT_COLUMNS, fact, make_facts
from kpikit.periods import Calendar

QUARTER = Calendar().parse("2026Q3")
AS_OF = dt.date(2026, 9, 30)


def test_a_row_left_short_is_filled_with_missing_numbers_and_empty_texts():
    facts = make_facts([fact("orders", QUARTER, as_of=AS_OF, value=3)])

    assert tuple(facts.columns) == FACT_COLUMNS
    row = facts.iloc[0]
    assert row["value"] == 3.0
    assert np.isnan(row["denominator"])
    assert (row["dimension"], row["segment"], row["reason"]) == ("", "", "")
    assert (row["start"], row["end"]) == (dt.date(2026, 7, 1), dt.date(2026, 10, 1))
    assert row["complete"]


def test_an_exact_decimal_becomes_the_nearest_float():
    facts = make_facts([fact("mrr", QUARTER, as_of=AS_OF, value=Decimal("2525887.683"))])

    assert facts["value"].tolist() == [2525887.683]


def test_a_period_that_the_data_do_not_reach_is_not_complete():
    facts = make_facts([fact("orders", QUARTER, as_of=dt.date(2026, 9, 29))])

    assert facts["complete"].tolist() == [False]


def test_no_rows_give_an_empty_frame_of_the_same_types():
    empty, full = make_facts([]), make_facts([fact("orders", QUARTER, as_of=AS_OF, value=1)])

    assert empty.empty
    assert empty.dtypes.equals(full.dtypes)


def test_an_unknown_column_is_refused():
    with pytest.raises(ValueError, match="Facts have no column colour"):
        make_facts([{"metric": "orders", "colour": "red"}])
