"""Features: who uses them, and whether those users come back more often than the others."""

import datetime as dt
import math

import pandas as pd
import pytest

from kpikit.analysis.features import feature_return_table, feature_verdicts
from kpikit.intervals import newcombe_interval, wilson_interval
from kpikit.params import Product
from kpikit.periods import Calendar

CALENDAR = Calendar()
AUGUST = CALENDAR.parse("2026-08")
PARAMS = Product(
    product={"key": "p", "name": "P"}, features={"Share": "share", "Export": "export"}
)  # fmt: skip
NAN = float("nan")


def events_of(*groups):
    """Return events of groups of users: number, the events of August, whether back in September."""
    rows = []
    for group, (count, names, back) in enumerate(groups):
        for user in range(count):
            who = f"{group}-{user}"
            rows += [(who, name, pd.Timestamp("2026-08-05 12:00")) for name in names]
            rows += [(who, "open", pd.Timestamp("2026-09-30 12:00"))] if back else []
    return pd.DataFrame(rows, columns=["user_id", "event", "event_time"])


def returns_of(*groups):
    return feature_return_table(
        events_of(*groups), AUGUST, calendar=CALENDAR, as_of=dt.date(2026, 9, 30), params=PARAMS
    )


def test_adopters_and_others_are_counted_with_those_who_came_back():
    table = returns_of((30, ["share"], True), (10, ["share", "open"], False),
                       (15, ["open"], True), (35, ["open"], False))  # fmt: skip

    share = table.iloc[0]
    assert share[["adopters", "adopters_back", "others", "others_back"]].tolist() == [
        40,
        30,
        50,
        15,
    ]
    assert (share["adopter_rate"], share["other_rate"]) == (0.75, 0.3)
    assert share["difference"] == pytest.approx(0.45)
    low, high = newcombe_interval(30, 40, 15, 50)
    assert (share["ci_low"], share["ci_high"]) == pytest.approx((float(low), float(high)))
    low, high = wilson_interval(30, 40)
    assert (share["adopter_low"], share["adopter_high"]) == pytest.approx((float(low), float(high)))


def test_a_feature_that_fewer_than_thirty_used_has_no_rate():
    table = returns_of((29, ["export"], True), (40, ["open"], True))

    export = table.set_index("feature").loc["Export"]
    assert (export["adopters"], export["adopters_back"]) == (29, 29)
    assert math.isnan(export["adopter_rate"])
    assert export["other_rate"] == 1.0
    assert export[["difference", "ci_low", "ci_high"]].isna().all()


def test_who_came_later_or_again_in_the_same_month_is_nobody_who_came_back():
    table = returns_of((40, ["share", "open"], False), (40, [], True))

    assert table.loc[0, ["adopters", "adopters_back", "others"]].tolist() == [40, 0, 0]
    assert table["other_rate"].isna().tolist() == [True, False]  # Export: the 40 are its others


def adoption_of(value, previous):
    return pd.DataFrame(
        {"feature": ["Share"], "value": [value], "n": [1000.0], "previous": [previous],
         "previous_n": [1000.0]}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "previous", "ends", "verdict"),
    [
        (0.30, 0.30, (0.1, 0.2), "winner"),
        (0.40, 0.30, (0.1, 0.2), "winner"),
        (0.30, NAN, (0.1, 0.2), "winner"),
        (0.20, 0.30, (0.1, 0.2), "mixed"),
        (0.20, 0.30, (-0.1, 0.2), "underperformer"),
        (0.40, 0.30, (-0.2, -0.1), "underperformer"),
        (0.40, 0.30, (-0.1, 0.2), "unclear"),
        (0.30, NAN, (NAN, NAN), "unclear"),
    ],
)
def test_the_verdict_weighs_adoption_and_return(value, previous, ends, verdict):
    returns = pd.DataFrame({"feature": ["Share"], "ci_low": [ends[0]], "ci_high": [ends[1]]})

    (row,) = feature_verdicts(adoption_of(value, previous), returns).to_dict("records")

    assert row["verdict"] == verdict


def test_the_change_of_adoption_bears_its_interval():
    returns = pd.DataFrame({"feature": ["Share"], "ci_low": [0.1], "ci_high": [0.2]})

    (row,) = feature_verdicts(adoption_of(0.4, 0.3), returns).to_dict("records")

    low, high = newcombe_interval(400, 1000, 300, 1000)
    assert row["change"] == pytest.approx(0.1)
    assert (row["change_low"], row["change_high"]) == pytest.approx((float(low), float(high)))
