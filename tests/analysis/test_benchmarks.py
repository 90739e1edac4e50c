"""Own values beside those of peers."""

import datetime as dt
import math

import pytest

from kpikit.analysis.benchmarks import benchmark_table
from kpikit.catalogue import CATALOGUE, fact, make_facts
from kpikit.params.model import Benchmark
from kpikit.periods import Calendar

AS_OF = dt.date(2026, 9, 30)
PERIOD = Calendar().parse("2026Q3")


def table_of(own, metric="nps", **fields):
    one = Benchmark(
        metric=metric, source="A survey", **{"value": 30, "date": dt.date(2026, 1, 1)} | fields
    )
    values = {"value": own} if own is not None else {"reason": "nobody has answered"}
    facts = make_facts(
        [fact(metric, PERIOD, as_of=AS_OF, **values),
         fact(metric, PERIOD, as_of=AS_OF, value=99, dimension="plan", segment="x")]
    )  # fmt: skip
    return benchmark_table([one], facts, CATALOGUE, as_of=AS_OF)


@pytest.mark.parametrize(
    ("own", "position"),
    [(41, "best_quarter"), (40, "better_half"), (30, "better_half"), (29, "worse_half"),
     (20, "worse_half"), (19, "worst_quarter")],
)  # fmt: skip
def test_the_quarter_of_the_peers_follows_the_quartiles(own, position):
    assert table_of(own, low=20, high=40).loc[0, "position"] == position


@pytest.mark.parametrize(
    ("own", "position"), [(0.01, "best_quarter"), (0.04, "better_half"), (0.09, "worst_quarter")]
)
def test_less_is_better_where_the_metric_says_so(own, position):
    table = table_of(own, "logo_churn_rate", value=0.05, low=0.02, high=0.08)

    assert table.loc[0, "position"] == position


@pytest.mark.parametrize(("own", "position"), [(31, "better"), (29, "worse"), (30, "same")])
def test_without_quartiles_it_is_better_or_worse(own, position):
    row = table_of(own, low=20).iloc[0]

    assert row["position"] == position
    assert row["delta_abs"] == own - 30


def test_a_benchmark_bears_its_source_age_and_comparability():
    row = table_of(31, date=dt.date(2024, 9, 29), comparability="larger firms").iloc[0]

    assert row[["source", "age_days", "is_stale", "comparability"]].tolist() == [
        "A survey", 731, True, "larger firms",
    ]  # fmt: skip
    assert not table_of(31).loc[0, "is_stale"]


def test_a_kpi_without_data_says_why():
    row = table_of(None).iloc[0]
    absent = benchmark_table(
        [Benchmark(metric="mrr", value=1, source="s", date=AS_OF)], make_facts([]), CATALOGUE,
        as_of=AS_OF,
    ).iloc[0]  # fmt: skip

    assert (row["position"], row["reason"]) == ("unknown", "nobody has answered")
    assert math.isnan(row["own"])
    assert absent["reason"] == "no value of the period"
