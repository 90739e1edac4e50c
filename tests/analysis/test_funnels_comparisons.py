"""Times, comparisons, losses, associations and paths of a funnel."""

import math

import pandas as pd
import pytest

from kpikit.analysis.funnels import (
    Step,
    funnel_association_table,
    funnel_change_table,
    funnel_loss_table,
    funnel_path_table,
    funnel_segment_table,
    funnel_table,
    time_to_convert_quantiles,
    time_to_convert_table,
)
from kpikit.analysis.funnels.comparisons import two_share_p_values
from kpikit.errors import AnalysisError

FUNNEL = {"steps": ["view", "buy"], "window": "7d"}


def events_of(*rows):
    """Return events from (user, event, hour, plan)."""
    full = [(*row, *("free",)[len(row) - 3 :]) for row in rows]
    frame = pd.DataFrame(full, columns=["user_id", "event", "hour", "plan"])
    hours = pd.to_timedelta(frame["hour"].astype(float), unit="h")
    return frame.assign(event_time=pd.Timestamp("2026-06-01") + hours)


def counted(rows):
    """Return a funnel's table from (plan, name, step, users, previous_users)."""
    table = pd.DataFrame(rows, columns=["plan", "name", "step", "users", "previous_users"])
    return table.assign(step_rate=table["users"] / table["previous_users"])


# -- times ----------------------------------------------------------------------------------------


@pytest.fixture
def buyers():
    # they take 1, 2, 3 and 10 hours; eve never buys
    return events_of(
        ("ada", "view", 0), ("ada", "buy", 1), ("bob", "view", 0), ("bob", "buy", 2),
        ("cyd", "view", 0, "pro"), ("cyd", "buy", 3, "pro"),
        ("dee", "view", 0, "pro"), ("dee", "buy", 10, "pro"), ("eve", "view", 0, "pro"),
    )  # fmt: skip


def test_bins_of_one_length_run_from_the_shortest_time_to_the_longest(buyers):
    table = time_to_convert_table(buyers, **FUNNEL, bins=3)

    # nine hours in three bins; the last one holds its end
    assert table["from_seconds"].tolist() == [3600, 4 * 3600, 7 * 3600]
    assert table["to_seconds"].tolist() == [4 * 3600, 7 * 3600, 10 * 3600]
    assert table["users"].tolist() == [3, 0, 1]
    assert table["share"].tolist() == [0.75, 0.0, 0.25]
    assert table["cumulative_share"].tolist() == [0.75, 0.75, 1.0]


def test_bins_may_be_lengths_of_time_and_apart_for_segments(buyers):
    table = time_to_convert_table(buyers, **FUNNEL, bins=["2h", pd.Timedelta(days=1)], by="plan")

    assert table["plan"].tolist() == ["free"] * 3 + ["pro"] * 3
    assert table["users"].tolist() == [1, 1, 0, 0, 2, 0]
    assert math.isnan(table["to_seconds"].iloc[-1])
    assert table["cumulative_share"].tolist() == [0.5, 1.0, 1.0, 0.0, 1.0, 1.0]


def test_one_bin_holds_all(buyers):
    assert time_to_convert_table(buyers, **FUNNEL, bins=1)["users"].tolist() == [4]


def test_quantiles_are_interpolated_between_those_who_convert(buyers):
    table = time_to_convert_quantiles(buyers, **FUNNEL, quantiles=[0.5, 1])

    assert table["seconds"].tolist() == [2.5 * 3600, 10 * 3600]
    assert table["users"].tolist() == [4, 4]


def test_quantiles_of_segments(buyers):
    table = time_to_convert_quantiles(buyers, **FUNNEL, quantiles=[0], by="plan")

    assert table[["plan", "seconds"]].to_numpy().tolist() == [["free", 3600], ["pro", 3 * 3600]]


@pytest.mark.parametrize("by", [None, "plan"])
def test_where_nobody_converts_there_are_no_times(by):
    nobody = events_of(("ada", "view", 0))

    assert time_to_convert_table(nobody, **FUNNEL, by=by).empty
    assert time_to_convert_quantiles(nobody, **FUNNEL, by=by).empty


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 0}, r"bins is 0 .*\nGive the number of bins"),
        ({"bins": []}, r"bins is \[\] .*\nGive lengths of time in rising order"),
        ({"bins": ["1d", "1h"]}, r"bins is .*\nGive lengths of time in rising order"),
        ({"from_step": 2}, r"The steps are 2 and 2 .*\nGive two of the steps 1 to 2"),
        ({"to_step": 3}, r"The steps are 1 and 3 .*\nGive two of the steps 1 to 2"),
    ],
)
def test_bins_and_steps_that_cannot_be_are_refused(buyers, options, message):
    with pytest.raises(AnalysisError, match=message):
        time_to_convert_table(buyers, **FUNNEL, **options)


