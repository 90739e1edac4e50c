"""Facts that a report has at hand: the engine is asked once for a metric in a period."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd

from kpikit.catalogue import Metric, make_facts
from kpikit.formulas import parse_formula
from kpikit.params import Product
from kpikit.periods import Period

SALES = ("net_revenue", "refunds", "orders", "average_order_value")
USAGE = ("mau", "stickiness", "wau", "dau")  # the first two are named in a title

Compute = Callable[[Mapping[Metric, Sequence[Period]]], pd.DataFrame]


class KnownFacts:
    """Facts of totals, computed where they are not known yet.

    Sections ask for what they show when they show it, often for what another has asked for before.
    A query costs some 40 ms before it reads a row, so one for many metrics and periods is cheaper
    than several for few.

    Args:
        compute: Returns a fact per metric and each of its periods at least.
    """

    def __init__(self, compute: Compute) -> None:
        """Know nothing yet."""
        self._compute = compute
        self._facts = make_facts([])
        self._places: dict[tuple[str, Period], int] = {}

    def of(self, metrics: Sequence[Metric], periods: Sequence[Period]) -> pd.DataFrame:
        """Return the facts of metrics in periods, by metric and period in the order asked for."""
        self.learn(dict.fromkeys(metrics, periods))
        places = [self._places[metric.name, period] for metric in metrics for period in periods]
        return self._facts.take(places).reset_index(drop=True)

    def learn(self, wanted: Mapping[Metric, Sequence[Period]]) -> None:
        """Ask at once for metrics in those of their periods that are not known yet."""
        lacking = {
            metric: [one for one in periods if (metric.name, one) not in self._places]
            for metric, periods in wanted.items()
        }
        unknown = {metric: periods for metric, periods in lacking.items() if periods}
        if not unknown:
            return
        found = self._compute(unknown)
        columns = (found[name] for name in ("metric", "start", "end", "grain", "period"))
        for place, (name, *span) in enumerate(zip(*columns, strict=True), len(self._facts)):
            self._places[name, Period(*span)] = place
        self._facts = pd.concat([self._facts, found], ignore_index=True)


class KnownParts:
    """Facts of metrics by the segments of dimensions, kept for whoever asks for the same.

    Args:
        compute: Returns the facts of metrics, each in its periods, by each of some dimensions.
    """

    def __init__(
        self, compute: Callable[[Mapping[Metric, Sequence[Period]], Sequence[str]], pd.DataFrame]
    ) -> None:
        """Know nothing yet."""
        self._compute = compute
        self._found: dict[tuple[str, str], tuple[set[Period], pd.DataFrame]] = {}

    def learn(self, wanted: Mapping[Metric, Sequence[Period]], dimensions: Sequence[str]) -> None:
        """Ask for metrics in their periods by every dimension, where one is not known yet."""
        unknown = {
            metric: periods
            for metric, periods in wanted.items()
            if not all(self._knows(metric, periods, dimension) for dimension in dimensions)
        }
        if not unknown:
            return
        facts = self._compute(unknown, dimensions)
        parts = dict(iter(facts.groupby(["metric", "dimension"], sort=False)))
        for metric, periods in unknown.items():
            for dimension in dimensions:
                place = (metric.name, dimension)
                self._found[place] = set(periods), parts.get(place, facts.head(0))

    def of(self, metric: Metric, periods: Sequence[Period], dimension: str) -> pd.DataFrame:
        """Return the facts of the segments that have a row in one of the periods at least."""
        self.learn({metric: periods}, [dimension])
        _, facts = self._found[metric.name, dimension]
        wanted = {(one.start, one.end, one.grain, one.label) for one in periods}
        spans = zip(*(facts[name] for name in ("start", "end", "grain", "period")), strict=True)
        asked = [place for place, span in enumerate(spans) if span in wanted]
        segments, n, value = (facts[name].tolist() for name in ("segment", "n", "value"))
        living = {segments[place] for place in asked if n[place] > 0 or abs(value[place]) > 0}
        kept = [place for place in asked if segments[place] in living]
        return facts.take(kept).reset_index(drop=True)

    def _knows(self, metric: Metric, periods: Sequence[Period], dimension: str) -> bool:
        known, _ = self._found.get((metric.name, dimension), (set(), None))
        return known.issuperset(periods)


def weekly_metrics(params: Product, catalogue: Mapping[str, Metric]) -> list[Metric]:
    """Return the metrics of which sections will ask for every week: those of declared campaigns."""
    names = dict.fromkeys(one.metric for one in params.campaigns if one.metric)
    return [catalogue[name] for name in names if name in catalogue]


def foreseen_metrics(params: Product, catalogue: Mapping[str, Metric]) -> list[Metric]:
    """Return the metrics that sections will ask for beside the scorecard's."""
    names = dict.fromkeys((*SALES, *USAGE, *_named(params)))
    return [catalogue[name] for name in names if name in catalogue]


def _named(params: Product) -> Iterator[str]:
    for name, formula in params.drivers.items():
        yield from (name, *parse_formula(formula).names)
    for goal in params.goals:
        yield from (result.metric for result in goal.key_results)
    yield from (one.metric for one in params.benchmarks)
    yield from (one.metric for one in params.actions if one.metric)
