"""Declared A/B tests: variants, days, metrics per user, and what the plan promised."""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from kpikit.formats import Unit
from kpikit.params.base import Direction, Model, Scalar

MetricKind = Literal["conversion", "retention", "count", "sum", "ratio", "quantile"]

# Metrics that a test knows without a declaration, and what each means of an exposed user.
STANDARD_METRICS: Mapping[str, str] = MappingProxyType(
    {
        "activation_rate": "users with an event of activation.events",
        "average_order_value": "revenue of sales over sales",
        "conversion": "users with the event conversion.to; without that key, with a sale, or else "
        "with a paid subscription",
        "conversion_rate": "as conversion",
        "arpu": "revenue of sales per exposed user, buyers or not",
        "gross_revenue": "as arpu",
        "net_revenue": "revenue of all orders, refunds taken off, per exposed user",
        "orders": "sales per exposed user",
        "paying_users": "users with a sale",
        "refund_rate": "refunds over sales, by number",
        "retention_rate": "users with an event in the second half of the window",
        "trial_to_paid_rate": "paid subscriptions over trials that began after exposure",
    }
)
# Kinds that count something per user, of which ratios are made.
COUNTING: tuple[MetricKind, ...] = ("conversion", "retention", "count", "sum")


class ExperimentMetric(Model):
    """A number per exposed user, counted in the user's own window after exposure."""

    kind: MetricKind = Field(description="What is taken of the user's matching rows.")
    label: str = Field("", description="Name as printed; the key in words if absent.")
    table: Literal["events", "orders", "subscriptions"] = Field(
        "events", description="Table whose rows are counted."
    )
    event: str | list[str] = Field(
        default_factory=list, description="Event, or events any of which counts."
    )
    column: str | None = Field(
        None, description="Column of a sum or quantile.", examples=["revenue"]
    )
    where: dict[str, Scalar | list[Scalar]] = Field(
        default_factory=dict, description="Column to the value, or values, that it takes."
    )
    time: str | None = Field(
        None, description="Column that dates a row; the table's own if absent."
    )
    from_days: float = Field(
        0.0, ge=0, description="Days after exposure at which counting begins.", allow_inf_nan=False
    )
    numerator: str | None = Field(None, description="Metric of this test above a ratio's line.")
    denominator: str | None = Field(None, description="Metric of this test below it.")
    q: float = Field(0.5, gt=0, lt=1, description="Share of users below a quantile.")
    unit: Unit | None = Field(None, description="What it counts; by its kind if absent.")
    direction: Direction = Field("up", description="The way that is good.")
    cap: float | None = Field(
        None, gt=0, lt=1, description="Share of users above whose value others are cut down to it."
    )
    nulls: Literal["exclude", "zero"] = Field(
        "exclude", description="Users without a value are left out, or have 0."
    )


class Guardrail(Model):
    """A metric that must not fall behind by more than its margin (absolute)."""

    metric: str = Field(description="Name of a metric of the test.")
    margin: float = Field(ge=0, description="Greatest loss that is accepted.", allow_inf_nan=False)


class Prior(Model):
    """What was believed of the effect on the primary metric beforehand, in its own units."""

    mean: float = Field(0.0, description="Effect expected.", allow_inf_nan=False)
    sd: float = Field(gt=0, description="How sure of it one was.", allow_inf_nan=False)


class Impact(Model):
    """What the effect on the primary metric is worth in money."""

    value: float = Field(
        gt=0,
        description="Money that one unit of the primary metric is worth, such as one conversion.",
        allow_inf_nan=False,
    )
    users_per_month: float | None = Field(
        None, gt=0, description="Users a month in all; as many as entered the test if absent."
    )
    coverage: float = Field(1.0, gt=0, le=1, description="Share of them whom the change reaches.")


class Experiment(Model):
    """A declared A/B test; both days are included."""

    hypothesis: str = Field("", description="What is expected, and why.")
    variants: dict[str, float] = Field(
        min_length=2,
        description="Variant to planned share; the shares sum to 1.",
        examples=[{"control": 0.5, "treatment": 0.5}],
    )
    control: str = Field(description="The variant that the others are compared with.")
    start: dt.date = Field(description="First day.")
    end: dt.date = Field(description="Last day.")
    primary: str = Field(min_length=1, description="The metric that decides.")
    secondary: list[str] = Field(default_factory=list, description="Metrics looked at besides.")
    guardrails: list[Guardrail] = Field(
        default_factory=list, description="Metrics that must not suffer."
    )
    metrics: dict[str, ExperimentMetric] = Field(
        default_factory=dict,
        description="Metrics of this test alone; "
        f"known without being declared: {', '.join(STANDARD_METRICS)}.",
        examples=[{"conversion": {"kind": "conversion", "event": "purchase"}}],
    )
    segments: list[str] = Field(
        default_factory=list, description="Columns, as they stood at exposure, to break effects by."
    )
    alpha: float = Field(0.05, gt=0, lt=1, description="Chance of a false alarm that is accepted.")
    power: float = Field(0.8, gt=0, lt=1, description="Chance to find the effect planned for.")
    mde: float | None = Field(
        None,
        gt=0,
        description="Effect on the primary metric that the test was planned to find, absolute.",
        allow_inf_nan=False,
    )
    looks: int = Field(1, ge=1, description="Planned readings, the last one included.")
    spending: Literal["obf", "pocock"] = Field(
        "obf", description="How planned readings spend alpha: O'Brien-Fleming or Pocock."
    )
    conversion_window: str = Field(
        "14d", description="Time after exposure that counts, for every user.", examples=["14d"]
    )
    history: str | None = Field(
        None,
        description="Time before exposure whose values sharpen means and ratios (CUPED).",
        examples=["28d"],
    )
    crossovers: Literal["exclude", "first"] = Field(
        "exclude", description="Users seen in several variants are left out, or stay in the first."
    )
    prior: Prior | None = Field(None, description="Belief beforehand; a flat one if absent.")
    rope: float | None = Field(
        None,
        gt=0,
        description="Effects on the primary metric up to this size are practically none.",
        allow_inf_nan=False,
    )
    impact: Impact | None = Field(None, description="What the effect is worth in money.")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The primary metric, the secondary ones and the guardrails, each once."""
        guarded = (guardrail.metric for guardrail in self.guardrails)
        return tuple(dict.fromkeys([self.primary, *self.secondary, *guarded]))

    @property
    def days(self) -> int:
        """Its planned length."""
        return (self.end - self.start).days + 1
