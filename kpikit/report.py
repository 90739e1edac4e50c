"""The facade that notebooks call: one product, one period, one method per section."""

import json
import os
from functools import cached_property
from pathlib import Path

import pandas as pd

from kpikit.catalogue import metric_names_at
from kpikit.errors import ParamsError
from kpikit.ledger import read_ledger
from kpikit.params import LoadedProduct, find_product
from kpikit.present.components import REVIEW, Component
from kpikit.sections import actions as actions_of
from kpikit.sections import benchmarks as benchmarks_of
from kpikit.sections import campaigns as campaigns_of
from kpikit.sections import cover, quality, retention, revenue, scorecard, segments, voice
from kpikit.sections import delivery as delivery_of
from kpikit.sections import drivers as drivers_of
from kpikit.sections import engagement as engagement_of
from kpikit.sections import forecast as forecast_of
from kpikit.sections import goals as goals_of
from kpikit.sections import method as method_of
from kpikit.sections import outlook as outlook_of
from kpikit.sections import summary as summary_of
from kpikit.sections import trends as trends_of
from kpikit.sections.context import Context
from kpikit.sections.experiments import experiments_section
from kpikit.sections.funnels import FunnelSections
from kpikit.sections.funnels.compact import funnel_section
from kpikit.sections.views import kept_views
from kpikit.sources import Dataset, check_findings, choose_period, open_dataset


class Report:
    """One product in one period; each method returns a section that a notebook shows.

    Attributes:
        context: What all sections work from; its ``facts`` and ``scorecard`` are frames for
            questions of one's own, ``dataset.tables`` the data as Ibis tables.
    """

    def __init__(self, context: Context) -> None:
        self.context = context

    def __repr__(self) -> str:
        context = self.context
        return f"<Report {context.loaded.key} {context.period.label}, {context.state}>"

    @property
    def facts(self) -> pd.DataFrame:
        """Values of every KPI for all periods that the review shows."""
        return self.context.facts

    @property
    def dataset(self) -> Dataset:
        """The product's data: ``dataset.tables["orders"]`` is an Ibis table."""
        return self.context.dataset

    def cover(self, title: str = "quarterly review") -> Component:
        """Section 0: who, what and when, in one line; ``title`` says what the report is."""
        return cover.cover_section(self.context, title=title)

    def summary(self) -> Component:
        """Section 1: the headlines, and a tile per leading KPI."""
        return summary_of.summary_section(self.context)

    def scorecard(self) -> Component:
        """Section 2: every KPI against its target, the quarter before and the year before."""
        return kept_views(self.context, "scorecard", scorecard.scorecard_section(self.context))

    @cached_property
    def funnels(self) -> FunnelSections:
        """The sections of the funnel analysis: ``report.funnels.steps()``."""
        return FunnelSections(self.context, also=kept_views)

    def goals(self) -> Component:
        """Section 3: goals and their key results."""
        return goals_of.goals_section(self.context)

    def trends(self) -> Component:
        """Section 4: each KPI by month and week, beside the year before."""
        return kept_views(self.context, "trends", trends_of.trends_section(self.context))

    def forecast(self) -> Component:
        """Section 5: where the quarter and the year will end."""
        return forecast_of.forecast_section(self.context)

    def drivers(self) -> Component:
        """Section 6: which factors made the change."""
        return kept_views(self.context, "drivers", drivers_of.drivers_section(self.context))

    def funnel(self) -> Component:
        """Section 7: where users get lost."""
        return kept_views(self.context, "funnel", funnel_section(self.context))

    def engagement(self) -> Component:
        """Section 8: which features are used."""
        return engagement_of.engagement_section(self.context)

    def retention(self) -> Component:
        """Section 9: cohorts, how long subscriptions last, and why they end."""
        return kept_views(self.context, "retention", retention.retention_section(self.context))

    def revenue(self) -> Component:
        """Section 10: recurring revenue and its movements, or orders and their value."""
        return revenue.revenue_section(self.context)

    def segments(self) -> Component:
        """Section 11: the KPI by each declared dimension."""
        return kept_views(self.context, "segments", segments.segments_section(self.context))

    def voice(self) -> Component:
        """Section 12: NPS by quarter with its interval."""
        return voice.voice_section(self.context)

    def experiments(self) -> Component:
        """Section 13: what the tests that ended in the quarter came to."""
        return kept_views(self.context, "experiment", experiments_section(self.context))

    def campaigns(self) -> Component:
        """Section 14: what campaigns cost and brought."""
        return campaigns_of.campaigns_section(self.context)

    def benchmarks(self) -> Component:
        """Section 15: own values against peers."""
        return benchmarks_of.benchmarks_section(self.context)

    def delivery(self) -> Component:
        """Section 16: milestones."""
        return delivery_of.delivery_section(self.context)

    def actions(self) -> Component:
        """Section 17: what was decided, and what it brought."""
        return actions_of.actions_section(self.context)

    def outlook(self) -> Component:
        """Section 18: targets for the next quarter."""
        return outlook_of.outlook_section(self.context)

    def data_quality(self) -> Component:
        """Appendix A: faults found, sources, versions, and the SQL behind the numbers."""
        return quality.quality_section(self.context)

    def glossary(self) -> Component:
        """Appendix B: what each KPI means."""
        return quality.glossary_section(self.context)

    def method(self) -> Component:
        """Appendix C: how sure the numbers are."""
        return method_of.method_section(self.context)


