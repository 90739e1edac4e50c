"""The canary: many products at once, and no file of one holds a word of another."""

import io
import json
import re

import pypdf
import pytest

from kpikit.publish.runner import run_plan

MARKER = re.compile(r"canary\d+x")
# Each report leaves its own marker wherever another one could pick it up: in the process, its
# environment, its working directory, its random numbers, its figures and its database.
CELLS = (
    """
import builtins, os, pathlib, random, time
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from kpikit.present.components import Cover, Paragraph, Stack

found = [getattr(builtins, "marker", product), os.environ.get("MARKER", product)]
found += [path.read_text() for path in pathlib.Path().glob("*.marker")]
builtins.marker = os.environ["MARKER"] = product
pathlib.Path(f"{product}.marker").write_text(product)
number = int(product.removeprefix("canary").removesuffix("x"))
np.random.seed(number), random.seed(number)
Cover(
    title=f"{product}: review {period}",
    product_key=product,
    product_name=product,
    period_label=period,
    period_text=period,
    as_of="2026-09-30",
    state="final",
    run_id=os.environ["KPIKIT_RUN_ID"],
    data_hash=f"data of {product}",
)
""",
    """
import duckdb

duckdb.sql(f"create table marker as select '{product}' as product, {number} as number")
frame = pd.DataFrame({"product": [product], "draw": [np.random.random()]})
time.sleep(random.random() / 5)
frame
""",
    """
plt.figure(figsize=(3, 1))
plt.title(product)
plt.plot(np.random.random(20))
plt.show()
""",
    """
(row,) = duckdb.sql("select product, number from marker").fetchall()
found += [row[0], os.environ["MARKER"], builtins.marker, *os.listdir()]
found = {item.partition(".")[0] for item in found} - {"params"}
kpi = {"metric": "orders", "period": period, "value": float(row[1]), "unit": "count",
       "n": row[1], "complete": True, "target": None, "flags": []}
Stack(items=(Paragraph(f"Found: {sorted(found)}."),), kpis=(kpi,))
""",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("products", "rounds", "jobs"), [(6, 1, 3), pytest.param(60, 3, 20, marks=pytest.mark.long)]
)
def test_each_file_holds_its_own_products_marker_and_no_other(
    tmp_path, make, products, rounds, jobs
):
    keys = [f"canary{number}x" for number in range(products)]
    plan = make.plan_of(*(make.planned(key, *CELLS) for key in keys))

    for _ in range(rounds):
        result = run_plan(plan, output_dir=tmp_path, jobs=jobs, force=True)

        assert [outcome.reasons for outcome in result.outcomes] == [()] * products
        for number, key in enumerate(keys):
            folder = tmp_path / "2026Q3" / key
            texts = texts_of(folder)
            assert {name: set(MARKER.findall(text)) for name, text in texts.items()} == {
                name: {key} for name in ("html", "pdf", "ipynb", "kpis.json")
            }
            assert f"Found: ['{key}']." in texts["ipynb"]
            (kpi,) = json.loads(texts["kpis.json"])["kpis"]
            assert (kpi["value"], kpi["n"]) == (number, number)


def texts_of(folder):
    """Return the text of each published file; a PDF's is what a reader copies out of it."""
    reader = pypdf.PdfReader(io.BytesIO((folder / "mini.pdf").read_bytes()))
    texts = {"pdf": "\n".join(page.extract_text() for page in reader.pages)}
    for kind in ("html", "ipynb", "kpis.json"):
        texts[kind] = (folder / f"mini.{kind}").read_text(encoding="utf-8")
    return texts
