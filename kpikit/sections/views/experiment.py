"""A test's effect on any of its metrics, over all users and by segment."""

import pandas as pd

from kpikit.analysis.experiments.segments import segment_table
from kpikit.errors import unknown_name
from kpikit.formats import format_count, format_delta_rel
from kpikit.params.views import View
from kpikit.present.charts import figure
from kpikit.present.charts_experiment import plot_effects
from kpikit.present.components import Column, Component, Table
from kpikit.present.frames import Row, in_words, records
from kpikit.present.sentences import mid_sentence
from kpikit.present.titles import alt_text
from kpikit.sections.context import Context
from kpikit.sections.experiments.trial import Trial, open_trial
from kpikit.sections.views.answers import Asking, Exhibit, Found, NothingFound, Option

_MOST = 30
ALL = "all users"


def fill(context: Context, view: View) -> View:
    """Return the view with the first declared test and its primary metric."""
    declared = context.params.experiments
    if not declared:
        raise NothingFound(
            f"No A/B test is declared.\nDeclare one under experiments: in "
            f"{context.loaded.path.name}."
        )
    key = view.experiment or next(iter(declared))
    trial = _trial(context, key)
    metric = view.metric or trial.primary
    if metric not in trial.words.labels:
        raise unknown_name("metric", metric, f"the experiment '{key}'", trial.words.labels)
    return view.model_copy(update={"experiment": key, "metric": metric})


def find(context: Context, view: View) -> Found:
    """Return the effect on the metric per variant, and in each segment of a dimension if asked."""
    trial = _trial(context, str(view.experiment))
    for line in (_line(trial.withheld), _too_early(trial, view)):
        if line is not None:
            raise NothingFound(line)
    asking = Asking(context)

    def question() -> pd.DataFrame:
        whole = trial.study.result.table
        own = whole[whole["metric"] == view.metric].assign(segment=ALL, dimension="")
        if not view.by:
            return own
        parts = trial.study.result.segments
        known = sorted(set(parts["dimension"]))
        if view.by not in known:
            where = f"segments of the experiment '{trial.key}'"
            raise unknown_name("segment", view.by, where, known)
        chosen = parts[(parts["metric"] == view.metric) & (parts["dimension"] == view.by)]
        shaped = segment_table(chosen.reset_index(drop=True), alpha=trial.experiment.alpha)
        ends = {"ci_low": shaped["simultaneous_low"], "ci_high": shaped["simultaneous_high"]}
        return pd.concat([own, shaped.assign(**ends)], ignore_index=True)

    asking.ask("effects", question)
    return Found(context, view, asking.answers, trial)


def draw(found: Found) -> list[Exhibit]:
    """Return the effects as dots with intervals, and in numbers."""
    answer = found.answers["effects"]
    return [Exhibit(_chart(found), answer), Exhibit(_table(found), answer)]


def options(context: Context, view: View) -> dict[str, tuple[Option, ...]]:
    """Return the tests, the metrics of the chosen one, and its segments."""
    declared = context.params.experiments
    trial = _trial(context, str(view.experiment))
    columns = trial.experiment.segments
    return {
        "experiment": tuple(Option(key, in_words(key)) for key in declared),
        "metric": tuple(Option(name, label) for name, label in trial.words.labels.items()
                        if name in trial.study.declared.metrics),
        "by": (Option("", "nothing"), *(Option(name, in_words(name)) for name in columns)),
    }  # fmt: skip


def _trial(context: Context, key: str) -> Trial:
    """Return a test, the same one each time: what it has computed is not computed again."""
    known: dict[str, Trial] = context.__dict__.setdefault("_trials_explored", {})
    if key not in known:
        known[key] = open_trial(context, key)
    return known[key]


def _line(section: Component | None) -> str | None:
    return None if section is None else str(section.items[0].text)  # type: ignore[attr-defined]


def _too_early(trial: Trial, view: View) -> str | None:
    """Return why segments are not shown yet: they are read once, when the test is over."""
    if view.by and trial.running:
        return "Segments are read once, when the test is over.\nChoose no breakdown."
    return None


def _shown(found: Found) -> pd.DataFrame:
    """Return the rows of all users, then the largest segments, each with its name."""
    trial, frame = found.by, found.answers["effects"].frame
    whole, parts = frame[frame["segment"] == ALL], frame[frame["segment"] != ALL]
    units = parts["n_control"] + parts["n_variant"]
    largest = parts.assign(units=units).sort_values("units", ascending=False).head(_MOST)
    rows = pd.concat([whole, largest], ignore_index=True)
    names = [
        f"{row['segment']}, {row['variant']}" if trial.several else str(row["segment"])
        for row in records(rows)
    ]
    return rows.assign(name=names)


def _chart(found: Found) -> Component:
    trial, view = found.by, found.view
    words, metric = trial.words, str(view.metric)
    rows = _shown(found)
    texts = [words.delta(metric, row["delta_abs"]) for row in records(rows)]
    frame = rows.assign(
        estimate=rows["delta_abs"], low=rows["ci_low"], high=rows["ci_high"], text=texts
    )
    label = words.labels[metric]
    by = f" by {in_words(view.by)}" if view.by else ""
    together = f"; lines of segments hold together ({trial.level})" if view.by else ""
    money = f", {words.currency}" if words.units[metric] == "money" else ""
    return figure(
        plot_effects(frame, unit=words.units[metric], size="full"),
        title=f"Effect on {mid_sentence(label)}: {texts[0]}",
        subtitle=f"{in_words(trial.key)}: effect on {mid_sentence(label)}{money}{by}; line of all "
        f"users: {trial.reading_text}{together}",
        alt=alt_text(
            "Dots with intervals", f"effect on {label}{by}", "Difference of means",
            [f"{name}: {text}" for name, text in zip(rows["name"], texts, strict=True)],
        ),
    )  # fmt: skip


def _table(found: Found) -> Table:
    trial, metric = found.by, str(found.view.metric)
    columns = (
        Column("name", in_words(found.view.by).capitalize() if found.view.by else "Users"),
        Column("control", trial.study.control, "number"),
        Column("variant", "variant" if trial.several else trial.shown_variant, "number"),
        Column("delta", "Effect", "number", emphasis=True),
        Column("interval", f"{trial.level} interval", "number"),
        Column("relative", "Relative", "number"),
        Column("n", "Users", "number"),
    )
    rows = [_cells(row, trial, metric) for row in records(_shown(found))]
    return Table(columns, tuple(rows), title=trial.words.labels[metric])


def _cells(row: Row, trial: Trial, metric: str) -> dict[str, str]:
    words = trial.words
    return {
        "name": row["name"],
        "control": words.value(metric, row["control_mean"]),
        "variant": words.value(metric, row["variant_mean"]),
        "delta": words.delta(metric, row["delta_abs"]),
        "interval": words.interval(metric, row["ci_low"], row["ci_high"]),
        "relative": format_delta_rel(row["delta_rel"]),
        "n": format_count(row["n_control"] + row["n_variant"]),
    }
