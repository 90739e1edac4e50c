"""A product's file: read by the schema, every mistake with file, line and what to do."""

import datetime as dt
import hashlib
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpikit.errors import ParamsError
from kpikit.params import load_product
from kpikit.params.model import BatchSpan, Constant, FunnelStepParams, Product
from kpikit.periods import Calendar

DATA = Path(__file__).parent / "data"


def test_the_example_of_the_design_loads_as_it_stands():
    path = DATA / "online_retail.yml"

    loaded = load_product(path, known_metrics=["average_order_value", "net_revenue", "orders"])

    params = loaded.params
    lines = params.source.tables["order_lines"]
    assert loaded.key == "online_retail"
    assert loaded.path == path
    assert loaded.calendar == Calendar(timezone="Europe/London")
    assert params.product.owner == "..."
    assert lines.columns["user_id"] == "Customer ID"
    assert lines.deduplicate.doubled_batch == BatchSpan.model_validate(
        {"from": dt.date(2010, 12, 1), "to": dt.date(2010, 12, 9)}
    )
    assert [rule.as_ for rule in lines.classify] == ["refund", "adjustment"]
    assert params.metrics == ["net_revenue", "orders", "average_order_value"]
    assert (params.targets[0].period, params.targets[0].value) == ("2011Q3", 2_600_000.0)
    assert params.funnels["checkout"].steps == ["product_view", "add_to_cart", "purchase"]
    test = params.experiments["onboarding"]
    assert (test.variants, test.control) == ({"control": 0.5, "treatment": 0.5}, "control")
    assert (test.start, test.end, test.days) == (dt.date(2026, 5, 1), dt.date(2026, 5, 28), 28)
    assert (test.primary, test.alpha, test.looks) == ("conversion", 0.05, 1)
    assert [(one.metric, one.margin) for one in test.guardrails] == [("refund_rate", 0.01)]


def test_key_and_name_are_enough(load):
    loaded = load()

    assert loaded.params.product.timezone == "UTC"
    assert loaded.params.source.connection == "duckdb://"
    assert loaded.params.retention.max_age == 12
    assert loaded.params.targets == []


def test_what_is_commented_out_or_null_has_its_default(load):
    loaded = load("metrics:\n  # - orders\nsource: ~\nsegments: null\nactivation:\n")

    assert loaded.params.metrics == []
    assert loaded.params.source.tables == {}
    assert loaded.params.segments == []
    assert loaded.params.activation is None


def test_text_stays_as_it_was_written(load):
    loaded = load(
        """
        source:
          tables:
            events:
              files: [2026-01.csv, 007]
              columns: {event: 1E5, plan: {value: 00123}, country: {value: no}}
              null_values: ["", NA, null, ~, 0]
        segments: [yes, 1.10]
        owners: {orders: 00123}
        """,
        head="product: {key: 00123, name: no, owner: 1E5}\n",
    )

    events = loaded.params.source.tables["events"]
    assert loaded.key == "00123"
    assert (loaded.params.product.name, loaded.params.product.owner) == ("no", "1E5")
    assert events.files == ["2026-01.csv", "007"]
    assert events.columns == {
        "event": "1E5", "plan": Constant(value="00123"), "country": Constant(value="no"),
    }  # fmt: skip
    assert events.null_values == ["", "NA", "null", "~", "0"]
    assert loaded.params.segments == ["yes", "1.10"]
    assert loaded.params.owners == {"orders": "00123"}


def test_days_are_days_numbers_are_numbers_and_constants_are_what_they_look_like(load):
    loaded = load(
        """
        source:
          as_of: 2026-10-31
          tables:
            survey:
              files: answers.csv
              columns: {answer_time: {value: 2020-01-15}, weight: {value: 2}, wave: {value: "2"}}
        economics: {gross_margin: "0.8", trial_days: 030}
        funnels:
          pay:
            window: 12h
            steps: [start, {name: paid, event: [pay, invoice], where: {plan: [pro, 1], new: false}}]
        """
    )

    params = loaded.params
    columns = params.source.tables["survey"].columns
    assert params.source.as_of == dt.date(2026, 10, 31)
    assert columns["answer_time"].value == dt.date(2020, 1, 15)
    assert columns["weight"].value == 2
    assert columns["wave"].value == "2"
    assert params.economics.gross_margin == 0.8
    assert params.economics.trial_days == 30
    assert params.funnels["pay"].steps[1] == FunnelStepParams(
        name="paid", event=["pay", "invoice"], where={"plan": ["pro", 1], "new": False}
    )


