"""The table of how chances fared: fifths without a trial, and its message."""

import pandas as pd

from kpikit.analysis.calibration import reliability_table
from kpikit.present.reliability import reliability_of_chances

ELSEWHERE = ((0.04, 0.04), (0.3, 0.28), (0.5, 0.49), (0.7, 0.69), (0.95, 0.94))


def table_of(chances, hits, quarters):
    frame = reliability_table(chances, hits, bins=5, groups=quarters)
    return reliability_of_chances(frame, factors=(0.95, 1.0, 1.2), elsewhere=ELSEWHERE)


def test_each_fifth_tells_what_was_given_and_what_came_true_here_and_elsewhere():
    table = table_of([0.3, 0.3, 0.98], [0, 1, 1], ["q1", "q2", "q2"])

    assert table.subtitle.endswith(", to targets of 0.95, 1 and 1.2 times last year's value")
    assert [row["chance"] for row in table.rows] == [
        "0 to 20 %", "20 to 40 %", "40 to 60 %", "60 to 80 %", "80 to 100 %",
    ]  # fmt: skip
    # Wilson of 1 of 2 in two quarters, each with a single trial
    assert table.rows[1] == {
        "chance": "20 to 40 %", "n": "2", "quarters": "2", "given": "30 %", "hit": "50 %",
        "interval": "9.5 to 90.5 %", "elsewhere": "30 % given, 28 % hit",
    }  # fmt: skip
    assert table.rows[2] == {
        "chance": "40 to 60 %", "n": "0", "quarters": "–", "given": "–", "hit": "–",
        "interval": "–", "elsewhere": "50 % given, 49 % hit",
    }  # fmt: skip
    assert table.title == "Chances came true as often as given, as far as 3 trials can tell"


def test_the_title_names_the_chances_that_misled_most():
    quarters = [f"q{number}" for number in range(40)]

    table = table_of([0.1] * 20 + [0.5] * 20, [1] * 20 + [0, 1] * 10, quarters)

    assert table.title == "Chances of 10 % came true in 100 % of 20 trials"


def test_without_trials_the_figures_of_other_series_remain():
    frame = reliability_table([], [], bins=5, groups=[])

    table = reliability_of_chances(frame, factors=(0.95, 1.0, 1.2), elsewhere=ELSEWHERE)

    assert table.title == "Chances: no KPI has a history long enough to try them"
    (row,) = table.rows
    assert [column.label for column in table.columns][1:3] == ["0 to 20 %", "20 to 40 %"]
    assert list(row.values())[:3] == [
        "On 1,428 other series", "4 % given, 4 % hit", "30 % given, 28 % hit",
    ]  # fmt: skip
    assert isinstance(frame, pd.DataFrame)
