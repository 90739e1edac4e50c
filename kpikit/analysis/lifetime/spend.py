"""What customers spend per purchase: the Gamma-Gamma model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from kpikit.analysis.lifetime.fitting import Floats, check_customers, checked, most_likely
from kpikit.errors import AnalysisError


@dataclass(frozen=True)
class GammaGamma:
    """The Gamma-Gamma model: purchases vary about each customer's mean, and the means vary.

    It takes spend to be independent of how often a customer buys; look at their correlation first.

    Attributes:
        p: Shape of the distribution of purchases about a customer's mean.
        q: Shape of the distribution of the customers' scales.
        v: Its rate, in money.
        log_likelihood: Of the customers it was fitted to; NaN if it was not.

    References:
        Fader, P. S. and Hardie, B. G. S. (2013). The Gamma-Gamma model of monetary value
        (brucehardie.com/notes/025). Colombo, R. and Jiang, W. (1999). A stochastic RFM model.
        Journal of Interactive Marketing 13(3), 2-12.
    """

    p: float
    q: float
    v: float
    log_likelihood: float = float("nan")

    def expected_spend(self, frequency: Any, mean_spend: Any) -> Floats:
        """Return the mean spend per purchase to expect of customers (their eq. 5).

        It lies between a customer's own mean and that of all, the nearer to the former the more
        purchases are known. Without any it is the mean of all.

        Args:
            frequency: Purchases known per customer.
            mean_spend: Their mean, in money; of no matter where there is none.

        Raises:
            AnalysisError: A value is missing or negative.
        """
        known = checked("expected_spend", frequency=frequency, mean_spend=mean_spend)
        x, mean = known["frequency"], known["mean_spend"]
        return np.asarray(self.p * (self.v + x * mean) / (self.p * x + self.q - 1))


def fit_gammagamma(frequency: Any, mean_spend: Any, *, counts: Any = None) -> GammaGamma:
    """Return the Gamma-Gamma model that makes the customers' mean spends likeliest.

    Args:
        frequency: Purchases per customer (or pattern, see ``spend_patterns``), all above zero.
        mean_spend: Their mean, in money, above zero.
        counts: Customers per row; 1 if None.

    Raises:
        AnalysisError: A value is missing or not above zero, there are fewer than 50 customers, or
            the likelihood has no maximum.
    """
    where = "fit_gammagamma"
    ones = np.ones(np.shape(frequency))
    known = checked(
        where, frequency=frequency, mean_spend=mean_spend, counts=ones if counts is None else counts
    )
    x, mean, weight = known.values()
    check_customers(weight, where)
    if not ((x > 0) & (mean > 0)).all():
        raise AnalysisError(
            f"A customer without a purchase, or without spend, in {where}.\n"
            "Give customers who bought and paid; the model tells what to expect of the others."
        )
    scale = mean.mean()
    mean = mean / scale

    def log_likelihood(given: Floats) -> float:
        p, q, v = given
        shape = p * x
        found = (
            special.gammaln(shape + q)
            - special.gammaln(shape)
            - special.gammaln(q)
            + q * np.log(v)
            + (shape - 1) * np.log(mean)
            + shape * np.log(x)
            - (shape + q) * np.log(v + x * mean)
        )
        return float((weight * found).sum())

    (p, q, v), found = most_likely(log_likelihood, {"p": 2.0, "q": 3.0, "v": 1.0}, where)
    return GammaGamma(p, q, v * scale, found - weight.sum() * np.log(scale))
