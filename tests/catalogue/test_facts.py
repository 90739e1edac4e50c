"""Facts have one shape, whatever was left out."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from kpikit.catalogue import CATALOGUE, FACT_COLUMNS, fact, fact_rows, make_facts, withhold_few
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


def test_a_value_of_too_few_units_is_withheld_with_its_interval():
    few, enough = (
        fact(name, QUARTER, as_of=AS_OF, value=50.0, n=29, ci_low=20, ci_high=80)
        for name in ("nps", "orders")
    )
    facts = make_facts([few, enough, fact("nps", QUARTER, as_of=AS_OF, value=40.0, n=30)])

    shown = withhold_few(facts, [CATALOGUE["nps"], CATALOGUE["orders"]])

    assert shown[["value", "ci_low", "ci_high"]].isna().all(axis=1).tolist() == [True, False, False]
    assert shown["reason"].tolist() == ["fewer than 30 answers: 29", "", ""]
    assert facts["value"].tolist() == [50, 50, 40]


def test_nothing_is_withheld_of_metrics_that_set_no_least_number():
    facts = make_facts([fact("orders", QUARTER, as_of=AS_OF, value=1, n=1)])

    assert withhold_few(facts, [CATALOGUE["orders"]]).equals(facts)


def test_an_unknown_column_is_refused():
    with pytest.raises(ValueError, match="Facts have no column colour"):
        make_facts([{"metric": "orders", "colour": "red"}])


def test_rows_of_facts_make_the_same_facts():
    facts = make_facts([fact("orders", QUARTER, as_of=AS_OF, value=3.5, segment="DE")])

    (row,) = fact_rows(facts)

    assert (row["value"], row["segment"], row["start"]) == (3.5, "DE", dt.date(2026, 7, 1))
    assert make_facts([row]).equals(facts)
