"""The ledger tells what was restated, how forecasts fared, and how runs differ."""

import datetime as dt
import math

import pytest

from kpikit.errors import KpikitError, UnknownNameError
from kpikit.ledger import (
    diff_table,
    forecast_score_table,
    forecast_skill_table,
    history_table,
    read_ledger,
    restatement_table,
)
from kpikit.periods import Calendar
from kpikit.publish.ledger import record

CALENDAR = Calendar()
START = dt.datetime(2026, 7, 5, tzinfo=dt.UTC)


def kpi(metric, period, value, *, n=100, complete=True):
    return {
        "metric": metric, "period": period, "value": value, "unit": "share", "n": n,
        "complete": complete, "target": None, "flags": [] if value is not None else ["no row"],
    }  # fmt: skip


def forecast(period, mean, naive, *, low=None, high=None):
    return {"metric": "mrr", "period": period, "mean": mean, "low_80": low, "high_80": high,
            "naive": naive}  # fmt: skip


@pytest.fixture
def publish(tmp_path):
    """Return a function that keeps a review in the ledger, each a day after the last."""
    count = iter(range(100))

    def keep(period, kpis, *, run_id="aaa", template="quarterly_review", data_hash="d1", **more):
        document = {
            "product": "atlas", "template": template, "period": period, "as_of": "2026-06-30",
            "run_id": run_id, "data_hash": data_hash, "kpis": kpis, **more,
        }  # fmt: skip
        record(tmp_path, document, published_at=START + dt.timedelta(days=next(count)))

    return keep


def earlier(folder, period="2026Q3", template="quarterly_review"):
    return read_ledger(folder, product="atlas").before(
        CALENDAR.parse(period), template=template, calendar=CALENDAR
    )


def restated(folder, kpis, *, definitions=None, data_hash="d2", period="2026Q3"):
    return restatement_table(
        earlier(folder, period), kpis, definitions=definitions or {}, data_hash=data_hash
    )


def test_no_folder_and_an_empty_one_hold_nothing(tmp_path):
    for folder in (None, tmp_path, tmp_path / "absent"):
        ledger = read_ledger(folder)

        assert ledger.kpis.empty
        assert ledger.forecasts.empty
        assert ledger.unreadable == ()
    assert earlier(tmp_path).kpis.empty


def test_a_value_that_differs_from_the_last_review_is_restated(tmp_path, publish):
    publish("2026Q2", [kpi("retention_rate", "2026Q2", 0.412, n=1000), kpi("nps", "2026Q2", 40)])

    table = restated(
        tmp_path,
        [kpi("nps", "2026Q2", 40), kpi("retention_rate", "2026Q2", 0.398, n=2204),
         kpi("retention_rate", "2026Q3", 0.5)],
    )  # fmt: skip

    [row] = table.to_dict("records")
    assert row["metric"] == "retention_rate"
    assert (row["published"], row["now"], row["reported_in"]) == (0.412, 0.398, "2026Q2")
    assert (row["n_published"], row["n_now"]) == (1000, 2204)
    assert row["delta_abs"] == pytest.approx(-0.014)
    assert row["delta_rel"] == pytest.approx(-0.014 / 0.412)
    assert row["cause"] == "data"


@pytest.mark.parametrize(
    ("now", "then", "cause"),
    [
        ({"definitions": {"mrr": 2}}, {"definitions": {"mrr": 1}}, "definition"),
        ({"definitions": {"mrr": 1}}, {"definitions": {"mrr": 1}}, "data"),
        ({"definitions": {"mrr": 2}}, {}, "data"),
        ({"data_hash": "d1"}, {"definitions": {"mrr": 1}}, "kpikit"),
    ],
)
def test_the_cause_is_the_definition_the_data_or_kpikit(tmp_path, publish, now, then, cause):
    publish("2026Q2", [kpi("mrr", "2026Q2", 5)], **then)

    assert restated(tmp_path, [kpi("mrr", "2026Q2", 6)], **now)["cause"].tolist() == [cause]