def test_false_is_kept(load):
    loaded = load(
        """
        define:
          - name: paid_share
            label: Paid
            question: Who pays?
            table: events
            numerator: {count: true, where: [{column: paid, equals: false}]}
            leading: false
        source: {tables: {events: {files: e.csv}}}
        """
    )

    metric = loaded.params.define[0]
    assert metric.leading is False
    assert metric.numerator.where[0].equals is False


def test_anchors_and_merged_keys_serve_as_in_yaml(load):
    loaded = load(
        """
        source:
          tables:
            orders: &shop {files: orders.csv, decimal: ",", encoding: cp1252}
            costs: {<<: *shop, files: costs.csv}
        """
    )

    costs = loaded.params.source.tables["costs"]
    assert (costs.files, costs.decimal, costs.encoding) == ("costs.csv", ",", "cp1252")


def test_a_place_is_file_and_line_of_a_key_or_of_the_nearest_above(load, folder):
    loaded = load("targets:\n  - metric: orders\n    period: 2026Q3\n    value: 5\n")

    assert loaded.place("product.key") == "atlas.yml:1"
    assert loaded.place("targets.0.value") == "atlas.yml:5"
    assert loaded.place("product.timezone") == "atlas.yml:1"
    assert loaded.place("source.tables") == str(folder / "atlas.yml")


def test_the_hash_follows_the_text(load):
    first, again, other = load(), load(), load("segments: [plan]")

    assert first.text_hash == again.text_hash
    assert first.text_hash != other.text_hash
    assert len(first.text_hash) == len(hashlib.sha256().hexdigest())


def test_a_loaded_product_can_be_sent_to_another_process(load):
    loaded = load("targets: [{metric: orders, period: 2026Q3, value: 5}]")

    assert pickle.loads(pickle.dumps(loaded)) == loaded


def test_metrics_may_be_named_by_a_function_of_the_path(load):
    asked = []

    def names_at(path):
        asked.append(path.name)
        return ["orders"]

    loaded = load("metrics: [orders]", known_metrics=names_at)

    assert loaded.params.metrics == ["orders"]
    assert asked == ["atlas.yml"]


def test_metrics_go_unchecked_where_their_names_are_not_known(load):
    assert load("metrics: [whatever]", known_metrics=None).params.metrics == ["whatever"]


# -- mistakes in the form of the file -------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "# a comment alone\n", "---\n"])
def test_an_empty_file_says_how_to_begin(text, write):
    with pytest.raises(ParamsError, match=r"atlas.yml is empty.\nBegin with: product: \{key"):
        load_product(write(text))


def test_a_list_is_no_product(write):
    with pytest.raises(
        ParamsError, match=r"atlas.yml:2: holds a list, and a product's file is a mapping"
    ) as caught:
        load_product(write("# targets\n- {metric: orders}\n"))

    assert "A register is named in its product's file." in str(caught.value)


def test_a_single_value_is_no_product(write):
    with pytest.raises(ParamsError, match=r"atlas.yml:1: holds a single value"):
        load_product(write("atlas"))


def test_a_missing_file_is_named_as_it_was_given(folder):
    with pytest.raises(ParamsError, match=r"^params/atlas.yml does not exist"):
        load_product("params/atlas.yml")


# -- mistakes in what it says ---------------------------------------------------------------------


def test_all_mistakes_are_told_in_one_go_in_order_of_their_lines(message):
    text = message(
        """\
        metrics: [orders, wua]
        economics: {gross_margin: 1.5}
        targets:
          - {metric: orders, period: 2026Q5, value: many}
        retntion: {}
        """,
        head="product: {key: atlas, name: Atlas, stage: mature}\n",
    )

    assert text == (
        "atlas.yml has 6 mistakes.\n"
        "atlas.yml:1: product.stage: unknown value 'mature'.\n"
        "  Did you mean 'maturity'? Defined: decline, growth, introduction, maturity.\n"
        "atlas.yml:2: metrics.1: unknown metric 'wua'.\n"
        "  Did you mean 'wau'? Defined: average_order_value, mau, net_revenue, orders, refunds,"
        " wau.\n"
        "atlas.yml:3: economics.gross_margin: must be at most 1, and is 1.5.\n"
        "  Give gross_margin: Share of revenue kept, 0 to 1.\n"
        "atlas.yml:5: targets.0.period: '2026Q5' is no period: its form is unknown.\n"
        "  Write one of: 2026Q3, 2026 (fiscal year), 2026-07 (month), 2026-W31 (week),"
        " 2026-07-15 (day).\n"
        "atlas.yml:5: targets.0.value: 'many' is no number.\n"
        "  Write digits and a decimal point alone, such as 2600000; a share is 0 to 1.\n"
        "atlas.yml:6: retntion: unknown key 'retntion'.\n"
        "  Did you mean 'retention'? Defined: actions, activation, annotations, benchmarks,"
        " campaigns, conversion, define, drivers, economics, experiments, features, funnels, goals,"
        " leading_indicators, metrics, milestones, owners, product, retention, segments, source,"
        " targets, themes, views."
    )


