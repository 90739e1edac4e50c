"""Campaigns: when they ran and beside which others, what they brought, what they cost."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import combinations
from typing import Any, Literal

import ibis.expr.types as ir
import pandas as pd

from kpikit.engine import as_table, check_columns, exact_money, fetch
from kpikit.errors import AnalysisError
from kpikit.formats import format_date
from kpikit.params.model import Campaign

State = Literal["planned", "running", "ended", "faulty"]
Effect = Literal["more", "less", "unclear", "unknown"]

_MARGINS = (0.8, 1.0, 1.2)  # of the declared gross margin, in the table of sensitivity


def campaign_table(
    campaigns: Iterable[Campaign] | ir.Table | pd.DataFrame, *, as_of: dt.date
) -> pd.DataFrame:
    """Return the calendar of campaigns, each with those that ran beside it.

    Args:
        campaigns: The product's register, or the canonical table: ``campaign``, ``start_date``,
            ``end_date`` (both included); ``channel`` and ``goal`` where there are such.
        as_of: Last complete day of data.

    Returns:
        One row per campaign, by first day and name: ``campaign``, ``channel``, ``goal``, ``metric``
        (empty where none is declared), ``start`` and ``end`` (both included), ``days``, ``state``,
        ``overlaps`` (names of campaigns with a day in common, a tuple) and ``fault``: what is wrong
        with its days, empty where nothing. A faulty one has no days and overlaps nothing, and no
        lift can be reckoned of it.

    Raises:
        AnalysisError: A column of the table is missing, or two campaigns bear one name.
    """
    rows = [_campaign_row(found, as_of) for found in _listed(campaigns)]
    columns = [
        "campaign", "channel", "goal", "metric", "start", "end", "days", "state", "overlaps",
        "fault",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    repeated = table.loc[table["campaign"].duplicated(), "campaign"]
    if len(repeated):
        raise AnalysisError(
            f"Two campaigns are called '{repeated.iloc[0]}'.\n"
            "Give each a name of its own, such as with its year."
        )
    beside: dict[str, list[str]] = {name: [] for name in table["campaign"]}
    sound = table[table["fault"] == ""].sort_values(["start", "campaign"]).to_dict("records")
    for first, second in combinations(sound, 2):
        if second["start"] <= first["end"]:
            beside[first["campaign"]].append(second["campaign"])
            beside[second["campaign"]].append(first["campaign"])
    table["overlaps"] = [tuple(beside[name]) for name in table["campaign"]]
    return table.sort_values(["start", "campaign"], kind="stable", ignore_index=True)


def campaign_cost_table(
    costs: ir.Table | pd.DataFrame, campaigns: pd.DataFrame, *, as_of: dt.date
) -> pd.DataFrame:
    """Return what each campaign has cost up to ``as_of``.

    Args:
        costs: One row per day and channel: ``cost_date``, ``campaign``, ``cost``.
        campaigns: From ``campaign_table``.
        as_of: Last complete day.

    Returns:
        One row per campaign, in the same order: ``campaign``, ``cost`` (NaN where no cost bears its
        name: unknown, not nothing), ``cost_outside`` (what of it was spent on days before or after
        the campaign).

    Raises:
        AnalysisError: A column is missing.
    """
    table = as_table(costs)
    check_columns(table, ["cost_date", "campaign", "cost"], "costs")
    day = table.cost_date.cast("date")
    named = table.filter(table.campaign.notnull(), day <= as_of)  # noqa: PD004 - Ibis has no notna
    daily = named.group_by("campaign", day=day).aggregate(cost=exact_money(named.cost).sum())
    spent: dict[str, dict[dt.date, Decimal]] = {}
    for row in fetch(daily).to_pylist():
        spent.setdefault(row["campaign"], {})[row["day"]] = row["cost"] or Decimal(0)
    rows = []
    for row in campaigns.to_dict("records"):
        own = spent.get(row["campaign"], {})
        outside = [cost for day, cost in own.items() if not row["start"] <= day <= row["end"]]
        rows.append(
            {
                "campaign": row["campaign"],
                "cost": float(sum(own.values())) if own else math.nan,
                "cost_outside": float(sum(outside)) if own else math.nan,
            }
        )
    return pd.DataFrame(rows, columns=["campaign", "cost", "cost_outside"])


def lift_table(campaigns: pd.DataFrame, forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return what each campaign brought beyond what would have come without it.

    The counterfactual is a forecast made from the days before the campaign alone, of the total over
    its days. A lift is what came less that forecast; its interval is the forecast's. Where
    campaigns overlap, the lift is that of all of them together.

    Args:
        campaigns: From ``campaign_table``.
        forecasts: One row per campaign that has one: ``campaign``, ``actual`` (total over its
            days), ``mean``, ``low_95`` and ``high_95`` of the forecast of that total.

    Returns:
        One row per campaign, in their order: ``campaign``, ``metric``, ``actual``, ``expected``,
        ``lift``, ``lift_low``, ``lift_high`` (95 %), ``lift_rel`` (NaN where nothing or less was
        expected), ``effect``: ``more`` or ``less`` where the interval leaves out zero, else
        ``unclear``, ``unknown`` without numbers; ``remark``: why it is unknown, or whose lift it is
        too.

    Raises:
        AnalysisError: A column is missing.
    """
    check_columns(forecasts, ["campaign", "actual", "mean", "low_95", "high_95"], "forecasts")
    by_name = {row["campaign"]: row for row in forecasts.to_dict("records")}
    rows = [_lift(row, by_name.get(row["campaign"])) for row in campaigns.to_dict("records")]
    columns = [
        "campaign", "metric", "actual", "expected", "lift", "lift_low", "lift_high", "lift_rel",
        "effect", "remark",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def roi_table(
    lifts: pd.DataFrame,
    costs: pd.DataFrame,
    *,
    gross_margin: float = 1.0,
    value_of_unit: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Return the return on what each campaign cost: (lift x value x margin - cost) / cost.

    Args:
        lifts: From ``lift_table``.
        costs: From ``campaign_cost_table``.
        gross_margin: Share of revenue kept.
        value_of_unit: Metric to the money that one unit of it brings (1 for one in money); None
            where all lifts are of money.

    Returns:
        One row per campaign, in the order of ``lifts``: ``campaign``, ``cost``, ``gain`` (money
        kept), ``roi`` with ``roi_low`` and ``roi_high`` (by the lift's 95 % interval),
        ``break_even_lift`` (at which the ROI is zero, in the metric's unit) and ``remark``: why
        there is none. No ROI is given for a cost that is unknown or nothing.

    Raises:
        AnalysisError: ``gross_margin`` is not above 0 and at most 1.
    """
    if not 0 < gross_margin <= 1:
        raise AnalysisError(
            f"gross_margin is {gross_margin:g} in roi_table.\nGive a share above 0, at most 1."
        )
    spent = dict(zip(costs["campaign"], costs["cost"], strict=True))
    rows = []
    for row in lifts.to_dict("records"):
        value = 1.0 if value_of_unit is None else value_of_unit.get(row["metric"], math.nan)
        cost, kept = spent.get(row["campaign"], math.nan), value * gross_margin
        remark = _no_roi(row, cost, value)
        returns = {
            name: math.nan if remark else (row[lift] * kept - cost) / cost
            for name, lift in (("roi", "lift"), ("roi_low", "lift_low"), ("roi_high", "lift_high"))
        }
        rows.append(
            {
                "campaign": row["campaign"],
                "cost": cost,
                "gain": row["lift"] * kept,
                **returns,
                "break_even_lift": math.nan if remark else cost / kept,
                "remark": remark,
            }
        )
    columns = [
        "campaign", "cost", "gain", "roi", "roi_low", "roi_high", "break_even_lift", "remark",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def roi_sensitivity(roi: pd.DataFrame) -> pd.DataFrame:
    """Return how each ROI hangs on the lift and on the margin.

    Args:
        roi: From ``roi_table``; campaigns without an ROI are left out.

    Returns:
        One row per campaign, ``lift`` (low, expected, high: the ends and the middle of its
        interval) and ``margin_factor`` (0.8, 1, 1.2 times the declared margin): ``roi``.
    """
    rows = [
        {
            "campaign": row["campaign"],
            "lift": lift,
            "margin_factor": factor,
            "roi": (row[name] + 1) * factor - 1,
        }
        for row in roi[roi["roi"].notna()].to_dict("records")
        for lift, name in (("low", "roi_low"), ("expected", "roi"), ("high", "roi_high"))
        for factor in _MARGINS
    ]
    return pd.DataFrame(rows, columns=["campaign", "lift", "margin_factor", "roi"])


def _listed(
    campaigns: Iterable[Campaign] | ir.Table | pd.DataFrame,
) -> list[dict[str, Any]]:
    """Return campaigns of the register and of the table in one form."""
    if not isinstance(campaigns, ir.Table | pd.DataFrame):
        return [
            {
                "campaign": one.campaign,
                "channel": one.channel,
                "goal": one.goal,
                "metric": one.metric or "",
                "start": one.start,
                "end": one.end,
            }
            for one in campaigns
        ]
    table = as_table(campaigns)
    check_columns(table, ["campaign", "start_date", "end_date"], "campaigns")
    dated = table.mutate(start=table.start_date.cast("date"), end=table.end_date.cast("date"))
    return [
        {
            "campaign": row["campaign"],
            **{name: _text(row.get(name)) for name in ("channel", "goal", "metric")},
            "start": row["start"],
            "end": row["end"],
        }
        for row in fetch(dated).to_pylist()
    ]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _campaign_row(found: dict[str, Any], as_of: dt.date) -> dict[str, Any]:
    start, end = found["start"], found["end"]
    fault = ""
    if start is None or end is None:
        fault = "its first or last day is missing"
    elif end < start:
        fault = f"it ends on {format_date(end)}, before it starts on {format_date(start)}"
    if fault:
        return {**found, "days": math.nan, "state": "faulty", "fault": fault}
    state: State = "planned" if start > as_of else "running" if end > as_of else "ended"
    return {**found, "days": (end - start).days + 1, "state": state, "fault": ""}


def _lift(row: dict[Any, Any], forecast: dict[Any, Any] | None) -> dict[str, Any]:
    head = {"campaign": row["campaign"], "metric": row["metric"]}
    parts = (
        [] if forecast is None else [forecast[n] for n in ("actual", "mean", "low_95", "high_95")]
    )
    if row["fault"] or row["state"] == "planned" or not all(map(math.isfinite, parts)) or not parts:
        why = row["fault"] or (
            "it has not begun" if row["state"] == "planned" else "no forecast without it is known"
        )
        return {**head, "effect": "unknown", "remark": why}
    actual, expected, low, high = parts
    effect: Effect = "more" if actual > high else "less" if actual < low else "unclear"
    others = ", ".join(row["overlaps"])
    remarks = [
        "it is still running" if row["state"] == "running" else "",
        f"the lift is that of {others} too" if others else "",
    ]
    return {
        **head,
        "actual": actual,
        "expected": expected,
        "lift": actual - expected,
        "lift_low": actual - high,
        "lift_high": actual - low,
        "lift_rel": (actual - expected) / expected if expected > 0 else math.nan,
        "effect": effect,
        "remark": "; ".join(filter(None, remarks)),
    }


def _no_roi(row: dict[Any, Any], cost: float, value: float) -> str:
    """Return why a campaign has no ROI, empty where it has one."""
    if math.isnan(row["lift"]):
        return str(row["remark"])
    if math.isnan(value):
        return f"what one unit of {row['metric']} brings is not known"
    if math.isnan(cost):
        return "no cost bears its name"
    return "" if cost > 0 else "it cost nothing"
