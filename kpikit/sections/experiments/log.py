"""The decision log: what earlier tests of the product came to, and what that says of this one."""

import pandas as pd

from kpikit.analysis.experiments.effects import Effect
from kpikit.analysis.experiments.impact import FEWEST_PAST, shrink_effect
from kpikit.formats import MISSING, format_date, format_delta_rel, is_missing
from kpikit.present.components import Cell, Column, Stack, Table, Tone
from kpikit.present.sentences_experiments import VERDICTS, p_number
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.experiments.trial import Trial, past_trials

_TONES: dict[str, Tone] = {"ship": "good", "stop": "bad", "hold": "neutral", "invalid": "warning"}


def log_section(trial: Trial) -> Stack:
    """Return the finished tests of the product that had ended when this one did."""
    past = past_trials(trial.context, before=trial)
    if not past:
        return nothing_to_show("This is the product's first test that is over.")
    return Stack((log_table(past),))


def log_table(trials: list[Trial], *, title: str = "Tests that were over by then") -> Table:
    """Return a row per finished test: what was decided, on which effect."""
    columns = (
        Column("ended", "Ended", width=1.0),
        Column("test", "Test", width=1.6),
        Column("decision", "Decision", "badge", width=0.9),
        Column("metric", "Decided by", width=1.4),
        Column("effect", "Effect", "number", width=0.9),
        Column("interval", "Interval", "number", width=1.5),
        Column("p", "p", "number", width=0.7),
        Column("reason", "Why", width=3.4),
    )
    rows = tuple(_row(trial) for trial in sorted(trials, key=lambda one: one.experiment.end))
    return Table(columns, rows, title=title, compact=True)


def shrunken_effect(trial: Trial) -> str:
    """Return the effect less the winner's curse; says how many tests it takes."""
    past = past_trials(trial.context, before=trial)
    primary = trial.study.primary
    frame = pd.DataFrame(
        [one.study.record() for one in past if one.lacking is None and one.study.trusted],
        columns=["estimate", "se"],
    )
    found = shrink_effect(
        Effect(primary["delta_rel"], primary["rel_se"]), frame.astype(float),
        alpha=trial.experiment.alpha,
    )  # fmt: skip
    if found is None:
        return (
            "A significant effect is too large on average (the winner's curse). It is shrunken "
            f"once {FEWEST_PAST} past tests of the product say how large effects are: "
            f"{len(frame)} so far."
        )
    return (
        f"Less the winner's curse, expect {format_delta_rel(found.estimate)} "
        f"({format_delta_rel(found.low)} to {format_delta_rel(found.high)}), after "
        f"{found.experiments} past tests of the product."
    )


def _row(trial: Trial) -> dict[str, str | Cell]:
    words, study = trial.words, trial.study
    found: dict[str, str | Cell] = {
        "ended": format_date(trial.experiment.end),
        "test": Cell(trial.key.replace("_", " "), note=trial.experiment.hypothesis),
        "metric": words.labels[trial.primary],
    }
    if trial.lacking is not None:
        empty = dict.fromkeys(("effect", "interval", "p"), MISSING)
        return {**found, "decision": Cell("No verdict", tone="warning"), **empty,
                "reason": trial.lack}  # fmt: skip
    record = study.record()
    decision = str(record["decision"])
    shown = study.trusted and not is_missing(float(str(record["delta_abs"])))
    return {
        **found,
        "decision": Cell(VERDICTS[decision], tone=_TONES[decision]),
        "effect": words.delta(trial.primary, study.primary["delta_abs"]) if shown else MISSING,
        "interval": words.interval(trial.primary, study.primary["ci_low"], study.primary["ci_high"])
        if shown
        else MISSING,
        "p": p_number(study.primary["p_adjusted"]) if shown else MISSING,
        "reason": words.relabel(str(record["reason"])),
    }
