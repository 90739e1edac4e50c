"""Worked examples of textbooks, papers and vendors, typed in with their printed digits.

Each number to the right of a comparison is copied from the source named beside it; tolerances are
half a unit of its last printed digit, unless the source rounds on its way.
"""

import pandas as pd
import pytest

import kpikit as kk
from kpikit.analysis.survival import median_survival
from kpikit.intervals import newcombe_interval, wilson_interval

# Freireich et al. (1963), weeks in remission: 6-mercaptopurine (+ still in remission) and placebo
MERCAPTOPURINE = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"
# Miller (1981), Survival Analysis, p. 49: weeks in remission of acute myelogenous leukaemia
NOT_MAINTAINED = "5 5 8 8 12 16+ 23 27 30 33 43 45"


def survival_of(text, **options):
    words = text.split()
    return kk.survival_table(
        [float(word.rstrip("+")) for word in words],
        [not word.endswith("+") for word in words],
        **options,
    )


def test_limits_of_wheelers_inventory():
    # Wheeler, Making Sense of Data: in-process inventory, hundreds of pounds, 31 months; worked
    # through by xmrit.com, How to plot an XmR chart
    pounds = [
        19, 27, 20, 16, 18, 25, 22, 24, 17, 25, 15, 17,
        20, 22, 19, 16, 22, 19, 25, 22, 18, 20, 16, 17,
        20, 15, 27, 25, 17, 19, 28,
    ]  # fmt: skip

    limits = kk.process_limits(pounds)

    assert limits.mean == pytest.approx(20.39, abs=0.005)
    assert limits.mr_bar == pytest.approx(4.7, abs=1e-9)
    assert limits.upper == pytest.approx(32.89, abs=0.005)
    assert limits.lower == pytest.approx(7.89, abs=0.006)
    assert limits.range_upper == pytest.approx(15.36, abs=0.005)


def test_limits_of_wheelers_trade_deficits():
    # Wheeler (2000), Understanding Variation, chapter 3: U.S. trade deficits of 1987, $ billion;
    # average 12.75, average moving range 18.3 / 11
    deficits = [10.7, 13.0, 11.4, 11.5, 12.5, 14.1, 14.8, 14.1, 12.6, 16.0, 11.7, 10.6]

    limits = kk.process_limits(deficits)

    assert limits.mean == pytest.approx(12.75, abs=1e-9)
    assert limits.mr_bar == pytest.approx(18.3 / 11, abs=1e-9)
    assert (limits.lower, limits.upper) == pytest.approx((8.32, 17.18), abs=0.005)
    assert limits.range_upper == pytest.approx(5.44, abs=0.005)
    assert not kk.signal_table(deficits, season_length=1)["signal"].any()


