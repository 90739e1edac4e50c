"""One declared test from its tables to its verdict."""

import datetime as dt
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kpikit.analysis.experiments.sequential import group_sequential_bounds
from kpikit.analysis.experiments.study import Study
from kpikit.errors import AnalysisError, UnknownNameError
from kpikit.params import load_product
from kpikit.params.model import Experiment, Product, ProductInfo

FINISHED = dt.date(2026, 6, 30)
RUNNING = dt.date(2026, 5, 7)
KEYS = {
    "variants": {"control": 0.5, "new": 0.5}, "control": "control", "start": "2026-05-01",
    "end": "2026-05-10", "primary": "bought", "conversion_window": "2d",
    "metrics": {
        "bought": {"kind": "conversion", "event": "buy"},
        "clicks": {"kind": "count", "event": "click"},
        "spend": {"kind": "sum", "column": "amount", "event": "buy"},
        "late": {"kind": "quantile", "column": "amount", "event": "click"},
        "per_click": {"kind": "ratio", "numerator": "bought", "denominator": "clicks"},
    },
}  # fmt: skip


def frames(per_arm=100, buyers=(20, 40)):
    """Return exposures, a tenth of the users a day, and events: every user clicks, some buy.

    Users of an arm are numbered; the first ``buyers`` of every hundred buy within the hour.
    """
    users = pd.DataFrame({"number": np.tile(np.arange(per_arm), 2)})
    users["variant"] = np.repeat(["control", "new"], per_arm)
    users["user_id"] = users["variant"] + users["number"].astype(str)
    day = pd.to_timedelta(users["number"] * 10 // per_arm, unit="D")
    users["exposure_time"] = pd.Timestamp("2026-05-01 12:00") + day
    share = users["variant"].map({"control": buyers[0], "new": buyers[1]})
    # spread over the days: 37 and 100 have no common divisor
    buying = users[users["number"] * 37 % per_arm < share * per_arm / 100]
    exposures = users.drop(columns="number").assign(experiment="test")
    events = [
        pd.DataFrame({
            "user_id": users["user_id"], "event": "click", "amount": 1.0 + users["number"] % 5,
            "event_time": users["exposure_time"] + pd.Timedelta(minutes=repeat + 1),
            "platform": np.where(users["number"] % 2, "ios", "web"),
        })[users["number"] % 3 >= repeat]
        for repeat in range(3)
    ]  # fmt: skip
    events.append(
        pd.DataFrame({
            "user_id": buying["user_id"], "event": "buy", "amount": 10.0 + buying["number"] % 7,
            "event_time": buying["exposure_time"] + pd.Timedelta(hours=1),
            "platform": "web",
        })
    )  # fmt: skip
    return exposures, pd.concat(events, ignore_index=True)


def make_study(exposures=None, events=None, *, as_of=FINISHED, **keys):
    own = frames()
    tables = {
        "exposures": ibis.memtable(own[0] if exposures is None else exposures),
        "events": ibis.memtable(own[1] if events is None else events),
    }
    product = Product(product=ProductInfo(key="shop", name="Shop", currency="EUR"))
    return Study("test", Experiment(**(KEYS | keys)), product, tables, as_of)


def test_a_finished_test_is_read_once_and_decided():
    study = make_study()

    row = study.primary

    assert (study.state, study.reading) == ("finished", "fixed horizon")
    assert (row["control_mean"], row["variant_mean"]) == (0.2, 0.4)
    # Wald: 0.2 +- 1.96 * sqrt(0.2 * 0.8 / 100 + 0.4 * 0.6 / 100) = 0.2 +- 1.96 * 0.0632
    assert row["ci_low"] == pytest.approx(0.2 - 1.959964 * 0.0632456, abs=1e-6)
    assert (study.result.decision, study.result.winner) == ("ship", "new")


def test_the_arithmetic_says_what_effect_could_not_have_been_told():
    study = make_study()

    (row,) = study.arithmetic("new").to_dict("records")

    assert row["passes"]
    assert row["estimate"] == pytest.approx(0.2)
    assert row["least_effect"] == pytest.approx(1.959964 * 0.0632456, abs=1e-6)


def test_a_running_test_counts_no_exposure_of_later_days_and_no_open_window():
    study = make_study(as_of=RUNNING)

    # days 1 to 7 of ten users and arm; windows of two days from noon have ended for days 1 to 5
    assert study.users == 140
    assert study.maturity["mature_users"].tolist() == [50, 50]
    assert (study.state, study.days_elapsed) == ("running", 7)


def test_a_running_test_is_read_by_the_band_that_allows_for_every_day():
    study = make_study(as_of=RUNNING)

    fixed, read = study.fixed.table.iloc[0], study.result.table.iloc[0]

    readings = study.readings("new").set_index("reading")
    assert study.reading == "always valid"
    assert list(readings.index) == ["always valid"]
    assert (read["ci_low"], read["ci_high"]) == pytest.approx(
        tuple(readings.loc["always valid", ["low", "high"]])
    )
    assert read["ci_high"] - read["ci_low"] > 1.3 * (fixed["ci_high"] - fixed["ci_low"])
    assert read["p_value"] > fixed["p_value"]


def test_a_test_that_has_ended_waits_for_the_last_window():
    assert make_study(as_of=dt.date(2026, 5, 10)).state == "maturing"
    assert make_study(as_of=dt.date(2026, 5, 12)).state == "finished"


def test_planned_looks_are_read_by_their_own_bound():
    study = make_study(looks=2)

    read, fixed = study.result.table.iloc[0], study.fixed.table.iloc[0]

    z = group_sequential_bounds([0.5, 1.0]).z[-1]
    assert study.looks == (0.5, 1.0)
    assert read["ci_high"] - read["delta_abs"] == pytest.approx(z * fixed["se"])
    assert study.reading == "planned look"


def test_a_planned_look_of_a_mean_is_read_by_students_t():
    study = make_study(looks=2, primary="clicks")

    read, fixed = study.result.table.iloc[0], study.fixed.table.iloc[0]

    level = group_sequential_bounds([0.5, 1.0]).nominal_alpha[-1]
    t = stats.t.ppf(1 - level / 2, fixed["df"])
    reading = study.readings("new").set_index("reading").loc["planned look"]
    assert read["ci_high"] - read["delta_abs"] == pytest.approx(t * fixed["se"])
    assert (read["ci_low"], read["ci_high"]) == pytest.approx((reading["low"], reading["high"]))


def test_a_look_before_the_end_lies_where_its_users_are():
    study = make_study(as_of=RUNNING, looks=4)

    # 100 of the 200 users that seven days of 20 promise for ten days have had their window
    assert study.planned_units == 200
    assert study.looks == (0.25, 0.5)


def test_a_guardrail_that_may_be_lost_holds_a_running_test():
    study = make_study(as_of=RUNNING, guardrails=[{"metric": "clicks", "margin": 0.1}])

    assert study.result.decisions["new"].checks["metric"].tolist() == ["bought", "clicks"]


def test_a_split_that_departs_from_its_plan_withholds_the_verdict():
    exposures, events = frames(per_arm=400)
    lost = (exposures["variant"] == "new") & (exposures["user_id"].str[-1] < "3")

    study = make_study(exposures[~lost], events, segments=["platform"])

    assert not study.trusted
    assert (study.result.decision, study.result.winner) == ("invalid", None)
    assert study.arithmetic("new").empty
    assert study.splits["dimension"].unique().tolist() == ["exposure_day", "platform"]
    assert study.split_by_day["mismatch"].iloc[-1]


def test_a_variant_that_is_not_planned_is_named():
    exposures, events = frames()
    exposures["variant"] = exposures["variant"].replace({"new": "newer"})

    with pytest.raises(
        AnalysisError, match=r"100 users saw the variant 'newer', .*\nDid you mean 'new'"
    ):
        _ = make_study(exposures, events).assigned


def test_a_planned_variant_that_nobody_saw_has_no_verdict():
    exposures, events = frames()

    study = make_study(exposures[exposures["variant"] == "control"], events)

    assert study.result.decision == "invalid"


def test_a_test_that_nobody_saw_has_no_units():
    exposures, events = frames()

    study = make_study(exposures.assign(experiment="other"), events)

    assert (study.users, study.has_units) == (0, False)


def test_a_product_without_exposures_is_told_what_to_map():
    study = make_study()
    bare = Study("test", study.experiment, study.product, {"events": study.tables["events"]},
                 FINISHED)  # fmt: skip

    with pytest.raises(AnalysisError, match=r"'test' has no exposures\.\nMap the table"):
        _ = bare.assigned


def test_a_segment_is_a_column_of_the_exposures_or_of_another_table():
    exposures, events = frames()
    exposures["country"] = "DE"
    clicks = events[events["event"] == "click"]
    early = clicks.assign(event_time=clicks["event_time"] - pd.Timedelta(days=1))

    study = make_study(exposures, pd.concat([events, early]), segments=["country", "platform"])

    assert {"country", "platform"} <= set(study.segmented.columns)
    assert study.segments["segment"].tolist() == ["DE", "ios", "web"]
    assert study.heterogeneity["dimension"].tolist() == ["platform"]


def test_a_dimension_with_one_estimate_has_no_test_of_heterogeneity():
    exposures, events = frames()

    study = make_study(exposures.assign(country="DE"), events, segments=["country"])

    assert study.heterogeneity.empty
    assert study.segments["shrunken"].isna().tolist() == [True]


def test_a_segment_that_no_table_has_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match=r"column 'platfrm' .*\nDid you mean 'platform'"):
        _ = make_study(segments=["platfrm"]).assigned


