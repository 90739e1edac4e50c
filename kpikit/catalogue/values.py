"""From the rolled-up parts of a metric to its value: zero or missing, divided, with an interval."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kpikit.catalogue.facts import fact
from kpikit.catalogue.metric import Metric
from kpikit.catalogue.queries import PARTS
from kpikit.catalogue.relations import Span
from kpikit.formats import format_date
from kpikit.intervals import wilson_interval
from kpikit.periods import Period

Parts = Mapping[str, Any]  # numerator, denominator, n; None for what no row filled


@dataclass(frozen=True)
class Valued:
    """Turns the rolled-up parts of one metric into facts.

    Attributes:
        metric: The metric.
        span: The periods.
        covered: First and last local day with a row of its table.
        total: Whether it is made of sums and counts alone.
        rate: Whether it is a share of counted units.
    """

    metric: Metric
    span: Span
    covered: tuple[dt.date, dt.date]
    total: bool
    rate: bool

    def fact(self, index: int, dimension: str, segment: str, parts: Parts | None) -> dict[str, Any]:
        """Return the fact of one period and segment; ``parts`` is None where no row was."""
        period = self.span.periods[index]
        reason = self._uncovered(period)
        values: dict[str, Any] = {}
        if not reason:
            values, reason = self._values(parts or {})
        complete = period.is_complete(self.span.as_of) and self.covered[0] <= period.start
        return fact(
            self.metric.name, period, as_of=self.span.as_of, dimension=dimension,
            segment=segment, complete=complete, reason=reason, **values,
        )  # fmt: skip

    def _uncovered(self, period: Period) -> str:
        """Return why the table cannot say anything of a period, empty if it can."""
        first, last = self.covered
        if self.metric.looks_back and self.span.calendar.previous(period).start < first:
            return f"the period before is not covered: the data begin on {format_date(first)}"
        if period.end <= first:
            return f"the data begin on {format_date(first)}"
        if period.start > min(last, self.span.as_of):
            return f"the data end on {format_date(min(last, self.span.as_of))}"
        return ""

    def _values(self, parts: Parts) -> tuple[dict[str, Any], str]:
        empty = 0 if self.total and self.metric.table != "observations" else None
        above, below, n = (empty if parts.get(part) is None else parts[part] for part in PARTS)
        if above is None:
            return {}, "there is no value in the period"
        if not math.isfinite(above):
            return {}, "a value in the data is no number"
        if self.metric.denominator is None:
            return {"value": above, "n": n, "numerator": above}, ""
        values = {"n": n, "numerator": above, "denominator": below}
        if not below:
            return values, f"there are no {self.metric.n_of}"
        values["value"] = _divide(above, below)
        if self.rate and 0 <= above <= below:
            values["ci_low"], values["ci_high"] = map(float, wilson_interval(above, below))
        return values, ""


def _divide(above: Any, below: Any) -> float:
    """Divide exactly where both are decimals or whole, and round once at the end."""
    if isinstance(above, float) or isinstance(below, float):
        return float(above) / float(below)
    return float(Decimal(above) / Decimal(below))