def open_report(
    product: str, period: str | None = None, params_dir: str | os.PathLike[str] = "params"
) -> Report:
    """Open a product's data and return its report for one period.

    Args:
        product: Key of the product: the file ``<product>.yml`` in ``params_dir``.
        period: Fiscal quarter such as ``2026Q3``, or another period (``2026-07``, ``2026``). None
            or empty: the last quarter that the data covers whole.
        params_dir: Folder of the product files. A relative one is looked for here and in the
            folders above, so that a notebook finds it wherever it is opened.

    Returns:
        The report; it is a draft unless the runner set ``KPIKIT_RUN_ID``.

    Raises:
        UnknownNameError: No product has this key; the message names the nearest.
        ParamsError: The product's file is wrong; the message lists every mistake.
        SourceError: Its data cannot be read.
        DataQualityError: A check declared as an error found a fault (runs of the runner alone; a
            draft shows the fault in appendix A).
        PeriodError: The period cannot be read, or the data does not touch it.
    """
    loaded, dataset, run_id = open_product(product, params_dir)
    chosen = choose_period(loaded, dataset.coverage, period)
    folder = os.environ.get("KPIKIT_LEDGER")
    ledger = read_ledger(Path(folder) if folder else None, product=loaded.key)
    earlier = ledger.before(chosen, template=REVIEW, calendar=loaded.calendar)
    return Report(Context(loaded, dataset, chosen, run_id, earlier))


def open_product(
    product: str, params_dir: str | os.PathLike[str]
) -> tuple[LoadedProduct, Dataset, str]:
    """Return a product's file, its data, and the run that asks: empty for a draft.

    Raises:
        UnknownNameError: No product has this key; the message names the nearest.
        ParamsError: The product's file is wrong; the message lists every mistake.
        SourceError: Its data cannot be read.
        DataQualityError: A check declared as an error found a fault (runs of the runner alone).
    """
    loaded = find_product(
        find_folder(Path(params_dir)), product, known_metrics=metric_names_at,
        overrides=_overrides_of_run(),
    )  # fmt: skip
    dataset = open_dataset(loaded)
    run_id = os.environ.get("KPIKIT_RUN_ID", "")
    if run_id:
        check_findings(dataset)
    return loaded, dataset, run_id


def find_folder(folder: Path) -> Path:
    """Return a folder as it is, or the first of its name here or in the folders above.

    Raises:
        ParamsError: There is none.
    """
    here = Path.cwd()
    for base in (here, *here.parents):
        if (base / folder).is_dir():
            return base / folder
    raise ParamsError(
        f"No folder '{folder}' in {here} or above it.\n"
        "Give the folder of the product files as params_dir."
    )


def _overrides_of_run() -> tuple[str, ...]:
    """Return the ``key=value`` texts that the runner was called with; none in a notebook."""
    return tuple(json.loads(os.environ.get("KPIKIT_OVERRIDES", "[]")))
