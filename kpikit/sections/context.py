"""What every section of one report works from: the product, its data, the period, the facts."""

import datetime as dt
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

from kpikit.analysis.metrics import composite_table, metric_table
from kpikit.analysis.scorecard import comparison_periods, scorecard_periods, scorecard_table
from kpikit.analysis.subscriptions import subscription_facts
from kpikit.analysis.survey import survey_facts
from kpikit.catalogue import (
    Metric,
    fact,
    make_facts,
    metrics_of,
    scorecard_metrics,
    with_inputs,
    withhold_few,
)
from kpikit.catalogue.answers import Answers
from kpikit.catalogue.features import facts_by_feature, feature_metrics
from kpikit.catalogue.relations import Coverages
from kpikit.catalogue.spells import first_paid_day, paid_spells
from kpikit.ledger import Ledger, read_ledger
from kpikit.params import LoadedProduct, Product
from kpikit.periods import Calendar, Grain, Period
from kpikit.present.sentences import Basis
from kpikit.sections.evidence import evidence_table
from kpikit.sections.known import KnownFacts, KnownParts, foreseen_metrics, weekly_metrics
from kpikit.sources import Dataset, Finding, findings_for

Made = TypeVar("Made")

MONTHS = 24
PAST = 12  # periods, the report's included
WEEKS = 6
ADOPTION = "feature_adoption_rate"


