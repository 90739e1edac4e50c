"""The schema of ``params/<product>.yml``, as frozen pydantic models.

Every key of a product's file is an attribute here, with the description that editors show. What a
model cannot know alone (does the metric exist, do the days follow one another) is in ``rules``.
"""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from kpikit.params.base import (
    Beside,
    Direction,
    LineKind,
    Model,
    Scalar,
    Severity,
    Stage,
    TableName,
)
from kpikit.params.experiments import Experiment, ExperimentMetric, Guardrail, Impact, Prior
from kpikit.params.measures import Condition, MeasureParams, MetricParams
from kpikit.params.registers import (
    Action,
    Annotation,
    Benchmark,
    Campaign,
    Goal,
    KeyResult,
    LeadingIndicator,
    Milestone,
    Target,
)
from kpikit.params.tables import CHECKS
from kpikit.params.views import View
from kpikit.periods import Weekday

__all__ = [
    "Acceptance",
    "Action",
    "Activation",
    "Annotation",
    "BatchSpan",
    "Benchmark",
    "Campaign",
    "Classify",
    "Condition",
    "Constant",
    "Conversion",
    "Deduplicate",
    "Direction",
    "Economics",
    "Experiment",
    "ExperimentMetric",
    "Funnel",
    "FunnelExclusion",
    "FunnelStepParams",
    "Goal",
    "Guardrail",
    "Impact",
    "KeyResult",
    "LeadingIndicator",
    "LineKind",
    "MeasureParams",
    "MetricParams",
    "Milestone",
    "Model",
    "Prior",
    "Product",
    "ProductInfo",
    "Retention",
    "Scalar",
    "Severity",
    "Source",
    "Stage",
    "TableName",
    "TableSource",
    "Target",
]

CheckName = Annotated[
    str,
    Field(description="Name of a data check.", json_schema_extra={"enum": [*CHECKS]}),
]


class ProductInfo(Model):
    """Who the product is and how its time and money are counted."""

    key: str = Field(description="Short name; the folder of its reports.", examples=["atlas"])
    name: str = Field(min_length=1, description="Name as printed.", examples=["Atlas"])
    stage: Stage = Field("growth", description="Stage of the product's life.")
    currency: str = Field(
        "USD", description="ISO 4217 code, three capital letters.", examples=["EUR", "GBP", "USD"]
    )
    timezone: str = Field(
        "UTC", description="IANA zone in which its days begin.", examples=["Europe/London"]
    )
    fiscal_year_start: int = Field(
        1, ge=1, le=12, description="First month of the fiscal year, 1 to 12.", examples=[4]
    )
    week_start: Weekday = Field("monday", description="First day of a week.")
    audience: str = Field("", description="For whom the report is written.", examples=["Board"])
    owner: str = Field("", description="Who answers for it.", examples=["Ada Lovelace"])
    focus: Literal["growth", "profitability"] | None = Field(None, description="What comes first.")


class Constant(Model):
    """A column that is the same value in every row, such as the date of a survey wave."""

    value: Scalar = Field(description="The value.", examples=["2020-01-15"])


class Classify(Model):
    """Names what kind of order line the rows are in which a column matches."""

    column: str = Field(description="Column to look at.", examples=["order_id"])
    starts_with: str | None = Field(None, min_length=1, description="Text that it starts with.")
    equals: str | None = Field(None, description="Text that it equals.")
    as_: LineKind = Field(alias="as", description="What such a line is.")


class BatchSpan(Model):
    """Days in which a batch was delivered twice, both included."""

    from_: dt.date = Field(alias="from", description="First day.", examples=["2010-12-01"])
    to: dt.date = Field(description="Last day.", examples=["2010-12-09"])


class Deduplicate(Model):
    """How repeated rows are removed; exactly one of the three."""

    exact: Literal[True] | None = Field(None, description="Keep one of rows alike in every column.")
    key: list[str] | None = Field(
        None, min_length=1, description="Keep the last row per key.", examples=[["order_id"]]
    )
    doubled_batch: BatchSpan | None = Field(
        None, description="Halve how often each row occurs in the span; genuine repeats stay."
    )


class Acceptance(Model):
    """A finding that is known and lived with, and why."""

    check: CheckName
    reason: str = Field(min_length=1, description="Why it is lived with; printed in the report.")
    column: str | None = Field(None, description="Only in this column; in any if absent.")


