"""What was planned, what it takes, and what the effect is worth."""

from kpikit.formats import format_count, format_delta_rel, format_share, is_missing, plural
from kpikit.params.experiments import Impact as Worth
from kpikit.present.components import Column, Component, Paragraph, Stack, Table
from kpikit.present.frames import records
from kpikit.present.sentences_experiments import impact_sentence, users_text
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.experiments.log import shrunken_effect
from kpikit.sections.experiments.trial import Trial


def planning_section(trial: Trial) -> Stack:
    """Return planned against actual users, days left, and which effects so many days find."""
    if lacking := trial.lacking:
        return lacking
    plan = trial.study.plan
    if plan is None:
        return nothing_to_show(
            "A quantile, or a metric without any spread, tells nothing of the users that it takes."
        )
    words, metric = trial.words, trial.primary
    columns = (
        Column("days", "Days", "number"),
        Column("users", "Users", "number"),
        Column("mde", "Effect found", "number", emphasis=True),
        Column("relative", "Relative", "number"),
        *((Column("plain", "Without CUPED", "number"),) if trial.experiment.history else ()),
    )
    rows = [
        {
            "days": str(row["days"]),
            "users": format_count(round(row["n_control"] + row["n_variant"])),
            "mde": words.size(metric, row["mde_abs"]),
            "relative": format_delta_rel(row["mde_rel"]),
            "plain": words.size(metric, row["mde_abs_plain"]),
        }
        for row in records(plan)
    ]
    power, alpha = format_share(trial.experiment.power, digits=0), trial.experiment.alpha
    table = Table(
        columns, tuple(rows), title="Which effect a test of so many days finds",
        subtitle=f"{words.labels[metric]}; power {power}, alpha {alpha:g}, "
        f"{format_count(trial.study.daily_users)} users a day as seen here",
    )  # fmt: skip
    return Stack((*map(Paragraph, _sentences(trial)), table))


def impact_section(trial: Trial) -> Stack:
    """Return what the effect is worth a month, and what may be left of it."""
    if withheld := trial.withheld:
        return withheld
    if trial.running:
        return nothing_to_show("What an effect is worth is said when the test is over.")
    worth = trial.experiment.impact
    if worth is None and trial.unit != "money":
        return nothing_to_show(
            "Say under impact: value what one unit of the primary metric is worth in money."
        )
    items: list[Component] = [Paragraph(text) for text in _worth(trial, worth)]
    return Stack((*items, Paragraph(shrunken_effect(trial), small=True)))


def _sentences(trial: Trial) -> list[str]:
    study, words, metric = trial.study, trial.words, trial.primary
    if trial.experiment.mde is None:
        return ["No effect was planned for: declare mde, and this section says what it takes."]
    planned = users_text(study.planned_units)
    effect = words.size(metric, trial.experiment.mde)
    said = [f"An effect of {effect} takes {planned}; {users_text(study.users)} have come."]
    left = [f"{plural(days, 'more day')} {how}" for how, days in study.days_left.items() if days]
    if left:
        verb = "takes" if trial.study.state == "running" else "would have taken"
        said.append(f"At the traffic seen that {verb} {', '.join(left)}.")
    return [" ".join(said)]


def _worth(trial: Trial, worth: Worth | None) -> list[str]:
    study, words = trial.study, trial.words
    value, coverage = (1.0, 1.0) if worth is None else (worth.value, worth.coverage)
    found = study.impact(value, coverage)
    money = impact_sentence(found.value, found.low, found.high, words.currency)
    label = words.labels[trial.primary]
    users = users_text(study.users_per_month)
    row = trial.primary_row
    control = words.value(trial.primary, row["control_adjusted_mean"])
    if not is_missing(row["variance_reduction"]):
        control += " (adjusted)"
    base = f"lift × {users} a month × control's {control}"
    each = "" if worth is None else f" × {words.currency} {value:g} each"
    part = "" if coverage == 1 else f" × {format_share(coverage, digits=0)} reached"
    return [
        f"{label}, {study.primary['variant']} for all: {money}.",
        f"Reckoned as {base}{each}{part}.",
    ]
