"""Section 6: which factors and segments made the change."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from kpikit.analysis.drivers import driver_table, mix_rate_table, segment_search
from kpikit.analysis.drivers.search import LEAST_STEPS
from kpikit.catalogue import Metric
from kpikit.errors import AnalysisError
from kpikit.formats import format_delta
from kpikit.formulas import parse_formula
from kpikit.periods import Period
from kpikit.present.charts import figure, plot_waterfall
from kpikit.present.components import Callout, Component, Figure, Paragraph, Row, Stack
from kpikit.present.drivers import (
    driver_title,
    driver_tree_table,
    mix_table,
    mix_title,
    search_table,
    search_title,
)
from kpikit.present.frames import in_words, records
from kpikit.present.sentences import mid_sentence
from kpikit.present.titles import alt_text
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.parts import (
    ask_ahead,
    has_column,
    mix_metrics,
    search_metrics,
)

_MOST_TREES = 2
_PER_YEAR = {"day": 364, "week": 52, "month": 12, "quarter": 4, "year": 1}
_SAME = 1e-6  # what segments may miss of their total, relative, and still make it up
_RESIDUE_LABEL = "left unexplained"
_NO_TREE = (
    "No driver tree is declared. Write one under drivers:, such as {net_revenue: orders * "
    "average_order_value}."
)


@dataclass(frozen=True)
class _Change:
    """Two periods that are compared, like for like."""

    before: Period
    after: Period


def drivers_section(context: Context) -> Stack:
    """Return the declared trees with exact contributions, mix against rate, and the search."""
    items = [*_trees(context), *_by_segment(context)]
    if items:
        remarks = () if context.params.drivers else (Paragraph(_NO_TREE, small=True),)
        return Stack((*items, *remarks))
    return nothing_to_show(_NO_TREE, "No KPI of the scorecard has a change by segments either.")


def _trees(context: Context) -> Iterator[Component]:
    drivers = context.params.drivers
    factors = {name for text in drivers.values() for name in parse_formula(text).names}
    for name in [name for name in drivers if name not in factors][:_MOST_TREES]:
        yield from _tree(context, context.catalogue[name])


def _tree(context: Context, metric: Metric) -> Iterator[Component]:
    """Yield the bridge and the table of a tree, or why its change cannot be told."""
    formulas = context.params.drivers
    names = _names_of(metric.name, formulas)
    metrics = [context.catalogue[name] for name in names]
    facts = context.facts_of(metrics, context.comparisons.values())
    change = _base(context, facts, names)
    before, after = (_values(facts, period) for period in (change.before, change.after))
    if missing := _missing(context, facts, change):
        yield Callout(f"Why {metric.label} moved cannot be told: {missing}.", tone="warning")
        return
    try:
        tree = driver_table(before, after, metric=metric.name, formulas=formulas)
    except AnalysisError as error:  # a formula that divides by zero
        what = str(error).partition("\n")[0]
        yield Callout(f"Why {metric.label} moved cannot be told: {what}", tone="warning")
        return
    known = context.catalogue
    tree = tree.assign(
        label=[known[n].label if n in known else _RESIDUE_LABEL for n in tree["factor"]],
        unit=[
            known[name if name in known else parent].unit
            for name, parent in zip(tree["factor"], tree["parent"], strict=True)
        ],
    )
    base = context.basis.base_of("yoy" if change.before == _year_before(context) else "qoq")
    formula = f"{metric.label} = {_formula_text(context, formulas[metric.name])}"
    exact = " (no identity)" if tree["is_residue"].any() else ""
    table = driver_tree_table(
        tree,
        unit=metric.unit,
        currency=context.currency,
        direction=metric.direction,
        periods=(base, change.after.label),
        subtitle=f"{formula}{exact}; Shapley values, which sum to the change",
    )
    yield Row((_bridge(context, metric, tree, change, base), table), (1.0, 1.0))


def _missing(context: Context, facts: pd.DataFrame, change: _Change) -> str:
    """Return the first factor without a value in one of the periods, and why; else nothing."""
    for period in (change.before, change.after):
        rows = facts[(facts["start"] == period.start) & (facts["end"] == period.end)]
        for row in records(rows[rows["value"].isna()]):
            label = context.catalogue[row["metric"]].label
            return f"{label} has no value in {period.label} ({row['reason'] or 'unknown'})"
        if period == change.before and not rows["complete"].all():
            return f"the data cover {period.label} only in part"
    for metric in (context.catalogue[name] for name in facts["metric"].unique()):
        if gap := metric.definition_gap(change.before, change.after):
            return f"{metric.label} is not comparable, {gap}"
    return ""


def _formula_text(context: Context, formula: str) -> str:
    """Return a formula with the labels of its metrics in place of their names."""

    def label(found: re.Match[str]) -> str:
        metric = context.catalogue.get(found.group())
        return found.group() if metric is None else mid_sentence(metric.label)

    return re.sub(r"[A-Za-z_]\w*", label, formula).replace("*", "×").replace(" - ", " − ")


def _bridge(
    context: Context, metric: Metric, tree: pd.DataFrame, change: _Change, base: str
) -> Figure:
    root, parts = tree.iloc[0], tree[tree["level"] == 1]
    axes = plot_waterfall(
        list(parts["label"]),
        list(parts["effect"]),
        start=(base, float(root["before"])),
        end=(change.after.label, float(root["after"])),
        unit=metric.unit,
        currency=context.currency,
        direction=metric.direction,
        size="small",
    )
    title = driver_title(tree, unit=metric.unit, currency=context.currency, base=base)
    effects = [
        f"{row['label']} {format_delta(row['effect'], metric.unit, currency=context.currency)}"
        for row in records(parts)
    ]
    money = f", {context.currency}" if metric.unit == "money" else ""
    return figure(
        axes,
        title=title,
        subtitle=f"{metric.label}{money}, {base} to {change.after.label}",
        alt=alt_text("Waterfall", metric.label, metric.formula, effects),
    )


def _by_segment(context: Context) -> list[Component]:
    """Return mix against rate of the first rate, and the search of the first KPI, side by side."""
    ask_ahead(context)
    tables = [*_mix(context), *_search(context)]
    return [Row(tuple(tables), (1.0, 1.0))] if len(tables) == 2 else tables


def _mix(context: Context) -> list[Component]:
    for metric in mix_metrics(context):
        for dimension in context.params.segments:
            found = _parted(context, metric, dimension, list(context.comparisons.values()))
            if found is None:
                continue
            change = _base(context, found, [], by_segment=True)
            if _is_broken(metric, found, change):
                continue
            sides = [_side(found, period) for period in (change.before, change.after)]
            if any(side["weight"].sum() <= 0 for side in sides):
                continue
            mix = mix_rate_table(*sides, segment="segment", weight="weight", rate="rate")
            base = context.basis.base_of("yoy" if change.before == _year_before(context) else "qoq")
            name = in_words(dimension)
            table = mix_table(
                mix,
                direction=metric.direction,
                title=mix_title(mix, label=metric.label, base=base),
                subtitle=f"By {name}, {base} to {change.after.label}; mix and rates after Kitagawa",
                dimension=name.capitalize(),
            )
            return [table]
    return []


def _search(context: Context) -> list[Component]:
    periods, year = list(context.past), _PER_YEAR[context.period.grain]
    lag = year if len(periods) > year + LEAST_STEPS else 1  # over a year, if often enough
    for metric in search_metrics(context):
        parts = [
            found.assign(dimension=dimension)
            for dimension in context.params.segments
            if (found := _parted(context, metric, dimension, periods)) is not None
        ]
        if not parts:
            continue
        is_rate = metric.denominator is not None
        history = pd.concat(parts, ignore_index=True)
        rows = history[history["value"].notna()]
        columns = ["dimension", "segment", "start", "value"]
        if is_rate:
            rows, columns = rows.assign(weight=rows["denominator"]), [*columns, "weight"]
        if rows["start"].nunique() <= lag:
            continue
        search = segment_search(rows[columns], lag=lag)
        base = context.basis.base_of("yoy" if lag > 1 else "qoq")
        dimensions = ", ".join(in_words(name) for name in history["dimension"].unique())
        table = search_table(
            search,
            unit=metric.unit,
            currency=context.currency,
            direction=metric.direction,
            title=search_title(search, label=metric.label, base=base),
            subtitle=f"By {dimensions}; excess over its share of the change, against its own past"
            "; P after Holm",
        )
        return [table]
    return []


def _parted(
    context: Context, metric: Metric, dimension: str, periods: list[Period]
) -> pd.DataFrame | None:
    """Return a metric's facts by a dimension if its segments make up the whole, else None.

    They do not where the table lacks the column, or a user counts in several segments.
    """
    if not has_column(context, metric, dimension) or len(periods) < 2:
        return None
    facts = context.parts_of(metric, periods, dimension)
    own = facts[facts["dimension"] == dimension]
    totals = context.facts_of([metric], periods)
    column = "value" if metric.denominator is None else "denominator"
    parts = dict.fromkeys(totals["start"], 0.0)
    for start, part in zip(own["start"], own[column].fillna(0.0), strict=True):
        parts[start] += part
    for start, whole in zip(totals["start"], totals[column].fillna(0.0), strict=True):
        if abs(parts[start] - whole) > _SAME * max(abs(whole), 1.0):
            return None
    return None if own.empty else own


def _base(
    context: Context, facts: pd.DataFrame, names: list[str], *, by_segment: bool = False
) -> _Change:
    """Return the year before as base where it is whole, known and comparable, else the last."""
    after = context.comparisons["actual"]
    year = _year_before(context)
    rows = facts[(facts["start"] == year.start) & (facts["end"] == year.end)]
    known = rows[rows["complete"] & rows["value"].notna()]
    enough = len(known) > 0 if by_segment else set(names) <= set(known["metric"])
    metrics = [context.catalogue[name] for name in facts["metric"].unique()]
    broken = any(metric.definition_gap(year, after) for metric in metrics)
    return _Change(year if enough and not broken else context.comparisons["previous"], after)


def _year_before(context: Context) -> Period:
    return context.comparisons["year_before"]


def _values(facts: pd.DataFrame, period: Period) -> dict[str, float]:
    rows = facts[(facts["start"] == period.start) & (facts["end"] == period.end)]
    return dict(zip(rows["metric"], rows["value"], strict=True))


def _is_broken(metric: Metric, facts: pd.DataFrame, change: _Change) -> bool:
    """Tell whether a change by segments cannot be told like for like."""
    rows = facts[(facts["start"] == change.before.start) & (facts["end"] == change.before.end)]
    return not rows["complete"].all() or bool(metric.definition_gap(change.before, change.after))


def _side(facts: pd.DataFrame, period: Period) -> pd.DataFrame:
    rows = facts[(facts["start"] == period.start) & (facts["end"] == period.end)]
    rate = rows["value"].fillna(0.0)  # over no unit at all; its weight is zero
    return rows.assign(weight=rows["denominator"].fillna(0.0), rate=rate)


def _names_of(metric: str, formulas: Mapping[str, str]) -> list[str]:
    """Return a metric and all factors of its tree."""
    found = [metric]
    for name in found:
        if name in formulas:
            found += [one for one in parse_formula(formulas[name]).names if one not in found]
    return found
