"""Two templates of an analyst's own: plain pandas and seaborn, with the cover that a seal needs.

Both are generated, so that what the loop, kpikit and the floor run is the same and written once.
"""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

_PARAMETERS = """product: str = "atlas"  # key of <params_dir>/<product>.yml
period: str = ""  # fiscal quarter; empty: the last complete one
params_dir: str = "params"  # folder of the product files"""
_COVER = """import kpikit as kk

kk.open_report(product, period=period, params_dir=params_dir).cover()"""
_DATA = """import zlib

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

draws = np.random.default_rng(zlib.crc32(product.encode()))
days = pd.date_range("2026-01-01", periods={days}, freq="D")
frame = pd.DataFrame({{
    "day": draws.choice(days, {rows}),
    "plan": draws.choice(["free", "plus", "pro"], {rows}),
    "country": draws.choice(["DE", "FR", "GB", "PL", "US"], {rows}),
    "visits": draws.poisson(6, {rows}),
    "revenue": draws.gamma(2.0, 20.0, {rows}),
}})
by_month = frame.groupby([frame["day"].dt.month.rename("month"), "plan"], as_index=False)
monthly = by_month["revenue"].sum()
len(frame)"""
_CHARTS = (
    'sns.lineplot(monthly, x="month", y="revenue", hue="plan", errorbar=None)',
    'sns.barplot(frame, x="country", y="revenue", hue="plan", errorbar=None)',
    'sns.histplot(frame, x="revenue", hue="plan", bins=40)',
    'sns.boxplot(frame, x="country", y="revenue", hue="plan", showfliers=False)',
    'sns.heatmap(frame.pivot_table(index="country", columns="visits", values="revenue"))',
    'sns.scatterplot(frame.head(1500), x="visits", y="revenue", hue="plan", size="visits")',
    'sns.violinplot(frame.head(2000), x="plan", y="revenue")',
    'sns.regplot(frame.head(800), x="visits", y="revenue", n_boot=200)',
)
_TABLES = (
    'frame.groupby("plan")["revenue"].describe()',
    'frame.pivot_table(index="country", columns="plan", values="revenue", aggfunc="sum")',
    'frame.groupby(["country", "plan"])["visits"].agg(["mean", "median", "max"])',
    'monthly.pivot(index="month", columns="plan", values="revenue")',
    'frame.nlargest(12, "revenue")',
    'frame[["visits", "revenue"]].corr()',
)
_STEPS = (
    'weekly = frame.set_index("day").groupby("plan")["revenue"].resample("W").sum()',
    'frame["band"] = pd.qcut(frame["revenue"], 10, labels=False)',
    'shares = frame.groupby(["country", "band"]).size() / len(frame)',
    'means = np.array([draws.choice(frame["revenue"], 2000).mean() for _ in range({draws})])',
    "low, high = np.quantile(means, [0.025, 0.975])",
    'first = frame.groupby("country")["day"].min()',
    'print(f"{{low:.2f}} to {{high:.2f}}")',
    'ranked = frame.sort_values(["country", "plan", "day"]).reset_index(drop=True)',
)


def write_templates(folder: Path) -> dict[str, Path]:
    """Write the templates; return the path of each by its name.

    ``heavy`` has 25 code cells, 8 charts, 6 tables and about 2 s of work beyond its imports;
    ``light`` has 8 code cells, 2 charts, 3 tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cells = {
        "heavy": [
            _DATA.format(days=300, rows=60_000),
            *(step.format(draws=3000) for step in _STEPS),
            *(f"plt.figure(figsize=(8, 4))\n{chart};" for chart in _CHARTS),
            *_TABLES,
        ],
        "light": [
            _DATA.format(days=90, rows=3_000),
            *(f"plt.figure(figsize=(6, 3))\n{chart};" for chart in _CHARTS[:2]),
            *_TABLES[:3],
        ],
    }
    return {name: _write(folder / f"{name}.ipynb", sources) for name, sources in cells.items()}


def _write(path: Path, sources: list[str]) -> Path:
    parameters = new_code_cell(_PARAMETERS, metadata={"tags": ["parameters"]})
    cells = [parameters, new_code_cell(_COVER), new_markdown_cell("## What was found")]
    cells += [new_code_cell(source) for source in sources]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:02d}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path