@pytest.mark.parametrize("quantiles", [[], [1.5], [-0.1]])
def test_quantiles_that_are_no_shares_are_refused(buyers, quantiles):
    with pytest.raises(AnalysisError, match=r"quantiles is .*\nGive shares between 0 and 1"):
        time_to_convert_quantiles(buyers, **FUNNEL, quantiles=quantiles)


# -- comparisons ----------------------------------------------------------------------------------


def test_segments_differ_from_all_others_by_newcombes_interval():
    # Newcombe (1998), table II: 56 of 70 against 48 of 80 is 0.2, 0.0524 to 0.3339
    table = counted([
        ("pro", "view", 1, 70, 70), ("pro", "buy", 2, 56, 70),
        ("free", "view", 1, 50, 50), ("free", "buy", 2, 30, 50),
        ("team", "view", 1, 30, 30), ("team", "buy", 2, 18, 30),
    ])  # fmt: skip

    found = funnel_segment_table(table)

    assert found["plan"].tolist() == ["pro", "free", "team"]
    pro = found.iloc[0]
    assert pro[["step_rate", "rest_rate", "difference"]].tolist() == pytest.approx([0.8, 0.6, 0.2])
    assert pro[["ci_low", "ci_high"]].tolist() == pytest.approx([0.0524, 0.3339], abs=5e-5)
    # three tests: the smallest p-value is multiplied by three
    assert pro["p_value"] == found["p_value"].min()
    assert pro["p_adjusted"] == pytest.approx(3 * pro["p_value"])


def test_a_table_without_segments_is_refused():
    table = counted([("pro", "view", 1, 7, 7)]).drop(columns="plan")

    with pytest.raises(AnalysisError, match=r"no segments to compare.\nMake it by funnel_table"):
        funnel_segment_table(table)


def test_periods_differ_by_newcombes_interval():
    before = counted([("pro", "view", 1, 80, 80), ("pro", "buy", 2, 48, 80)])
    after = counted([("pro", "view", 1, 70, 70), ("pro", "buy", 2, 56, 70)])

    found = funnel_change_table(before, after)

    assert found[["plan", "step", "users", "users_before"]].to_numpy().tolist() == [
        ["pro", 2, 56, 48]
    ]
    assert found["rate_before"].tolist() == [0.6]
    assert found["difference"].tolist() == pytest.approx([0.2])
    assert found["ci_low"].tolist() == pytest.approx([0.0524], abs=5e-5)
    assert found["ci_high"].tolist() == pytest.approx([0.3339], abs=5e-5)


def test_periods_of_different_funnels_are_refused():
    before = counted([("pro", "view", 1, 80, 80)])
    after = counted([("pro", "land", 1, 80, 80)])

    with pytest.raises(
        AnalysisError, match=r"of different funnels.\nMake both with the same steps"
    ):
        funnel_change_table(before, after)
    with pytest.raises(AnalysisError, match="of different funnels"):
        funnel_change_table(before.drop(columns="plan"), before)


def test_the_p_value_of_two_shares_is_campbells():
    # N - 1 chi-squared of 56/70 and 48/80: 149 (56 32 - 48 14)^2 / (70 80 104 46) = 6.98,
    # whose two-sided p is that of z = 2.642; Fisher's of 2/2 and 0/3 is 1 / C(5, 2) = 0.1
    found = two_share_p_values([56, 2, 0], [70, 2, 0], [48, 0, 1], [80, 3, 2])

    assert found[0] == pytest.approx(0.00825, abs=5e-5)
    assert found[1] == pytest.approx(0.1)
    assert math.isnan(found[2])


def test_shares_that_are_both_none_or_all_do_not_differ():
    assert two_share_p_values([0, 5], [5, 5], [0, 7], [9, 7]).tolist() == [1.0, 1.0]


