import math

import pytest

from kpikit.present.marks import bullet, shade, spark, spark_alt


def test_a_sparkline_runs_from_the_lowest_to_the_highest_value():
    drawn = spark((10.0, 30.0, 20.0))

    assert drawn.lines == (((0.0, 1.0), (0.5, 0.0), (1.0, 0.5)),)
    assert drawn.dot == (1.0, 0.5)
    assert drawn.target is None


def test_a_target_beyond_the_values_widens_the_scale():
    drawn = spark((10.0, 20.0), 30.0)

    assert drawn.lines == (((0.0, 1.0), (1.0, 0.5)),)
    assert drawn.target == 0.0


@pytest.mark.parametrize("gap", [None, math.nan, math.inf])
def test_a_missing_value_parts_the_line(gap):
    drawn = spark((0.0, 1.0, gap, gap, 1.0))

    assert drawn.lines == (((0.0, 1.0), (0.25, 0.0)), ((1.0, 0.0),))
    assert drawn.dot == (1.0, 0.0)


def test_values_all_alike_run_in_the_middle():
    assert spark((5.0, 5.0)).lines == (((0.0, 0.5), (1.0, 0.5)),)


def test_no_value_draws_nothing():
    drawn = spark((None, None), 3.0)

    assert drawn.lines == ()
    assert drawn.dot is None
    assert drawn.target is None


@pytest.mark.parametrize(
    ("values", "target", "words"),
    [
        ((1.0, 2.0), None, "Trend of 2 periods: the last is the highest"),
        ((2.0, 1.0), 1.0, "Trend of 2 periods: the last is the lowest, on target"),
        (
            (2.0, 1.0, 3.0, 2.5),
            2.0,
            "Trend of 4 periods: the last is higher than the first, above target",
        ),
        (
            (2.0, 1.0, 3.0, 1.5),
            2.0,
            "Trend of 4 periods: the last is lower than the first, below target",
        ),
        ((2.0, None, 2.0), None, "Trend of 3 periods: unchanged"),
        ((None,), 2.0, "No values yet"),
    ],
)  # fmt: skip
def test_a_sparkline_in_words(values, target, words):
    assert spark_alt(values, target) == words


def test_a_bullet_graph_stays_inside_its_scale():
    drawn = bullet({"value": 1.4, "target": -0.1, "low": 0.2, "high": None, "tone": "bad"})

    assert drawn == {"value": 1.0, "target": 0.0, "low": 0.2, "high": None, "tone": "bad"}


def test_a_shade_mixes_the_ends_of_the_scale():
    # Half way from #e9edf0 to #3f566b: (233+63)/2 = 148, (237+86)/2 = 161.5, (240+107)/2 = 173.5.
    assert shade(0.5)[0] == "#94a2ae"
    assert shade(-1.0) == shade(0.0)
    assert shade(2.0) == shade(1.0)
