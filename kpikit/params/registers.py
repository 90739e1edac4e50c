"""The registers of a product: what is aimed at, decided, delivered and known beside the data.

Each stands in the product's file or, when long, in a CSV or YAML file beside it.
"""

import datetime as dt
import math
from typing import Literal

from pydantic import Field

from kpikit.params.base import Model, Perspective


class Target(Model):
    """The value a metric is to reach in a period."""

    metric: str = Field(description="Name of the metric.", examples=["net_revenue"])
    period: str = Field(
        description="Fiscal quarter or year, month, week or day.",
        examples=["2026Q3", "2026", "2026-07", "2026-W31"],
    )
    value: float = Field(description="What it is to reach; a share as 0 to 1.", allow_inf_nan=False)


class KeyResult(Model):
    """One measurable part of a goal: a value to reach, or a change from its baseline."""

    metric: str = Field(description="Name of the metric.")
    target: float | None = Field(None, description="What it is to reach.", allow_inf_nan=False)
    change: float | None = Field(
        None,
        description="Instead of a target: the change from the baseline, 0.3 for 30 % more.",
        examples=[0.3, -0.1],
        allow_inf_nan=False,
    )
    baseline: float | None = Field(
        None,
        description="Where it started; stands here, so that no later correction moves the goal.",
        allow_inf_nan=False,
    )
    start: dt.date | None = Field(
        None, description="Since when; the first day of the fiscal quarter of due if absent."
    )
    due: dt.date = Field(description="By when.", examples=["2026-09-30"])

    @property
    def aim(self) -> float:
        """The value to reach: the target, or the baseline changed as declared."""
        if self.change is None or self.baseline is None:
            return math.nan if self.target is None else self.target
        return self.baseline * (1 + self.change)


class Goal(Model):
    """An objective with its key results."""

    key: str = Field(min_length=1, description="Short name.")
    objective: str = Field(min_length=1, description="What is to be reached, in words.")
    owner: str = Field("", description="Who answers for it.")
    perspective: Perspective | None = Field(None, description="Side of the balanced scorecard.")
    key_results: list[KeyResult] = Field(
        default_factory=list, description="How one will know that it was reached."
    )


class Action(Model):
    """Something decided, and what it was to bring."""

    key: str = Field(min_length=1, description="Short name.")
    action: str = Field(min_length=1, description="What is done.")
    owner: str = Field("", description="Who does it.")
    due: dt.date = Field(description="By when.")
    metric: str | None = Field(None, description="The metric that it is to move.")
    expected_effect: float | None = Field(
        None, description="By how much, in the metric's unit.", allow_inf_nan=False
    )
    trigger: str = Field("", description="What was seen that led to it.")
    status: Literal["open", "done", "dropped"] = Field("open", description="Where it stands.")


class Annotation(Model):
    """An event that a chart marks."""

    date: dt.date = Field(description="The day, or the first of several.")
    label: str = Field(min_length=1, description="What happened, in a few words.")
    end: dt.date | None = Field(None, description="Last day, where it lasted longer.")
    metrics: list[str] = Field(
        default_factory=list, description="Metrics it touches; all if empty."
    )
    rebase: bool = Field(
        False,
        description="Whether it changed how things go: limits of routine variation begin afresh.",
    )


class Benchmark(Model):
    """What peers reach."""

    metric: str = Field(description="Name of the metric.")
    value: float = Field(description="The peers' value, such as their median.", allow_inf_nan=False)
    low: float | None = Field(None, description="Lower quartile.", allow_inf_nan=False)
    high: float | None = Field(None, description="Upper quartile.", allow_inf_nan=False)
    source: str = Field(min_length=1, description="Who published it, and where.")
    date: dt.date = Field(description="When it was published.")
    comparability: str = Field("", description="How far it is about the same thing.")


class Campaign(Model):
    """A campaign, where no table lists them; both days are included."""

    campaign: str = Field(min_length=1, description="Its name.")
    channel: str = Field("", description="Where it ran.")
    start: dt.date = Field(description="First day.")
    end: dt.date = Field(description="Last day.")
    goal: str = Field("", description="What it was to bring.")
    metric: str | None = Field(None, description="The metric that it was to move.")


class Milestone(Model):
    """A delivery date: planned, now forecast, and actual."""

    key: str = Field(min_length=1, description="Short name.")
    milestone: str = Field(min_length=1, description="What is delivered.")
    planned: dt.date = Field(description="Day first planned.")
    forecast: dt.date | None = Field(None, description="Day now expected.")
    actual: dt.date | None = Field(None, description="Day it was delivered.")
    remaining: int | None = Field(
        None, ge=0, description="Work items left; with throughput, the day is forecast."
    )
    throughput: str | None = Field(
        None, description="Metric that counts the work items done in a period."
    )
    cycle_time: str | None = Field(
        None, description="Metric that tells how many days a work item takes."
    )


class LeadingIndicator(Model):
    """A claim that one metric moves before another; the review tests it."""

    metric: str = Field(description="The metric that is said to move first.")
    outcome: str = Field(description="The metric that is said to follow.")
    lag_months: int = Field(ge=1, le=12, description="How many months later.")