# -- losses ---------------------------------------------------------------------------------------


def test_a_loss_is_valued_by_what_those_who_stay_bring():
    table = counted(
        [("pro", "view", 1, 100, 100), ("pro", "cart", 2, 40, 100), ("pro", "buy", 3, 10, 40)]
    )

    found = funnel_loss_table(table.drop(columns="plan"), value_per_conversion=20)

    # of those with a cart a quarter buys: of the 60 lost before it, 15 would have
    assert found["name"].tolist() == ["cart", "buy"]
    assert found["lost_users"].tolist() == [60, 30]
    assert found["lost_share"].tolist() == pytest.approx([0.6, 0.75])
    assert found["lost_conversions"].tolist() == [15, 30]
    assert found["lost_value"].tolist() == [300, 600]


def test_losses_of_segments_and_of_steps_that_nobody_reaches():
    table = counted([
        ("pro", "view", 1, 10, 10), ("pro", "buy", 2, 5, 10),
        ("free", "view", 1, 4, 4), ("free", "buy", 2, 0, 4),
    ])  # fmt: skip

    found = funnel_loss_table(table)

    assert found["plan"].tolist() == ["pro", "free"]
    assert found["lost_conversions"].tolist()[:1] == [5.0]
    # where nobody goes on, it is unknown what those lost would have brought
    assert math.isnan(found["lost_conversions"][1])
    assert found["lost_value"].isna().all()


# -- associations ---------------------------------------------------------------------------------


@pytest.fixture
def visitors():
    """Twelve visitors of whom ten look at prices and six of these buy, and one of the others."""
    rows = []
    for index in range(12):
        plan = "pro" if index % 2 else None
        rows.append((f"user {index}", "view", 0, plan))
        if index < 10:
            rows.append((f"user {index}", "price", 1, "other"))
        if index < 6 or index == 11:
            rows += [(f"user {index}", "buy", 2, "other"), (f"user {index}", "thank", 3, "other")]
    return events_of(*rows)


def test_events_on_the_way_and_properties_at_the_entry_go_with_conversion(visitors):
    table = funnel_association_table(visitors, **FUNNEL, properties="plan", least_users=1)

    rows = table.set_index(["kind", "value"])
    assert rows.loc[("event", "price"), "users_with":"converted_without"].tolist() == [10, 6, 2, 1]
    # odds of 6:4 against 1:1
    price = rows.loc[("event", "price")]
    assert price["odds_ratio"] == pytest.approx(1.5)
    # exp(ln 1.5 -+ 1.96 sqrt(1/6 + 1/4 + 1 + 1))
    assert price["ci_low"] == pytest.approx(0.0713, abs=5e-4)
    assert price["ci_high"] == pytest.approx(31.57, abs=0.05)
    # pro: users 1, 3, 5 and 11 buy, 7 and 9 do not; of the others 0, 2 and 4
    assert rows.loc[("property", "pro"), "users_with":"converted_without"].tolist() == [6, 4, 6, 3]
    assert ("property", "(missing)") in rows.index
    # giving thanks comes after buying, and is no event on the way
    assert ("event", "thank") not in rows.index
    assert (table["p_adjusted"] >= table["p_value"]).all()


def test_too_few_users_are_no_row_and_few_values_are_asked_for(visitors):
    few = funnel_association_table(visitors, **FUNNEL, properties=["plan"], least_users=3)
    one = funnel_association_table(visitors, **FUNNEL, properties=["plan"], least_users=1, most=1)

    assert few["kind"].tolist() == ["property", "property"]
    assert sorted(one["kind"]) == ["event", "property"]


def test_a_count_of_zero_still_has_an_odds_ratio():
    events = events_of(
        *((f"user {index}", "view", 0) for index in range(4)),
        *((f"user {index}", "help", 1) for index in range(2)), ("user 0", "buy", 2),
        ("user 1", "buy", 2),
    )  # fmt: skip

    (row,) = funnel_association_table(events, **FUNNEL, least_users=1).itertuples()

    # 2.5 2.5 / (0.5 0.5)
    assert row.odds_ratio == pytest.approx(25)