@dataclass(frozen=True)
class Context:
    """One product, its data and one period, with the facts that several sections read.

    Attributes:
        loaded: The product's validated file.
        dataset: Its canonical tables, checked.
        period: The fiscal quarter (or other period) that the report is about.
        run_id: The run that makes the report; empty for a draft opened by hand.
        earlier: What the product's earlier reviews published.
    """

    loaded: LoadedProduct
    dataset: Dataset
    period: Period
    run_id: str = ""
    earlier: Ledger = field(default_factory=lambda: read_ledger(None))

    @property
    def params(self) -> Product:
        """The product's parameters."""
        return self.loaded.params

    @property
    def calendar(self) -> Calendar:
        """How the product cuts time."""
        return self.loaded.calendar

    @property
    def currency(self) -> str:
        """ISO code of its money."""
        return self.params.product.currency

    @property
    def as_of(self) -> dt.date:
        """Last complete day that the report knows: the data's, at most the period's last."""
        return min(self.dataset.as_of, self.period.last_day)

    @property
    def last_month(self) -> Period:
        """The month of ``as_of``; where the data goes on beyond that day, the last one whole."""
        whole = self.calendar.last_complete(self.as_of, "month")
        if self.as_of == self.dataset.as_of or whole.end <= self.dataset.first_day:
            return self.calendar.period_of(self.as_of, "month")
        return whole

    @property
    def state(self) -> str:
        """``final``, ``unfinished`` (the data ends inside the period) or ``draft``."""
        if not self.run_id:
            return "draft"
        return "final" if self.period.is_complete(self.dataset.as_of) else "unfinished"

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """The KPIs of the scorecard, in its order."""
        return scorecard_metrics(self.loaded, self.dataset.tables)

    @cached_property
    def comparisons(self) -> dict[str, Period]:
        """The period and those it is compared with, cut to as many days where it is unfinished."""
        return comparison_periods(self.period, calendar=self.calendar, as_of=self.as_of)

    @cached_property
    def past(self) -> tuple[Period, ...]:
        """The period and those before it that the data covers, each as many days of it, in order.

        They are as long a past as a search for segments whose change stands out looks at.
        """
        found = []
        for back in range(PAST):
            shifted = self.calendar.shift(self.period, -back)
            if shifted.start < self.dataset.first_day:
                break
            found.append(self.calendar.like_for_like(self.period, shifted, self.as_of)[1])
        return tuple(found[::-1])

    @cached_property
    def weeks(self) -> list[Period]:
        """The weeks that the data covers from their first day to their last."""
        first_day = self.dataset.first_day
        weeks = self.calendar.periods(first_day, self.as_of + dt.timedelta(days=1), "week")
        return [one for one in weeks if first_day <= one.start and one.is_complete(self.as_of)]

    @cached_property
    def facts(self) -> pd.DataFrame:
        """Facts of every KPI for all periods that the review shows."""
        periods = self._periods()
        foreseen = foreseen_metrics(self.params, self.catalogue)
        spans = list(dict.fromkeys([*periods, *self.past]))
        simple, _ = self._parted_by_kind([*self.metrics, *foreseen])
        wanted = dict.fromkeys(simple, spans)
        for metric in self._parted_by_kind(weekly_metrics(self.params, self.catalogue))[0]:
            wanted[metric] = list(dict.fromkeys([*wanted.get(metric, []), *self.weeks]))
        pair = [self.comparisons["actual"], self.comparisons["previous"]]
        wanted |= dict.fromkeys(feature_metrics(self.catalogue[ADOPTION], self.params), pair)
        self._known.learn(wanted)  # one query for all
        return self.facts_of(self.metrics, periods)

    @cached_property
    def _known(self) -> KnownFacts:
        return KnownFacts(self._compute)

    @cached_property
    def _parts(self) -> KnownParts:
        return KnownParts(self._compute)

    @cached_property
    def coverages(self) -> Coverages:
        """What the tables cover, each asked once."""
        return Coverages(self.calendar.timezone)

    @cached_property
    def answers(self) -> Answers:
        """The answers of the survey, read once."""
        return Answers.read(self.dataset.tables["survey"], self.calendar, self.dataset.as_of, "")

    @cached_property
    def scorecard(self) -> pd.DataFrame:
        """One row per KPI: actual, target, comparisons, status."""
        return scorecard_table(
            self.facts,
            self.metrics,
            self.params.targets,
            period=self.period,
            calendar=self.calendar,
            as_of=self.as_of,
            currency=self.currency,
            evidence=evidence_table(self),
        )

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what ``make`` gives; it is called once per report and key.

        Args:
            key: Names what is made, its function first.
            make: Makes it.
        """
        if key not in self._made:
            self._made[key] = make()
        found: Made = self._made[key]
        return found

    @cached_property
    def _made(self) -> dict[Hashable, Any]:
        return {}

    @cached_property
    def catalogue(self) -> Mapping[str, Metric]:
        """Every metric that the product knows."""
        return metrics_of(self.loaded)

    @cached_property
    def basis(self) -> Basis:
        """What the sentences and tables of the page compare."""
        return Basis(
            period=self.period,
            previous=self.comparisons["previous"],
            year_before=self.comparisons["year_before"],
            as_of=self.as_of,
            currency=self.currency,
        )

    @cached_property
    def badges(self) -> dict[str, str]:
        """A remark per KPI whose data has a fault: the check that found it, or how many did."""
        found = {metric.name: self.checks_of(metric) for metric in self.metrics}
        return {
            name: checks[0] if len(checks) == 1 else f"{len(checks)} remarks"
            for name, checks in found.items()
            if checks
        }

    def checks_of(self, metric: Metric) -> list[str]:
        """Return the checks, in words, that found a fault in what the scorecard shows of a KPI."""
        found = self.findings_of(metric, self.comparisons.values())
        names = {finding.check.replace("_", " ") for finding in found}
        return sorted(names)

    def facts_of(self, metrics: Sequence[Metric], periods: Iterable[Period]) -> pd.DataFrame:
        """Return the facts of any metrics, whichever analysis computes them."""
        simple, composites = self._parted_by_kind(metrics)
        facts = self._known.of(simple, list(dict.fromkeys(periods)))
        if composites:
            made = composite_table(facts, composites, params=self.params, as_of=self.dataset.as_of)
            facts = pd.concat([facts, made])
        return facts.reset_index(drop=True)

    def _parted_by_kind(self, metrics: Sequence[Metric]) -> tuple[list[Metric], list[Metric]]:
        """Return metrics and what they are made of, and those of them that are composed."""
        wanted = with_inputs(
            metrics,
            tables=self.dataset.tables,
            catalogue=self.catalogue,
            params=self.params,
        )
        composites = [metric for metric in wanted if metric.family == "composite"]
        return [metric for metric in wanted if metric.family != "composite"], composites

    def facts_by_feature(self, periods: Iterable[Period]) -> pd.DataFrame:
        """Return the facts of the adoption of each declared feature."""
        metrics = feature_metrics(self.catalogue[ADOPTION], self.params)
        return facts_by_feature(self.facts_of(metrics, periods), self.params)

    def parts_of(self, metric: Metric, periods: Iterable[Period], dimension: str) -> pd.DataFrame:
        """Return the facts of a metric, composed of no others, by the segments of a dimension.

        Left out are segments without a row in all of the periods.
        """
        return self._parts.of(metric, list(dict.fromkeys(periods)), dimension)

    def learn_parts(
        self, wanted: Mapping[Metric, Sequence[Period]], dimensions: Sequence[str]
    ) -> None:
        """Ask at once for what ``parts_of`` will be asked for: metrics, each in its periods."""
        self._parts.learn(wanted, dimensions)

    def _compute(
        self, wanted: Mapping[Metric, Sequence[Period]], dimensions: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Return the facts of metrics, composed of no others, each in its periods."""
        # how a family is computed, and by what in one go
        families: dict[str, tuple[Callable[..., pd.DataFrame], Sequence[str | Sequence[str]]]] = {
            "subscriptions": (self._subscription_facts, [dimensions or ""]),
            "survey": (self._survey_facts, dimensions or [""]),
        }
        frames = []
        for name, (compute, parts) in families.items():
            chosen = [metric for metric in wanted if metric.family == name]
            periods = list(dict.fromkeys(one for metric in chosen for one in wanted[metric]))
            if chosen:
                frames += [compute(chosen, periods, part) for part in parts]
        rest = [metric for metric in wanted if metric.family not in families]
        frames.append(
            metric_table(
                self.dataset.tables, rest, {metric.name: wanted[metric] for metric in rest},
                calendar=self.calendar, as_of=self.dataset.as_of, params=self.params,
                dimension=dimensions, coverages=self.coverages,
            )
        )  # fmt: skip
        known = [frame for frame in frames if not frame.empty] or [make_facts([])]
        return pd.concat(known, ignore_index=True)

    def facts_at(self, metrics: Iterable[Metric], periods: Iterable[Period]) -> pd.DataFrame:
        """Return facts of whole periods: those at hand, and what the scorecard lacks computed.

        Values of too few units are withheld.
        """
        chosen, spans = tuple(dict.fromkeys(metrics)), tuple(dict.fromkeys(periods))
        at_hand = self._places.keys() >= set(spans)
        shown = set(self.metrics) if at_hand else set()
        names = {metric.name for metric in chosen if metric in shown}
        places = sorted(place for span in spans if at_hand for place in self._places[span])
        known = self.facts.take(places)
        known = withhold_few(known[known["metric"].isin(names)], chosen)
        others = [metric for metric in chosen if metric not in shown]
        if not others or not spans:
            return known.reset_index(drop=True)
        found = withhold_few(self.facts_of(others, spans), others)
        return pd.concat([known, found], ignore_index=True) if len(known) else found

    @cached_property
    def _places(self) -> dict[Period, list[int]]:
        """The rows of ``facts`` of each of its periods."""
        places: dict[Period, list[int]] = {period: [] for period in self._periods()}
        columns = (self.facts[name] for name in ("start", "end", "grain", "period"))
        for place, span in enumerate(zip(*columns, strict=True)):
            places[Period(*span)].append(place)
        return places

    def series(self, metric: str, grain: Grain) -> pd.DataFrame:
        """Return a KPI's whole periods of one grain, in time order; of too few units, unknown."""
        found = self._series.get((metric, grain))
        return self.facts.head(0) if found is None else found

    @cached_property
    def _series(self) -> dict[tuple[str, str], pd.DataFrame]:
        """The whole periods of every KPI and grain; some hundred questions go to them."""
        facts = withhold_few(self.facts, self.metrics)
        spans = zip(facts["start"], facts["end"], facts["grain"], strict=True)
        whole = [self.calendar.period_of(start, grain).end == end for start, end, grain in spans]
        chosen = pd.Series(whole, facts.index, dtype=bool)  # an empty list would choose columns
        parts = facts[chosen].sort_values("start").groupby(["metric", "grain"])
        return {
            (str(metric), str(grain)): rows.reset_index(drop=True)
            for (metric, grain), rows in parts
        }

    def findings_of(self, metric: Metric, periods: Iterable[Period]) -> tuple[Finding, ...]:
        """Return the faults that touch a KPI in these periods, accepted ones and facts left out."""
        spans = tuple(periods)
        tables = {metric.table} | {
            self.catalogue[name].table for names in metric.inputs.values() for name in names
        }
        return tuple(
            finding
            for table in sorted(tables)
            for finding in findings_for(self.dataset.findings, table)
            if finding.severity in ("warning", "error") and finding.touches(spans)
        )

    def _periods(self) -> list[Period]:
        calendar, period = self.calendar, self.period
        month = self.last_month
        week = calendar.last_complete(self.as_of, "week")
        found = [*scorecard_periods(period, calendar=calendar, as_of=self.as_of)]
        found += [calendar.shift(month, -back) for back in range(MONTHS + 12)]
        found += calendar.split(period, "month") if period.days > 31 else []
        for back in range(WEEKS):
            found.append(calendar.shift(week, -back))
            found.append(calendar.year_before(found[-1]))
        return list(dict.fromkeys(found))

    def _subscription_facts(
        self, metrics: list[Metric], periods: Sequence[Period], dimension: str | Sequence[str]
    ) -> pd.DataFrame:
        if "subscriptions" not in self.dataset.tables:
            return self._missing(metrics, periods, "there is no table subscriptions")
        return subscription_facts(
            self.dataset.tables["subscriptions"],
            [metric.name for metric in metrics],
            periods,
            calendar=self.calendar,
            as_of=self.dataset.as_of,
            dimension=dimension,
            trial_days=self.params.economics.trial_days,
            first_day=self._first_paid_day,
        )

    @cached_property
    def _first_paid_day(self) -> dt.date | None:
        return first_paid_day(paid_spells(self.dataset.tables["subscriptions"]), self.calendar)

    def _survey_facts(
        self, metrics: list[Metric], periods: Sequence[Period], dimension: str
    ) -> pd.DataFrame:
        if "survey" not in self.dataset.tables:
            return self._missing(metrics, periods, "there is no table survey")
        return survey_facts(
            self.dataset.tables["survey"],
            [metric.name for metric in metrics],
            periods,
            calendar=self.calendar,
            as_of=self.dataset.as_of,
            dimension=dimension,
            answers=None if dimension else self.answers,
        )

    def _missing(
        self, metrics: list[Metric], periods: Sequence[Period], reason: str
    ) -> pd.DataFrame:
        return make_facts(
            fact(metric.name, period, as_of=self.dataset.as_of, reason=reason)
            for metric in metrics
            for period in periods
        )
