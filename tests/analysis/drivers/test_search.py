"""A search over segments names those that explain a change, and seldom any that do not."""

import math

import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.drivers import segment_search
from kpikit.errors import AnalysisError

STARTS = pd.date_range("2025-01-01", periods=9, freq="MS")


def history_of(values, dimension="country", **columns):
    """Return the history of segments from lists of values per period, the last ones last."""
    rows = [
        {"dimension": dimension, "segment": name, "start": start, "value": value}
        | {key: series[name][place] for key, series in columns.items()}
        for name, series in values.items()
        for place, (start, value) in enumerate(zip(STARTS[-len(series) :], series, strict=True))
        if value is not None
    ]
    return pd.DataFrame(rows)


WANDERING = {
    "DE": [100, 104, 98, 101, 103, 99, 102, 100, 40],
    "GB": [200, 198, 203, 199, 202, 200, 197, 201, 200],
    "FR": [50, 51, 49, 52, 50, 48, 51, 50, 50],
}


def test_the_segment_that_fell_is_named():
    table = segment_search(history_of(WANDERING)).set_index("segment")

    assert table[table["named"]].index.tolist() == ["DE"]
    assert table.loc["DE", ["before", "after", "effect"]].tolist() == [100, 40, -60]
    # the whole fell from 351 to 290; a mean share of DE between 100/351 and 40/290
    share = (100 / 351 + 40 / 290) / 2
    assert table.loc["DE", "share"] == pytest.approx(60 / 61)
    assert table.loc["DE", "excess"] == pytest.approx(-60 + share * 61, abs=1e-9)
    assert table.loc["DE", "excess"] < table.loc["DE", "usual_low"]
    assert table.index.tolist()[0] == "DE"
    assert table["effect"].sum() == pytest.approx(-61)


def test_where_all_move_alike_none_is_named():
    alike = {name: [*series[:-1], series[-2] * 0.5] for name, series in WANDERING.items()}

    table = segment_search(history_of(alike))

    assert not table["named"].any()
    assert table["excess"].abs().max() == pytest.approx(0, abs=1e-9)


def test_p_values_are_corrected_for_all_segments_of_all_dimensions():
    both = pd.concat([history_of(WANDERING), history_of(WANDERING, dimension="market")])

    table = segment_search(both)

    assert table.attrs["searched"] == 6
    assert table["dimension"].tolist() == ["country"] * 3 + ["market"] * 3
    smallest = table["p_value"].min()
    assert table["p_adjusted"].min() == pytest.approx(6 * smallest)


def test_a_new_and_a_vanished_segment_are_rows_of_their_own():
    table = segment_search(
        history_of(
            {"old": [10] * 8 + [None], "new": [None] * 8 + [100], "kept": [5] * 9, "past": [1] * 3}
            | {"past": [0] * 9}
        )
    ).set_index("segment")

    assert table["effect"].to_dict() == {"new": 100, "kept": 0, "old": -10}
    assert table[table["named"]].index.tolist() == ["new"]


def test_a_trifle_is_not_named_however_unusual():
    grown = {**WANDERING, "DE": [100] * 8 + [400], "tiny": [1] * 8 + [5]}

    table = segment_search(history_of(grown)).set_index("segment")

    assert table[table["named"]].index.tolist() == ["DE"]


def test_a_period_without_any_amount_is_a_change_like_others():
    table = segment_search(history_of({name: [*s[:-1], 0] for name, s in WANDERING.items()}))

    assert table["after"].tolist() == [0, 0, 0]
    assert table["effect"].sum() == -351
    assert table["share"].sum() == pytest.approx(1)


def test_an_unchanged_whole_has_no_shares_and_names_nobody():
    steady = segment_search(history_of({"a": [1, 2] * 4 + [2], "b": [2, 1] * 4 + [1]}))
    assert steady["share"].isna().all()
    assert not steady["named"].any()


def test_rates_are_parted_into_mix_and_rate():
    rates = {"web": [0.10, 0.11, 0.10, 0.09, 0.10, 0.11, 0.10, 0.10, 0.02], "app": [0.2] * 9}
    users = {"web": [100] * 9, "app": [100] * 9}

    table = segment_search(history_of(rates, weight=users)).set_index("segment")

    # the whole fell from .15 to .11, all by web: half of its .08
    assert table["effect"].to_dict() == pytest.approx({"web": -0.04, "app": 0}, abs=1e-12)
    assert table[table["named"]].index.tolist() == ["web"]


def test_a_rate_over_nothing_is_missing_and_not_zero():
    rates = {"web": [0.10] * 9, "app": [0.2] * 8 + [None]}
    users = {"web": [100] * 9, "app": [100] * 9}

    table = segment_search(history_of(rates, weight=users)).set_index("segment")

    assert math.isnan(table.loc["app", "after"])
    assert table["effect"].sum() == pytest.approx(0.10 - 0.15)


def test_a_short_past_names_nobody():
    table = segment_search(history_of({name: s[-6:] for name, s in WANDERING.items()}))

    assert not table["named"].any()
    assert table["p_value"].isna().all()
    assert table.attrs["searched"] == 0
    assert len(segment_search(history_of(WANDERING), lag=3)["p_value"].dropna()) == 3


def test_noise_alone_names_a_segment_in_at_most_one_of_twenty_searches():
    draws = np.random.default_rng(7)
    names = [f"s{number:02d}" for number in range(12)]
    false = 0
    for _ in range(80):
        values = {name: list(draws.normal(100, 10, 9)) for name in names}
        false += segment_search(history_of(values))["named"].any()

    # 5 % and two standard errors of 80 searches
    assert false / 80 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 80)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (history_of({"a": [1]}).iloc[:0], "There is no segment to search"),
        (history_of({"a": [1]}), r"1 period\(s\) in the history, and a change over 1 needs 2"),
        (pd.concat([history_of({"a": [1, 2]})] * 2), "A segment of 'country' has two rows"),
        (history_of({"a": [1, 2]}).drop(columns="value"), "has no column 'value'"),
        (history_of({"a": [1, math.inf]}), "A value is infinite in segment_search"),
    ],
)
def test_what_cannot_be_searched_is_refused(history, message):
    with pytest.raises(AnalysisError, match=message):
        segment_search(history)
