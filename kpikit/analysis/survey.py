"""What customers say: the Net Promoter Score and satisfaction, with honest intervals."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.catalogue import fact, make_facts
from kpikit.catalogue.answers import UNREADABLE, Answers, Tally, parts_of_tally
from kpikit.catalogue.voice import MIN_ANSWERS
from kpikit.engine import as_table
from kpikit.errors import AnalysisError, check_choice
from kpikit.intervals import normal_quantile, wilson_interval
from kpikit.periods import Calendar, Period

Method = Literal["adjusted-wald", "wald"]
METHODS: tuple[Method, ...] = ("adjusted-wald", "wald")
SURVEY_METRICS = ("nps", "csat")


@dataclass(frozen=True)
class NpsResult:
    """A Net Promoter Score and what it rests on.

    Attributes:
        nps: Share of promoters less share of detractors, in points (-100 to 100); NaN without
            answers.
        ci_low: Lower end of its interval, in points.
        ci_high: Upper end.
        n: Valid answers.
        promoters: Answers of 9 or 10.
        passives: Answers of 7 or 8.
        detractors: Answers of 0 to 6.
        invalid: Answers left out: no whole number from 0 to 10, or with an unusable weight.
        missing: Rows without a score.
        n_effective: Answers of equal weight that would be as precise; ``n`` without weights.
    """

    nps: float
    ci_low: float
    ci_high: float
    n: int
    promoters: int
    passives: int
    detractors: int
    invalid: int
    missing: int
    n_effective: float


def nps(
    scores: npt.ArrayLike | pd.Series | ir.Column,
    *,
    weights: npt.ArrayLike | pd.Series | ir.Column | None = None,
    confidence: float = 0.95,
    method: Method = "adjusted-wald",
) -> NpsResult:
    """Return the Net Promoter Score of answers from 0 to 10 with its interval.

    The interval is Rocks' adjusted Wald: 3/4 of a promoter, 3/4 of a detractor and 3/2 of a
    passive are added before a Wald interval is built, at every confidence. Unlike the plain Wald
    interval (``method="wald"``) it keeps its coverage for small samples and scores near the ends,
    and does not collapse to a point when all answer alike. Its middle is not the score, which
    stays as it was counted. Both are cut at -100 and 100, and the interval is widened to the score
    where it would miss it, as it does for a single answer at either end.

    Edge rules: a score outside 0 to 10, not whole, or no number is invalid and left out, as is an
    answer whose weight is missing, negative or infinite; a missing score is no answer; a weight of
    0 counts for nothing. With weights, the shares are weighted and the interval rests on Kish's
    effective number of answers; the counts stay counts of answers. Without a valid answer the
    score is NaN and ``n`` is 0.

    Args:
        scores: Answers from 0 to 10: a list, array, Series or Ibis column.
        weights: Weight per answer, in the same order; equal if None.
        confidence: Confidence level, 0 to 1.
        method: ``adjusted-wald`` or ``wald``.

    Returns:
        The score with its interval, in points, and the counts.

    Raises:
        AnalysisError: Scores and weights differ in number, ``confidence`` or ``method`` is wrong.

    References:
        Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review 81(12).
        Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American
        Statistician 70(4), 365-372 (arXiv 1601.07235). Kish, L. (1965). Survey Sampling, for the
        effective number.

    Example:
        >>> result = nps([10, 9, 8, 3])
        >>> result.nps, result.n
        (25.0, 4)
    """
    check_choice("method", method, METHODS, "nps")
    z = normal_quantile(confidence)
    answers = _series(scores)
    given = pd.Series(1.0, index=answers.index) if weights is None else _series(weights)
    if len(answers) != len(given):
        raise AnalysisError(
            f"{len(answers)} scores have {len(given)} weights in nps.\nGive one weight per score."
        )
    numbers = pd.to_numeric(answers, errors="coerce").astype(float)
    numbers = numbers.mask(numbers.isna() & answers.notna(), UNREADABLE)
    weight = pd.to_numeric(given, errors="coerce").astype(float)
    weight = weight.where(weight.between(0, math.inf, inclusive="left"))
    shares = weight / weight.max()  # squares of any unit of weight are numbers
    score, share = (np.asarray(one[weight.ne(0)], dtype=np.float64) for one in (numbers, shares))
    parts = parts_of_tally(score, answers=np.ones(len(score)), weight=share, squares=share**2)
    return _result(Tally.of(np.sum(parts, axis=1)), z, method)


def nps_table(
    survey: ir.Table | pd.DataFrame,
    periods: Iterable[Period],
    *,
    calendar: Calendar,
    as_of: dt.date,
    dimension: str = "",
    confidence: float = 0.95,
    method: Method = "adjusted-wald",
    answers: Answers | None = None,
) -> pd.DataFrame:
    """Return the Net Promoter Score of each period and segment.

    Args:
        survey: One row per answer: ``score`` (0 to 10), ``answer_time`` (UTC), and ``weight``
            where answers have one. Rows without a time are left out.
        periods: Periods of any grain, in any order.
        calendar: How the product cuts time.
        as_of: Last complete day of data; later answers do not count.
        dimension: Column to break down by; empty for the total.
        confidence: Confidence level, 0 to 1.
        method: As for ``nps``.
        answers: What the caller has read of the survey, without a dimension, up to ``as_of`` or
            later; read anew if None.

    Returns:
        One row per segment (sorted) and period (in the order given): ``segment``, ``grain``,
        ``period``, ``start``, ``end``, the fields of ``NpsResult``, ``promoter_share``,
        ``passive_share`` and ``detractor_share`` (weighted, 0 to 1), ``suppressed`` (fewer than 30
        answers: not to be shown as a result) and ``complete`` (by ``as_of``).

    Raises:
        AnalysisError: A column is missing, ``confidence`` or ``method`` is wrong.
    """
    check_choice("method", method, METHODS, "nps_table")
    z = normal_quantile(confidence)
    answers = _known_by(as_of, answers, as_table(survey), calendar, dimension)
    rows = []
    for segment, period in product(answers.daily.segments(dimension), dict.fromkeys(periods)):
        tally = answers.within(period, segment)
        span = {name: getattr(period, name) for name in ("grain", "start", "end")}
        rows.append(
            {
                "segment": segment,
                "period": period.label,
                **span,
                **vars(_result(tally, z, method)),
                "promoter_share": tally.share(tally.promoters),
                "passive_share": tally.share(tally.passives),
                "detractor_share": tally.share(tally.detractors),
                "suppressed": tally.n < MIN_ANSWERS,
                "complete": period.is_complete(as_of),
            }
        )
    columns = ["segment", "grain", "period", "start", "end", *NpsResult.__dataclass_fields__]
    shares = ["promoter_share", "passive_share", "detractor_share", "suppressed", "complete"]
    return pd.DataFrame(rows, columns=[*columns, *shares])


def _known_by(
    as_of: dt.date, answers: Answers | None, survey: ir.Table, calendar: Calendar, dimension: str
) -> Answers:
    """Return the answers until a day: those that the caller has read, else read now."""
    if answers is None:
        answers = Answers.read(survey, calendar, as_of, dimension)
    return replace(answers, as_of=as_of)


def survey_facts(
    survey: ir.Table | pd.DataFrame,
    metrics: Sequence[str],
    periods: Iterable[Period],
    *,
    calendar: Calendar,
    as_of: dt.date,
    dimension: str = "",
    answers: Answers | None = None,
) -> pd.DataFrame:
    """Return survey metrics of periods as facts.

    ``nps`` is in points, with the adjusted Wald interval of ``nps``. ``csat`` is the share of
    answers of 8 to 10, the counterpart of 4 and 5 on a scale of five, with a Wilson interval. Both
    at 95 %, weighted where answers have a weight; the rules for what is valid are those of ``nps``.

    Args:
        survey: One row per answer, as for ``nps_table``.
        metrics: Among nps and csat.
        periods: Periods of any grain, in any order.
        calendar: How the product cuts time.
        as_of: Last complete day of data; later answers do not count.
        dimension: Column to break down by; empty for the total. Where the table lacks it, there
            are no facts.
        answers: What the caller has read of the survey, without a dimension, up to ``as_of`` or
            later; read anew if None.

    Returns:
        Facts (``kpikit.catalogue.FACT_COLUMNS``) per metric, segment and period: metrics and
        periods in the order asked for, segments sorted. ``n`` counts valid answers, however few:
        ``catalogue.withhold_few`` hides those of fewer than ``MIN_ANSWERS``. A period without an
        answer is missing, with its reason.

    Raises:
        AnalysisError: A metric is unknown to this analysis, a column is missing.
    """
    for name in metrics:
        check_choice("metric", name, SURVEY_METRICS, "survey_facts")
    table = as_table(survey)
    if dimension and dimension not in table.columns:
        return make_facts([])
    answers = _known_by(as_of, answers, table, calendar, dimension)
    rows = []
    for name, segment, period in product(
        metrics, answers.daily.segments(dimension), dict.fromkeys(periods)
    ):
        tally = answers.within(period, segment)
        if tally.n:
            values = _nps_values(tally) if name == "nps" else _csat_values(tally)
        else:
            values = {"n": 0, "reason": answers.why_none(period)}
        where = {"dimension": dimension, "segment": segment}
        rows.append(fact(name, period, as_of=as_of, **where, **values))
    return make_facts(rows)


def _series(values: Any) -> pd.Series:
    found = values.to_pandas() if isinstance(values, ir.Column) else values
    if getattr(found, "ndim", 1) != 1:
        raise AnalysisError("A table is given in nps.\nGive one column of it.")
    return pd.Series(found).reset_index(drop=True)


def _result(tally: Tally, z: float, method: Method) -> NpsResult:
    score = tally.share(tally.promoters) - tally.share(tally.detractors)
    low, high = _interval(tally, z, method) if tally.n else (math.nan, math.nan)
    promoters, passives, detractors = tally.n_promoters, tally.n_passives, tally.n_detractors
    return NpsResult(
        nps=100 * score,
        ci_low=100 * max(min(low, score), -1.0),
        ci_high=100 * min(max(high, score), 1.0),
        n=tally.n,
        promoters=promoters,
        passives=passives,
        detractors=detractors,
        invalid=tally.invalid,
        missing=tally.missing,
        n_effective=tally.n_effective,
    )


def _interval(tally: Tally, z: float, method: Method) -> tuple[float, float]:
    n = tally.n_effective
    promoters, detractors = tally.share(tally.promoters) * n, tally.share(tally.detractors) * n
    if method == "adjusted-wald":
        promoters, detractors, n = promoters + 0.75, detractors + 0.75, n + 3
    net, polar = (promoters - detractors) / n, (promoters + detractors) / n
    half = z * math.sqrt(max(polar - net**2, 0.0) / n)
    return net - half, net + half


def _nps_values(tally: Tally) -> dict[str, Any]:
    result = _result(tally, normal_quantile(0.95), "adjusted-wald")
    return {
        "value": result.nps,
        "n": result.n,
        "numerator": tally.promoters - tally.detractors,
        "denominator": tally.weight,
        "ci_low": result.ci_low,
        "ci_high": result.ci_high,
    }


def _csat_values(tally: Tally) -> dict[str, Any]:
    share = tally.share(tally.satisfied)
    low, high = wilson_interval(share * tally.n_effective, tally.n_effective)
    return {
        "value": share,
        "n": tally.n,
        "numerator": tally.satisfied,
        "denominator": tally.weight,
        "ci_low": float(low),
        "ci_high": float(high),
    }
