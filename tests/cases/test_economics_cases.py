"""Published worked examples of lifetime value and of the payback of acquisition."""

import datetime as dt

import pytest

from kpikit.analysis.metrics import composite_table
from kpikit.catalogue import CATALOGUE, fact, make_facts
from kpikit.params.model import Product
from kpikit.periods import Calendar

MONTH = Calendar().parse("2026-07")
AS_OF = dt.date(2026, 7, 31)


def composed(name, margin=1.0, **given):
    facts = make_facts(
        [fact(key, MONTH, as_of=AS_OF, value=value, n=10) for key, value in given.items()]
    )
    head = {"product": {"key": "x", "name": "X"}, "economics": {"gross_margin": margin}}
    params = Product.model_validate(head)
    table = composite_table(facts, [CATALOGUE[name]], params=params, as_of=AS_OF)
    return table["value"].tolist()


def test_lifetime_value_as_chartmogul_reckons_it(case_named):
    case = case_named("kpis.json", "saas_ltv_chartmogul")
    inputs = case["inputs"]

    found = composed("ltv", arpa=inputs["arpa"], logo_churn_rate=inputs["monthly_customer_churn"])

    assert found == pytest.approx([case["expected"]["ltv"]], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("letter", ["a", "b", "c"])
def test_payback_of_acquisition(case_named, letter):
    case = case_named("kpis.json", f"saas_cac_payback_{letter}")
    inputs = case["inputs"]

    found = composed(
        "cac_payback_months", inputs["gross_margin"], cac=inputs["cac"],
        arpa=inputs["arpa_monthly"],
    )  # fmt: skip

    expected = case["expected"]["payback_months"]
    assert found == pytest.approx([expected], abs=case["tolerance"]["abs"])