def test_without_a_window_events_count_up_to_the_conversion_or_the_end():
    events = events_of(
        ("ada", "view", 0), ("ada", "help", 900), ("bob", "view", 0), ("bob", "buy", 1),
        ("bob", "help", 2),
    )  # fmt: skip
    table = funnel_association_table(events, steps=["view", "buy"], window=None, least_users=1)

    assert table[["users_with", "converted_with"]].to_numpy().tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("properties", "with_events"), [("plan", True), ("plan", False), ((), False)]
)
def test_without_entries_nothing_goes_with_conversion(properties, with_events):
    events = events_of(("ada", "help", 0))

    table = funnel_association_table(
        events, **FUNNEL, properties=properties, with_events=with_events
    )

    assert table.empty
    assert "odds_ratio" in table


def test_associations_are_of_columns_and_not_by_them(visitors):
    with pytest.raises(AnalysisError, match=r"by is given .*\nName the columns .* in properties"):
        funnel_association_table(visitors, **FUNNEL, by="plan")
    with pytest.raises(AnalysisError, match=r"no column 'plam'.\nDid you mean 'plan'"):
        funnel_association_table(visitors, **FUNNEL, properties="plam")


# -- paths ----------------------------------------------------------------------------------------


@pytest.fixture
def walkers():
    return events_of(
        ("ada", "land", -1), ("ada", "view", 0), ("ada", "help", 1), ("ada", "search", 1),
        ("ada", "buy", 2), ("bob", "view", 0), ("bob", "leave", 1), ("cyd", "view", 0),
        ("cyd", "help", 24 * 8), ("dee", "land", -2), ("dee", "search", -1), ("dee", "view", 0),
        ("dee", "leave", 3),
    )  # fmt: skip


def test_the_event_after_a_step_is_told_apart_for_those_who_went_on(walkers):
    table = funnel_path_table(walkers, **FUNNEL, step=1)

    # help and search lie at one instant; cyd's help comes after the window
    assert table.to_numpy().tolist() == [
        ["continued", "help", 1, 1.0],
        ["dropped", "leave", 2, pytest.approx(2 / 3)],
        ["dropped", "(nothing)", 1, pytest.approx(1 / 3)],
    ]


def test_the_event_before_a_step_is_the_last_one(walkers):
    table = funnel_path_table(walkers, **FUNNEL, step=1, direction="before", most=1)

    assert table.to_numpy().tolist() == [
        ["continued", "land", 1, 1.0],
        ["dropped", "(nothing)", 2, pytest.approx(2 / 3)],
        ["dropped", "(other)", 1, pytest.approx(1 / 3)],
    ]


@pytest.mark.parametrize(("direction", "event"), [("before", "banner"), ("after", "call")])
def test_of_events_at_one_instant_the_first_in_the_alphabet_is_beside_a_step(direction, event):
    names = ["search", "search", "banner", "view", "zoom", "call", "zoom"]
    minutes = [0, 1, 1, 2, 3, 3, 4]  # search before the two, and zoom after them as well
    events = pd.DataFrame({
        "user_id": "ada", "event": names,
        "event_time": pd.Timestamp("2026-06-01") + pd.to_timedelta(minutes, unit="min"),
    })  # fmt: skip

    table = funnel_path_table(events, steps=["view", "buy"], window="1d", step=1,
                              direction=direction)  # fmt: skip

    assert table["event"].tolist() == [event]


def test_after_the_last_step_all_have_gone_on(walkers):
    table = funnel_path_table(walkers, steps=["view", "buy"], window=None, step=2)

    assert table.to_numpy().tolist() == [["continued", "(nothing)", 1, 1.0]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, r"step is 0 in funnel_path_table.\nGive one of the steps 1 to 2"),
        ({"step": 1, "by": "plan"}, r"by is given .*\nFilter the events"),
        ({"step": 1, "direction": "up"}, r"direction is 'up' .*\nChoices"),
    ],
)
def test_a_path_that_cannot_be_is_refused(walkers, options, message):
    with pytest.raises(AnalysisError, match=message):
        funnel_path_table(walkers, **FUNNEL, **options)


def test_tables_made_by_the_engine_fit_the_comparisons(walkers):
    steps = ["view", Step("help", optional=True), "buy"]
    table = funnel_table(walkers, steps=steps, window="7d", by="plan", attribution=1)

    assert funnel_segment_table(table)["rest_rate"].isna().all()
    assert funnel_change_table(table, table)["difference"].tolist() == [0.0, 0.0]
    assert funnel_loss_table(table)["lost_users"].tolist() == [3, 3]