class TableSource(Model):
    """Where a canonical table comes from and how its columns are called there."""

    files: str | list[str] | None = Field(
        None,
        description="Glob(s), relative to this file: CSV (.gz, .xz), Parquet, Excel, JSON lines.",
        examples=["data/orders_*.csv"],
    )
    table: str | None = Field(
        None, description="Table of the database, instead of files.", examples=["sales.orders"]
    )
    sql: str | None = Field(
        None,
        description="SELECT over {this}, where columns do not suffice.",
        examples=["select *, price * quantity as revenue from {this}"],
    )
    columns: dict[str, str | Constant] = Field(
        default_factory=dict,
        description="Canonical column to source column or constant; absent: the same name.",
        examples=[{"user_id": "Customer ID", "currency": {"value": "GBP"}}],
    )
    formats: dict[str, str] = Field(
        default_factory=dict,
        description="strptime format per time or date column.",
        examples=[{"order_time": "%m/%d/%Y %H:%M"}],
    )
    timezone: str = Field("UTC", description="Zone of times that carry none.")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of numbers in text.")
    thousands: Literal[",", ".", " ", "'"] | None = Field(None, description="Thousands mark.")
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="Field mark of CSV; found if absent."
    )
    encoding: str = Field("utf-8", description="Encoding of text files.", examples=["cp1252"])
    sheet: str | None = Field(None, description="Sheet of an Excel file; the first if absent.")
    null_values: list[str] = Field(
        default_factory=lambda: ["", "NA"], description="Texts that mean missing."
    )
    classify: list[Classify] = Field(default_factory=list, description="Kinds of order lines.")
    deduplicate: Deduplicate | None = Field(None, description="Declared removal of repeats.")
    accept: list[Acceptance] = Field(default_factory=list, description="Findings lived with.")
    errors: list[CheckName] = Field(
        default_factory=list, description="Checks whose findings stop the report."
    )


class Source(Model):
    """The connection and the tables that it, or files, provide."""

    connection: str = Field(
        "duckdb://",
        min_length=1,
        description="Ibis URL, or a path to a DuckDB file; secrets as ${NAME} of the environment.",
        examples=["duckdb://", "${WAREHOUSE_URL}", "postgres://reader:${PASSWORD}@db/sales"],
    )
    as_of: dt.date | None = Field(
        None, description="Last complete day of data; the last day with a row if absent."
    )
    version_query: str | None = Field(
        None, description="SELECT of one value that changes when the data does (databases)."
    )
    tables: dict[TableName, TableSource] = Field(
        default_factory=dict, description="Canonical table to where it comes from."
    )


class FunnelStepParams(Model):
    """A step with a name of its own, alternative events or filters."""

    name: str = Field(min_length=1, description="Name as printed.")
    event: str | list[str] = Field(description="Event, or events any of which counts.")
    where: dict[str, Scalar | list[Scalar]] = Field(
        default_factory=dict, description="Column to the value, or values, that it takes."
    )
    optional: bool = Field(False, description="Whether users may go on without it.")
    first_time: bool = Field(False, description="Whether only a user's first one ever counts.")


class FunnelExclusion(Model):
    """An event that drops an attempt where it lies between two of its steps."""

    event: str | list[str] = Field(description="Event, or events any of which counts.")
    after: int = Field(1, ge=1, description="Number of the step after which it counts, from 1.")
    before: int = Field(2, ge=2, description="Number of the step before which it counts.")
    where: dict[str, Scalar | list[Scalar]] = Field(
        default_factory=dict, description="Column to the value, or values, that it takes."
    )


class Funnel(Model):
    """A declared funnel."""

    steps: list[str | FunnelStepParams] = Field(
        min_length=2,
        description="Events in order, or steps with a name of their own.",
        examples=[["product_view", "add_to_cart", "purchase"]],
    )
    window: str = Field(
        "14d", description="Time from the first step to the last.", examples=["14d", "12h", "30m"]
    )
    order: Literal["ordered", "strict", "unordered"] = Field(
        "ordered", description="Whether steps follow one another, at once, or in any order."
    )
    exclusions: list[FunnelExclusion] = Field(
        default_factory=list,
        description="Events that drop an attempt.",
        examples=[[{"event": "refund"}]],
    )
    unit: str | list[str] = Field(
        "user_id", description="Column, or columns, of what is counted.", examples=["session_id"]
    )
    hold: list[str] = Field(
        default_factory=list,
        description="Columns that have one value in all events of an attempt.",
        examples=[["product_id"]],
    )
    strictly_later: bool = Field(
        False, description="Whether events of one instant cannot follow one another."
    )
    segments: list[str] = Field(
        default_factory=list, description="Columns to break it down by.", examples=[["platform"]]
    )
    attribution: Literal["first_touch", "last_touch", "every_step"] = Field(
        "first_touch", description="To which of its values of a segment's column a user belongs."
    )
    value_per_conversion: float | None = Field(
        None, ge=0, description="Money that a conversion is worth.", allow_inf_nan=False
    )


