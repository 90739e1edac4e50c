"""Answers of surveys: which count for what, and what they sum to in each period."""

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpikit.catalogue.daily import DailySums, segment_of
from kpikit.engine import check_columns, fetch, local_date, naive_utc
from kpikit.formats import format_date
from kpikit.intervals import Floats
from kpikit.periods import Calendar, Period

_ONE_DAY = dt.timedelta(days=1)
UNREADABLE = -1.0  # stands for a text that is no number: outside the scale, so invalid


@dataclass(frozen=True)
class Tally:
    """What answers sum to.

    Attributes:
        promoters: Weight of the valid answers of 9 or 10.
        passives: Of those of 7 or 8.
        detractors: Of those of 0 to 6.
        satisfied: Of those of 8 to 10.
        squares: Sum of the squared weights of all valid answers.
        n_promoters: Number of the valid answers of 9 or 10; the next two likewise.
        n_passives: Of 7 or 8.
        n_detractors: Of 0 to 6.
        invalid: Answers with a score that is no whole number from 0 to 10, or an unusable weight.
        missing: Rows without a score.
    """

    promoters: float
    passives: float
    detractors: float
    satisfied: float
    squares: float
    n_promoters: int
    n_passives: int
    n_detractors: int
    invalid: int
    missing: int

    @classmethod
    def of(cls, sums: Floats) -> "Tally":
        """Return the tally whose fields are ``sums``."""
        weights, counts = sums[:5].tolist(), sums[5:].tolist()
        return cls(*weights, *map(int, counts))

    @property
    def n(self) -> int:
        """Valid answers."""
        return self.n_promoters + self.n_passives + self.n_detractors

    @property
    def weight(self) -> float:
        """Weight of all valid answers."""
        return self.promoters + self.passives + self.detractors

    @property
    def n_effective(self) -> float:
        """Kish's number of answers of equal weight that would be as precise."""
        return self.weight**2 / self.squares if self.n else 0.0

    def share(self, part: float) -> float:
        """Return the share of the weight that a part of it is; NaN without an answer."""
        return part / self.weight if self.n else math.nan


def parts_of_tally(
    score: Floats, *, answers: Floats, weight: Floats, squares: Floats
) -> list[Floats]:
    """Return what rows of answers add to each field of ``Tally``, in their order.

    Args:
        score: Score of each row's answers; NaN where it is missing.
        answers: Number of answers.
        weight: Sum of their weights; NaN where it is unusable.
        squares: Sum of the squares of their weights.
    """
    missing = np.isnan(score)
    valid = (score >= 0) & (score <= 10) & (score == np.floor(score)) & ~np.isnan(weight)
    promoters, detractors = valid & (score >= 9), valid & (score <= 6)
    kinds = (promoters, valid & ~promoters & ~detractors, detractors)
    return [
        *(np.where(kind, weight, 0.0) for kind in (*kinds, valid & (score >= 8))),
        np.where(valid, squares, 0.0),
        *(np.where(kind, answers, 0.0) for kind in (*kinds, ~valid & ~missing, missing)),
    ]


@dataclass(frozen=True)
class Answers:
    """The answers of a table, summed per segment and local day.

    Attributes:
        daily: What they add to each field of ``Tally``.
        as_of: Last day whose answers count.
    """

    daily: DailySums
    as_of: dt.date

    @classmethod
    def read(cls, table: ir.Table, calendar: Calendar, as_of: dt.date, dimension: str) -> "Answers":
        """Return the answers up to ``as_of``, by a dimension where it is not empty.

        Raises:
            AnalysisError: A column is missing.
        """
        counts = fetch(_score_counts(table, calendar, as_of, dimension))
        names = ("score", "answers", "weight", "squares")
        score, answers, weight, squares = (counts[name].to_numpy().astype(float) for name in names)
        parts = parts_of_tally(score, answers=answers, weight=weight, squares=squares)
        return cls(DailySums.read(counts, parts), as_of)

    def within(self, period: Period, segment: str) -> Tally:
        """Return the tally of a period and segment, as far as its days count."""
        counting = replace(period, end=min(period.end, self.as_of + _ONE_DAY))
        return Tally.of(self.daily.within(counting, segment))

    def why_none(self, period: Period) -> str:
        """Return why a period has no answer."""
        first = self.daily.first_day
        if first is None:
            return "nobody has answered"
        if period.end <= first:
            return f"the first answer is of {format_date(first)}"
        if period.start > self.as_of:
            return f"the data ends on {format_date(self.as_of)}"
        return "nobody answered in the period"


def _score_counts(table: ir.Table, calendar: Calendar, as_of: dt.date, dimension: str) -> ir.Table:
    """Return answers per segment, day, score and whether the weight is usable; weights summed."""
    check_columns(table, ["score", "answer_time", *([dimension] if dimension else [])], "survey")
    score = table.score.try_cast("float64")
    weight: Any = ibis.literal(1.0)
    if "weight" in table.columns:
        weight = table.weight.try_cast("float64")
        weight = ibis.ifelse((weight >= 0) & (weight < math.inf), weight, ibis.null("float64"))
    answers = table.select(
        segment=segment_of(table, dimension),
        day=local_date(naive_utc(table.answer_time), calendar.timezone),
        score=ibis.coalesce(score, ibis.ifelse(table.score.isnull(), None, UNREADABLE)),
        weight=weight,
    )
    answers = answers.filter(answers.day <= as_of, answers.weight.fill_null(1.0) != 0)
    usable = answers.weight.notnull()
    return answers.group_by("segment", "day", "score", usable=usable).aggregate(
        answers=answers.count(),
        weight=answers.weight.sum(),
        squares=(answers.weight * answers.weight).sum(),
    )
