"""The schema of ``params/<product>.yml``, as frozen pydantic models.

Every key of a product's file is an attribute here, with the description that editors show. What a
model cannot know alone (does the metric exist, is the column mapped) is checked by ``load``.
"""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kpikit.formats import Unit
from kpikit.periods import Weekday

Stage = Literal["introduction", "growth", "maturity", "decline"]
TableName = Literal[
    "events", "orders", "order_lines", "subscriptions", "survey", "exposures", "costs",
    "campaigns", "observations",
]
Direction = Literal["up", "down"]
Severity = Literal["error", "warning", "accepted"]
LineKind = Literal["sale", "refund", "adjustment", "ignore"]
Scalar = str | int | float | bool | dt.date


class Model(BaseModel):
    """What all parts of a product's file share: frozen, and no unknown key passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProductInfo(Model):
    """Who the product is and how its time and money are counted."""

    key: str = Field(description="Short name; the folder of its reports.")
    name: str = Field(description="Name as printed.")
    stage: Stage = Field("growth", description="Stage of the product's life.")
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="ISO 4217 code.")
    timezone: str = Field("UTC", description="IANA zone in which its days begin.")
    fiscal_year_start: int = Field(1, ge=1, le=12, description="First month of the fiscal year.")
    week_start: Weekday = Field("monday", description="First day of a week.")
    audience: str = Field("", description="For whom the report is written.")
    owner: str = Field("", description="Who answers for it.")
    focus: Literal["growth", "profitability"] | None = Field(None, description="What comes first.")


class Constant(Model):
    """A column that is the same value in every row, such as the date of a survey wave."""

    value: Scalar


class Classify(Model):
    """Names what kind of order line the rows are in which a column matches."""

    column: str
    starts_with: str | None = None
    equals: str | None = None
    as_: LineKind = Field(alias="as")


class BatchSpan(Model):
    """Days in which a batch was delivered twice, both included."""

    from_: dt.date = Field(alias="from")
    to: dt.date


class Deduplicate(Model):
    """How repeated rows are removed; exactly one of the three."""

    exact: Literal[True] | None = Field(None, description="Keep one of rows alike in every column.")
    key: list[str] | None = Field(None, description="Keep the last row per key.")
    doubled_batch: BatchSpan | None = Field(
        None, description="Halve how often each row occurs in the span; genuine repeats stay."
    )


class Acceptance(Model):
    """A finding that is known and lived with, and why."""

    check: str
    reason: str = Field(min_length=1)
    column: str | None = None


class TableSource(Model):
    """Where a canonical table comes from and how its columns are called there."""

    files: str | list[str] | None = Field(None, description="Glob(s), relative to this file.")
    table: str | None = Field(None, description="Table of the database, instead of files.")
    sql: str | None = Field(None, description="SELECT over {this}, where columns do not suffice.")
    columns: dict[str, str | Constant] = Field(
        default_factory=dict, description="Canonical column to source column or constant."
    )
    formats: dict[str, str] = Field(
        default_factory=dict, description="strptime format per canonical time column."
    )
    timezone: str = Field("UTC", description="Zone of times that carry none.")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of numbers in text.")
    thousands: Literal[",", ".", " ", "'"] | None = Field(None, description="Thousands mark.")
    delimiter: str | None = Field(None, description="Field mark of CSV; found if absent.")
    encoding: str = Field("utf-8", description="Encoding of text files.")
    sheet: str | None = Field(None, description="Sheet of an Excel file; the first if absent.")
    null_values: list[str] = Field(
        default_factory=lambda: ["", "NA"], description="Texts that mean missing."
    )
    classify: list[Classify] = Field(default_factory=list, description="Kinds of order lines.")
    deduplicate: Deduplicate | None = Field(None, description="Declared removal of repeats.")
    accept: list[Acceptance] = Field(default_factory=list, description="Findings lived with.")
    errors: list[str] = Field(
        default_factory=list, description="Checks whose findings stop the report."
    )


class Source(Model):
    """The connection and the tables that it, or files, provide."""

    connection: str = Field("duckdb://", description="Ibis URL, or a path to a DuckDB file.")
    as_of: dt.date | None = Field(
        None, description="Last complete day of data; the last day with a row if absent."
    )
    version_query: str | None = Field(
        None, description="SELECT of one value that changes when the data does (databases)."
    )
    tables: dict[TableName, TableSource] = Field(default_factory=dict)


class Condition(Model):
    """Rows in which a column equals a value, or one of several."""

    column: str
    equals: Scalar | list[Scalar]


class MeasureParams(Model):
    """One aggregate over a table: exactly one of the four."""

    sum: str | None = Field(None, description="Column to sum.")
    mean: str | None = Field(None, description="Column to average.")
    count: Literal[True] | None = Field(None, description="Count the rows.")
    count_distinct: str | None = Field(None, description="Column whose values are counted once.")
    where: list[Condition] = Field(default_factory=list)


class MetricParams(Model):
    """A metric of this product alone: one aggregate, or one over another."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
    label: str
    question: str
    table: TableName
    numerator: MeasureParams
    denominator: MeasureParams | None = None
    unit: Unit = "number"
    direction: Direction = "up"
    leading: bool = False
    perspective: Literal["financial", "customer", "process", "growth"] = "process"
    owner: str = ""


