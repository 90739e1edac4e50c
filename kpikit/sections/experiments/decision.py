"""The decision, by the declared rule, with its arithmetic and what would flip it."""

import math

from kpikit.analysis.experiments.decision import RULE
from kpikit.formats import (
    MISSING,
    format_chance,
    format_count,
    format_delta_rel,
    is_missing,
)
from kpikit.present.components import (
    Cell,
    Column,
    Component,
    Headline,
    Headlines,
    Mark,
    Paragraph,
    Stack,
    Table,
    Tile,
    Tiles,
    Tone,
)
from kpikit.present.frames import Row, records
from kpikit.present.sentences_experiments import (
    GOING,
    VERDICTS,
    effect_sentence,
    flip_sentences,
    guardrail_sentence,
    p_number,
    trust_title,
    verdict_title,
)
from kpikit.sections.experiments.kpis import kpi_rows
from kpikit.sections.experiments.trial import Trial

_NOTHING = "No verdict: there is nothing to compare"
_MARKS: dict[str, Mark] = {"better": "+", "worse": "-", "inconclusive": "·", "no_verdict": "!"}
_TONES: dict[str, Tone] = {"ship": "good", "stop": "bad", "hold": "neutral", "invalid": "warning"}


def decision_section(trial: Trial) -> Stack:
    """Return ship, hold, stop or no verdict, why, and what would change our mind.

    The output bears the rows of ``kpis.json``.
    """
    if lack := trial.lack:
        claim = Headline("!" if not trial.study.users else "·", lack)
        return Stack((Headlines(_NOTHING, (claim,)),), kpis=kpi_rows(trial))
    study = trial.study
    result = study.result
    title = verdict_title(
        result.decision, result.reason, trial.words, running=trial.running, winner=result.winner
    )
    if not study.trusted:
        doubt = Headline(
            "!", f"{trust_title(study.checks)}.", "The trust section tells each check."
        )
        told = (_strip(trial), Headlines(title, (doubt,)), Paragraph(f"Rule: {RULE}", small=True))
        return Stack(told, kpis=kpi_rows(trial))
    flips: tuple[str, ...] = ()
    items: list[Component] = [_strip(trial)]
    tables = []
    for variant in result.decisions:
        arithmetic = study.arithmetic(variant)
        name = f"{variant}: " if trial.several else ""
        flips += tuple(f"{name}{text}" for text in flip_sentences(arithmetic, trial.words))
        tables.append(_arithmetic_table(trial, str(variant), records(arithmetic)))
    items.append(Headlines(title, _headlines(trial)))
    items += tables
    if flips:
        items.append(Paragraph("What would flip it. " + " ".join(flips)))
    items.append(Paragraph(f"Rule: {RULE} Intervals: {trial.reading_text}.", small=True))
    return Stack(tuple(items), kpis=kpi_rows(trial))


def _headlines(trial: Trial) -> tuple[Headline, ...]:
    found = []
    for row in records(trial.rows_of("primary")):
        claim, rest = effect_sentence(row, trial.words, several=trial.several)
        found.append(Headline(_MARKS[row["outcome"]], claim, rest))
    for row in records(trial.rows_of("guardrail")):
        claim, rest = guardrail_sentence(row, trial.words)
        kept = "keeps" in claim
        name = f"{row['variant']}: " if trial.several else ""
        found.append(Headline("·" if kept else "!", f"{name}{claim}", rest))
    found.append(Headline("·", f"{trust_title(trial.study.checks)}."))
    return tuple(found)


def _strip(trial: Trial) -> Tiles:
    study = trial.study
    decision = study.result.decision
    label = "In progress" if trial.running else "Decision"
    said = (GOING if trial.running else VERDICTS)[decision]
    tiles = [Tile(label, said, tone=_TONES[decision], footer=_winner(trial))]
    if study.trusted:
        tiles += _effect_tiles(trial, trial.primary_row)
    users = format_count(study.users)
    planned = ""
    if trial.experiment.mde is not None:
        planned = f"{format_count(math.ceil(study.planned_units))} planned"
    tiles.append(Tile("Users exposed", users, footer=planned))
    ratio = study.fixed.srm_p_value
    tiles.append(
        Tile("Sample ratio, p", p_number(ratio), tone="neutral" if study.trusted else "warning",
             footer="below 0.001: mismatch")
    )  # fmt: skip
    return Tiles(tuple(tiles))


def _winner(trial: Trial) -> str:
    winner = trial.study.result.winner
    return f"{winner}, against {trial.study.control}" if winner is not None else ""


def _effect_tiles(trial: Trial, row: Row) -> list[Tile]:
    words, metric = trial.words, trial.primary
    tone: Tone = {"better": "good", "worse": "bad"}.get(row["outcome"], "neutral")  # type: ignore[assignment]
    found = [
        Tile(
            words.labels[metric], words.delta(metric, row["delta_abs"]),
            delta=format_delta_rel(row["delta_rel"]), tone=tone,
            footer=f"{words.interval(metric, row['ci_low'], row['ci_high'])}",
        ),
        Tile(
            f"{words.labels[metric]}, means", words.value(metric, row["variant_mean"]),
            footer=f"{trial.study.control}: {words.value(metric, row['control_mean'])}",
        ),
    ]  # fmt: skip
    if not trial.running:
        readings = trial.study.readings(row["variant"])
        (belief,) = records(readings[readings["reading"] == "belief"])
        chance = format_chance(belief["chance_to_win"])
        found.append(Tile("Chance to win", chance, footer="Bayesian reading"))
    return found


def _arithmetic_table(trial: Trial, variant: str, rows: list[dict[str, object]]) -> Table:
    columns = (
        Column("check", "Rule"),
        Column("metric", "Metric"),
        Column("value", "Found", "number"),
        Column("limit", "Limit", "number"),
        Column("passes", "Passes", "badge"),
        Column("units", "Users needed", "number"),
    )
    title = "The rule's arithmetic" + (f": {variant}" if trial.several else "")
    return Table(columns, tuple(_arithmetic_row(trial, row) for row in rows), title=title)


def _arithmetic_row(trial: Trial, row: Row) -> dict[str, str | Cell]:
    metric, improved = str(row["metric"]), row["check"] == "improved"
    words = trial.words
    what = "improved: corrected p below alpha" if improved else "least gain above minus the margin"
    factor = row["units_factor"]
    needed = MISSING if is_missing(factor) else f"{factor:.1f} times"
    return {
        "check": what,
        "metric": words.labels[metric],
        "value": p_number(row["value"]) if improved else words.delta(metric, row["value"]),
        "limit": f"{row['limit']:g}" if improved else words.delta(metric, row["limit"]),
        "passes": Cell("yes", tone="good") if row["passes"] else Cell("no", tone="warning"),
        "units": "enough" if row["passes"] else needed,
    }
