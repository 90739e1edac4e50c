"""What the next period aims at: declared targets with their chance, proposals for the rest."""

import dataclasses

import pandas as pd
import pytest

from kpikit.errors import ParamsError
from kpikit.present.components import Absence, Paragraph, Row
from kpikit.present.prospects import proposals_title
from kpikit.sections.outlook import outlook_section
from kpikit.sections.prospects import prospect_table
from tests.sections.conftest import WAVE, metric_of, orders_of

YAML = """
    source: {{as_of: {as_of}, tables: {{orders: {{files: orders.csv}}}}}}
    metrics: [{metrics}]
    targets: {targets}
"""


@pytest.fixture
def shop_of(open_context):
    def open_(
        *, amounts=WAVE, metrics="net_revenue, refunds", targets="[]", as_of="2026-09-30",
        period="2026Q3",
    ):  # fmt: skip
        yaml = YAML.format(as_of=as_of, metrics=metrics, targets=targets)
        return open_context(yaml, {"orders.csv": orders_of(amounts)}, period=period)

    return open_


def table_of(context):
    return outlook_section(context).items[0]


def test_a_declared_target_has_its_chance_and_no_proposal(shop_of):
    targets = "[{metric: net_revenue, period: 2026Q4, value: 330}]"

    row = table_of(shop_of(targets=targets)).rows[0]

    assert (row["target"], row["p_hit"]) == ("€330", "< 1 %")
    assert (row["p_50"], row["p_80"]) == ("", "")
    assert row["naive"] == f"€{sum(WAVE[21:24])}.00"


def test_a_kpi_without_a_target_has_proposals_hit_with_their_probability(shop_of):
    context = shop_of()
    revenue = metric_of(context, "net_revenue")
    frame = prospect_table(context, [(revenue, context.calendar.parse("2026Q4"))])

    row = table_of(context).rows[0]

    shown = frame.iloc[0]
    assert row["p_50"] == f"€{shown['p_50']:.2f}"
    assert row["p_80"] == f"€{shown['p_80']:.2f}"
    assert shown["low_80"] < shown["p_80"] < shown["p_50"] == shown["mean"]
    assert row["target"] == ""


def test_what_shall_fall_is_proposed_as_a_most(shop_of):
    amounts = [-amount for amount in WAVE]

    frame_row = table_of(shop_of(amounts=amounts, metrics="refunds")).rows[0]

    low, high = (float(frame_row[name].removeprefix("at most €")) for name in ("p_50", "p_80"))
    assert low < high


def test_the_running_quarter_is_the_one_that_is_aimed_at(shop_of):
    targets = "[{metric: net_revenue, period: 2026Q3, value: 150}]"

    table = table_of(shop_of(targets=targets, as_of="2026-08-31"))

    assert table.title == "1 target is declared for 2026Q3, likely to be hit; 1 is proposed"


def test_a_declared_target_without_a_forecast_still_stands_there(shop_of):
    targets = "[{metric: nps, period: 2026Q4, value: 40}]"

    rows = table_of(shop_of(metrics="net_revenue, nps", targets=targets)).rows

    assert [row["kpi"] for row in rows] == ["Net revenue", "NPS"]
    assert (rows[1]["target"], rows[1]["p_hit"], rows[1]["interval"]) == ("40", "–", "–")


def test_several_declared_and_several_proposed_targets_stand_side_by_side(shop_of):
    three = "net_revenue, orders, average_order_value"
    more = "gross_revenue, paying_users, new_customers"
    targets = "[" + ", ".join(
        f"{{metric: {name}, period: 2026Q4, value: 3}}" for name in three.split(", ")
    ) + "]"  # fmt: skip

    row = table_of(shop_of(metrics=f"{three}, {more}", targets=targets))

    assert isinstance(row, Row)
    declared, proposed = row.items
    assert declared.title.startswith("3 targets are declared for 2026Q4, ")
    assert proposed.title == "3 are proposed for KPIs without one"
    assert {column.key for column in declared.columns} & {"p_50", "p_80"} == set()
    assert {column.key for column in proposed.columns} & {"target", "p_hit"} == set()
    assert len(declared.rows) == len(proposed.rows) == 3


def test_kpis_with_neither_target_nor_history_are_named(shop_of):
    section = outlook_section(shop_of(metrics="net_revenue, nps"))

    (line,) = [item.text for item in section.items if isinstance(item, Paragraph)]
    assert line.startswith("Neither a target nor a history to propose one from: NPS.")


def test_three_points_propose_nothing(shop_of):
    context = shop_of(
        amounts=[100, 110, 120], metrics="net_revenue", as_of="2024-03-31", period="2024Q1"
    )

    (absence,) = outlook_section(context).items

    assert isinstance(absence, Absence)
    assert absence.text == (
        "No target is declared for 2024Q2, and no KPI has a history of 8 periods from which to "
        "propose one. Declare some under targets:."
    )


def test_three_points_with_a_target_show_its_chance_and_no_proposal(shop_of):
    context = shop_of(
        amounts=[100, 110, 120],
        metrics="net_revenue",
        targets="[{metric: net_revenue, period: 2024Q2, value: 350}]",
        as_of="2024-03-31",
        period="2024Q1",
    )

    (row,) = table_of(context).rows

    assert row["target"] == "€350"
    assert (row["p_50"], row["p_80"]) == ("", "")


def test_a_target_without_a_date_is_an_error_before_the_run(shop_of):
    with pytest.raises(ParamsError, match=r"targets\.0\.period: is missing"):
        shop_of(targets="[{metric: net_revenue, value: 350}]")


def test_a_definition_that_changed_is_named(shop_of):
    context = shop_of(metrics="net_revenue")
    newer = tuple(dataclasses.replace(metric, version=2) for metric in context.metrics)
    vars(context)["metrics"] = newer

    assert outlook_section(context).items[-1].text == (
        "Definitions changed: Net revenue (version 2). What an earlier version published does not "
        "compare."
    )


@pytest.mark.parametrize(
    ("targets", "chances", "title"),
    [
        ([1.0, 2.0, None], [0.9, 0.2, None],
         "2 targets are declared for 2026Q4, 1 of them likely to be hit; 1 is proposed"),
        ([1.0, 2.0], [0.1, 0.2],
         "2 targets are declared for 2026Q4, none of them likely to be hit"),
        ([1.0], [0.1], "1 target is declared for 2026Q4, not likely to be hit"),
        ([None, None], [None, None], "No target is declared for 2026Q4; 2 are proposed"),
    ],
)  # fmt: skip
def test_the_title_counts_targets_and_proposals(targets, chances, title):
    frame = pd.DataFrame({"target": targets, "p_hit": chances}, dtype=float)

    assert proposals_title(frame, "2026Q4") == title
