"""The parts of a report, as frozen values with two faces.

A component holds what is to be shown and nothing about how. ``_repr_mimebundle_`` gives JupyterLab
and the HTML page ``text/html`` (drawn by ``kpikit.present.html``) and every other exporter the same
content as JSON under ``MIME_TYPE``, from which the PDF template draws.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

REVIEW = "quarterly_review"  # the template whose reports are held against one another
MIME_TYPE = "application/vnd.kpikit.component+json"
KPIS_KEY = "kpikit"  # key of the output metadata that carries a page's marker and KPIs

Tone = Literal["good", "bad", "neutral", "warning"]
Mark = Literal["+", "-", "·", "!"]
Status = Literal["on_track", "at_risk", "off_track", "no_data"]
CellKind = Literal["text", "number", "status", "bullet", "spark", "badge"]


@dataclass(frozen=True)
class Component:
    """Base of all parts."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain JSON values, with its ``kind``."""
        body = {item.name: _plain(getattr(self, item.name)) for item in dataclasses.fields(self)}
        return {"kind": self.kind, **body}

    def metadata(self) -> dict[str, Any]:
        """Return what a run's seal reads from the output, nothing for most parts."""
        return {}

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002 - Jupyter's protocol
        exclude: object = None,  # noqa: ARG002 - Jupyter's protocol
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        from kpikit.present.html import notebook_html  # noqa: PLC0415 - html imports this module

        body = self.to_json()
        data = {
            "text/html": notebook_html(body),
            MIME_TYPE: body,
            "text/plain": repr(self),
        }
        found = self.metadata()
        return data, ({KPIS_KEY: found} if found else {})

    def __repr__(self) -> str:
        return f"<kpikit {self.kind}>"


@dataclass(frozen=True, repr=False)
class Cover(Component):
    """Section 0: one line of who, what and when, and the page's marker for the seal."""

    kind = "cover"
    title: str  # "Online Retail: quarterly review 2011Q3"
    product_key: str
    product_name: str
    period_label: str  # "2011Q3"
    period_text: str  # "fiscal 2011 Q3 (1 Jul – 30 Sep 2011)"
    as_of: str  # ISO date
    state: str  # "final", "draft" or "unfinished"
    run_id: str
    data_hash: str
    facts: tuple[tuple[str, str], ...] = ()  # ("Stage", "maturity"), ("Owner", ...)

    def metadata(self) -> dict[str, Any]:
        """Return the page's marker."""
        return {
            "marker": {
                "product": self.product_key,
                "period": self.period_label,
                "run_id": self.run_id,
                "as_of": self.as_of,
                "data_hash": self.data_hash,
            }
        }


@dataclass(frozen=True, repr=False)
class Headline(Component):
    """One sentence of the summary: a claim in bold and what backs it."""

    kind = "headline"
    mark: Mark
    claim: str
    rest: str = ""


@dataclass(frozen=True, repr=False)
class Headlines(Component):
    """The executive summary: a title that is the message, its headlines, decisions asked for."""

    kind = "headlines"
    title: str
    items: tuple[Headline, ...]
    decisions: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Tile(Component):
    """One KPI at a glance; ``spark`` holds values in time order, None where missing."""

    kind = "tile"
    label: str
    value: str
    delta: str = ""
    tone: Tone = "neutral"
    arrow: Literal["up", "down", ""] = ""
    spark: tuple[float | None, ...] = ()
    spark_target: float | None = None
    footer: str = ""
    badge: str = ""  # text of a data-quality remark, empty if none


@dataclass(frozen=True, repr=False)
class Tiles(Component):
    """A row of tiles."""

    kind = "tiles"
    items: tuple[Tile, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table: numbers align right and their cells are text already formatted."""

    key: str
    label: str
    kind: CellKind = "text"
    width: float | None = None  # relative; None: by content
    emphasis: bool = False


@dataclass(frozen=True)
class Bullet:
    """A bullet graph: bar from zero to ``value`` on a scale of 0 to 1, tick at ``target``."""

    value: float | None
    target: float | None = None
    low: float | None = None  # band behind the bar
    high: float | None = None
    tone: Tone = "neutral"


@dataclass(frozen=True)
class Cell:
    """A cell that says more than its text.

    ``text`` is always set (screen readers and grey print read it); ``tone`` colours it;
    ``struck`` marks a comparison that is not comparable; ``shade`` (0 to 1) fills a heat map cell.
    """

    text: str
    tone: Tone = "neutral"
    note: str = ""  # small text after it
    struck: bool = False
    shade: float | None = None
    bullet: Bullet | None = None
    spark: tuple[float | None, ...] = ()
    status: Status | None = None


@dataclass(frozen=True, repr=False)
class Table(Component):
    """Rows of text and cells under columns; ``group`` rows part them.

    ``rows`` map a column's key to text or a ``Cell``; a row with the single key ``group`` is a
    heading across the table.
    """

    kind = "table"
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, "str | Cell"], ...]
    title: str = ""
    subtitle: str = ""
    notes: tuple[str, ...] = ()
    compact: bool = False  # smaller type, for appendices


@dataclass(frozen=True, repr=False)
class Figure(Component):
    """A chart as SVG: the title is the message, the subtitle says what, unit and period."""

    kind = "figure"
    svg: str
    alt: str
    title: str = ""
    subtitle: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Callout(Component):
    """A remark in a box."""

    kind = "callout"
    text: str
    tone: Tone = "neutral"
    title: str = ""


@dataclass(frozen=True, repr=False)
class Absence(Component):
    """One line in place of a section that has no data: what would fill it."""

    kind = "absence"
    text: str


@dataclass(frozen=True, repr=False)
class Paragraph(Component):
    """Plain text; ``small`` for notes and definitions."""

    kind = "paragraph"
    text: str
    small: bool = False


@dataclass(frozen=True, repr=False)
class Code(Component):
    """Text in a fixed-width face, such as a query; long lines wrap."""

    kind = "code"
    text: str
    title: str = ""


@dataclass(frozen=True, repr=False)
class Row(Component):
    """Components side by side, with relative widths."""

    kind = "row"
    items: tuple[Component, ...]
    widths: tuple[float, ...] = ()


@dataclass(frozen=True, repr=False)
class Stack(Component):
    """Components one below the other: what a section's call returns."""

    kind = "stack"
    items: tuple[Component, ...]
    kpis: tuple[Mapping[str, Any], ...] = field(default=())  # rows of kpis.json shown here
    definitions: Mapping[str, int] = field(default_factory=dict)  # metric to its version
    forecasts: tuple[Mapping[str, Any], ...] = field(default=())  # rows for the ledger shown here
    promises: tuple[Mapping[str, Any], ...] = field(default=())  # of open actions, for the ledger

    def metadata(self) -> dict[str, Any]:
        """Return what the parts note, and the KPIs, forecasts and promises shown here."""
        found: dict[str, Any] = {}
        for item in self.items:
            found.update(item.metadata())
        own = {
            "kpis": [dict(row) for row in self.kpis],
            "definitions": dict(self.definitions),
            "forecasts": [dict(row) for row in self.forecasts],
            "promises": [dict(row) for row in self.promises],
        }
        return found | {name: noted for name, noted in own.items() if noted}


def _plain(value: Any) -> Any:
    if isinstance(value, str):  # as most of them are
        return value
    if isinstance(value, Component):
        return value.to_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    # JSON has no NaN, and a missing value is None to every face
    return None if isinstance(value, float) and not math.isfinite(value) else value