def test_unfinished_new_and_equal_values_are_not_restated(tmp_path, publish):
    publish(
        "2026Q2",
        [kpi("a", "2026Q2", 1, complete=False), kpi("b", "2026Q2", 1), kpi("c", "2026Q2", None),
         kpi("d", "2026Q2", 1), kpi("e", "2026Q2", 1)],
    )  # fmt: skip

    table = restated(
        tmp_path,
        [kpi("a", "2026Q2", 2), kpi("b", "2026Q2", 2, complete=False), kpi("c", "2026Q2", 2),
         kpi("d", "2026Q2", 1 + 1e-6), kpi("e", "2026Q2", None), kpi("f", "2026Q2", 2)],
    )  # fmt: skip

    # only e, which was published and now is missing
    assert table["metric"].tolist() == ["e"]
    assert math.isnan(table["now"].iloc[0])


def test_a_base_of_zero_or_less_has_no_percentage(tmp_path, publish):
    publish("2026Q2", [kpi("a", "2026Q2", 0), kpi("b", "2026Q2", -2)])

    table = restated(tmp_path, [kpi("a", "2026Q2", 1), kpi("b", "2026Q2", 1)])

    assert table["delta_rel"].isna().all()
    assert table["delta_abs"].tolist() == [1, 3]


def test_a_review_is_compared_with_earlier_ones_and_never_with_itself(tmp_path, publish):
    publish("2026Q2", [kpi("a", "2026Q1", 1)])
    publish("2026Q1", [kpi("a", "2026Q1", 2)], run_id="late")
    publish("2026Q3", [kpi("a", "2026Q1", 3)])
    publish("2026Q4", [kpi("a", "2026Q1", 4)])
    publish("2026Q2", [kpi("a", "2026Q1", 5)], template="own")

    ledger = earlier(tmp_path)

    # the review of the first quarter, though made again last, comes before that of the second
    assert ledger.kpis["report_period"].tolist() == ["2026Q1", "2026Q2"]
    table = restatement_table(ledger, [kpi("a", "2026Q1", 9)], definitions={}, data_hash="")
    assert table["published"].tolist() == [1]


def test_of_a_review_made_again_the_last_run_counts(tmp_path, publish):
    for run, value in (("aaa", 1), ("bbb", 2), ("aaa", 1)):
        publish("2026Q2", [kpi("a", "2026Q2", value)], run_id=run)

    assert earlier(tmp_path).kpis["value"].tolist() == [1]


def test_forecasts_are_held_against_what_came(tmp_path, publish):
    forecasts = [forecast("2026Q3", 100, 90, low=95, high=105), forecast("2026Q4", 110, 95)]
    publish("2026Q2", [], forecasts=forecasts)

    scores = forecast_score_table(earlier(tmp_path), [kpi("mrr", "2026Q3", 104)])

    [row] = scores.to_dict("records")
    assert (row["period"], row["reported_in"], row["mean"], row["actual"]) == (
        "2026Q3", "2026Q2", 100, 104,
    )  # fmt: skip
    assert (row["error"], row["error_naive"]) == (4, 14)
    assert row["inside_80"] is True
    assert row["inside_95"] is None


def test_what_has_not_come_or_is_unfinished_is_not_scored(tmp_path, publish):
    publish("2026Q2", [], forecasts=[forecast("2026Q3", 100, 90)])

    for kpis in ([], [kpi("mrr", "2026Q3", 104, complete=False)], [kpi("mrr", "2026Q3", None)]):
        assert forecast_score_table(earlier(tmp_path), kpis).empty


def test_skill_is_the_error_saved_against_the_naive_forecast(tmp_path, publish):
    publish("2026Q1", [], forecasts=[forecast("2026Q2", 10, 20, low=9, high=11)])
    publish("2026Q2", [], forecasts=[forecast("2026Q3", 40, 30, low=35, high=45)])

    scores = forecast_score_table(
        earlier(tmp_path), [kpi("mrr", "2026Q2", 12), kpi("mrr", "2026Q3", 42)]
    )

    [row] = forecast_skill_table(scores).to_dict("records")
    # errors 2 and 2 against 8 and 12
    assert (row["metric"], row["n"], row["mae"], row["mae_naive"]) == ("mrr", 2, 2, 10)
    assert row["skill"] == pytest.approx(0.8)
    assert row["inside_80"] == 0.5


