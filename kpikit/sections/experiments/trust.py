"""Can the data be trusted? Answered before any lift is shown."""

from kpikit.formats import format_count, format_share, is_missing
from kpikit.present.components import Callout, Cell, Column, Component, Stack, Table, Tone
from kpikit.present.frames import Row, records
from kpikit.present.sentences_experiments import p_number, split_sentence, trust_title
from kpikit.sections.experiments.trial import Trial

_TONES: dict[str, Tone] = {"passed": "good", "noted": "warning", "failed": "bad"}
_SHARES = ("crossovers",)
_COUNTS = ("duplicate exposures", "early exposures", "late exposures", "exposures without user",
           "exposures without variant", "units", "outliers")  # fmt: skip


def trust_section(trial: Trial) -> Stack:
    """Return the checks, who was in which variant, and where a split departs from its plan."""
    if lacking := trial.lacking:
        return lacking
    study = trial.study
    items: list[Component] = []
    if said := split_sentence(study.splits, study.split_by_day):
        items.append(Callout(said, tone="bad", title="Sample-ratio mismatch"))
    items += [_checks_table(trial), _allocation_table(trial)]
    if (table := _splits_table(trial)) is not None:
        items.append(table)
    if study.outliers is not None and study.trusted and study.finished:
        items.append(_outliers_table(trial))
    return Stack(tuple(items))


def _checks_table(trial: Trial) -> Table:
    columns = (
        Column("check", "Check", width=1.6),
        Column("status", "Result", "badge", width=0.8),
        Column("value", "Found", "number", width=0.8),
        Column("limit", "Limit", "number", width=0.8),
        Column("detail", "In words", width=4.0),
    )
    rows = [
        {
            "check": str(row["check"]).capitalize(),
            "status": Cell(row["status"], tone=_TONES[row["status"]]),
            "value": _figure(row["check"], row["value"]),
            "limit": _figure(row["check"], row["limit"]),
            "detail": row["detail"],
        }
        for row in records(trial.study.checks)
    ]
    note = "Checks on p-values fail below 0.001: they are many, and should be silent."
    title = trust_title(trial.study.checks)
    return Table(columns, tuple(rows), title=title, notes=(note,), compact=True)


def _figure(check: str, value: float) -> str:
    if check in _SHARES:
        return format_share(value)
    return format_count(value) if check in _COUNTS else p_number(value)


def _allocation_table(trial: Trial) -> Table:
    study = trial.study
    mature = study.maturity.set_index("variant")["mature_users"]
    crossed = study.assigned.crossovers.set_index("variant")["crossover_share"]
    several = bool((crossed > 0).any())
    columns = (
        Column("variant", "Variant"),
        Column("units", "Users compared", "number"),
        Column("unit_share", "Share", "number"),
        Column("planned_share", "Planned", "number"),
        Column("expected", "Expected", "number"),
        Column("mature", "Window has ended", "number"),
        *((Column("crossed", "In several variants", "number"),) if several else ()),
    )
    rows = [
        {
            "variant": str(row["variant"]),
            "units": format_count(row["units"]),
            "unit_share": format_share(row["unit_share"]),
            "planned_share": format_share(row["planned_share"]),
            "expected": format_count(round(row["expected_units"])),
            "mature": format_count(int(mature.get(row["variant"], 0))),
            "crossed": format_share(float(crossed.get(row["variant"], 0.0))),
        }
        for row in records(study.fixed.allocation)
    ]
    return Table(columns, tuple(rows), title="Who was in which variant", compact=True)


def _splits_table(trial: Trial) -> Table | None:
    """Return the split by each declared dimension, the least likely one first."""
    splits = trial.study.splits
    rows = splits[splits["dimension"] != "exposure_day"].sort_values("p_adjusted")
    if rows.empty:
        return None
    variants = list(trial.experiment.variants)
    columns = (
        Column("dimension", "Dimension"),
        Column("segment", "Segment"),
        *(Column(name, name, "number") for name in variants),
        Column("p", "p, corrected", "number"),
        Column("mismatch", "Result", "badge"),
    )
    return Table(
        columns,
        tuple(_split_row(row, variants) for row in records(rows.head(12))),
        title="The split by dimension",
        subtitle="Users per variant; p-values of the planned split, Benjamini-Hochberg",
        compact=True,
    )


def _split_row(row: Row, variants: list[str]) -> dict[str, str | Cell]:
    mismatch = Cell("mismatch", tone="bad") if row["mismatch"] else Cell("as planned", tone="good")
    return {
        "dimension": str(row["dimension"]),
        "segment": str(row["segment"]),
        **{name: format_count(row[f"units_{name}"]) for name in variants},
        "p": p_number(row["p_adjusted"]),
        "mismatch": mismatch,
    }


def _sign(row: Row) -> Cell:
    """Return whether the effect keeps its sign; a cap at zero leaves none to tell of."""
    if is_missing(row["delta_abs"]):
        return Cell("nothing left")
    return Cell("changes", tone="warning") if row["sign_changes"] else Cell("holds")


def _outliers_table(trial: Trial) -> Table:
    words, metric = trial.words, trial.primary
    columns = (
        Column("treatment", "Largest values"),
        *((Column("variant", "Variant"),) if trial.several else ()),
        Column("delta", "Effect", "number"),
        Column("interval", f"{trial.level} interval", "number"),
        Column("sign", "Sign", "badge"),
    )
    outliers = trial.study.outliers
    rows = [
        {
            "treatment": row["treatment"],
            "variant": str(row["variant"]),
            "delta": words.delta(metric, row["delta_abs"]),
            "interval": words.interval(metric, row["ci_low"], row["ci_high"]),
            "sign": _sign(row),
        }
        for row in records(outliers)  # type: ignore[arg-type]  # asked for where there are any
    ]
    title = "Does the effect hang on a few users?"
    return Table(columns, tuple(rows), title=title, compact=True)
