"""Registers in files beside the product's, and values overridden for one run."""

import datetime as dt

import pytest

from kpikit.errors import ParamsError
from kpikit.params.beside import REGISTERS


def test_every_list_of_entries_may_stand_in_a_file():
    assert [*REGISTERS] == [
        "targets", "goals", "actions", "annotations", "benchmarks", "campaigns", "milestones",
    ]  # fmt: skip


# -- registers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "metric,period,value\norders,2026Q3,120\nmau,2026-07,950\n",
        "metric;period;value\norders;2026Q3;120\n\n ; ; \nmau;2026-07;950\n",
        "period\tvalue\tmetric\n2026Q3\t120\torders\n2026-07\t950\tmau\n",
        '\ufeffmetric,period,value\r\n"orders","2026Q3",120\r\nmau , 2026-07 , 950\r\n',
    ],
)
def test_targets_may_stand_in_a_csv_file(text, load, write):
    write(text, "targets.csv")

    targets = load("targets: targets.csv").params.targets

    assert [(target.metric, target.period, target.value) for target in targets] == [
        ("orders", "2026Q3", 120.0), ("mau", "2026-07", 950.0),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["targets.yml", "targets.yaml"])
def test_targets_may_stand_in_a_yaml_file(name, load, write):
    write("- {metric: orders, period: 2026Q3, value: 120}\n", name)

    assert load(f"targets: {name}").params.targets[0].value == 120.0


def test_a_register_is_found_beside_the_product_not_where_one_stands(write, folder, monkeypatch):
    from kpikit.params import load_product  # noqa: PLC0415 - read where the folder is another

    (folder / "params").mkdir()
    write("metric,period,value\norders,2026Q3,120\n", "params/targets.csv")
    write("product: {key: a, name: A}\ntargets: targets.csv\n", "params/a.yml")

    assert load_product("params/a.yml").params.targets[0].metric == "orders"


def test_an_empty_cell_is_a_missing_value_and_a_cell_may_hold_a_list(load, write):
    write(
        "date,end,label,metrics\n2026-03-17,,Release 4,orders|mau\n2026-12-25,2026-12-26,Down,\n",
        "notes.csv",
    )

    first, second = load("annotations: notes.csv").params.annotations

    assert (first.end, first.metrics) == (None, ["orders", "mau"])
    assert (second.end, second.metrics) == (dt.date(2026, 12, 26), [])


def test_ids_in_a_csv_file_stay_text(load, write):
    write("key,milestone,planned\n007,1E5,2026-12-01\n", "milestones.csv")

    milestone = load("milestones: milestones.csv").params.milestones[0]

    assert (milestone.key, milestone.milestone) == ("007", "1E5")


def test_the_hash_follows_a_register_too(load, write):
    write("metric,period,value\norders,2026Q3,120\n", "targets.csv")
    before = load("targets: targets.csv")

    write("metric,period,value\norders,2026Q3,121\n", "targets.csv")

    assert load("targets: targets.csv").text_hash != before.text_hash


def test_mistakes_in_a_csv_file_are_told_of_file_and_line_after_the_products_own(message, write):
    write(
        "metric,period,value\n"
        "orders,2026Q3,many\n"
        "\n"
        '"or\nders",2026Q3,1\n'
        "orders,2026Q4,1,2\n"
        ",2026Q4,1\n",
        "a_targets.csv",
    )

    text = message("targets: a_targets.csv\nmetrics: [wua]\n")

    assert [line for line in text.splitlines() if not line.startswith("  ")][1:] == [
        "atlas.yml:3: metrics.0: unknown metric 'wua'.",
        "a_targets.csv:2: targets.0.value: 'many' is no number.",
        "a_targets.csv:4: targets.1.metric: unknown metric 'or",
        "ders'.",
        "a_targets.csv:6: the row has 4 cells, the header 3.",
        "a_targets.csv:7: targets.2.metric: is missing.",
    ]
    assert "  Quote a cell that holds the delimiter." in text


def test_mistakes_in_a_yaml_register_are_told_of_its_own_lines(message, write):
    write("- {metric: orders, period: 2026Q3, value: 1}\n- {metric: ordrs, value: 1}\n", "t.yml")

    text = message("targets: t.yml")

    assert "t.yml:2: targets.1.metric: unknown metric 'ordrs'." in text
    assert "t.yml:2: targets.1.period: is missing." in text


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("t.csv", "metric,perod,value,value\norders,2026Q3,1,2\n",
         "t.csv:1: unknown column 'perod'.\n  Did you mean 'period'? Columns: metric, period, val"),
        ("t.csv", "metric,perod,value,value\norders,2026Q3,1,2\n",
         "t.csv:1: column 'value' stands twice.\n  Delete one of the two."),
        ("t.csv", "", "targets: t.csv has no header.\n  Name the columns in its first line."),
        ("t.csv", 'metric,period,value\n"' + "x" * 200_000,
         "targets: t.csv:2: is not CSV: field larger than field limit (131072).\n  Look for a qu"),
        ("t.yml", "", "targets: t.yml holds no list.\n  Write one entry per line: - {...}."),
        ("t.yml", "a: 1", "targets: t.yml holds no list."),
        ("t.yml", "- [1", "targets: t.yml:1: is not YAML: expected ',' or ']'"),
        ("t.xlsx", "x", "targets: t.xlsx is neither CSV nor YAML.\n  Name a .csv, .yml or .yaml"),
        (None, "", "targets: t.csv does not exist.\n  Check the path and its spelling."),
    ],
)  # fmt: skip
def test_a_register_that_cannot_be_read_says_why(name, content, complaint, message, write):
    if name:
        write(content, name)

    assert complaint in message(f"targets: {name or 't.csv'}")


