"""Section 18: what the next period aims at, and what it might aim at."""

import pandas as pd

from kpikit.catalogue import Metric
from kpikit.present.components import Component, Paragraph, Row, Stack
from kpikit.present.prospects import NAIVE, proposals_table, proposals_title
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.evidence import open_period
from kpikit.sections.prospects import prospect_table, target_of

_LEAST_SIDE = 3  # rows of a table that stands beside another
_BY_FORECAST = "P(hit) by the forecast"
_PROPOSALS = "values that the forecast reaches with 50 and with 80 % probability"


def outlook_section(context: Context) -> Stack:
    """Return the targets declared for the open period with P(hit), and proposals for the rest.

    A proposal is the value that the forecast reaches with 50 or with 80 % probability. A history
    too short for a model proposes nothing.
    """
    period = open_period(context)
    frame = prospect_table(context, [(metric, period) for metric in context.metrics])
    frame = pd.concat([frame[_is_told(frame)], _without_forecast(context, frame)])
    order = {metric.name: place for place, metric in enumerate(context.metrics)}
    frame = frame.sort_values("metric", key=lambda names: names.map(order)).reset_index(drop=True)
    silent = [metric.label for metric in context.metrics if metric.name not in set(frame["metric"])]
    if frame.empty:
        return nothing_to_show(
            f"No target is declared for {period.label}, and no KPI has a history of 8 periods from "
            "which to propose one. Declare some under targets:."
        )
    lines = [_silence(silent), _changed(context.metrics)]
    remarks = [Paragraph(line, small=True) for line in lines if line]
    return Stack((_tables(context, frame, period.label), *remarks))


def _tables(context: Context, frame: pd.DataFrame, period: str) -> Component:
    """Return one table; several declared and several proposed targets side by side."""
    is_declared = frame["target"].notna()
    sides = [frame[is_declared].reset_index(drop=True), frame[~is_declared].reset_index(drop=True)]
    if min(map(len, sides)) < _LEAST_SIDE:
        return proposals_table(
            frame,
            currency=context.currency,
            title=proposals_title(frame, period),
            subtitle=f"{_BY_FORECAST}. Proposals, where nothing is declared: {_PROPOSALS}",
        )
    declared, proposed = sides
    return Row(
        (
            proposals_table(
                declared, currency=context.currency, title=proposals_title(declared, period),
                subtitle=_BY_FORECAST,
            ),
            proposals_table(
                proposed, currency=context.currency,
                title=f"{len(proposed)} are proposed for KPIs without one",
                subtitle=_PROPOSALS.capitalize(),
            ),
        ),
        (1.0, 1.0),
    )  # fmt: skip


def _is_told(frame: pd.DataFrame) -> pd.Series:
    """Tell which rows have something to say: a target, or a model to propose one from."""
    return frame["target"].notna() | ((frame["method"] != NAIVE) & frame["p_80"].notna())


def _without_forecast(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows of declared targets whose chance is not known."""
    period, known = open_period(context), set(frame["metric"])
    rows = [
        {
            "metric": metric.name,
            "label": metric.label,
            "unit": metric.unit,
            "direction": metric.direction,
            "period": period.label,
            "target": target.value,
            "method": NAIVE,
        }
        for metric in context.metrics
        if metric.name not in known and (target := target_of(context, metric, period))
    ]
    return pd.DataFrame(rows, columns=frame.columns)


def _silence(labels: list[str]) -> str:
    if not labels:
        return ""
    return (
        f"Neither a target nor a history to propose one from: {', '.join(labels)}. It takes 8 "
        "complete periods with a value, the last just before."
    )


def _changed(metrics: tuple[Metric, ...]) -> str:
    """Return which KPIs have another definition than they once had; empty for none."""
    newer = [f"{one.label} (version {one.version})" for one in metrics if one.version > 1]
    if not newer:
        return ""
    return (
        f"Definitions changed: {', '.join(newer)}. What an earlier version published does not "
        "compare."
    )
