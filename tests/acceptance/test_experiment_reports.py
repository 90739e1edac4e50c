"""Reports of two real tests: Hillstrom's e-mails, and a headline that was not shown evenly."""

import json
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def output(tmp_path_factory, reference):  # which skips where the data is absent
    folder = tmp_path_factory.mktemp("experiments")
    run = subprocess.run(
        [
            sys.executable, "-m", "kpikit", "run", "ab_test",
            "--params-dir", HERE / "experiments",
            "--notebooks-dir", HERE.parents[1] / "notebooks",
            "--output-dir", folder / "output",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "output"


def text_of(path):
    pages = pypdf.PdfReader(path).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_mens_e_mail_is_shipped_with_the_published_effect(output):
    folder = output / "2008Q1" / "hillstrom"

    text = text_of(folder / "ab_test-e_mail.pdf")

    assert "Ship Mens E-Mail: Revenue per user improved" in text
    assert "+$0.77 between +$0.49 and +$1.05" in text
    told = json.loads((folder / "ab_test-e_mail.kpis.json").read_text())
    assert (told["experiment"], told["template"]) == ("e_mail", "ab_test")
    kpis = {row["metric"]: row for row in told["kpis"]}
    effect = [kpis[f"e_mail.arpu.Mens E-Mail.{name}"]["value"]
              for name in ("delta_abs", "ci_low", "ci_high")]  # fmt: skip
    assert effect == pytest.approx([0.769827, 0.485140, 1.054515], abs=1e-6)
    assert kpis["e_mail.decision"]["flags"][0] == "ship"


def test_a_headline_that_was_not_shown_evenly_gets_no_verdict_and_no_lift(output):
    text = text_of(output / "2013Q3" / "upworthy" / "ab_test-headline.pdf")

    assert "No verdict: Sample-ratio mismatch" in text
    assert "so no lift is shown" in text
    assert "improved" not in text
    told = json.loads((output / "2013Q3" / "upworthy" / "ab_test-headline.kpis.json").read_text())
    values = {row["metric"]: row["value"] for row in told["kpis"]}
    assert values["headline.clicked.second.delta_abs"] is None
    assert values["headline.sample_ratio_p_value"] < 0.001