def test_users_in_both_arms_are_left_out_or_stay_in_the_first():
    exposures, events = frames()
    second = exposures.head(1).assign(variant="new", exposure_time=pd.Timestamp("2026-05-03 10:00"))
    both = pd.concat([exposures, second])

    left_out, kept = (
        make_study(both, events, crossovers=how) for how in ("exclude", "first")
    )  # fmt: skip

    assert left_out.assigned.counts["crossovers"] == 1
    assert left_out.fixed.allocation["units"].tolist() == [99, 100]
    assert kept.fixed.allocation["units"].tolist() == [100, 100]


def test_58_crossovers_fail_the_check():
    exposures, events = frames(per_arm=400)
    second = exposures.head(58).assign(
        variant="new", exposure_time=pd.Timestamp("2026-05-10 10:00")
    )

    checks = make_study(pd.concat([exposures, second]), events).checks.set_index("check")

    assert checks.loc["crossovers", "status"] == "failed"
    assert checks.loc["crossovers", "value"] == pytest.approx(58 / 800)


def test_all_users_alike_have_no_verdict():
    study = make_study(*frames(buyers=(0, 0)))

    assert study.result.decision == "invalid"
    assert "all units have the same value" in study.result.reason


def test_a_mean_has_outliers_ages_and_a_plan_with_its_history():
    exposures, events = frames()
    earlier = events[events["amount"] > 2].assign(
        event_time=lambda rows: rows["event_time"] - pd.Timedelta(days=3)
    )

    study = make_study(
        exposures, pd.concat([events, earlier]), primary="clicks", history="7d", mde=0.5
    )

    assert len(study.outliers) == 4
    assert study.balance["covariate"].tolist() == ["clicks_before"]
    assert list(study.days_left) == ["without CUPED", "with CUPED"]
    assert study.plan["days"].tolist() == [7, 10, 14, 28, 56]


