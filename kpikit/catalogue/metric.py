"""What a metric is: its words, and the expressions that compute it."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from kpikit.errors import ParamsError, hint_names
from kpikit.formats import Unit, format_date
from kpikit.params.base import Direction, Perspective, Stage
from kpikit.periods import Period

Per = Literal["row", "user", "day"]
Family = Literal[
    "orders", "events", "subscriptions", "survey", "costs", "observations", "composite", "own"
]
STAGES: tuple[Stage, ...] = get_args(Stage)
EARLY: tuple[Stage, ...] = ("introduction", "growth")
GROWN: tuple[Stage, ...] = ("growth", "maturity")
LATE: tuple[Stage, ...] = ("maturity", "decline")
FROM_GROWTH: tuple[Stage, ...] = ("growth", "maturity", "decline")
PERSPECTIVES: tuple[Perspective, ...] = get_args(Perspective)

# A function of an Ibis table that returns an aggregate of it, or an Ibis deferred expression.
# Typed loosely on purpose: naming Ibis here would load it with every ``kpikit list``.
Expression = Callable[[Any], Any] | Any

_BUILT_IN_FAMILIES = frozenset({"orders", "events", "costs", "observations"})


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One KPI: what it asks, how it is counted, and who says so.

    A metric is ``numerator``, or ``numerator / denominator``, each rolled up over the whole period
    before they divide. Both are functions of a table (or Ibis deferred expressions):

    * ``per="row"``: the rows of ``table`` in the period, with all their columns. Rows of ``orders``
      also have ``sale_number`` (1 for the user's first sale ever), rows of ``subscriptions``
      ``spell_number``.
    * ``per="user"``: one row per user of ``events`` active in the period or, for a metric with
      ``looks_back``, in the one before. See ``kpikit.catalogue.users.user_schema``.
    * ``per="day"``: a frame with a row per day: ``dau``, ``wau``, ``mau``. An amount per day is
      summed up over the period's days; a single number is asked for of the days of each period.

    A metric with ``inputs`` is composed of other metrics: its expressions take an object with the
    value of each input, ``n`` (of each input, by name), ``gross_margin`` and ``months``. A metric
    without any expression is computed by the analysis of its ``family`` (subscriptions, survey).

    Attributes:
        name: Lower case, with underscores; unique within a product.
        label: Name as printed.
        question: What it answers, in one sentence.
        unit: What its value counts.
        table: Canonical table that it reads.
        formula: The definition in words, exact enough to compute it by hand.
        numerator: What is summed or counted.
        denominator: What it is divided by, if anything.
        n: What ``n`` counts; the denominator where that is a count, else the rows.
        n_of: What ``n`` counts, in words and plural: ``orders``, ``users``.
        least_n: Fewest ``n`` of which a value is shown; ``withhold_few`` hides those of fewer.
        per: What one row of the table in the expressions is.
        inputs: Name in the expressions to the metrics that may fill it, the first known one wins.
        direction: Which way is good.
        leading: Whether it moves before results do.
        perspective: Its perspective on the balanced scorecard.
        stages: Stages of a product's life at which it belongs on the scorecard by default.
        owner: Who answers for it.
        version: Version of the definition; a higher one is not comparable with a lower one.
        since: First day that the data follow this version, where values of earlier days were made
            by another; None where all days follow it, as they do for what kpikit computes.
        source: Whose definition it is.
        additive: Whether the values of the days of a period add up to the period's value.
        any_length: Whether a month's value may be held against a quarter's: an average order value
            may, a churn rate or distinct users may not, for they grow with the period.
        at_end: Whether its value is that of the period's last moment, as MRR is.
        looks_back: Whether it needs the whole period before.
        needs: Key of the product's file without which it cannot be computed.
        origin: Where it is defined, for messages.

    Raises:
        ParamsError: The name has another form, or one of the fixed words is unknown.

    Examples:
        >>> Metric(
        ...     name="refund_rate", label="Refund rate", unit="share", table="orders",
        ...     question="How much of what we sell comes back?",
        ...     numerator=lambda orders: -orders.revenue.sum(where=orders.kind == "refund"),
        ...     denominator=lambda orders: orders.revenue.sum(where=orders.kind == "sale"),
        ...     direction="down",
        ... ).family
        'orders'
    """

    name: str
    label: str
    question: str
    unit: Unit
    table: str
    formula: str = ""
    numerator: Expression | None = None
    denominator: Expression | None = None
    n: Expression | None = None
    n_of: str = "rows"
    least_n: int = 0
    per: Per = "row"
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    direction: Direction = "up"
    leading: bool = False
    perspective: Perspective = "process"
    stages: tuple[Stage, ...] = STAGES
    owner: str = ""
    version: int = 1
    since: dt.date | None = None
    source: str = ""
    additive: bool = False
    any_length: bool = False
    at_end: bool = False
    looks_back: bool = False
    needs: str = ""
    origin: str = "kpikit"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(self.name)):
            raise ParamsError(
                f"Metric name '{self.name}' has a form that is not allowed.\n"
                "Write lower-case letters, digits and underscores, a letter first."
            )
        fixed = {"unit": Unit, "per": Per, "direction": Direction, "perspective": Perspective}
        for key, allowed in fixed.items():
            value, words = getattr(self, key), get_args(allowed)
            if value not in words:
                hint = hint_names(str(value), words, label="Known")
                raise ParamsError(f"Metric '{self.name}': {key} is '{value}'.\n{hint}")

    @property
    def family(self) -> Family:
        """Which analysis computes it.

        ``subscriptions`` and ``survey`` have their own; ``composite`` comes from other facts;
        everything else is computed by ``metric_table`` (``own``: expressions of a product over a
        table that no built-in expression reads).
        """
        if self.inputs:
            return "composite"
        if self.numerator is None:
            return "survey" if self.table == "survey" else "subscriptions"
        return self.table if self.table in _BUILT_IN_FAMILIES else "own"  # type: ignore[return-value]

    def definition_gap(self, *periods: Period) -> str:
        """Return why values of these periods do not compare; empty where one definition made them.

        A period that begins before ``since`` follows, in part at least, an earlier version.
        """
        if self.since is None or all(period.start >= self.since for period in periods):
            return ""
        if all(period.end <= self.since for period in periods):
            return ""
        return f"definition version {self.version} since {format_date(self.since)}"