def test_skill_against_an_exact_naive_forecast_is_unknown(tmp_path, publish):
    publish("2026Q1", [], forecasts=[forecast("2026Q2", 10, 12)])
    publish("2026Q2", [], forecasts=[forecast("2026Q3", 10, None)])

    kpis = [kpi("mrr", "2026Q2", 12), kpi("mrr", "2026Q3", 12)]
    skill = forecast_skill_table(forecast_score_table(earlier(tmp_path), kpis))

    assert skill["n"].tolist() == [1]
    assert skill[["skill", "inside_80"]].isna().all(axis=None)


def test_the_history_of_a_metric_shows_each_publication(tmp_path, publish):
    publish("2026Q1", [kpi("a", "2026Q1", 1)])
    publish("2026Q2", [kpi("a", "2026Q2", 3, complete=False), kpi("a", "2026Q1", 2)], run_id="bbb")
    publish("2026Q3", [kpi("a", "2026Q2", 4), kpi("a", "2026Q1", 2), kpi("b", "2026Q1", 0)])

    table = history_table(read_ledger(tmp_path), "a")

    assert table["period"].tolist() == ["2026Q1"] * 3 + ["2026Q2"] * 2
    assert table["value"].tolist() == [1, 2, 2, 3, 4]
    assert table["restated"].tolist() == [False, True, False, False, False]
    assert table["run_id"].tolist()[:2] == ["aaa", "bbb"]


def test_a_metric_without_history_is_named_with_the_nearest(tmp_path, publish):
    publish("2026Q1", [kpi("orders", "2026Q1", 1)])

    with pytest.raises(UnknownNameError, match=r"'oders' in the ledger.\nDid you mean 'orders'"):
        history_table(read_ledger(tmp_path), "oders")


def test_two_runs_are_compared_kpi_by_kpi(tmp_path, publish):
    first = {"a": 1, "b": 1, "c": None, "d": 1, "e": None}
    second = {"a": 1, "b": 3, "c": None, "e": 2, "f": 7}
    for run, values in (("abc1", first), ("abd2", second)):
        kpis = [kpi(name, "2026Q1", value) for name, value in values.items()]
        publish("2026Q1", kpis, run_id=run)

    table = diff_table(read_ledger(tmp_path), "abc", "abd2").set_index("metric")

    assert table["state"].to_dict() == {
        "a": "same", "b": "changed", "c": "same", "d": "only_first", "e": "changed",
        "f": "only_second",
    }  # fmt: skip
    assert table.loc["b", ["first", "second", "delta_abs"]].tolist() == [1, 3, 2]
    assert table["unit"].eq("share").all()


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("ab", r"2 runs begin with 'ab' in the ledger.\n.*Runs: abc1, abd2"),
        ("abx1", r"No run begins with 'abx1' in the ledger.\nDid you mean 'ab"),
    ],
)
def test_a_run_must_be_one(tmp_path, publish, run, message):
    publish("2026Q1", [kpi("a", "2026Q1", 1)], run_id="abc1")
    publish("2026Q1", [kpi("a", "2026Q1", 2)], run_id="abd2")

    with pytest.raises(KpikitError, match=message):
        diff_table(read_ledger(tmp_path), run, "abc1")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"product": "atlas"}'])
def test_a_part_that_cannot_be_read_is_named_and_left_out(tmp_path, publish, text):
    publish("2026Q1", [kpi("a", "2026Q1", 1)])
    torn = tmp_path / "atlas" / "2026Q1" / "quarterly_review" / "20260801T000000000000-bbb.json"
    torn.write_text(text)

    ledger = read_ledger(tmp_path)

    assert ledger.kpis["value"].tolist() == [1]
    assert ledger.unreadable == (torn.relative_to(tmp_path).as_posix(),)


def test_other_products_are_left_alone(tmp_path, publish):
    publish("2026Q1", [kpi("a", "2026Q1", 1)])

    assert len(read_ledger(tmp_path, product="atlas").kpis) == 1
    assert read_ledger(tmp_path, product="beacon").kpis.empty