def test_remission_under_mercaptopurine_with_the_interval_of_r():
    table = survival_of(MERCAPTOPURINE, transform="log")

    # Cox and Oakes (1984), table 4.1; errors and intervals as R's survfit prints them
    assert table["time"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert table["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert table["events"].tolist() == [3, 1, 1, 1, 1, 1, 1]
    assert table["survival"].tolist() == pytest.approx(
        [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4
    )
    assert table["std_err"].tolist() == pytest.approx(
        [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346], abs=5e-5
    )
    assert table["ci_low"].tolist() == pytest.approx(
        [0.720, 0.653, 0.586, 0.510, 0.439, 0.337, 0.249], abs=5e-4
    )
    assert table["ci_high"].tolist() == pytest.approx(
        [1.000, 0.996, 0.968, 0.935, 0.896, 0.858, 0.807], abs=5e-4
    )
    assert median_survival(table) == 23


def test_remission_under_mercaptopurine_with_the_interval_of_stata():
    table = survival_of(MERCAPTOPURINE)

    # Stata's sts list, which has the log-log interval as kpikit does
    assert table["ci_low"].tolist() == pytest.approx(
        [0.6197, 0.5631, 0.5032, 0.4316, 0.3675, 0.2678, 0.1881], abs=5e-5
    )
    assert table["ci_high"].tolist() == pytest.approx(
        [0.9516, 0.9228, 0.8894, 0.8491, 0.8049, 0.7468, 0.6801], abs=5e-5
    )


def test_remission_under_placebo():
    table = survival_of(PLACEBO)

    # nobody is censored: the share of the 21 still in remission, and a median of 8 weeks
    assert (21 * table["survival"]).round(9).tolist() == [19, 17, 16, 14, 12, 8, 6, 4, 3, 2, 1, 0]
    assert median_survival(table) == 8


def test_remission_of_those_not_maintained():
    table = survival_of(NOT_MAINTAINED, transform="log")

    # R's documentation of survfit, group Nonmaintained
    assert table["time"].tolist() == [5, 8, 12, 23, 27, 30, 33, 43, 45]
    assert table["survival"].tolist() == pytest.approx(
        [0.8333, 0.6667, 0.5833, 0.4861, 0.3889, 0.2917, 0.1944, 0.0972, 0.0], abs=5e-5
    )
    assert table["std_err"].tolist()[:-1] == pytest.approx(
        [0.1076, 0.1361, 0.1423, 0.1481, 0.1470, 0.1387, 0.1219, 0.0919], abs=5e-5
    )
    assert table["ci_low"].tolist()[:-1] == pytest.approx(
        [0.6470, 0.4468, 0.3616, 0.2675, 0.1854, 0.1148, 0.0569, 0.0153], abs=5e-5
    )
    assert table["ci_high"].tolist()[:-1] == pytest.approx(
        [1.000, 0.995, 0.941, 0.883, 0.816, 0.741, 0.664, 0.620], abs=5e-4
    )
    assert table[["ci_low", "ci_high"]].iloc[-1].isna().all()


def effects(before, after, formula):
    table = kk.contribution_table(before, after, formula=formula)
    return dict(zip(table["factor"], table["effect"], strict=True))


def test_the_runway_is_paid_for_by_those_who_need_it():
    # Littlechild and Owen (1973), the airport game: a runway costs what its greatest plane needs
    lengths = {"a": 8, "b": 11, "c": 13, "d": 18}

    found = effects(dict.fromkeys(lengths, 0), lengths, lambda **planes: max(planes.values()))

    assert found == {"a": 2, "b": 3, "c": 4, "d": 9}


def test_the_glove_game():
    # Shapley (1953): two left gloves and one right one, worth 1 a pair
    found = effects(
        {"left": 0, "other_left": 0, "right": 0},
        {"left": 1, "other_left": 1, "right": 1},
        lambda left, other_left, right: min(left + other_left, right),
    )

    assert found == pytest.approx({"left": 1 / 6, "other_left": 1 / 6, "right": 2 / 3}, abs=1e-15)


def test_the_power_of_voters():
    # Shapley and Shubik (1954): two votes, one and one, where three decide
    found = effects(
        {"a": 0, "b": 0, "c": 0},
        {"a": 2, "b": 1, "c": 1},
        lambda **votes: float(sum(votes.values()) >= 3),
    )

    assert found == pytest.approx({"a": 2 / 3, "b": 1 / 6, "c": 1 / 6}, abs=1e-15)


@pytest.mark.parametrize(
    ("successes", "trials", "interval"),
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilsons_interval(successes, trials, interval):
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
    low, high = wilson_interval(successes, trials)

    assert (float(low), float(high)) == pytest.approx(interval, abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "interval"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((0, 10), (0, 10), (-0.2775, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombes_interval(first, second, interval):
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10
    low, high = newcombe_interval(*first, *second)

    assert (float(low), float(high)) == pytest.approx(interval, abs=5e-5)


def spells_of(rows):
    frame = pd.DataFrame(rows, columns=["user_id", "mrr", "start_time", "end_time"])
    times = {name: pd.to_datetime(frame[name]) for name in ("start_time", "end_time")}
    return frame.assign(**times)


def test_chartmogul_churn_of_a_month():
    # ChartMogul Help, MRR Churn Rate: $100 at the start, $10 churned, $10 contracted and $10
    # expanded give a gross rate of 20 % and a net one of 10 %
    spells = spells_of([
        ("leaves", 10, "2026-01-01", "2026-02-10"),
        ("shrinks", 30, "2026-01-01", "2026-02-10"), ("shrinks", 20, "2026-02-10", None),
        ("grows", 60, "2026-01-01", "2026-02-20"), ("grows", 70, "2026-02-20", None),
    ])  # fmt: skip

    (row,) = kk.mrr_table(spells, start="2026-02-01", end="2026-03-01").to_dict("records")

    assert row["mrr_start"] == 100
    assert row["gross_mrr_churn_rate"] == pytest.approx(0.20, abs=1e-12)
    assert row["net_mrr_churn_rate"] == pytest.approx(0.10, abs=1e-12)


def test_chartmogul_life_of_a_subscriber():
    # ChartMogul Help, MRR movements: Syncalytics takes four yearly gold plans ($2,000), adds two
    # monthly silver ones ($60), drops these, lets the year end, and comes back with three golds
    gold = 166.67
    spells = spells_of([
        ("syncalytics", gold, "2025-01-10", "2026-01-10"),
        ("syncalytics", 60, "2025-02-10", "2025-03-10"),
        ("syncalytics", 150, "2026-04-10", None),
    ])  # fmt: skip

    table = kk.mrr_table(spells, start="2025-01-01", end="2026-05-01").set_index("period")

    moves = ["new", "expansion", "contraction", "churned", "reactivation"]
    found = table[moves].stack()  # noqa: PD013 - one row per month and movement
    assert found[found != 0].to_dict() == {
        ("2025-01", "new"): gold,
        ("2025-02", "expansion"): 60,
        ("2025-03", "contraction"): 60,
        ("2026-01", "churned"): gold,
        ("2026-04", "reactivation"): 150,
    }


def test_a_mean_of_probabilities_is_scored_as_brier_did():
    # Brier (1950), table 1: rain forecast on ten days; his score sums over rain and no rain, ours
    # is of the event alone, half of his 0.19
    rain = [0.7, 0.9, 0.8, 0.4, 0.2, 0.0, 0.0, 0.0, 0.0, 0.1]
    came = [0, 1, 1, 1, 0, 0, 0, 0, 0, 0]

    assert kk.brier_score(rain, came) == pytest.approx(0.19 / 2, abs=1e-9)