def test_days_since_exposure_are_of_means_over_two_days_or_more():
    exposures, events = frames()
    events["event_time"] += pd.to_timedelta(np.arange(len(events)) % 40, unit="h")

    study = make_study(exposures, events, primary="clicks", mde=0.5)

    assert study.ages.table["age"].tolist() == [0, 1]
    assert study.curve["n"].iloc[-1] == 200
    assert make_study(exposures, events).ages is None
    short = make_study(exposures, events, primary="clicks", conversion_window="1d")
    assert short.ages is None


def test_a_quantile_has_an_effect_but_neither_curve_nor_plan():
    study = make_study(primary="late")

    assert study.primary["metric"] == "late"
    assert (study.curve, study.plan, study.ages, study.outliers) == (None, None, None, None)
    assert study.false_alarms is None
    assert study.days_left == {}
    assert np.isnan(study.units_for(0.1))
    assert study.planned_units == 200


def test_the_plan_follows_from_the_effect_and_the_power():
    study = make_study(mde=0.2)

    # baseline 0.3, sd 0.459: 2 (1.96 + 0.84)^2 0.459^2 / 0.2^2 = 83 per arm, and a little for t
    assert study.planned_units == pytest.approx(2 * 83, rel=0.03)
    assert study.days_left == {"without CUPED": 0}
    assert study.checks.set_index("check").loc["units", "status"] == "passed"


