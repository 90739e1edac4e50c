"""The vocabulary that every room shares: canonical tables, data checks, currency codes.

A product's file maps its own names to these once. Columns that are not listed here stay, as
dimensions. This module holds data only, so that it costs nothing to import.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ColumnKind = Literal["id", "code", "text", "number", "money", "time", "date"]


@dataclass(frozen=True)
class ColumnSpec:
    """One canonical column.

    Attributes:
        name: Canonical name.
        kind: ``id`` and ``code`` are text, as is ``text``: an id is never read as a number, a code
            is one of few values whose letter case should not vary, text is free. ``time`` is an
            instant (UTC), ``date`` a day, ``money`` an exact decimal.
        description: What it holds, for the documentation.
        required: Whether the table is of no use without it.
        nullable: Whether a missing value has a meaning of its own.
        low: Least value in range.
        high: Greatest value in range.
    """

    name: str
    kind: ColumnKind
    description: str
    required: bool = True
    nullable: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class TableSpec:
    """One canonical table.

    Attributes:
        name: Canonical name.
        grain: What one row is.
        columns: Its columns, by name, in order.
        time: The column that places a row in time.
        key: Columns that no two rows share; empty where rows may repeat.
    """

    name: str
    grain: str
    columns: Mapping[str, ColumnSpec]
    time: str
    key: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which the table is of no use."""
        return tuple(column.name for column in self.columns.values() if column.required)

    def columns_of(self, *kinds: ColumnKind) -> tuple[str, ...]:
        """Return the names of the columns of these kinds, in order."""
        return tuple(column.name for column in self.columns.values() if column.kind in kinds)


def _table(
    name: str, grain: str, *columns: ColumnSpec, time: str, key: tuple[str, ...] = ()
) -> TableSpec:
    by_name = MappingProxyType({column.name: column for column in columns})
    return TableSpec(name, grain, by_name, time=time, key=key)


_USER = ColumnSpec("user_id", "id", "Who did it.")
_USER_OR_NULL = ColumnSpec(
    "user_id", "id", "Who bought; missing for an unknown buyer.", required=False, nullable=True
)
_CURRENCY = ColumnSpec(
    "currency", "code", "ISO 4217 code; the product's currency if absent.", required=False
)

_EVENTS = _table(
    "events",
    "one event",
    _USER,
    ColumnSpec("event", "code", "What was done."),
    ColumnSpec("event_time", "time", "When."),
    time="event_time",
)
_ORDERS = _table(
    "orders",
    "one order or refund",
    ColumnSpec("order_id", "id", "The order; a refund may bear its order's."),
    _USER_OR_NULL,
    ColumnSpec("order_time", "time", "When it was placed."),
    ColumnSpec("revenue", "money", "Amount of the order; negative for a refund."),
    _CURRENCY,
    ColumnSpec(
        "kind", "code", "sale, refund or adjustment; by the sign if absent.", required=False
    ),
    time="order_time",
)
_ORDER_LINES = _table(
    "order_lines",
    "one line of an order",
    ColumnSpec("order_id", "id", "The order that the line belongs to."),
    ColumnSpec("product_id", "id", "What was bought.", required=False, nullable=True),
    ColumnSpec("quantity", "number", "Pieces; negative for a return."),
    ColumnSpec("unit_price", "money", "Price of one piece."),
    ColumnSpec("order_time", "time", "When the order was placed."),
    _USER_OR_NULL,
    _CURRENCY,
    time="order_time",
)
_SUBSCRIPTIONS = _table(
    "subscriptions",
    "one subscription spell",
    ColumnSpec("subscription_id", "id", "The subscription."),
    ColumnSpec("user_id", "id", "Who subscribes."),
    ColumnSpec("plan", "code", "What is subscribed to.", required=False, nullable=True),
    ColumnSpec("mrr", "money", "Monthly recurring revenue of the spell.", low=0),
    ColumnSpec(
        "start_time", "time", "First paid instant; missing for a trial never paid.", nullable=True
    ),
    ColumnSpec("end_time", "time", "When it ended; missing while it runs.", nullable=True),
    ColumnSpec("end_reason", "code", "Why it ended.", required=False, nullable=True),
    ColumnSpec(
        "trial_start", "time", "When a trial began; missing where none.", required=False,
        nullable=True,
    ),
    time="start_time",
    key=("subscription_id", "start_time"),
)  # fmt: skip
_SURVEY = _table(
    "survey",
    "one answer",
    ColumnSpec("respondent_id", "id", "Who answered.", required=False, nullable=True),
    ColumnSpec("answer_time", "time", "When."),
    ColumnSpec("score", "number", "How likely to recommend, 0 to 10.", low=0, high=10),
    ColumnSpec("weight", "number", "Weight of the answer; 1 if absent.", required=False, low=0),
    ColumnSpec("comment", "text", "What was said.", required=False, nullable=True),
    ColumnSpec(
        "may_quote", "code", "yes where the comment may be printed; no comment is if absent.",
        required=False, nullable=True,
    ),
    time="answer_time",
)  # fmt: skip
_EXPOSURES = _table(
    "exposures",
    "one exposure of a user to a variant",
    _USER,
    ColumnSpec("experiment", "code", "The experiment's key."),
    ColumnSpec("variant", "code", "What was shown."),
    ColumnSpec("exposure_time", "time", "When."),
    time="exposure_time",
)
_COSTS = _table(
    "costs",
    "one day and channel",
    ColumnSpec("cost_date", "date", "The day."),
    ColumnSpec("channel", "code", "Where it was spent.", required=False),
    ColumnSpec("campaign", "code", "For which campaign.", required=False, nullable=True),
    ColumnSpec("cost", "money", "What was spent.", low=0),
    time="cost_date",
)
_CAMPAIGNS = _table(
    "campaigns",
    "one campaign",
    ColumnSpec("campaign", "code", "Its name."),
    ColumnSpec("channel", "code", "Where it ran.", required=False, nullable=True),
    ColumnSpec("start_date", "date", "First day."),
    ColumnSpec("end_date", "date", "Last day."),
    ColumnSpec("goal", "text", "What it was to bring.", required=False, nullable=True),
    time="start_date",
)
_OBSERVATIONS = _table(
    "observations",
    "one value of a metric computed elsewhere",
    ColumnSpec("metric", "code", "Name of the metric."),
    ColumnSpec("period_start", "date", "First day of the period that the value is of."),
    ColumnSpec("value", "number", "The value."),
    time="period_start",
)

