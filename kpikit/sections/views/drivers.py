"""Why a KPI moved: the exact contributions of its declared factors, for one segment or all."""

from collections.abc import Mapping

import pandas as pd

from kpikit.analysis.drivers import driver_table
from kpikit.errors import unknown_name
from kpikit.formats import format_delta
from kpikit.formulas import parse_formula
from kpikit.params.views import View
from kpikit.present.charts import figure, plot_waterfall
from kpikit.present.components import Component
from kpikit.present.drivers import driver_title, driver_tree_table
from kpikit.present.frames import records
from kpikit.present.titles import alt_text
from kpikit.sections.context import Context
from kpikit.sections.views import answers
from kpikit.sections.views.answers import Answer, Asking, Exhibit, Found, NothingFound, Option

_RESIDUE = "left unexplained"


def fill(context: Context, view: View) -> View:
    """Return the view with the first declared tree, against the year before."""
    drivers = context.params.drivers
    if not drivers:
        raise NothingFound(
            "No driver tree is declared.\nDeclare one under drivers: in "
            f"{context.loaded.path.name}, such as gross_revenue: orders * average_order_value."
        )
    metric = view.metric or next(iter(drivers))
    if metric not in drivers:
        where = f"drivers of {context.loaded.path.name}"
        raise unknown_name("driver tree", metric, where, drivers)
    return view.model_copy(
        update={"metric": metric, "comparison": view.comparison or "year_before"}
    )


def find(context: Context, view: View) -> Found:
    """Return the tree of the KPI between two periods."""
    metric = context.catalogue[str(view.metric)]
    inside = answers.context_of(context, view)
    names = _names(metric.name, context.params.drivers)
    metrics = [context.catalogue[name] for name in names]
    for one in metrics:
        answers.check_segment(one, context, view)
    base = inside.comparisons["previous" if view.comparison == "previous" else "year_before"]
    now = inside.comparisons["actual"]
    asking = Asking(inside)
    facts = asking.ask("facts", lambda: inside.facts_of(metrics, [base, now]))
    sides = [facts[facts["start"] == period.start] for period in (base, now)]
    for rows, period in zip(sides, (base, now), strict=True):
        unknown = rows[rows["value"].isna() & rows["metric"].isin(names)]
        if len(rows) == 0 or len(unknown):
            label = context.catalogue[unknown["metric"].iloc[0]].label if len(unknown) else "It"
            raise NothingFound(
                f"Why {metric.label} moved cannot be told: {label} has no value in "
                f"{period.label}.\nChoose another comparison, segment or period."
            )
    before, after = (dict(zip(rows["metric"], rows["value"], strict=True)) for rows in sides)
    formulas = context.params.drivers
    tree = driver_table(before, after, metric=metric.name, formulas=formulas)
    answer = Answer(_labelled(context, tree), asking.answers.pop("facts").sql)
    return Found(inside, view, {"tree": answer}, (metric, base, now))


def draw(found: Found) -> list[Exhibit]:
    """Return the bridge and the table of the tree."""
    answer = found.answers["tree"]
    return [Exhibit(_bridge(found), answer), Exhibit(_table(found), answer)]


def options(context: Context, view: View) -> dict[str, tuple[Option, ...]]:
    """Return the declared trees and the columns that their tables have."""
    known = context.catalogue
    metric = known[str(view.metric)]
    tables = {known[name].table for name in _names(metric.name, context.params.drivers)}
    columns = [set(answers.column_options(context, table)) for table in sorted(tables)]
    common = set.intersection(*map(set, columns)) if columns else set()
    return {
        "metric": tuple(Option(name, known[name].label) for name in context.params.drivers),
        "comparison": answers.named(("year_before", "year before"), ("previous", "period before")),
        "where": tuple(sorted(common, key=lambda option: option.value)),
    }


def _labelled(context: Context, tree: pd.DataFrame) -> pd.DataFrame:
    known = context.catalogue
    pairs = zip(tree["factor"], tree["parent"], strict=True)
    return tree.assign(
        label=[known[name].label if name in known else _RESIDUE for name in tree["factor"]],
        unit=[known[name if name in known else parent].unit for name, parent in pairs],
    )


def _bridge(found: Found) -> Component:
    metric, base, now = found.by
    context, tree = found.context, found.answers["tree"].frame
    root, parts = tree.iloc[0], tree[tree["level"] == 1]
    money = f", {context.currency}" if metric.unit == "money" else ""
    effects = [
        f"{row['label']} {format_delta(row['effect'], metric.unit, currency=context.currency)}"
        for row in records(parts)
    ]
    return figure(
        plot_waterfall(
            list(parts["label"]), list(parts["effect"]),
            start=(base.label, float(root["before"])), end=(now.label, float(root["after"])),
            unit=metric.unit, currency=context.currency, direction=metric.direction, size="full",
        ),
        title=driver_title(tree, unit=metric.unit, currency=context.currency, base=base.label),
        subtitle=f"{metric.label}{money}, {base.label} to {now.label}"
        f"{answers.segment_text(found.view)}",
        alt=alt_text("Waterfall", metric.label, metric.formula, effects),
    )  # fmt: skip


def _table(found: Found) -> Component:
    metric, base, now = found.by
    return driver_tree_table(
        found.answers["tree"].frame, unit=metric.unit, currency=found.context.currency,
        direction=metric.direction, periods=(base.label, now.label),
        subtitle="Shapley values, which sum to the change",
    )  # fmt: skip


def _names(metric: str, formulas: Mapping[str, str]) -> list[str]:
    """Return a metric and all factors of its tree."""
    found = [metric]
    for name in found:
        if name in formulas:
            found += [one for one in parse_formula(formulas[name]).names if one not in found]
    return found