class Activation(Model):
    """What makes a new user an active one: one of these events within so many days of the first."""

    events: list[str] = Field(min_length=1, description="Events that each count.")
    within_days: int = Field(7, ge=1, description="Days from the first event.")


class Conversion(Model):
    """Users who do ``to`` among the users who do ``from`` in the same period."""

    from_: str = Field(alias="from", min_length=1, description="Event of the denominator.")
    to: str = Field(min_length=1, description="Event of the numerator.")


class Retention(Model):
    """How retention is counted in the review."""

    grain: Literal["day", "week", "month"] = Field("month", description="Length of a period.")
    max_age: int = Field(12, ge=1, le=52, description="Greatest age shown, in periods.")
    start_event: str | None = Field(None, description="Event that starts a cohort; any if absent.")
    return_event: str | None = Field(None, description="Event that is a return; any if absent.")


class Economics(Model):
    """Figures that no table holds."""

    gross_margin: float = Field(1.0, gt=0, le=1, description="Share of revenue kept, 0 to 1.")
    trial_days: int = Field(14, ge=0, description="Length of a free trial.")


class Product(Model):
    """One product's file, whole."""

    product: ProductInfo = Field(description="Who the product is.")
    source: Source = Field(default_factory=Source, description="Where its data lies.")
    metrics: list[str] = Field(default_factory=list, description="KPIs, in order of the scorecard.")
    define: list[MetricParams] = Field(default_factory=list, description="Metrics of its own.")
    segments: list[str] = Field(default_factory=list, description="Columns to break KPIs down by.")
    features: dict[str, str] = Field(default_factory=dict, description="Feature to its event.")
    activation: Activation | None = Field(None, description="What makes a new user active.")
    conversion: Conversion | None = Field(None, description="What counts as converting.")
    retention: Retention = Field(default_factory=Retention, description="How retention is counted.")
    economics: Economics = Field(
        default_factory=Economics, description="Figures that no table holds, for ratios."
    )
    targets: Annotated[list[Target], Beside()] = Field(
        default_factory=list, description="Values to reach, per metric and period."
    )
    drivers: dict[str, str] = Field(
        default_factory=dict,
        description="Metric to its formula of other metrics, which may have their own.",
        examples=[{"gross_revenue": "orders * average_order_value"}],
    )
    leading_indicators: list[LeadingIndicator] = Field(
        default_factory=list, description="Which metric is said to move before which."
    )
    goals: Annotated[list[Goal], Beside()] = Field(
        default_factory=list, description="Objectives with their key results."
    )
    actions: Annotated[list[Action], Beside()] = Field(
        default_factory=list, description="What was decided, and what it is to bring."
    )
    annotations: Annotated[list[Annotation], Beside()] = Field(
        default_factory=list, description="Events that charts mark."
    )
    benchmarks: Annotated[list[Benchmark], Beside()] = Field(
        default_factory=list, description="What peers reach."
    )
    campaigns: Annotated[list[Campaign], Beside()] = Field(
        default_factory=list, description="Campaigns, where no table lists them."
    )
    milestones: Annotated[list[Milestone], Beside()] = Field(
        default_factory=list, description="Deliveries: planned, forecast, actual."
    )
    themes: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Theme of the survey's comments to its keywords; a final * matches any ending.",
        examples=[{"price": ["price", "expensive", "too much", "cost*"]}],
    )
    funnels: dict[str, Funnel] = Field(default_factory=dict, description="Declared funnels.")
    experiments: dict[str, Experiment] = Field(
        default_factory=dict, description="Declared A/B tests."
    )
    owners: dict[str, str] = Field(
        default_factory=dict, description="Metric to who answers for it."
    )
    views: list[View] = Field(default_factory=list, description="Views that sections show too.")
