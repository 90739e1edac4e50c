"""The rows of ``kpis.json`` of a test: users, each arm's mean, each effect, and the decision."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from kpikit.present.frames import Row, records
from kpikit.sections.experiments.trial import Trial

_DECIMALS = 6  # so that bytes repeat wherever floating-point sums are ordered otherwise
# figures of an effect and their units, where these are not the metric's own
_FIGURES = {
    "delta_abs": "", "ci_low": "", "ci_high": "", "delta_rel": "share", "rel_ci_low": "share",
    "rel_ci_high": "share", "p_value": "probability", "p_adjusted": "probability",
}  # fmt: skip
_NEAR_ZERO = "control's mean cannot be told from zero"
_NO_ESTIMATE = "no estimate"


def kpi_rows(trial: Trial) -> tuple[dict[str, Any], ...]:
    """Return what a test came to, in the schema of every report.

    Returns:
        ``metric``, ``period``, ``value`` (None where unknown or withheld), ``unit``, ``n`` (users
        behind it), ``complete`` (whether everybody has had the whole window), ``target`` (None),
        ``flags``. Metrics begin with the test's key: ``.users`` exposed,
        ``.sample_ratio_p_value``, ``.decision`` (no number: its flags are the decision, its reason
        and the variant to ship); ``.<metric>.<arm>``, the mean as measured; and
        ``.<metric>.<variant>.<figure>`` with the figures of ``ExperimentResult.table``, by the
        reading that decides. The flag of ``delta_abs`` is the verdict on that metric.
    """
    study = trial.study
    rows = [_row(trial, "users", study.users, unit="count", n=study.users)]
    if trial.lacking is not None:
        return tuple(rows)
    result = study.result
    ratio = result.srm_p_value
    winner = [f"winner: {result.winner}"] if result.winner is not None else []
    told = [result.decision, result.reason, *winner]
    rows += [
        _row(trial, "sample_ratio_p_value", ratio, unit="probability", n=study.users),
        _row(trial, "decision", math.nan, unit="verdict", n=study.users, why=told),
    ]
    return (*rows, *_metric_rows(trial))


def _metric_rows(trial: Trial) -> Iterator[dict[str, Any]]:
    result, control = trial.study.result, trial.study.control
    withheld = [] if trial.study.trusted else [f"withheld: {result.reason}"]
    for metric, frame in result.table.groupby("metric", sort=False):
        rows = records(frame)
        # control's mean stands in the row of each variant, and is told once
        means = [(control, rows[0]["control_mean"], rows[0]["n_control"])]
        means += [(row["variant"], row["variant_mean"], row["n_variant"]) for row in rows]
        for arm, mean, n in means:
            yield _row(
                trial, f"{metric}.{arm}", math.nan if withheld else mean,
                unit=_unit(trial, str(metric)), n=n, why=withheld or [_NO_ESTIMATE],
            )  # fmt: skip
        for row in rows:
            yield from _effect_rows(trial, row, withheld)


def _effect_rows(trial: Trial, row: Row, withheld: list[str]) -> Iterator[dict[str, Any]]:
    n = row["n_control"] + row["n_variant"]
    known = math.isfinite(row["delta_abs"])
    for figure, unit in _FIGURES.items():
        relative = figure in ("delta_rel", "rel_ci_low", "rel_ci_high")
        why = withheld or [_NEAR_ZERO if relative and known else _NO_ESTIMATE]
        kpi = _row(
            trial, f"{row['metric']}.{row['variant']}.{figure}",
            math.nan if withheld else row[figure],
            unit=unit or _unit(trial, row["metric"]), n=n, why=why,
        )  # fmt: skip
        verdict = [row["outcome"]] if figure == "delta_abs" and kpi["value"] is not None else []
        yield {**kpi, "flags": [*verdict, *kpi["flags"]]}


def _row(
    trial: Trial, name: str, value: float, *, unit: str, n: float, why: Sequence[str] = ()
) -> dict[str, Any]:
    """Return one row; ``why`` are the flags of a value that is missing."""
    known = math.isfinite(value)
    return {
        "metric": f"{trial.key}.{name}",
        "period": trial.context.period.label,
        "value": round(float(value), _DECIMALS) if known else None,
        "unit": unit,
        "n": int(n),
        "complete": trial.study.finished,
        "target": None,
        "flags": [] if known else list(why),
    }


def _unit(trial: Trial, metric: str) -> str:
    unit = trial.words.units[metric]
    return trial.words.currency if unit == "money" else unit
