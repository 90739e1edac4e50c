"""How often customers without a contract will buy again: BG/NBD and Pareto/NBD.

A customer buys at random at a rate of his own while alive, and leaves unseen; rates and lifetimes
vary over customers. All that is known of one is ``frequency`` (days with a repeat purchase),
``recency`` (time from the first purchase to the last, 0 without a repeat) and ``age`` (time from
the first purchase to the end of the data). Any unit of time will do; results bear the same.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from kpikit.analysis.lifetime.fitting import Floats, check_customers, checked, most_likely
from kpikit.errors import AnalysisError


@dataclass(frozen=True)
class BgNbd:
    """The BG/NBD model: a customer may leave after any purchase.

    Attributes:
        r: Shape of the gamma distribution of purchase rates.
        alpha: Its rate, in the unit of time.
        a: First parameter of the beta distribution of the chance to leave.
        b: The second.
        log_likelihood: Of the customers it was fitted to; NaN if it was not.

    References:
        Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting your customers" the easy
        way: an alternative to the Pareto/NBD model. Marketing Science 24(2), 275-284.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")

    def expected_purchases(self, time: npt.ArrayLike) -> Floats:
        """Return the repeat purchases expected of a new customer within ``time`` (their eq. 9)."""
        t = np.asarray(time, dtype=float)
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        tail = (alpha / (alpha + t)) ** r * special.hyp2f1(r, b, a + b - 1, t / (alpha + t))
        return np.asarray((a + b - 1) / (a - 1) * (1 - tail))

    def future_purchases(
        self, time: npt.ArrayLike, *, frequency: Any, recency: Any, age: Any
    ) -> Floats:
        """Return the purchases expected of known customers within ``time`` from now (eq. 10)."""
        known = checked("future_purchases", frequency=frequency, recency=recency, age=age)
        x, age_now = known["frequency"], known["age"]
        t = np.asarray(time, dtype=float)
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        z = t / (alpha + age_now + t)
        tail = ((alpha + age_now) / (alpha + age_now + t)) ** (r + x)
        tail = tail * special.hyp2f1(r + x, b + x, a + b + x - 1, z)
        found = (a + b + x - 1) / (a - 1) * (1 - tail)
        return np.asarray(found * self.alive(**known))

    def alive(self, *, frequency: Any, recency: Any, age: Any) -> Floats:
        """Return the chance that known customers have not left yet."""
        known = checked("alive", frequency=frequency, recency=recency, age=age)
        x, last, age_now = known["frequency"], known["recency"], known["age"]
        gone = self.a / (self.b + np.maximum(x, 1) - 1)
        gone = gone * ((self.alpha + age_now) / (self.alpha + last)) ** (self.r + x)
        return np.asarray(1 / (1 + np.where(x > 0, gone, 0.0)))


@dataclass(frozen=True)
class ParetoNbd:
    """The Pareto/NBD model: a customer may leave at any time.

    Attributes:
        r: Shape of the gamma distribution of purchase rates.
        alpha: Its rate, in the unit of time.
        s: Shape of the gamma distribution of the rates of leaving.
        beta: Its rate, in the unit of time.
        log_likelihood: Of the customers it was fitted to; NaN if it was not.

    References:
        Schmittlein, D. C., Morrison, D. G. and Colombo, R. (1987). Counting your customers.
        Management Science 33(1), 1-24. Fader, P. S. and Hardie, B. G. S. (2005). A note on
        deriving the Pareto/NBD model and related expressions (brucehardie.com/notes/009).
    """

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float = float("nan")

    def expected_purchases(self, time: npt.ArrayLike) -> Floats:
        """Return the repeat purchases expected of a new customer within ``time``."""
        t = np.asarray(time, dtype=float)
        lasting = 1 - (self.beta / (self.beta + t)) ** (self.s - 1)
        return np.asarray(self.r * self.beta / (self.alpha * (self.s - 1)) * lasting)

    def alive(self, *, frequency: Any, recency: Any, age: Any) -> Floats:
        """Return the chance that known customers have not left yet."""
        known = checked("alive", frequency=frequency, recency=recency, age=age)
        here, gone = _pareto_parts((self.r, self.alpha, self.s, self.beta), **known)
        return np.asarray(1 / (1 + np.exp(gone - here)))


