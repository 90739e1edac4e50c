"""What is the effect, on every metric, and how does each way of reading put it?"""

from typing import Any

import pandas as pd

from kpikit.formats import (
    MISSING,
    format_count,
    format_delta_rel,
    format_share,
    is_missing,
)
from kpikit.present.charts import figure
from kpikit.present.charts_experiment import plot_effects
from kpikit.present.components import Cell, Column, Component, Figure, Paragraph, Stack, Table, Tone
from kpikit.present.frames import Row, records
from kpikit.present.sentences import mid_sentence
from kpikit.present.sentences_experiments import (
    OUTCOMES,
    belief_sentence,
    effect_sentence,
    p_number,
    relative_interval,
)
from kpikit.present.titles import alt_text
from kpikit.sections.experiments.trial import Trial

_DIFFER = (
    "Readings promise different things: the fixed horizon holds for one reading at the planned "
    "end, planned looks for these alone, the always-valid band for a reading on every day, which "
    "makes it wider, and a belief weighs the data against what was thought before."
)
_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "no_verdict": "warning"}


def effect_section(trial: Trial) -> Stack:
    """Return the effect on each metric, as a forest and in numbers."""
    if withheld := trial.withheld:
        return withheld
    items: list[Component] = []
    forest = _forest(trial)
    if forest is not None:
        items.append(forest)
    items.append(_effects_table(trial))
    return Stack(tuple(items))


def readings_section(trial: Trial) -> Stack:
    """Return the primary effect by each reading, with the conventions."""
    if withheld := trial.withheld:
        return withheld
    items: list[Component] = []
    for variant in trial.study.result.decisions:
        frame = trial.study.readings(variant)
        head = f"{variant}: " if trial.several else ""
        if frame["estimate"].isna().all():
            label = trial.words.labels[trial.primary]
            items.append(Paragraph(f"{head}{label} has no estimate to be read: see the decision."))
            continue
        items += [_readings_chart(trial, records(frame), head), _readings_table(trial, frame, head)]
        if len(set(_effect_readings(frame)["verdict"])) > 1:
            items.append(Paragraph(_DIFFER))
        items += [
            Paragraph(f"{head}{belief_sentence(row, trial.words, trial.primary)}")
            for row in records(frame)
            if row["reading"] == "belief"
        ]
    return Stack(tuple(items))


def _forest(trial: Trial) -> Figure | None:
    """Return the relative effects of all metrics that have one."""
    table = trial.study.result.table
    known = table[table["delta_rel"].notna()]
    if known.empty:
        return None
    words = trial.words
    frame = known.assign(
        name=[_name(trial, row) for row in records(known)],
        estimate=known["delta_rel"], low=known["rel_ci_low"], high=known["rel_ci_high"],
        text=known["delta_rel"].map(format_delta_rel),
    )  # fmt: skip
    left_out = [words.labels[name] for name in table.loc[table["delta_rel"].isna(), "metric"]]
    notes = (
        [f"Without a relative effect, for control's mean is near zero: {', '.join(left_out)}."]
        if left_out
        else []
    )
    claim, rest = effect_sentence(trial.primary_row, words)
    return figure(
        plot_effects(frame, unit="share", relative=True, size="full"),
        title=f"{claim}, {rest.rstrip('.')}",
        subtitle=f"Effect relative to control's mean, %; lines: {trial.reading_text}",
        alt=alt_text(
            "Dots with intervals by metric", "effects relative to control",
            "The difference of means over the size of control's mean",
            [f"{row['name']}: {row['text']}, {relative_interval(row)}" for row in records(frame)],
        ),
        notes=notes,
    )  # fmt: skip


def _name(trial: Trial, row: Row) -> str:
    label = trial.words.labels[row["metric"]]
    return f"{label}, {row['variant']}" if trial.several else label


def _effects_table(trial: Trial) -> Table:
    table = trial.study.result.table
    columns = (
        Column("metric", "Metric", width=2.0),
        *((Column("variant", "Variant", width=1.0),) if trial.several else ()),
        Column("control", trial.study.control, "number"),
        Column("variant_mean", "variant" if trial.several else trial.shown_variant, "number"),
        Column("delta", "Effect", "number", emphasis=True),
        Column("interval", f"{trial.level} interval", "number"),
        Column("relative", "Relative", "number"),
        Column("p", "p, corrected", "number"),
        Column("outcome", "Verdict", "badge"),
    )
    rows: list[dict[str, str | Cell]] = []
    for role in ("primary", "secondary", "guardrail"):
        found = records(table[table["role"] == role])
        if found:
            rows.append({"group": f"{role.capitalize()} metrics"})
        rows += [_effect_row(trial, row) for row in found]
    return Table(
        columns,
        tuple(rows),
        title="Every metric",
        subtitle=f"Intervals: {trial.reading_text}",
        notes=tuple(_notes(trial)),
    )


