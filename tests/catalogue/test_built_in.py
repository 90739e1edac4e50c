"""The catalogue is whole: every fixed name, with all that a page prints about it."""

import subprocess
import sys

import pytest

from kpikit.catalogue import CATALOGUE, STAGES
from kpikit.params.tables import CANONICAL

# The names fixed by the design; others may join them, none may go.
FIXED = [
    "gross_revenue", "refunds", "net_revenue", "orders", "average_order_value", "paying_users",
    "arpu", "repeat_purchase_rate", "new_users", "active_users", "returning_users", "dau", "wau",
    "mau", "stickiness", "activation_rate", "conversion_rate", "trial_to_paid_rate",
    "retention_rate", "mrr", "logo_churn_rate", "revenue_churn_rate", "nrr", "grr",
    "quick_ratio", "arpa", "ltv", "cac", "ltv_to_cac", "cac_payback_months", "nps", "csat",
    "roi", "feature_adoption_rate",
]  # fmt: skip


def test_every_fixed_name_is_there():
    assert set(FIXED) <= set(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.name)
def test_every_entry_says_what_it_asks_how_it_is_counted_and_by_whom(metric):
    assert metric.question.endswith("?")
    assert metric.formula.endswith(".")
    assert metric.label
    assert metric.source
    assert metric.n_of
    assert metric.table in CANONICAL
    assert set(metric.stages) <= set(STAGES)


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.name)
def test_every_input_of_a_composite_is_a_metric_itself(metric):
    inputs = {name for names in metric.inputs.values() for name in names}

    assert inputs <= set(CATALOGUE)


def test_a_share_that_adds_up_over_days_does_not_exist():
    assert not [item.name for item in CATALOGUE.values() if item.additive and item.denominator]


def test_naming_metrics_loads_neither_an_engine_nor_pandas():
    code = (
        "import sys, kpikit.catalogue;"
        "print([name for name in ('ibis', 'pandas', 'numpy') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
