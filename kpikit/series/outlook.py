"""What comes next, and how far such forecasts were off so far.

The forecast is the mean of Theta and a damped trend, both on the seasonally adjusted series, or on
its logarithms where these are better foretold. How sure it is comes from rolling origins: the same
forecast is made from each of the last points, and compared with what came, for the very quantity
that is reported. The total of three months has the errors of such totals, not a sum of monthly
ones.

References:
    Tashman, L. J. (2000). Out-of-sample tests of forecasting accuracy. International Journal of
    Forecasting 16, 437-450: rolling origins. Makridakis, S., et al. (2020). The M4 Competition.
    International Journal of Forecasting 36, 54-74: combinations beat their members.
"""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from kpikit.errors import AnalysisError
from kpikit.series.reading import Floats, SeriesLike, Values, read_values
from kpikit.series.seasons import Ints, is_seasonal, season_factors
from kpikit.series.smoothing import fit_damped, fit_theta, prefers_logs

Aggregate = Literal["sum", "mean", "last"]
AGGREGATES: tuple[Aggregate, ...] = ("sum", "mean", "last")

MIN_HISTORY = 8  # fewer points carry no model
NAIVE = "naive"  # the method of fewer: the last value is carried on
_MOST_ORIGINS = 48
_MOST_MISSING = 0.25
_MIN_ERRORS = 4  # fewer say nothing on their own about a horizon
# how the error of each aggregate grows with its periods where the level wanders
_GROWTH = {"sum": 1.5, "mean": 0.5, "last": 0.5}


@dataclass(frozen=True)
class Season:
    """A season of so many periods, 1 where there is none, as ratios or as differences."""

    length: int = 1
    multiplicative: bool = False

    def adjust(self, numbers: Floats, lengths: Ints) -> tuple[Floats, Floats]:
        """Return each history of a series without its season, and the season's factors.

        Returns:
            One row per history: its points (zeros after its end), and one factor per place. Without
            a season, the series is the only row: the histories are first points of it.
        """
        factors = self.factors(numbers, lengths)
        if self.length == 1:
            return numbers[None], factors
        every = factors[:, np.arange(len(numbers)) % self.length]
        live = np.arange(len(numbers)) < lengths[:, None]
        return np.where(live, self.remove(numbers, every), 0.0), factors

    def factors(self, numbers: Floats, lengths: Ints) -> Floats:
        """Return one row per history of a series, one column per place in the season."""
        if self.length == 1:
            return np.zeros((len(lengths), 1))
        return season_factors(numbers, self.length, lengths, multiplicative=self.multiplicative)

    def remove(self, numbers: Floats, factors: Floats) -> Floats:
        """Return values without their season."""
        return numbers / factors if self.multiplicative else numbers - factors

    def restore(self, plain: Floats, factors: Floats) -> Floats:
        """Return adjusted values with their season again."""
        return plain * factors if self.multiplicative else plain + factors


def find_season(numbers: Floats, season_length: int) -> Season:
    """Return the season that a series shows; ratios only where every value is above zero."""
    if not is_seasonal(numbers, season_length):
        return Season()
    return Season(season_length, multiplicative=bool((numbers > 0).all()))


@dataclass(frozen=True)
class Estimate:
    """A forecast quantity: its mean, its spread, and how many errors told the spread.

    Its distribution is Student's t with as many degrees of freedom as there were errors.
    """

    mean: float
    scale: float
    errors: int

    def quantile(self, share: float) -> float:
        """Return what it stays below with probability ``share``; NaN if the spread is unknown."""
        if self.scale == 0:
            return self.mean
        if not self.errors:
            return math.nan
        return float(self.mean + self.scale * special.stdtrit(self.errors, share))

    def chance_of(self, target: float) -> float:
        """Return the probability of ``target`` or more; NaN if unknown, 0 or 1 without spread."""
        if self.scale == 0:
            return float(self.mean >= target)
        if not self.errors:
            return math.nan
        return float(special.stdtr(self.errors, (self.mean - target) / self.scale))

    def mirrored(self) -> "Estimate":
        """Return the same of the negative quantity, of which less is more."""
        return Estimate(-self.mean, self.scale, self.errors)


@dataclass(frozen=True)
class Trial:
    """A forecast made from an earlier point, and what came.

    Attributes:
        known: How many points it knew.
        estimate: What it said.
        naive: The same periods one season before.
        actual: What came.
    """

    known: int
    estimate: Estimate
    naive: float
    actual: float


