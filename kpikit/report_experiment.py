"""The facade that notebooks call for one A/B test: one method per section."""

import os

import pandas as pd

from kpikit.analysis.experiments import ExperimentResult
from kpikit.errors import PeriodError
from kpikit.present.components import Component
from kpikit.report import open_product
from kpikit.sections import experiments
from kpikit.sections.context import Context
from kpikit.sections.experiments import Trial
from kpikit.sections.views import kept_views
from kpikit.sources import Dataset


class ExperimentReport:
    """One declared A/B test of a product; each method returns a section that a notebook shows.

    Attributes:
        trial: What all sections work from; its ``study`` holds units, effects and checks.
    """

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    def __repr__(self) -> str:
        state = self.trial.study.state
        return f"<ExperimentReport {self.trial.context.loaded.key} {self.trial.key}, {state}>"

    @property
    def result(self) -> ExperimentResult:
        """Effects, intervals and verdict, by the reading that decides."""
        return self.trial.study.result

    @property
    def checks(self) -> pd.DataFrame:
        """The checks of trust, one per row."""
        return self.trial.study.checks

    @property
    def dataset(self) -> Dataset:
        """The product's data: ``dataset.tables["exposures"]`` is an Ibis table."""
        return self.trial.context.dataset

    def cover(self) -> Component:
        """Who, what and when; the hypothesis; whether the test is over."""
        return experiments.experiment_cover(self.trial)

    def decision(self) -> Component:
        """Ship, hold, stop or no verdict, by the declared rule, and what would flip it."""
        return experiments.decision_section(self.trial)

    def trust(self) -> Component:
        """Whether the data can be trusted."""
        return experiments.trust_section(self.trial)

    def effect(self) -> Component:
        """The effect on every metric."""
        return experiments.effect_section(self.trial)

    def readings(self) -> Component:
        """One effect by several conventions, side by side."""
        return experiments.readings_section(self.trial)

    def time(self) -> Component:
        """The effect as the test went on, and by days since exposure."""
        return experiments.time_section(self.trial)

    def segments(self) -> Component:
        """Whether the effect differs between segments."""
        own = experiments.segments_section(self.trial)
        return kept_views(self.trial.context, "experiment", own, experiment=self.trial.key)

    def planning(self) -> Component:
        """Planned against actual users, and what so many days find."""
        return experiments.planning_section(self.trial)

    def impact(self) -> Component:
        """What the effect is worth in money a month."""
        return experiments.impact_section(self.trial)

    def log(self) -> Component:
        """What earlier tests of the product came to."""
        return experiments.log_section(self.trial)

    def method(self) -> Component:
        """How the numbers were made."""
        return experiments.method_section(self.trial)

    def data_quality(self) -> Component:
        """Faults found in what the test reads, and its provenance."""
        return experiments.quality_section(self.trial)


def open_experiment(
    product: str,
    experiment: str,
    period: str | None = None,
    params_dir: str | os.PathLike[str] = "params",
) -> ExperimentReport:
    """Open a product's data and return the report on one of its declared A/B tests.

    Args:
        product: Key of the product: the file ``<product>.yml`` in ``params_dir``.
        experiment: Key of the test under ``experiments`` in that file.
        period: The fiscal quarter in which the test ends. None or empty: that quarter. It may lie
            after the data, for a test that still runs.
        params_dir: Folder of the product files, looked for as ``open_report`` does.

    Returns:
        The report; it is a draft unless the runner set ``KPIKIT_RUN_ID``.

    Raises:
        UnknownNameError: No such product, or it declares no such test.
        ParamsError: The product's file is wrong; the message lists every mistake.
        SourceError: Its data cannot be read.
        DataQualityError: A check declared as an error found a fault (runs of the runner alone).
        PeriodError: The test has not begun, or does not end in the period.
    """
    loaded, dataset, run_id = open_product(product, params_dir)
    draft = Context(loaded, dataset, loaded.calendar.period_of(dataset.as_of, "quarter"), run_id)
    declared = experiments.open_trial(draft, experiment).experiment
    quarter = loaded.calendar.period_of(declared.end, "quarter")
    if declared.start > dataset.as_of:
        raise PeriodError(
            f"The test '{experiment}' begins on {declared.start}; the data ends on "
            f"{dataset.as_of}.\nWait for data, or correct start in {loaded.path.name}."
        )
    asked = loaded.calendar.parse(period) if period else quarter
    if not asked.start <= declared.end < asked.end:
        raise PeriodError(
            f"The test '{experiment}' ends on {declared.end}, not in {period}.\n"
            f"Leave the period out, or give {quarter.label}."
        )
    return ExperimentReport(
        experiments.open_trial(Context(loaded, dataset, quarter, run_id), experiment)
    )
