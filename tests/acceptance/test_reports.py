"""Four real products from command line to sealed report."""

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kpikit.catalogue import metrics_of
from kpikit.params import load_folder
from tests.reviews.verbs import contradictions

HERE = Path(__file__).resolve().parent
PERIODS = {
    "online_retail_ii": "2011Q3",
    "rete_ecom": "2024Q2",
    "telco_churn": "2018Q2",
    "carpentries_nps": "2018Q3",
    "carpentries_training": "2018Q2",
    "carpentries_2017_10": "2017Q4",
    "carpentries_2020_01": "2020Q1",
    "carpentries_2020_12": "2020Q4",
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def published(reference, tmp_path_factory):
    """Run the review of every product, each for its default period; return the output folder."""
    folder = tmp_path_factory.mktemp("published")
    call = [
        sys.executable, "-m", "kpikit", "run", "quarterly_review",
        "--params-dir", str(HERE / "params"), "--output-dir", str(folder / "output"),
    ]  # fmt: skip
    done = subprocess.run(
        call, capture_output=True, text=True, check=False, cwd=HERE.parents[1],
        env={**os.environ, "KPIKIT_CACHE_DIR": str(folder / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "output"


@pytest.fixture(scope="module")
def report(published):
    """Return a function that gives a product's KPIs, by metric and period, and its page's words."""

    def read(key):
        folder = published / PERIODS[key] / key
        kpis = json.loads((folder / "quarterly_review.kpis.json").read_text(encoding="utf-8"))
        page = (folder / "quarterly_review.html").read_text(encoding="utf-8")
        return {(row["metric"], row["period"]): row for row in kpis["kpis"]}, words_of(page)

    return read


def words_of(page):
    """Return the text that a page shows, without styles and pictures."""
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_every_product_of_the_folder_is_run():
    assert set(load_folder(HERE / "params").products) == set(PERIODS)


@pytest.mark.parametrize("key", PERIODS)
def test_every_report_is_sealed_in_its_default_period(published, key):
    folder = published / PERIODS[key] / key

    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}

    assert names == {f"quarterly_review.{kind}" for kind in ("html", "pdf", "ipynb", "kpis.json")}
    assert (folder / "quarterly_review.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("key", PERIODS)
def test_all_sections_of_a_report_have_one_verb_for_a_kpi(report, key):
    _, words = report(key)
    metrics = metrics_of(load_folder(HERE / "params").products[key])

    lines = contradictions(words.split(". "), {metric.label for metric in metrics.values()})

    assert lines == []


def test_revenue_of_the_quarter_and_its_months_equals_the_reference(report, reference):
    kpis, _ = report("online_retail_ii")
    expected = reference["online_retail_ii"]
    quarter = expected["quarterly_as_delivered"]["2011Q3"]

    assert kpis["gross_revenue", "2011Q3"]["value"] == quarter["gross_revenue"] == 2525887.683
    assert kpis["gross_revenue", "2011Q3"]["n"] == kpis["orders", "2011Q3"]["value"] == 4672
    assert kpis["paying_users", "2011Q3"]["value"] == quarter["customers"]
    for month in ("2011-07", "2011-08", "2011-09"):
        row = expected["monthly_as_delivered"][month]
        assert kpis["gross_revenue", month]["value"] == row["gross_revenue"]
        assert kpis["net_revenue", month]["value"] == row["net_revenue"]
        assert kpis["refunds", month]["value"] == -row["cancel_value"]
        assert round(kpis["average_order_value", month]["value"], 4) == row["aov"]
        assert round(kpis["arpu", month]["value"], 4) == row["arpu_known"]
    assert all(row["complete"] for row in kpis.values())
    assert kpis["net_revenue", "2011Q3"]["target"] == 2600000


def test_the_page_names_the_doubled_batch_the_unfinished_quarter_and_growth(report):
    _, words = report("online_retail_ii")

    assert "1 Dec – 9 Dec 2010 was delivered twice: 22,523 rows too many" in words
    assert "1,126,445.47 as delivered and 748,957.02 with the batch counted once" in words
    assert "2011-12 has 9 of 31 days and 2011Q4 has 70 of 92 days" in words
    assert "+11.2 %" in words  # over 2010Q3


@pytest.mark.parametrize(
    ("key", "survey"),
    [
        ("carpentries_nps", "instructor_training_2018_09"),
        ("carpentries_2017_10", "longterm_2017_10"),
        ("carpentries_2020_01", "longterm_2020_01"),
        ("carpentries_2020_12", "longterm_2020_12"),
    ],
)
def test_each_wave_has_the_score_of_the_reference(report, reference, key, survey):
    kpis, _ = report(key)
    expected = reference["carpentries_nps"]["surveys"][survey]

    row = kpis["nps", PERIODS[key]]

    assert row["value"] == round(expected["nps"], 6)
    assert row["n"] == expected["n"]


def test_the_page_names_the_two_files_with_the_same_answers(report):
    _, words = report("carpentries_2017_10")

    assert "data_20170701.csv and longterm_October2017.csv hold the same 402 answers" in words


def test_the_page_says_how_many_subscriptions_ended_and_with_how_much_revenue(report):
    _, words = report("telco_churn")

    assert re.search(r"Of 7,043 subscriptions .* 1,869 ended \(26\.537 %\).* \(30\.50 %\)", words)


def test_all_users_of_the_shop_are_new_once(report, reference):
    kpis, _ = report("rete_ecom")

    in_quarter = sum(
        kpis["new_users", month]["value"] for month in ("2024-04", "2024-05", "2024-06")
    )

    assert kpis["new_users", "2024Q2"]["value"] == in_quarter
    assert 0 < in_quarter < reference["rete_ecom"]["users"]


@pytest.mark.parametrize(
    ("key", "absent"),
    [
        (
            "carpentries_nps",
            [
                "map the table events, orders or subscriptions",
                "map the table subscriptions, orders",
            ],
        ),
        ("rete_ecom", ["map the table subscriptions, orders", "map the table survey"]),
        ("telco_churn", ["map the table survey"]),
        ("online_retail_ii", ["map the table survey"]),
    ],
)
def test_a_section_without_data_names_the_table_that_would_fill_it(report, key, absent):
    _, words = report(key)

    for text in absent:
        assert text in words
