"""Does the effect differ between segments? That question first, then the segments."""

import pandas as pd

from kpikit.formats import format_count
from kpikit.present.charts import figure
from kpikit.present.charts_experiment import plot_effects
from kpikit.present.components import Component, Figure, Paragraph, Stack
from kpikit.present.frames import in_words, records
from kpikit.present.sentences_experiments import heterogeneity_sentence
from kpikit.present.titles import alt_text
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.experiments.trial import Trial

_MOST = 12  # segments of a dimension that are drawn


def segments_section(trial: Trial) -> Stack:
    """Return the test of heterogeneity, then corrected intervals per segment."""
    if withheld := trial.withheld:
        return withheld
    if not trial.experiment.segments:
        return nothing_to_show("The test declares no segments.")
    if trial.running:
        return nothing_to_show("Segments are read once, when the test is over.")
    study = trial.study
    items: list[Component] = [
        Paragraph(_head(trial, row) + heterogeneity_sentence(row, trial.words))
        for row in records(study.heterogeneity)
    ]
    for (variant, _), rows in study.segments.groupby(["variant", "dimension"], sort=False):
        items.append(_chart(trial, str(variant), rows))
    return Stack(tuple(items))


def _head(trial: Trial, row: dict[str, object]) -> str:
    return f"{row['variant']}: " if trial.several else ""


def _chart(trial: Trial, variant: str, rows: pd.DataFrame) -> Figure:
    words, metric = trial.words, trial.primary
    dimension = in_words(str(rows["dimension"].iloc[0]))
    units = rows["n_control"] + rows["n_variant"]
    shown = rows.assign(units=units).sort_values("units", ascending=False).head(_MOST)
    listed = records(shown)
    frame = shown.assign(
        name=[f"{row['segment']} ({format_count(row['units'])})" for row in listed],
        estimate=shown["delta_abs"], low=shown["simultaneous_low"], high=shown["simultaneous_high"],
        muted=~shown["powered"].astype(bool),
        text=[f"{words.delta(metric, row['delta_abs'])}, shrunken "
              f"{words.delta(metric, row['shrunken'])}" for row in listed],
    )  # fmt: skip
    few = int((~shown["powered"].astype(bool)).sum())
    grey = f"{few} of {len(shown)} segments have too few users to find the effect looked for"
    title = grey if few else "All segments have the users to find the effect looked for"
    left_out = len(rows) - len(shown)
    notes = [f"{left_out} smaller segments are not shown."] if left_out else []
    head = f"{variant}: " if trial.several else ""
    return figure(
        plot_effects(frame, unit=trial.unit, size="full"),
        title=f"{head}{title}",
        subtitle=f"{trial.effect_on}, by {dimension} at exposure (users); "
        f"{trial.level} for all lines together; grey: too few users",
        alt=alt_text(
            "Dots with intervals by segment", f"{words.labels[metric]} by {dimension}",
            "Intervals hold for all segments of the dimension at once (Bonferroni)",
            [f"{row['name']}: {row['text']}" for row in records(frame)],
        ),
        notes=notes,
    )  # fmt: skip