def test_nested_entries_do_not_fit_into_a_csv_file(message, write):
    write("key,objective,key_results\na,b,c\n", "goals.csv")

    text = message("goals: goals.csv")

    assert "goals.csv:1: column 'key_results' cannot stand in a CSV file.\n  Keep this reg" in text


def test_a_register_that_is_no_list_and_no_file_says_so(message):
    assert "targets: must be a list, and is a mapping." in message("targets: {metric: orders}")
    assert "segments: must be a list, and is 'a.csv'." in message("segments: a.csv")


# -- overrides ------------------------------------------------------------------------------------


def test_an_override_is_read_as_its_fields_type(load):
    loaded = load(
        "economics: {gross_margin: 0.9}\n",
        overrides=["product.name=00123", "economics.gross_margin=0.8", "source.as_of=2026-09-30"],
    )

    assert loaded.params.product.name == "00123"
    assert loaded.params.economics.gross_margin == 0.8
    assert loaded.params.source.as_of == dt.date(2026, 9, 30)


def test_an_override_may_be_a_list_or_a_mapping(load):
    loaded = load(
        "metrics: [orders]\neconomics:\n",
        overrides=["metrics=[mau, wau]", "economics={gross_margin: 0.8}", "segments=[007]"],
    )

    assert loaded.params.metrics == ["mau", "wau"]
    assert loaded.params.economics.gross_margin == 0.8
    assert loaded.params.segments == ["007"]


def test_an_override_reaches_into_lists_and_makes_what_is_missing(load):
    loaded = load(
        "targets:\n  - {metric: orders, period: 2026Q3, value: 1}\n",
        overrides=["targets.0.value=5", "retention.max_age=6", "product.owner=a = b"],
    )

    assert loaded.params.targets[0].value == 5.0
    assert loaded.params.retention.max_age == 6
    assert loaded.params.product.owner == "a = b"


def test_an_override_of_a_whole_entry_replaces_it(load):
    loaded = load("metrics: [orders, mau]\n", overrides=["metrics.1=wau"])

    assert loaded.params.metrics == ["orders", "wau"]


def test_an_override_leaves_alone_what_an_anchor_shares(load):
    loaded = load(
        """
        source:
          tables:
            orders: &shop {files: orders.csv, decimal: ","}
            costs: *shop
        """,
        overrides=["source.tables.costs.files=costs.csv"],
    )

    tables = loaded.params.source.tables
    assert (tables["orders"].files, tables["costs"].files) == ("orders.csv", "costs.csv")
    assert tables["costs"].decimal == ","


def test_an_override_names_another_register(load, write):
    write("metric,period,value\norders,2026Q3,120\n", "stretch.csv")

    loaded = load("targets: base.csv", overrides=["targets=stretch.csv"])

    assert loaded.params.targets[0].value == 120.0


def test_the_hash_follows_overrides(load):
    assert load(overrides=["retention.max_age=6"]).text_hash != load().text_hash


def test_a_mistake_in_an_override_is_told_of_the_command_line(message):
    text = message("economics:\n  gross_margin: 0.9\n", overrides=[
        "economics.gross_margn=0.8", "economics.gross_margin=much", "metrics=[wua]",
    ])  # fmt: skip

    assert (
        "--set economics.gross_margn: economics.gross_margn: unknown key 'gross_margn'.\n"
        "  Did you mean 'gross_margin'?"
    ) in text
    assert "--set economics.gross_margin: economics.gross_margin: 'much' is no number." in text
    assert "unknown metric 'wua'" in text


@pytest.mark.parametrize("text", ["economics.gross_margin", "=5", "a..b=5", ".a=5"])
def test_an_override_assigns_a_value_to_a_key(text, load):
    with pytest.raises(ParamsError, match=r"assigns nothing.\nWrite key=value: --set economics"):
        load(overrides=[text])


def test_an_override_never_repeats_a_password(load):
    with pytest.raises(ParamsError, match="assigns nothing") as caught:
        load(overrides=["postgres://me:hunter2@db"])

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["metrics.1", "metrics.first", "metrics.-1"])
def test_a_position_is_in_its_list(key, load):
    with pytest.raises(ParamsError, match=r"is no position in a list of 1.\nPositions count from"):
        load("metrics: [orders]", overrides=[f"{key}=mau"])


def test_nothing_lies_below_a_single_value(load):
    with pytest.raises(
        ParamsError, match=r"--set product.name.x: there is nothing below a single value.\nShorten"
    ):
        load(overrides=["product.name.x=5"])


def test_an_override_in_brackets_is_yaml(load):
    with pytest.raises(ParamsError, match="--set metrics:1: is not YAML"):
        load(overrides=["metrics=[orders"])