def test_one_mistake_is_one(message):
    assert message("metrics: [wua]").startswith("atlas.yml has 1 mistake.\n")


def test_a_missing_product_is_told_of_the_file(write):
    with pytest.raises(ParamsError, match=r"atlas.yml:1: product: is missing.\n  Give product: "):
        load_product(write("metrics: []\n"))


def test_a_missing_key_is_told_of_where_it_belongs(message):
    text = message("targets:\n  - period: 2026Q3\n    value: 5\n")

    assert "atlas.yml:3: targets.0.metric: is missing.\n" in text
    assert "Give metric: Name of the metric. For example: net_revenue." in text


def test_an_empty_required_value_says_what_to_give(message):
    text = message("", head="product: {key: atlas, name: }\n")

    assert "product.name: is empty.\n  Give text, or delete the key." in text


def test_a_key_that_stands_twice_is_told_of_with_both_lines(message):
    text = message("metrics: [orders]\nsegments: [plan]\nmetrics: [mau]\n")

    assert (
        "atlas.yml:4: metrics: 'metrics' stands here for the second time, first in line 2." in text
    )
    assert "Keep one of the two." in text


def test_thousands_marks_inside_braces_are_recognised(message):
    text = message("targets: [{metric: orders, period: 2026Q3, value: 2,600,000}]")

    assert "targets.0.600: unknown key '600'.\n  Inside { } a comma begins a new key" in text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("metrics: orders", "metrics: must be a list, and is 'orders'.\n  Write [one, two], or"),
        ("metrics: {orders: 1}", "metrics: must be a list, and is a mapping."),
        ("define: [{unit: [share]}]", "define.0.unit: must be a word, and is a list.\n  Write a s"),
        ("source: [1]", "source: must be a mapping, and is a list."),
        ("source: duckdb", "source: must be a mapping, and is 'duckdb'.\n  Write key: value"),
        ("segments: [[plan]]", "segments.0: must be text, and is a list."),
        ("funnels: {a: {steps: [1, {name: x, event: {y: z}}]}}",
         "funnels.a.steps.1.event: must be text or a list, and is a mapping."),
        ("segments:\n  -\n", "segments.0: is empty.\n  Give text, or delete the key."),
        ("? [a]\n: 1", "a key is no text.\n  Write a name before the colon."),
        ("source: {tables: {order: {files: x}}}",
         "source.tables.order: unknown table 'order'.\n  Did you mean 'orders'?"),
        ("source: {as_of: 2026-02-30}",
         "source.as_of: '2026-02-30' is no day: day is out of range for month."),
        ("source: {tables: {survey: {files: x, columns: {answer_time: {value: 2026-02-30}}}}}",
         "columns.answer_time.value: '2026-02-30' is no day"),
        ("experiments: {a: {variants: {x: 1}}}",
         "experiments.a.variants: must have at least 2 entries, and is {'x': 1.0}"),
        ("source: {tables: {orders: {files: x, delimiter: ';;'}}}",
         "delimiter: must have at most 1 character(s), and is ';;'."),
        ("benchmarks: [{metric: orders, value: 1, source: '', date: 2026-01-01}]",
         "benchmarks.0.source: must not be empty, and is ''."),
        ("retention: {max_age: 0}", "retention.max_age: must be at least 1, and is 0."),
        ("economics: {gross_margin: 0}", "economics.gross_margin: must be above 0, and is 0.0."),
        ("experiments: {a: {alpha: 1}}", "experiments.a.alpha: must be below 1, and is 1.0."),
        ("define: [{name: Refund Rate}]",
         "define.0.name: must have the form ^[a-z][a-z0-9_]*$, and is 'Refund Rate'."),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_form_says_which_is_right(message, text, complaint):
    assert complaint in message(text)


