"""A view: what of a report is shown, by which settings. Kept ones stand in the product's file."""

from typing import Literal, get_args

from pydantic import Field

from kpikit.params.base import Model

SectionName = Literal[
    "scorecard", "trends", "drivers", "funnel", "retention", "segments", "experiment"
]
ViewGrain = Literal["day", "week", "month", "quarter"]
Comparison = Literal["year_before", "previous", "none"]
SECTION_NAMES: tuple[SectionName, ...] = get_args(SectionName)
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)


class View(Model):
    """A section's content by settings of one's own; what is left out is the section's choice."""

    section: SectionName = Field(description="Section under which it stands.")
    period: str | None = Field(
        None, description="Period that it is of; the report's if absent.", examples=["2026Q3"]
    )
    metric: str | None = Field(None, description="Name of the metric.", examples=["net_revenue"])
    grain: ViewGrain | None = Field(None, description="Length of a period.")
    comparison: Comparison | None = Field(
        None, description="What it is held against: the year before, the period before, nothing."
    )
    by: str | None = Field(None, description="Column to break it down by.", examples=["country"])
    where: dict[str, str] = Field(
        default_factory=dict,
        description="Column to the one value that counts.",
        examples=[{"country": "DE"}],
    )
    funnel: str | None = Field(None, description="Key of a declared funnel.")
    steps: list[str] | None = Field(
        None, min_length=2, description="Events in place of the funnel's steps, in order."
    )
    window: str | None = Field(
        None, description="Time from the first step to the last.", examples=["7d"]
    )
    order: Literal["ordered", "strict", "unordered"] | None = Field(
        None, description="Whether steps follow one another, at once, or in any order."
    )
    experiment: str | None = Field(None, description="Key of a declared A/B test.")
