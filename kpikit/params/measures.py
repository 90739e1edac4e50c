"""A product's own metrics in its YAML file: one aggregate, or one over another."""

import datetime as dt
from typing import Literal

from pydantic import Field

from kpikit.formats import Unit
from kpikit.params.base import Direction, Model, Perspective, Scalar, TableName


class Condition(Model):
    """Rows in which a column equals a value, or one of several."""

    column: str = Field(description="Column to look at.")
    equals: Scalar | list[Scalar] = Field(description="Value, or values, that it takes.")


class MeasureParams(Model):
    """One aggregate over a table: exactly one of the four."""

    sum: str | None = Field(None, description="Column to sum.")
    mean: str | None = Field(None, description="Column to average.")
    count: Literal[True] | None = Field(None, description="Count the rows.")
    count_distinct: str | None = Field(None, description="Column whose values are counted once.")
    where: list[Condition] = Field(default_factory=list, description="Only rows that meet all.")


class MetricParams(Model):
    """A metric of this product alone: one aggregate, or one over another."""

    name: str = Field(
        pattern="^[a-z][a-z0-9_]*$", description="Name used in this file.", examples=["refund_rate"]
    )
    label: str = Field(min_length=1, description="Name as printed.")
    question: str = Field(min_length=1, description="The question that it answers.")
    table: TableName = Field(description="Canonical table that it is computed from.")
    numerator: MeasureParams = Field(description="The aggregate, or the upper part of the ratio.")
    denominator: MeasureParams | None = Field(None, description="The lower part of the ratio.")
    unit: Unit = Field("number", description="What it counts.")
    direction: Direction = Field("up", description="The way that is good.")
    leading: bool = Field(False, description="Whether it moves before the results do.")
    perspective: Perspective = Field("process", description="Side of the balanced scorecard.")
    owner: str = Field("", description="Who answers for its definition.")
    version: int = Field(
        1, ge=1, description="Raised with every change of the definition; versions do not compare."
    )
    since: dt.date | None = Field(
        None,
        description="First day that the data follow this version, where earlier days do not.",
    )