def test_one_wrong_entry_does_not_hide_those_of_its_neighbours(message):
    text = message(
        """\
        targets:
          - 5
          - {metric: orders, value: 1}
          - {metric: ordrs, period: 2026Q3, value: 1}
          - {metric: orders, period: 2026Q3, value: 1}
          - {metric: orders, period: 2026-Q3, value: 2}
        """
    )

    assert "atlas.yml:3: targets.0: must be a mapping, and is '5'." in text
    assert "atlas.yml:4: targets.1.period: is missing." in text
    assert "atlas.yml:5: targets.2.metric: unknown metric 'ordrs'." in text
    assert "a second target for orders in 2026-Q3" in text
    assert text.startswith("atlas.yml has 4 mistakes.")


def test_a_broken_calendar_still_lets_periods_be_read(message):
    text = message(
        "targets: [{metric: orders, period: 2026Q5, value: 1}]",
        head="product: {key: atlas, name: Atlas, timezone: Mars/Base, week_start: mon}\n",
    )

    assert "product.timezone: Time zone 'Mars/Base' does not exist." in text
    assert "product.week_start: unknown value 'mon'.\n  Did you mean 'monday'?" in text
    assert "targets.0.period: '2026Q5' is no period" in text
    assert text.startswith("atlas.yml has 3 mistakes.")


def test_targets_are_read_in_the_products_own_calendar(load):
    loaded = load(head="product: {key: a, name: A, fiscal_year_start: 4, week_start: sunday}\n")

    assert loaded.calendar.parse("2026Q1").start == dt.date(2025, 4, 1)
    assert loaded.calendar.week_start == "sunday"


# -- secrets --------------------------------------------------------------------------------------


def test_a_reference_is_kept_as_it_is_and_never_expanded(load, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_URL", "postgres://me:hunter2@db/sales")

    loaded = load("source: {connection: '${WAREHOUSE_URL}'}")

    assert loaded.params.source.connection == "${WAREHOUSE_URL}"
    assert "hunter2" not in repr(loaded)


def test_a_reference_elsewhere_is_refused(message):
    text = message("source: {tables: {orders: {files: 'data/${SHOP}.csv'}}}")

    assert "source.tables.orders.files: refers to the environment with ${...}.\n" in text
    assert "  Only source.connection may; elsewhere write the value itself." in text


def test_a_password_in_the_file_is_refused_and_not_repeated(message):
    text = message("source: {connection: 'postgres://me:hunter2@db/sales'}")

    assert "source.connection: holds a password.\n  Write ${NAME} in its place" in text
    assert "hunter2" not in text


def test_a_malformed_reference_is_refused(message):
    text = message("source: {connection: 'postgres://me:${PASS WORD}@db/sales'}")

    assert "refers to the environment in a form that is not ${NAME}.\n  A name has letters" in text


# -- cost -----------------------------------------------------------------------------------------


def test_loading_parameters_loads_neither_pandas_nor_ibis():
    code = (
        "import sys, kpikit.params; "
        "print([name for name in ('pandas', 'numpy', 'ibis', 'duckdb', 'matplotlib')"
        " if name in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code],
        check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ).stdout  # fmt: skip

    assert printed.strip() == "[]"


# -- whatever is written --------------------------------------------------------------------------

ODD = ["null", "~", "[]", "{}", "[1, {a: b}]", "{a: [1]}", "-1", "1e400", ".nan", "no", '""',
       "2026-02-30", '"${A}"', "&a 1", "*a", "!!int 5", "<<", "a: b", "|", "\t", "- -", "? x", "٣",
       "'", "}", "]"]  # fmt: skip


@given(position=st.integers(0, 10_000), odd=st.sampled_from(ODD), keep=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_written_the_answer_is_a_product_or_its_mistakes(position, odd, keep, write):
    text = (DATA / "online_retail.yml").read_text(encoding="utf-8")
    words = [*re.finditer(r"[^\s,{}\[\]:]+", text)]
    word = words[position % len(words)]
    spoilt = text[: word.end() if keep else word.start()] + odd + text[word.end() :]

    try:
        outcome = load_product(write(spoilt)).params
    except ParamsError as error:
        outcome = str(error)

    assert isinstance(outcome, Product) or outcome.startswith("atlas.yml")