CANONICAL: Mapping[str, TableSpec] = MappingProxyType(
    {
        table.name: table
        for table in (
            _EVENTS, _ORDERS, _ORDER_LINES, _SUBSCRIPTIONS, _SURVEY, _EXPOSURES, _COSTS,
            _CAMPAIGNS, _OBSERVATIONS,
        )
    }
)  # fmt: skip

# Codes of ISO 4217, with those retired since 2015, for reports on those years.
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD
    BTN BWP BYN BYR BZD CAD CDF CHF CLP CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP
    ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR
    IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LTL
    LYD MAD MDL MGA MKD MMK MNT MOP MRO MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR
    NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
    SLE SLL SOS SRD SSP STD STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UZS VED VEF VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ZWL
    """.split()  # noqa: SIM905 - quotes around each code would hide the codes
)

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "ambiguous_date": "A day and month that can be read either way round.",
        "damaged_id": "Ids that a spreadsheet has rounded, such as 1.03E+19.",
        "doubled_batch": "A span of days whose every row occurs an even number of times.",
        "duplicate_key": "Rows that share the key of a table whose rows are unique.",
        "empty_table": "A table without any row.",
        "exact_duplicate": "Rows that are alike in every column.",
        "float_id": "Ids that were read as decimal numbers, such as 13085.0.",
        "future_time": "Rows dated after the last complete day.",
        "gap": "Days without a row inside the span that the table covers.",
        "huge_value": "Amounts far beyond all others.",
        "missing_user": "Rows without a user.",
        "missing_value": "Rows without a value where one is needed.",
        "mixed_case": "Codes that differ in upper and lower case alone.",
        "mixed_currency": "Amounts in more than one currency.",
        "negative_price": "Prices below zero.",
        "nonexistent_time": "Local times that the time zone's clock skips.",
        "null_column": "A column without any value.",
        "out_of_range": "Numbers outside the range of their column, such as an 11 of 0 to 10.",
        "repeated_file": "Files that hold the same rows.",
        "reversed_span": "A span that ends before it starts.",
        "row_limit": "A file that stops at the row limit of a spreadsheet.",
        "stale": "A table that ends well before the others.",
        "unfinished_period": "A last period that the data covers in part.",
        "unparsable_value": "Text that cannot be read as its column's kind.",
    }
)