@dataclass(frozen=True)
class Outlook:
    """Forecasts from several origins of one series, the last of them its end.

    Attributes:
        numbers: The series, gaps filled.
        lengths: How many first points each origin knows, ascending.
        forecasts: One row per origin, one column per step ahead.
        method: What made them.
        season: The season found.
    """

    numbers: Floats
    lengths: Ints
    forecasts: Floats
    method: str
    season: Season

    def step(self, ahead: int) -> Estimate:
        """Return the value ``ahead`` periods after the end."""
        return self._estimate(ahead, "last")

    def total(self, periods: int, *, aggregate: Aggregate, elapsed: int = 0) -> Estimate:
        """Return the sum, mean or last of ``periods``, whose first ``elapsed`` have come."""
        rest = periods - elapsed
        past = float(self.numbers[len(self.numbers) - elapsed :].sum())
        if rest == 0:
            known = {"sum": past, "mean": past / periods, "last": float(self.numbers[-1])}
            return Estimate(known[aggregate], 0.0, 0)
        if aggregate == "mean":
            found = self._estimate(rest, "sum")
            return Estimate((past + found.mean) / periods, found.scale / periods, found.errors)
        found = self._estimate(rest, aggregate)
        return Estimate(
            found.mean + (past if aggregate == "sum" else 0.0), found.scale, found.errors
        )

    def trials(self, periods: int, *, aggregate: Aggregate, season_length: int) -> Iterator[Trial]:
        """Return what each origin would have said of a total that has come since.

        Each knows only the errors known when it was made, and has at least 4 of them.
        """
        lag = season_length * math.ceil(periods / season_length)
        starts = np.arange(max(len(self.numbers) - periods + 1, 0))
        came = _aggregated(self.numbers[starts[:, None] + np.arange(periods)], periods, aggregate)
        means = _aggregated(self.forecasts, periods, aggregate)
        missed = self._errors(periods, aggregate)  # in time order
        known_by = np.searchsorted(self.lengths, self.lengths - periods, side="right")
        for known, mean, told in zip(self.lengths.tolist(), means, known_by, strict=True):
            if known >= len(came) or known < lag or told < _MIN_ERRORS:
                continue
            errors = missed[:told]
            spread = math.sqrt(float(errors @ errors) / len(errors))
            estimate = Estimate(float(mean), spread, len(errors))
            yield Trial(known, estimate, float(came[known - lag]), float(came[known]))

    def _estimate(self, periods: int, aggregate: Aggregate) -> Estimate:
        mean = float(_aggregated(self.forecasts[-1:], periods, aggregate)[0])
        told = periods
        while told > 1 and len(self._errors(told, aggregate)) < _MIN_ERRORS:
            told -= 1
        errors = self._errors(told, aggregate)
        # a few points that stayed where they were tell no spread; many tell that there is none
        if not errors.any() if self.method == NAIVE else not len(errors):
            return Estimate(mean, math.nan, 0)
        scale = math.sqrt(float(errors @ errors) / len(errors))
        return Estimate(mean, scale * (periods / told) ** _GROWTH[aggregate], len(errors))

    def _errors(self, periods: int, aggregate: Aggregate) -> Floats:
        """Return by how much each origin missed, of those whose periods have all come."""
        told = self.lengths + periods <= len(self.numbers)
        came = self.numbers[self.lengths[told, None] + np.arange(periods)]
        return _aggregated(came, periods, aggregate) - _aggregated(
            self.forecasts[told], periods, aggregate
        )


def outlook_of(
    series: SeriesLike, *, horizon: int, season_length: int | None, where: str
) -> tuple[Values, Outlook]:
    """Return a caller's series, read, and its outlook.

    Args:
        series: As for ``read_values``.
        horizon: Steps ahead (>= 1).
        season_length: Periods per season; from the index if None.
        where: The public function, for messages.

    Raises:
        AnalysisError: The series cannot be read, or more than a quarter of it is missing.
    """
    values = read_values(series, season_length=season_length, where=where)
    missing, count = int(np.isnan(values.numbers).sum()), len(values.numbers)
    if missing > _MOST_MISSING * count:
        raise AnalysisError(
            f"series misses {missing} of {count} values in {where}.\n"
            f"Give one with at most a quarter missing, such as of a coarser grain."
        )
    return values, look_ahead(values.filled, horizon=horizon, season_length=values.season_length)


def look_ahead(numbers: Floats, *, horizon: int, season_length: int) -> Outlook:
    """Forecast a series from its end and from up to 48 points before.

    Fewer than 8 points carry no model: the last value is then the forecast (``naive``).

    Args:
        numbers: The series, without gaps.
        horizon: Steps ahead (>= 1).
        season_length: Periods per season, 1 for none.
    """
    # a report asks one series for its total, the chance of its target and how both fared
    return _look_ahead(numbers.astype(np.float64).tobytes(), horizon, season_length)


@functools.lru_cache(maxsize=64)
def _look_ahead(data: bytes, horizon: int, season_length: int) -> Outlook:
    numbers = np.frombuffer(data)
    count = len(numbers)
    if count < MIN_HISTORY:
        lengths = np.arange(1, count + 1)
        flat = np.repeat(numbers[:, None], horizon, axis=1)
        return Outlook(numbers, lengths, flat, NAIVE, Season())
    season = find_season(numbers, season_length)
    # a profile takes two seasons, a line without season half of a short history
    least = 2 * season.length if season.length > 1 else min(MIN_HISTORY, count // 2)
    lengths = np.arange(max(least, count - _MOST_ORIGINS), count + 1)
    forecasts = forecast_histories(numbers, lengths, season, horizon)
    return Outlook(numbers, lengths, forecasts, "theta + damped trend", season)


def forecast_histories(numbers: Floats, lengths: Ints, season: Season, horizon: int) -> Floats:
    """Return the forecasts that the first points of a series give, one row per length."""
    rows, factors = season.adjust(numbers, lengths)
    if prefers_logs(rows[-1, : lengths[-1]], learned=int(lengths[-1])):
        plain = np.exp(_mean_forecast(np.log(np.where(rows > 0, rows, 1.0)), lengths, horizon))
    else:
        plain = _mean_forecast(rows, lengths, horizon)
    place = (lengths[:, None] + np.arange(horizon)) % season.length
    return season.restore(plain, np.take_along_axis(factors, place, axis=1))


def _mean_forecast(rows: Floats, lengths: Ints, horizon: int) -> Floats:
    theta, damped = fit_theta(rows, lengths), fit_damped(rows, lengths)
    return np.asarray((theta.forecast(horizon) + damped.forecast(horizon)) / 2)


def _aggregated(rows: Floats, periods: int, aggregate: Aggregate) -> Floats:
    if aggregate == "last":
        return np.asarray(rows[:, periods - 1])
    total = rows[:, :periods].sum(axis=1)
    return np.asarray(total if aggregate == "sum" else total / periods)
