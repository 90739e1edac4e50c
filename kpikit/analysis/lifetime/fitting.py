"""What the models of lifetime share: checked input, and the search for the likeliest parameters."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy import optimize

from kpikit.errors import AnalysisError

Floats = npt.NDArray[np.float64]
LEAST_CUSTOMERS = 50  # fewer leave the parameters to chance
_BOUND = 10.0  # of a parameter's logarithm, times being scaled to about 1


def checked(where: str, **columns: npt.ArrayLike) -> dict[str, Floats]:
    """Return the columns as arrays of floats of one length.

    Raises:
        AnalysisError: A value is missing or negative, or lengths differ.
    """
    arrays = {name: np.atleast_1d(np.asarray(one, dtype=float)) for name, one in columns.items()}
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) > 1:
        raise AnalysisError(
            f"Columns of {where} have different lengths: {', '.join(map(str, sorted(lengths)))}.\n"
            "Give one value per customer in each."
        )
    for name, array in arrays.items():
        if not (np.isfinite(array) & (array >= 0)).all():
            raise AnalysisError(
                f"{name} holds a value that is missing or below zero in {where}.\n"
                "Leave such customers out."
            )
    return arrays


def check_customers(counts: Floats, where: str) -> None:
    """Raise unless there are enough customers to fit a model to."""
    if counts.sum() < LEAST_CUSTOMERS:
        raise AnalysisError(
            f"{counts.sum():g} customers in {where}, too few to fit a model to.\n"
            f"Give at least {LEAST_CUSTOMERS}."
        )


def most_likely(
    log_likelihood: Callable[[Floats], float], start: Mapping[str, float], where: str
) -> tuple[Floats, float]:
    """Return the positive parameters of the greatest log-likelihood, and that likelihood.

    The search goes over the parameters' logarithms, without derivatives: from ``start``, from a
    third and from three times of it, for the likelihoods have flat ridges; then once more from the
    best point found.

    Raises:
        AnalysisError: The likelihood rises to the bounds of the search: the data do not hold the
            parameters.
    """
    first = np.log(np.array(list(start.values())))
    steps = (0.0, -math.log(3), math.log(3))
    found = [_climb(log_likelihood, first + step) for step in steps]
    best = _climb(log_likelihood, min(found, key=lambda one: one[1])[0])
    if not np.isfinite(best[1]) or (np.abs(best[0]) > _BOUND - 0.01).any():
        raise AnalysisError(
            f"No parameters fit the customers in {where}: the likelihood has no maximum.\n"
            "Give customers who differ, over a longer time."
        )
    return np.exp(best[0]), -best[1]


def _climb(log_likelihood: Callable[[Floats], float], start: Floats) -> tuple[Floats, float]:
    def loss(logs: Floats) -> float:
        with np.errstate(all="ignore"):  # far from any data the functions leave what floats hold
            found = log_likelihood(np.exp(logs))
        return -found if math.isfinite(found) else math.inf

    found = optimize.minimize(
        loss,
        start,
        method="Nelder-Mead",
        bounds=[(-_BOUND, _BOUND)] * len(start),
        options={"xatol": 1e-6, "fatol": 1e-7, "maxiter": 3000, "maxfev": 3000},
    )
    return found.x, float(found.fun)
