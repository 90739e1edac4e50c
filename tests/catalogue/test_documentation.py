"""The examples of the documentation work as they stand."""

import re
from pathlib import Path

from kpikit.catalogue import Metric, metrics_of, own

PAGE = (Path(__file__).parents[2] / "docs" / "own_metrics.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL).group(1)


def test_the_yaml_example_defines_what_it_lists(product):
    metrics = metrics_of(product(block("yaml")))

    assert metrics["web_share"].n_of == "orders"
    assert metrics["app_rating"].formula == "Mean of value where metric is app_rating."


def test_the_python_example_is_five_lines_long_and_adds_its_metric(write, product):
    text = block("python")
    write("shop_metrics.py", text)

    assert isinstance(metrics_of(product())["big_orders"], Metric)
    assert len(text.splitlines()) == 5


def test_the_python_example_is_the_one_in_the_module():
    indented = "".join(f"    {line}\n" for line in block("python").splitlines())

    assert indented in own.__doc__


def test_the_package_example_names_the_right_group():
    assert f'[project.entry-points."{own.ENTRY_POINT_GROUP}"]' in block("toml")