class Target(Model):
    """The value a metric is to reach in a period."""

    metric: str
    period: str
    value: float


class KeyResult(Model):
    """One measurable part of a goal."""

    metric: str
    target: float
    baseline: float | None = None
    due: dt.date


class Goal(Model):
    """An objective with its key results."""

    key: str
    objective: str
    owner: str = ""
    perspective: Literal["financial", "customer", "process", "growth"] | None = None
    key_results: list[KeyResult] = Field(default_factory=list)


class Action(Model):
    """Something decided, and what it was to bring."""

    key: str
    action: str
    owner: str = ""
    due: dt.date
    metric: str | None = None
    expected_effect: float | None = None
    trigger: str = ""
    status: Literal["open", "done", "dropped"] = "open"


class Annotation(Model):
    """An event that a chart marks."""

    date: dt.date
    label: str
    end: dt.date | None = None
    metrics: list[str] = Field(default_factory=list, description="All if empty.")


class Benchmark(Model):
    """What peers reach."""

    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    source: str = Field(min_length=1)
    date: dt.date
    comparability: str = ""


class Campaign(Model):
    """A campaign, where no table lists them."""

    campaign: str
    channel: str = ""
    start: dt.date
    end: dt.date
    goal: str = ""
    metric: str | None = None


class Milestone(Model):
    """A delivery date: planned, now forecast, and actual."""

    key: str
    milestone: str
    planned: dt.date
    forecast: dt.date | None = None
    actual: dt.date | None = None


class FunnelStepParams(Model):
    """A step with a name of its own, alternative events or filters."""

    name: str
    event: str | list[str]
    where: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)


class Funnel(Model):
    """A declared funnel."""

    steps: list[str | FunnelStepParams] = Field(min_length=2)
    window: str = "14d"
    order: Literal["ordered", "strict", "unordered"] = "ordered"


class Guardrail(Model):
    """A metric that must not fall behind by more than its margin (absolute)."""

    metric: str
    margin: float = Field(ge=0)


class Experiment(Model):
    """A declared A/B test; both days are included."""

    hypothesis: str = ""
    variants: dict[str, float] = Field(min_length=2, description="Variant to planned share.")
    control: str
    start: dt.date
    end: dt.date
    primary: str
    guardrails: list[Guardrail] = Field(default_factory=list)


class Activation(Model):
    """What makes a new user an active one: one of these events within so many days of the first."""

    events: list[str] = Field(min_length=1)
    within_days: int = Field(7, ge=1)


class Conversion(Model):
    """Users who do ``to`` among the users who do ``from`` in the same period."""

    from_: str = Field(alias="from")
    to: str


class Retention(Model):
    """How retention is counted in the review."""

    grain: Literal["day", "week", "month"] = "month"
    max_age: int = Field(12, ge=1, le=52)
    start_event: str | None = None
    return_event: str | None = None


class Economics(Model):
    """Figures that no table holds."""

    gross_margin: float = Field(1.0, gt=0, le=1, description="Share of revenue kept, 0 to 1.")
    trial_days: int = Field(14, ge=0, description="Length of a free trial.")


class Product(Model):
    """One product's file, whole."""

    product: ProductInfo
    source: Source = Field(default_factory=Source)
    metrics: list[str] = Field(default_factory=list, description="KPIs, in order of the scorecard.")
    define: list[MetricParams] = Field(default_factory=list, description="Metrics of its own.")
    segments: list[str] = Field(default_factory=list, description="Columns to break KPIs down by.")
    features: dict[str, str] = Field(default_factory=dict, description="Feature to its event.")
    activation: Activation | None = None
    conversion: Conversion | None = None
    retention: Retention = Field(default_factory=Retention)
    economics: Economics = Field(default_factory=Economics)
    targets: list[Target] | str = Field(default_factory=list, description="Or a file beside it.")
    goals: list[Goal] | str = Field(default_factory=list, description="Or a file beside it.")
    actions: list[Action] | str = Field(default_factory=list, description="Or a file beside it.")
    annotations: list[Annotation] | str = Field(default_factory=list, description="Or a file.")
    benchmarks: list[Benchmark] | str = Field(default_factory=list, description="Or a file.")
    campaigns: list[Campaign] | str = Field(default_factory=list, description="Or a file.")
    milestones: list[Milestone] | str = Field(default_factory=list, description="Or a file.")
    funnels: dict[str, Funnel] = Field(default_factory=dict)
    experiments: dict[str, Experiment] = Field(default_factory=dict)
    owners: dict[str, str] = Field(default_factory=dict, description="Metric to who answers for it.")