def _effect_row(trial: Trial, row: Row) -> dict[str, str | Cell]:
    words, metric = trial.words, row["metric"]
    verdict = Cell(OUTCOMES[row["outcome"]], tone=_TONES.get(row["outcome"], "neutral"))
    if row["role"] == "guardrail" and not is_missing(row["margin"]):
        worst = -row["ci_low"] if row["direction"] == "up" else row["ci_high"]
        kept = worst < row["margin"]
        verdict = Cell("margin kept" if kept else "margin open", tone="good" if kept else "warning")
    note = f"margin {words.size(metric, row['margin'])}" if not is_missing(row["margin"]) else ""
    return {
        "metric": Cell(words.labels[metric], note=note),
        "variant": str(row["variant"]),
        "control": words.value(metric, row["control_mean"]),
        "variant_mean": words.value(metric, row["variant_mean"]),
        "delta": words.delta(metric, row["delta_abs"]),
        "interval": words.interval(metric, row["ci_low"], row["ci_high"]),
        "relative": Cell(format_delta_rel(row["delta_rel"]), note=relative_interval(row))
        if not is_missing(row["delta_rel"])
        else MISSING,
        "p": p_number(row["p_adjusted"]),
        "outcome": verdict,
    }


def _notes(trial: Trial) -> list[str]:
    table = trial.study.result.table
    notes = ["Means are as measured; effects are adjusted for what was there before (CUPED)."]
    reduction = table["variance_reduction"].max()
    if is_missing(reduction):
        notes = []
    else:
        notes[0] += f" It takes away up to {format_share(reduction, digits=0)} of the variance."
    methods: dict[str, list[str]] = {}
    for row in records(table.drop_duplicates("metric")):
        methods.setdefault(row["method"], []).append(trial.words.labels[row["metric"]])
    notes += [f"{method}: {', '.join(names)}." for method, names in methods.items() if method]
    scopes = dict.fromkeys(text for text in table["correction"] if text != "none")
    notes += [f"p-values corrected by {text}." for text in scopes]
    missing = table[(table["missing_control"] > 0) | (table["missing_variant"] > 0)]
    notes += [
        f"{trial.words.labels[row['metric']]}: {format_count(row['missing_control'])} users of "
        f"control and {format_count(row['missing_variant'])} of {row['variant']} have no value."
        for row in records(missing)
    ]
    return notes


def _effect_readings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the readings that ask whether there is an effect, not how near it is to none."""
    return frame[~frame["reading"].isin(["equivalence", "margin"])]


def _readings_chart(trial: Trial, rows: list[dict[str, Any]], head: str) -> Figure:
    words, metric = trial.words, trial.primary
    frame = _effect_readings(pd.DataFrame(rows))
    shown = records(frame)
    frame = frame.assign(
        name=[str(row["reading"]).capitalize() for row in shown],
        text=[words.interval(metric, row["low"], row["high"]) for row in shown],
        outcome=[row["verdict"] for row in shown],
    )
    verdicts = list(dict.fromkeys(str(row["verdict"]) for row in shown))
    agree = f"All readings say {verdicts[0]}" if len(verdicts) == 1 else "The readings differ"
    return figure(
        plot_effects(frame, unit=trial.unit, size="full"),
        title=f"{head}{agree} on {mid_sentence(words.labels[metric])}",
        subtitle=f"{trial.effect_on}; the verdict is taken from the "
        f"reading '{trial.study.reading}' alone",
        alt=alt_text(
            "Dots with intervals by reading", words.labels[metric],
            "One effect, read by several conventions",
            [f"{row['name']}: {row['text']}" for row in records(frame)],
        ),
    )  # fmt: skip


def _readings_table(trial: Trial, frame: pd.DataFrame, head: str) -> Table:
    words, metric = trial.words, trial.primary
    columns = (
        Column("reading", "Reading", width=1.3),
        Column("estimate", "Effect", "number", width=0.9),
        Column("interval", "Interval", "number", width=1.6),
        Column("p", "p", "number", width=0.7),
        Column("verdict", "Says", "badge", width=1.1),
        Column("convention", "Convention", width=4.4),
    )
    rows = [
        {
            "reading": str(row["reading"]).capitalize(),
            "estimate": words.delta(metric, row["estimate"]),
            "interval": words.interval(metric, row["low"], row["high"]),
            "p": p_number(row["p_value"]),
            "verdict": Cell(row["verdict"], tone=_TONES.get(row["verdict"], "neutral")),
            "convention": row["convention"],
        }
        for row in records(frame)
    ]
    return Table(columns, tuple(rows), title=f"{head}Readings and their conventions", compact=True)