def test_impact_is_the_lift_times_the_users_of_a_month():
    study = make_study(impact={"value": 10, "users_per_month": 1000})

    found = study.impact(10, 0.5)

    # from 0.2 to 0.4 of 1,000 users a month, half of whom are reached, at 10 each
    assert found.value == pytest.approx(0.2 * 1000 * 0.5 * 10)
    assert make_study().users_per_month == pytest.approx(20 * 365.25 / 12)


def test_the_record_holds_decision_and_effect():
    record = make_study().record()

    assert (record["experiment"], record["decision"], record["winner"]) == ("test", "ship", "new")
    assert record["estimate"] == pytest.approx(1.0)  # twice control's share


def test_beliefs_take_the_declared_prior():
    study = make_study(prior={"mean": 0.0, "sd": 0.01}, rope=0.02)

    belief = study.readings("new").set_index("reading").loc["belief"]

    assert 0 < belief["estimate"] < 0.02
    assert "N(0, 0.01)" in belief["convention"]


def test_one_order_of_a_million_is_seen_by_the_outlier_check():
    exposures, events = frames(per_arm=400)
    huge = events.index[(events["event"] == "buy") & events["user_id"].str.startswith("control")][0]
    events.loc[huge, "amount"] = 1_294_500.0

    study = make_study(exposures, events, primary="spend")

    row = study.checks.set_index("check").loc["outliers"]
    assert row["status"] == "noted"
    assert study.result.decision == "hold"


def test_a_text_cannot_be_summed():
    exposures, events = frames()
    events["amount"] = "many"

    with pytest.raises(AnalysisError, match=r"'spend' .* sums events\.amount, which holds string"):
        _ = make_study(exposures, events, primary="spend").result


def test_a_metric_of_a_table_that_is_not_there_is_refused():
    metrics = KEYS["metrics"] | {"bought": {"kind": "conversion", "table": "orders"}}

    with pytest.raises(UnknownNameError, match=r"table 'orders' in the measure 'bought'"):
        _ = make_study(metrics=metrics).units


def test_the_test_of_the_designs_example_is_analysed_as_it_stands():
    path = Path(__file__).parents[2] / "params" / "data" / "online_retail.yml"
    product = load_product(path).params
    # 200 users an arm on the last day, which counts; one a second after it, which does not
    number = np.arange(401)
    exposures = pd.DataFrame({
        "user_id": "u" + pd.Series(number.astype(str)), "experiment": "onboarding",
        "variant": np.where(number % 2, "treatment", "control"),
        "exposure_time": np.where(number < 400, pd.Timestamp("2026-05-28 22:59"),
                                  pd.Timestamp("2026-05-28 23:00")),  # midnight in London
    })  # fmt: skip
    # every fourth user of control buys, every second of treatment; one order in ten comes back
    buying = exposures[:400][(number[:400] % 8 == 0) | (number[:400] % 4 == 1)]
    sales = pd.DataFrame({
        "order_id": "o" + buying["user_id"], "user_id": buying["user_id"], "kind": "sale",
        "order_time": buying["exposure_time"] + pd.Timedelta("1h"), "revenue": 20.0,
    })  # fmt: skip
    refunds = sales[::10].assign(kind="refund", revenue=-20.0)
    tables = {"exposures": ibis.memtable(exposures),
              "orders": ibis.memtable(pd.concat([sales, refunds]))}  # fmt: skip

    study = Study("onboarding", product.experiments["onboarding"], product, tables,
                  dt.date(2026, 6, 30))  # fmt: skip

    table = study.result.table.set_index("metric")
    assert study.assigned.counts[["users", "late"]].tolist() == [400, 1]
    assert table.loc["conversion", ["control_mean", "variant_mean"]].tolist() == [0.25, 0.5]
    assert table.loc["conversion", "outcome"] == "better"
    refund_rate = table.loc["refund_rate"]
    assert (refund_rate["direction"], refund_rate["margin"]) == ("down", 0.01)
    assert study.declared.units["refund_rate"] == "share"
    # 15 refunds among 150 orders tell nothing of one percentage point
    assert (study.result.decision, study.result.winner) == ("hold", None)
