"""What every part of a product's schema shares: the base model, its types, registers beside it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler

Stage = Literal["introduction", "growth", "maturity", "decline"]
TableName = Literal[
    "events", "orders", "order_lines", "subscriptions", "survey", "exposures", "costs",
    "campaigns", "observations",
]  # fmt: skip
Direction = Literal["up", "down"]
Perspective = Literal["financial", "customer", "process", "growth"]
Severity = Literal["error", "warning", "accepted"]
LineKind = Literal["sale", "refund", "adjustment", "ignore"]
Scalar = str | int | float | bool | dt.date


class Model(BaseModel):
    """What all parts of a product's file share: frozen, and no unknown key passes."""

    # Validators are built on first use: a command that reads no product does not pay for them.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


@dataclass(frozen=True)
class Beside:
    """Marks a list that may stand in a file beside the product's: its place is the file's name."""

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Let editors accept the name of a file too."""
        file = {
            "type": "string",
            "pattern": r"\.(csv|yml|yaml)$",
            "description": "A CSV or YAML file beside this one.",
        }
        return {"anyOf": [handler(core_schema), file]}
