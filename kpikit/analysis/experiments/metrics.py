"""What an experiment measures per unit: means, shares, ratios and quantiles."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from numbers import Real
from typing import Literal

from kpikit.errors import AnalysisError, check_choice

Nulls = Literal["exclude", "zero"]

# What a column is for, and how the moments name it.
VALUE, DENOMINATOR = "value", "denominator"
COVARIATE, COVARIATE_DENOMINATOR = "covariate", "covariate_denominator"


@dataclass(frozen=True)
class Mean:
    """The mean of a column over units.

    Attributes:
        column: Column of numbers, one per unit.
        covariate: The same quantity before the experiment; the effect is then adjusted for it
            (CUPED). A unit without one is taken to have 0, as one without any history has.
        cap: Share of units, such as 0.999, above whose quantile values are cut down to it. The
            threshold is one for all variants, or the cut itself would differ between them.
        nulls: Units without a value are left out (``exclude``) or count as ``zero``. Those left
            out are counted in the result.

    Raises:
        AnalysisError: ``cap`` is not a share, or ``nulls`` is unknown.

    References:
        Deng, A., Xu, Y., Kohavi, R. and Walker, T. (2013). Improving the sensitivity of online
        controlled experiments by utilizing pre-experiment data. WSDM 2013, 123-132.
    """

    column: str
    covariate: str | None = None
    _: KW_ONLY
    cap: float | None = None
    nulls: Nulls = "exclude"

    def __post_init__(self) -> None:
        _check(self, self.cap, self.nulls)

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """Columns by what they are for."""
        return _given({VALUE: self.column, COVARIATE: self.covariate})


@dataclass(frozen=True)
class Proportion:
    """The share of units with 1 (or true) in a column of 0 and 1.

    Attributes:
        column: Column of 0 and 1, or of true and false.
        pooled: Whether test and interval take their standard error from both variants together.
            By default the test does, whose hypothesis is that they are equal, and the interval
            does not. ``True`` and ``False`` select one for both.
        nulls: As of ``Mean``.

    Raises:
        AnalysisError: ``nulls`` is unknown.
    """

    column: str
    _: KW_ONLY
    pooled: bool | None = None
    nulls: Nulls = "exclude"

    def __post_init__(self) -> None:
        _check(self, None, self.nulls)

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """Columns by what they are for."""
        return {VALUE: self.column}


@dataclass(frozen=True)
class Ratio:
    """The sum of one column over the sum of another, such as clicks per session.

    Units are what was randomised, users mostly, and hold both sums; so that the variance is that
    between them (delta method), however many sessions each of them had.

    Attributes:
        numerator: Column summed above the line.
        denominator: Column summed below it.
        numerator_covariate: The numerator before the experiment, for CUPED.
        denominator_covariate: The denominator before the experiment.
        cap: As of ``Mean``, for the numerator.
        nulls: As of ``Mean``; a unit lacks a value where either column is missing.

    Raises:
        AnalysisError: One covariate is given without the other; or as for ``Mean``.

    References:
        Deng, A., Knoblich, U. and Lu, J. (2018). Applying the delta method in metric analytics.
        KDD 2018, 233-242.
    """

    numerator: str
    denominator: str
    _: KW_ONLY
    numerator_covariate: str | None = None
    denominator_covariate: str | None = None
    cap: float | None = None
    nulls: Nulls = "exclude"

    def __post_init__(self) -> None:
        _check(self, self.cap, self.nulls)
        if (self.numerator_covariate is None) != (self.denominator_covariate is None):
            raise AnalysisError(
                "A Ratio has one covariate of two.\nGive numerator_covariate and "
                "denominator_covariate, or neither."
            )

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """Columns by what they are for."""
        return _given(
            {
                VALUE: self.numerator,
                DENOMINATOR: self.denominator,
                COVARIATE: self.numerator_covariate,
                COVARIATE_DENOMINATOR: self.denominator_covariate,
            }
        )


@dataclass(frozen=True)
class Quantile:
    """A quantile of a column over units, such as the median or the 95th percentile.

    Attributes:
        column: Column of numbers, one per unit.
        q: The share of units below it, between 0 and 1.
        nulls: As of ``Mean``.

    Raises:
        AnalysisError: ``q`` is not between 0 and 1, or ``nulls`` is unknown.
    """

    column: str
    q: float
    _: KW_ONLY
    nulls: Nulls = "exclude"

    def __post_init__(self) -> None:
        _check(self, None, self.nulls)
        if not _is_share(self.q):
            raise AnalysisError(f"q is {self.q!r} in Quantile.\nGive a share between 0 and 1.")

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """Columns by what they are for."""
        return {VALUE: self.column}


Metric = Mean | Proportion | Ratio | Quantile


def _is_share(given: object) -> bool:
    return isinstance(given, Real) and 0 < float(given) < 1


def _given(columns: Mapping[str, str | None]) -> dict[str, str]:
    return {part: name for part, name in columns.items() if name is not None}


def _check(metric: Metric, cap: float | None, nulls: str) -> None:
    where = type(metric).__name__
    check_choice("nulls", nulls, ("exclude", "zero"), where)
    if cap is not None and not _is_share(cap):
        raise AnalysisError(
            f"cap is {cap} in {where}.\nGive the share of units below it, such as 0.999."
        )
