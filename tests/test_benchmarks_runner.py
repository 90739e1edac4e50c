"""The report factory's benchmark: its bars, templates and products; nothing is timed."""

import json
import os
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from benchmarks import charts, products, review, runner
from benchmarks.measure import Usage
from benchmarks.templates import write_templates
from kpikit.params import load_product
from kpikit.present import lettering
from kpikit.report import Report


def _make_pages(words, asked):
    """Write the pages that a run of the review writes: all at first, none unchanged, then one."""
    output = Path(words[words.index("--output-dir") + 1])
    runs = sum("quarterly_review" in earlier for earlier in asked)
    for number in {0: range(6), 1: (), 2: (3,)}[runs]:
        page = output / "2026Q3" / products.product_key(number) / "quarterly_review.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(str(runs))
        os.utime(page, ns=(runs, runs))


@pytest.fixture
def factory(monkeypatch):
    """Run nothing: each kind of command takes a set time, and makes the pages of its reports."""
    asked = []

    def take(words, *, env):
        if "benchmarks.peers" in words:
            return Usage(20.0, 30.0, 0.0)  # two reports: 6 a minute
        count = words.count("--product")
        if "quarterly_review" in words:
            _make_pages(words, asked)
        asked.append(list(words))
        each = 5.0 if env.get("KPIKIT_KERNELS") == "cold" else 2.5
        jobs = int(words[words.index("--jobs") + 1]) if "--jobs" in words else 2
        return Usage(2.0 * count, each * count + 1.0, 400.0 + 250.0 * jobs)

    def answer(words, **_):
        if "floor" in words:
            return 'shown by a cell\n{"cells": 2.2, "html": 0.1}\n'
        return json.dumps({"HTML": [0.7, 0.03, 0.05], "PDF": [0.9, 0.25, 0.35]})

    monkeypatch.setattr(runner, "run_command", take)
    monkeypatch.setattr(runner, "run_output", answer)
    monkeypatch.setattr(runner, "make_products", lambda *_: None)
    monkeypatch.setattr(runner, "change_data", lambda *_, **__: None)
    return asked


def test_the_factory_is_held_to_its_bars(factory):
    found = {figure.name: figure for figure in runner.measure(runner.QUICK)}

    assert {name: (one.value, one.bar) for name, one in found.items() if one.bar} == {
        "review of 6 products, HTML and PDF": (12.0, 180 * 6 / 100),
        "review of 6 products, unchanged": (12.0, 2),
        "review of 6 products, one changed": (1, 1),
        "review: its HTML after the first": (pytest.approx(0.04), 0.1),
        "review: its PDF after the first": (pytest.approx(0.3), 0.3),
        # 6 reports in 12 s are 30 a minute, the loop's 2 in 20 s are 6
        "heavy: reports a minute, of the loop's": (pytest.approx(5.0), 3),
        "light: reports a minute, of the loop's": (pytest.approx(5.0), 8),
        # 6 reports take 16 CPU s, 2.67 each, of 2.3 on the floor; each further one takes 2.5
        "heavy: CPU of its floor": (pytest.approx(16 / 6 / 2.3), 1.2),
        "heavy: kernel, papermill and seal": (pytest.approx(0.2), 0.2),
        "light: kernel, papermill and seal": (pytest.approx(0.2), 0.2),
        "memory of a further worker": (250.0, 350),
    }
    assert found["heavy: reports a minute, of the loop's"].met
    assert not found["light: reports a minute, of the loop's"].met
    assert found["light: CPU of its floor"].bar is None
    assert found["heavy: kpikit, cold kernels"].detail == "5.50 CPU s a report, 2 reports"
    assert factory[-1][factory[-1].index("--formats") + 1] == "html"


def test_a_hundred_products_are_reviewed_in_three_minutes():
    assert runner.FULL.products == 100
    assert runner.FULL.rounds >= 3


def test_a_change_that_no_report_follows_is_a_bar_missed(factory, monkeypatch):
    monkeypatch.setattr(runner, "_pages", lambda _: {"page": 1})

    figures = list(runner.measure(runner.QUICK))

    assert [figure.name for figure in figures if figure.value == 0 and not figure.met] == [
        "review of 6 products, one changed"
    ]


def test_charts_are_held_to_their_mean_and_the_heat_map_to_its_own(monkeypatch):
    took = [["plot_trend", 0.03], ["plot_cohorts", 0.13]]
    monkeypatch.setattr(charts, "run_output", lambda *_, **__: json.dumps(took))

    trend, heat_map, mean = charts.measure()

    assert (trend.name, round(trend.value), trend.bar) == ("chart 1, trend", 30, None)
    assert (round(heat_map.value), heat_map.bar, heat_map.met) == (130, 120, False)
    assert (mean.name, round(mean.value), mean.bar) == ("mean of 2 charts of the review", 80, 60)


def test_all_sections_of_the_review_are_shown():
    names = review.section_names()

    assert (names[:3], names[-1], len(names)) == (["cover", "summary", "scorecard"], "method", 22)
    assert all(callable(getattr(Report, name)) for name in names)


def test_each_round_draws_texts_as_if_they_were_new():
    learnt = dict(lettering._pairs)
    lettering.outline("Möwe 4711")

    charts.forget_texts(learnt)

    assert (lettering._pairs, lettering.outline.cache_info().currsize) == (learnt, 0)


def test_a_chart_is_what_its_function_and_its_figure_take(monkeypatch):
    clock = iter([1.0, 1.5, 2.0, 2.25])
    monkeypatch.setattr(charts.time, "process_time", lambda: next(clock))
    watch = charts.Stopwatch()

    def plot_trend():
        return "axes"

    def figure():
        return "figure"

    shown = [watch.timed(plot_trend)(), watch.timed(figure)()]

    assert shown == ["axes", "figure"]
    assert watch.charts == [("plot_trend", 0.75)]


@pytest.mark.parametrize(
    ("name", "code", "drawn", "tables"), [("heavy", 25, 8, 6), ("light", 8, 2, 3)]
)
def test_a_template_has_the_cells_that_it_promises(tmp_path, name, code, drawn, tables):
    cells = nbformat.read(write_templates(tmp_path)[name], as_version=4).cells

    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    shown = [one for one in sources if one.startswith(("frame.", "frame[[", "monthly."))]
    assert (len(sources), sum("plt.figure" in one for one in sources)) == (code, drawn)
    assert len(shown) == tables


def test_each_product_has_a_key_and_data_of_its_own(tmp_path):
    params = products.make_products(tmp_path, 4)

    keys = [products.product_key(number) for number in (0, 3)]
    loaded = [load_product(params / f"{key}.yml").params.product.key for key in keys]
    files = [tmp_path / "data" / key / "atlas" / "events.parquet" for key in keys]
    assert loaded == keys
    assert files[0].read_bytes() != files[1].read_bytes()
    assert 8_000 < len(pd.read_parquet(files[0])) < 12_000
