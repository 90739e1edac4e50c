"""Published worked examples of recurring revenue and survival, and the telco subscriptions."""

import pandas as pd
import pytest

from kpikit.analysis.subscriptions import mrr_table
from kpikit.analysis.survival import (
    ended_summary,
    median_survival,
    spell_durations,
    survival_at,
    survival_table,
)

BEFORE, MIDST = "2026-02-01", "2026-02-10"
MOVEMENTS = {"new", "expansion", "reactivation", "contraction", "churned"}
SNAPSHOT = pd.Timestamp("2020-01-31")


def moving(*, start, new=0, expansion=0, reactivation=0, contraction=0, churned=0):
    """Return spells with these movements on 10 February 2026, each of a customer of its own."""
    # who grows starts with 1, who shrinks ends with 1; the rest of the start stays
    stays = start - 1 - (contraction + 1) - churned
    rows = [
        ("stays", stays, BEFORE, None),
        ("grows", 1, BEFORE, None), ("grows", expansion, MIDST, None),
        ("shrinks", contraction, BEFORE, MIDST), ("shrinks", 1, BEFORE, None),
        ("leaves", churned, BEFORE, MIDST),
        ("joins", new, MIDST, None),
        ("returns", 1, "2025-01-01", "2025-02-01"), ("returns", reactivation, MIDST, None),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["user_id", "mrr", "start_time", "end_time"])
    times = {name: pd.to_datetime(frame[name]) for name in ("start_time", "end_time")}
    return frame.assign(**times)


def row_of(spells):
    return mrr_table(spells, grain="day", start=MIDST, end="2026-02-11").iloc[0]


@pytest.mark.parametrize("name", ["saas_mrr_movements", "saas_nrr_grr"])
def test_movements_and_the_rates_from_them(case_named, name):
    case = case_named("kpis.json", name)
    inputs, expected = dict(case["inputs"]), case["expected"]
    inputs["start"] = inputs.pop("start_mrr", inputs.get("start"))

    row = row_of(moving(**inputs))

    found = {
        "ending": row["mrr_end"],
        "net_new": row["mrr_end"] - row["mrr_start"],
        **row[["quick_ratio", "nrr", "grr"]].to_dict(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(
        expected, abs=case["tolerance"]["abs"]
    )
    assert row["mrr_start"] == inputs["start"]


def test_net_churn_of_a_day_by_the_shopify_formula(case_named):
    case = case_named("kpis.json", "saas_net_churn_shopify_day")
    inputs = case["inputs"]
    start, new = inputs["start_of_day_mrr"], inputs["new_business_mrr"]
    grown = inputs["end_of_day_mrr"] - start - new

    row = row_of(moving(start=start, new=new, expansion=grown))

    # over one day both of ChartMogul's formulas give the same
    assert row["net_mrr_churn_rate"] == pytest.approx(case["expected"]["net_mrr_churn"], abs=1e-12)


@pytest.mark.cases("kpis.json", "kaplan_meier")
def test_kaplan_meier_as_r_prints_it(case):
    expected, near = case["expected"], {"abs": case["tolerance"]["abs"]}

    table = survival_table(case["inputs"]["time"], case["inputs"]["event"], transform="log")

    assert table["time"].tolist() == expected["times"]
    assert table["at_risk"].tolist() == expected["n_risk"]
    assert table["events"].tolist() == expected["n_event"]
    assert table["survival"].tolist() == pytest.approx(expected["survival"], **near)
    assert table["std_err"].tolist() == pytest.approx(expected["std_err"], **near)
    assert table["ci_low"].tolist() == pytest.approx(expected["lower95_log"], **near)
    assert table["ci_high"].tolist() == pytest.approx(expected["upper95_log"], **near)
    assert median_survival(table) == expected["median"]


@pytest.fixture
def telco(shared_data):
    """Return the subscribers as spells: the start is the snapshot less the tenure in months."""
    rows = pd.read_csv(shared_data / "telco_churn" / "Telco-Customer-Churn.csv")
    starts = [SNAPSHOT - pd.DateOffset(months=months) for months in rows["tenure"]]
    return pd.DataFrame(
        {
            "user_id": rows["customerID"],
            "mrr": rows["MonthlyCharges"],
            "start_time": starts,
            "end_time": pd.Series(SNAPSHOT, index=rows.index).where(rows["Churn"] == "Yes"),
            "tenure": rows["tenure"],
        }
    )


def test_the_telco_subscriptions_that_ended(telco, reference):
    known = reference["telco_churn"]

    summary = ended_summary(telco)

    assert (summary.subscriptions, summary.ended) == (7043, 1869)
    assert summary.ended_share == known["churn_rate"]
    assert (summary.mrr_all, summary.mrr_ended) == (known["mrr"], known["churned_mrr"])
    assert summary.mrr_share == pytest.approx(known["revenue_churn"], abs=1e-15)


@pytest.mark.parametrize("source", ["tenure", "spells"])
def test_the_telco_survival(telco, reference, source):
    known = reference["telco_churn"]["kaplan_meier_survival"]
    if source == "tenure":
        table = survival_table(telco["tenure"], telco["end_time"].notna())
    else:
        stays = spell_durations(telco, as_of=SNAPSHOT, unit="months")
        table = survival_table(stays["duration"], stays["ended"], counts=stays["stays"])

    found = survival_at(table, [int(month) for month in known])

    assert found["survival"].tolist() == pytest.approx(list(known.values()), abs=1e-12)