def fit_bgnbd(frequency: Any, recency: Any, age: Any, *, counts: Any = None) -> BgNbd:
    """Return the BG/NBD model that makes the customers likeliest.

    Args:
        frequency: Repeat purchases per customer (or pattern, see ``purchase_patterns``).
        recency: Time from the first purchase to the last; 0 without a repeat.
        age: Time from the first purchase to the end of the data.
        counts: Customers per row; 1 if None.

    Raises:
        AnalysisError: A value is missing or negative, a recency exceeds its age, there are fewer
            than 50 customers or nobody bought again, or the likelihood has no maximum.
    """
    x, last, end, weight = _patterns(frequency, recency, age, counts, "fit_bgnbd")
    scale = end.mean()
    last, end = last / scale, end / scale

    def log_likelihood(given: Floats) -> float:
        r, alpha, a, b = given
        here = -(r + x) * np.log(alpha + end)
        gone = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + last)
        lives = np.logaddexp(here, np.where(x > 0, gone, -np.inf))
        buys = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
        stays = special.betaln(a, b + x) - special.betaln(a, b)
        return float((weight * (buys + stays + lives)).sum())

    start = {"r": 1.0, "alpha": 1.0, "a": 1.0, "b": 1.5}
    (r, alpha, a, b), found = most_likely(log_likelihood, start, "fit_bgnbd")
    return BgNbd(r, alpha * scale, a, b, found - (weight * x).sum() * np.log(scale))


def fit_paretonbd(frequency: Any, recency: Any, age: Any, *, counts: Any = None) -> ParetoNbd:
    """Return the Pareto/NBD model that makes the customers likeliest.

    Args:
        frequency: Repeat purchases per customer (or pattern, see ``purchase_patterns``).
        recency: Time from the first purchase to the last; 0 without a repeat.
        age: Time from the first purchase to the end of the data.
        counts: Customers per row; 1 if None.

    Raises:
        AnalysisError: As for ``fit_bgnbd``.
    """
    x, last, end, weight = _patterns(frequency, recency, age, counts, "fit_paretonbd")
    scale = end.mean()

    def log_likelihood(given: Floats) -> float:
        r, alpha, s, beta = given
        here, gone = _pareto_parts(
            (r, alpha, s, beta), frequency=x, recency=last / scale, age=end / scale
        )
        buys = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        return float((weight * (buys + np.logaddexp(here, gone))).sum())

    start = {"r": 1.0, "alpha": 1.0, "s": 1.0, "beta": 1.0}
    (r, alpha, s, beta), found = most_likely(log_likelihood, start, "fit_paretonbd")
    likelihood = found - (weight * x).sum() * np.log(scale)
    return ParetoNbd(r, alpha * scale, s, beta * scale, likelihood)


def _pareto_parts(
    given: tuple[float, float, float, float], *, frequency: Floats, recency: Floats, age: Floats
) -> tuple[Floats, Floats]:
    """Return the log-likelihoods, but for what they share, of being here and of having left."""
    r, alpha, s, beta = given
    x = frequency
    big, small_of = max(alpha, beta), abs(alpha - beta)
    second = s + 1 if alpha >= beta else r + x

    def term(time: Floats) -> Floats:
        ratio = special.hyp2f1(r + s + x, second, r + s + x + 1, small_of / (big + time))
        return np.asarray(np.log(ratio) - (r + s + x) * np.log(big + time))

    early, late = term(recency), term(age)
    with np.errstate(divide="ignore"):  # nobody leaves in no time
        between = early + np.log(-np.expm1(np.minimum(late - early, 0.0)))
    here = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
    return here, np.asarray(np.log(s / (r + s + x)) + between)


def _patterns(
    frequency: Any, recency: Any, age: Any, counts: Any, where: str
) -> tuple[Floats, Floats, Floats, Floats]:
    found = checked(
        where,
        frequency=frequency,
        recency=recency,
        age=age,
        counts=np.ones(np.shape(frequency)) if counts is None else counts,
    )
    check_customers(found["counts"], where)
    if (found["recency"] > found["age"]).any():
        raise AnalysisError(
            f"A recency exceeds its age in {where}.\n"
            "Both begin with the first purchase; the age ends with the data."
        )
    if not found["frequency"].any():
        raise AnalysisError(
            f"Nobody bought again in {where}.\nGive a time in which some customers return."
        )
    return found["frequency"], found["recency"], found["age"], found["counts"]
