"""How long customers under contract stay: the shifted beta-geometric model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from kpikit.analysis.lifetime.fitting import Floats, check_customers, checked, most_likely
from kpikit.errors import AnalysisError


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """The sBG model: at each renewal a customer leaves with a chance of his own.

    Because those with a high chance leave first, retention rises with age, without anybody having
    become more loyal.

    Attributes:
        alpha: First parameter of the beta distribution of the chance to leave.
        beta: The second.
        log_likelihood: Of the customers it was fitted to; NaN if it was not.

    References:
        Fader, P. S. and Hardie, B. G. S. (2007). How to project customer retention. Journal of
        Interactive Marketing 21(1), 76-90.
    """

    alpha: float
    beta: float
    log_likelihood: float = float("nan")

    def survival(self, renewals: npt.ArrayLike) -> Floats:
        """Return the share that is still there after so many renewals (their eq. 6)."""
        age = np.asarray(renewals, dtype=float)
        logs = special.betaln(self.alpha, self.beta + age) - special.betaln(self.alpha, self.beta)
        return np.asarray(np.exp(logs))

    def retention(self, renewals: npt.ArrayLike) -> Floats:
        """Return the share of those before a renewal who stay, 1 being the first (eq. 8)."""
        age = np.asarray(renewals, dtype=float)
        return np.asarray((self.beta + age - 1) / (self.alpha + self.beta + age - 1))

    def expected_renewals(self) -> float:
        """Return how often a new customer is expected to renew; infinite for alpha of at most 1."""
        return self.beta / (self.alpha - 1) if self.alpha > 1 else float("inf")


def fit_sbg(survival: npt.ArrayLike, *, customers: float = 1000) -> ShiftedBetaGeometric:
    """Return the sBG model that makes a cohort's survival likeliest.

    Args:
        survival: Share of the cohort still there after the first renewal, the second and so on,
            never rising.
        customers: Size of the cohort; it moves the likelihood and not the parameters.

    Raises:
        AnalysisError: There are fewer than two shares, one is missing or outside 0 to 1 or above
            the one before, the cohort is smaller than 50, or the likelihood has no maximum.
    """
    where = "fit_sbg"
    shares = checked(where, survival=survival)["survival"]
    check_customers(np.asarray([float(customers)]), where)
    stays = np.concatenate([[1.0], shares])
    if len(shares) < 2 or (np.diff(stays) > 0).any():
        raise AnalysisError(
            f"{where} needs at least two shares from 0 to 1, none above the one before.\n"
            "Give the share still there after each renewal, the first one first."
        )
    lost, ages = customers * -np.diff(stays), np.arange(1, len(stays))

    def log_likelihood(given: Floats) -> float:
        alpha, beta = given
        base = special.betaln(alpha, beta)
        leaving = special.betaln(alpha + 1, beta + ages - 1) - base
        staying = special.betaln(alpha, beta + ages[-1]) - base
        return float((lost * leaving).sum() + customers * stays[-1] * staying)

    (alpha, beta), found = most_likely(log_likelihood, {"alpha": 1.0, "beta": 1.0}, where)
    return ShiftedBetaGeometric(alpha, beta, found)
