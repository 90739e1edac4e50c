"""The effect as the test went on, and by days since exposure."""

from dataclasses import asdict

from kpikit.analysis.experiments.timeline import AgeEffects
from kpikit.formats import format_date
from kpikit.present.charts import figure
from kpikit.present.charts_experiment import plot_cumulative_effect, plot_effect_by_age
from kpikit.present.components import Component, Figure, Paragraph, Row, Stack
from kpikit.present.frames import day_of, records
from kpikit.present.sentences_experiments import novelty_sentence
from kpikit.present.theme import Size
from kpikit.present.titles import alt_text
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.experiments.trial import Trial


def time_section(trial: Trial) -> Stack:
    """Return the cumulative effect with its always-valid band, and the effect by age."""
    if withheld := trial.withheld:
        return withheld
    if not trial.study.has_pair:
        return nothing_to_show("Control, or every other variant, has no user: there is no effect.")
    items: list[Component] = []
    for variant in map(str, trial.study.result.decisions):
        by_age = _ages(trial, variant)
        curve = _curve(trial, variant, size="half" if by_age else "full")
        shown = [one for one in (curve, by_age) if one is not None]
        items += [Row(tuple(shown), (1.0, 1.0))] if len(shown) > 1 else shown
        if by_age is not None and trial.study.ages is not None:
            items.append(_novelty(trial, trial.study.ages, variant))
    if not items:
        return nothing_to_show(
            "A quantile has neither a curve nor an effect per day."
            if trial.study.curve is None
            else "All users came on one day, and what is counted of them was on one: "
            "the effect has no course."
        )
    return Stack(tuple(items))


def _curve(trial: Trial, variant: str, *, size: Size) -> Figure | None:
    """Return the effect so far by day; None where it is known on fewer than two days."""
    curve = trial.study.curve
    if curve is None:
        return None
    words, metric = trial.words, trial.primary
    rows = curve[curve["variant"].astype(str) == variant]
    known = records(rows.dropna(subset=["delta_abs"]).sort_values("day"))
    if len(known) < 2:
        return None
    sure = [row for row in known if row["always_low"] > 0 or row["always_high"] < 0]
    if sure:
        title = f"The band leaves zero for the first time on {format_date(day_of(sure[0]['day']))}"
    else:
        title = "The band that holds over all days has never left zero"
    head = f"{variant}: " if trial.several else ""
    return figure(
        plot_cumulative_effect(rows, unit=trial.unit, currency=words.currency, size=size),
        title=head + title,
        subtitle=f"{trial.effect_on}, of all users exposed by that day; "
        f"band: {trial.level}, always valid",
        alt=alt_text(
            "Line by day with a band", f"cumulative effect on {words.labels[metric]}",
            "The band holds on all days at once (asymptotic confidence sequence)",
            [f"{format_date(day_of(row['day']))}: {words.delta(metric, row['delta_abs'])}"
             for row in known[-1:]],
        ),
    )  # fmt: skip


def _ages(trial: Trial, variant: str) -> Figure | None:
    """Return the effect by days since exposure; None where fewer than two days have one.

    Nor while the test runs, for it is read once.
    """
    ages = trial.study.ages
    if ages is None or trial.running:
        return None
    words, metric = trial.words, trial.primary
    rows = ages.table[ages.table["variant"].astype(str) == variant]
    shown = records(rows.dropna(subset=["delta_abs"]))
    if len(shown) < 2:
        return None
    first = words.delta(metric, shown[0]["delta_abs"])
    last = words.delta(metric, shown[-1]["delta_abs"])
    return figure(
        plot_effect_by_age(rows, unit=trial.unit),
        title=f"Effect per day: {first} on day {shown[0]['age']}, {last} on day {shown[-1]['age']}",
        subtitle=f"{trial.effect_on}, per day since exposure, of users seen on all "
        f"of them; lines: {trial.level}, each alone",
        alt=alt_text(
            "Dots with intervals by day since exposure", words.labels[metric],
            "The cohort is the same on every day",
            [f"day {row['age']}: {words.delta(metric, row['delta_abs'])}" for row in shown],
        ),
    )  # fmt: skip


def _novelty(trial: Trial, ages: AgeEffects, variant: str) -> Paragraph:
    """Say whether the effect wears off."""
    found = {str(name): one for name, one in ages.novelty.items()}[variant]
    row = {**asdict(found), "metric": trial.primary, "delta_abs": found.absolute.estimate}
    return Paragraph(novelty_sentence(row, trial.words))
