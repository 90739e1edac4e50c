"""Maps a source table onto canonical columns and reads each as its kind.

A staged table holds the canonical columns, then every other column of the source, then working
columns under a prefix: the file and row a row came from, the text that could not be read, and the
local times that do not exist. The checks read the working columns; nobody else sees them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from kpikit.errors import SourceError, hint_names
from kpikit.params.model import Constant, TableSource
from kpikit.params.tables import ColumnSpec, TableSpec
from kpikit.periods import Calendar
from kpikit.sources.cast import AMOUNT, NumberMarks, Reading, Zones, clean_text, read_column
from kpikit.sources.dates import TimeFormat, declared_format, find_format
from kpikit.sources.read import FILE, ROW, RawTable
from kpikit.sources.where import Where

WORKING = "_kpikit_"
FILE_OF = f"{WORKING}file"
ROW_OF = f"{WORKING}row"
UNREAD = f"{WORKING}unread_"
SKIPPED = f"{WORKING}skipped_"
# exact although no money: order lines multiply it by a price
_EXACT = {("order_lines", "quantity")}
# absent means that the product has no trials, which no column of missing values could say
_LEFT_OUT = {("subscriptions", "trial_start")}
_TIMES_ONLY = ("time", "date")


@dataclass(frozen=True)
class StagedTable:
    """A table with canonical columns, before deduplication.

    Attributes:
        table: Canonical, other and working columns.
        mapped: Canonical columns that come from a column of the source.
        formats: How each text column of times is read.
    """

    table: ir.Table
    mapped: tuple[str, ...]
    formats: Mapping[str, TimeFormat] = field(default_factory=dict)


def stage_table(
    raw: RawTable,
    spec: TableSpec,
    source: TableSource,
    *,
    calendar: Calendar,
    currency: str,
    where: Where,
    known_formats: Mapping[str, TimeFormat] | None = None,
) -> StagedTable:
    """Return ``raw`` with canonical columns.

    Args:
        raw: The source table.
        spec: The canonical table.
        source: Its parameters: columns, formats, marks, null values, zone, kinds of lines.
        calendar: The product's calendar, for its zone.
        currency: The product's currency, for tables that name none.
        where: The key in the product's file, for messages.
        known_formats: Formats of text columns of times, where they were found before.

    Raises:
        SourceError: A column is missing, or holds what its kind cannot be read from.
    """
    table = _cleaned(raw, source)
    origins = _origins(table, spec, source, where)
    marks = NumberMarks(source.decimal, source.thousands)
    zones = Zones(source.timezone, calendar.timezone)
    columns: dict[str, ir.Value] = {}
    working: dict[str, ir.Value] = {}
    formats: dict[str, TimeFormat] = {}
    for name, origin in origins.items():
        column = spec.columns.get(name) or _other_column(name, source)
        value = _origin_value(table, origin)
        form = (known_formats or {}).get(name) or _time_format(
            value, column, source, constant=isinstance(origin, Constant)
        )
        if form is not None and not isinstance(origin, Constant):
            formats[name] = form
        exact = (spec.name, name) in _EXACT
        try:
            reading = read_column(
                value, column.kind, exact=exact, form=form, marks=marks, zones=zones
            )
        except SourceError as error:
            raise _wrong_kind(error, name, origin, column, where) from error
        columns[name] = reading.value
        working.update(_working(name, reading))
    columns = _completed(columns, spec, currency)
    if spec.columns_of("money") and spec.name in ("orders", "order_lines"):
        columns.update(_amounts(table, columns, spec, source, where))
    columns.update(_others(table, origins, columns))
    staged = table.select(**columns, **working, **_places(table))
    mapped = tuple(name for name, origin in origins.items() if isinstance(origin, str))
    return StagedTable(staged, mapped, formats)


def final_columns(table: ir.Table) -> ir.Table:
    """Return a staged table without its working columns."""
    return table.select([name for name in table.columns if not name.startswith(WORKING)])


def other_columns(table: ir.Table, spec: TableSpec) -> tuple[str, ...]:
    """Return the columns beyond the canonical ones and those derived from them: dimensions."""
    derived = {"kind", "revenue"} if spec.name in ("orders", "order_lines") else set()
    return tuple(
        name for name in table.columns
        if name not in spec.columns and name not in derived and not name.startswith(WORKING)
    )  # fmt: skip


def _cleaned(raw: RawTable, source: TableSource) -> ir.Table:
    """Make blanks and null values missing; typed sources say it themselves, and stay fast."""
    if not raw.is_text and "null_values" not in source.model_fields_set:
        return raw.table
    return raw.table.mutate(
        **{
            name: clean_text(raw.table[name], source.null_values)
            for name, kind in raw.table.schema().items()
            if kind.is_string() and name != FILE
        }
    )


def _origins(
    table: ir.Table, spec: TableSpec, source: TableSource, where: Where
) -> dict[str, str | Constant]:
    """Return the source column or the constant of each column that has one."""
    known = [name for name in table.columns if name not in (FILE, ROW)]
    origins: dict[str, str | Constant] = {}
    for name in spec.columns:
        declared = source.columns.get(name)
        if isinstance(declared, str):
            origins[name] = _find_column(declared, known, where.at("columns", name))
        elif declared is not None:
            origins[name] = declared
        elif found := _same_name(name, known):
            origins[name] = found
    for name, declared in source.columns.items():
        if name not in spec.columns:
            key = where.at("columns", name)
            origins[name] = (
                _find_column(declared, known, key) if isinstance(declared, str) else declared
            )
    missing = [name for name in spec.required if name not in origins]
    if missing:
        listed = ", ".join(missing)
        raise SourceError(
            f"{where}: no column for {listed}, which {spec.name} needs.\n"
            f"Map {'it' if len(missing) == 1 else 'them'} under columns. "
            f"Columns of the source: {', '.join(known)}."
        )
    return origins


def _find_column(name: str, known: Sequence[str], key: Where) -> str:
    found = _same_name(name, known)
    if found is None:
        raise SourceError(
            f"{key}: the source has no column '{name}'.\n"
            f"{hint_names(name, known, label='Columns')}{_one_column_hint(known)}"
        )
    return found


def _one_column_hint(known: Sequence[str]) -> str:
    """Explain a single column whose name looks like a whole header."""
    if len(known) != 1:
        return ""
    marks = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}
    seen = [text for mark, text in marks.items() if mark in known[0]]
    return f"\nIts header seems to be parted by {seen[0]}: mend delimiter." if seen else ""


def _same_name(name: str, known: Iterable[str]) -> str | None:
    known = list(known)
    if name in known:
        return name
    return next((each for each in known if each.casefold() == name.casefold()), None)


def _other_column(name: str, source: TableSource) -> ColumnSpec:
    """Return the spec of a dimension: text, or a time where it has a format."""
    kind = "time" if name in source.formats else "text"
    return ColumnSpec(name, kind, "", required=False, nullable=True)  # type: ignore[arg-type]


def _origin_value(table: ir.Table, origin: str | Constant) -> ir.Value:
    return table[origin] if isinstance(origin, str) else ibis.literal(origin.value)


def _time_format(
    value: ir.Value, column: ColumnSpec, source: TableSource, *, constant: bool
) -> TimeFormat | None:
    if column.kind not in _TIMES_ONLY or not value.type().is_string():
        return None
    if constant:
        return TimeFormat(date_only=True)
    declared = source.formats.get(column.name)
    return declared_format(declared) if declared else find_format(value.strip())


def _working(name: str, reading: Reading) -> dict[str, ir.Value]:
    found: dict[str, ir.Value] = {}
    if reading.unparsable is not None:
        found[UNREAD + name] = reading.unparsable
    if reading.skipped is not None:
        found[SKIPPED + name] = reading.skipped
    return found


def _places(table: ir.Table) -> dict[str, ir.Value]:
    names = {FILE: FILE_OF, ROW: ROW_OF}
    return {name: table[own] for own, name in names.items() if own in table.columns}


def _completed(
    columns: Mapping[str, ir.Value], spec: TableSpec, currency: str
) -> dict[str, ir.Value]:
    """Add the optional columns that the source lacks, in canonical order."""
    defaults = {"currency": ibis.literal(currency), "weight": ibis.literal(1).cast("float64")}
    types = {"number": "float64", "money": AMOUNT, "time": "timestamp", "date": "date"}
    complete: dict[str, ir.Value] = {}
    for name, column in spec.columns.items():
        if name in columns:
            value = columns[name]
            complete[name] = value.fill_null(currency) if name == "currency" else value
        elif (spec.name, name) not in _LEFT_OUT:
            complete[name] = defaults.get(name, ibis.null(types.get(column.kind, "string")))
    return complete | {name: columns[name] for name in columns if name not in complete}


def _amounts(
    table: ir.Table,
    columns: Mapping[str, ir.Value],
    spec: TableSpec,
    source: TableSource,
    where: Where,
) -> dict[str, ir.Value]:
    """Return the amount of each row, and its kind: by rule, else by the sign of the amount."""
    if spec.name == "order_lines":
        # the product has 12 decimals; Ibis believes it has 6 and would leave out a plain cast
        product = (columns["quantity"] * columns["unit_price"]).cast("decimal(38, 12)")
        amount = product.cast(AMOUNT)
    else:
        amount = columns["revenue"].cast(AMOUNT)
    given = columns["kind"].lower() if "kind" in spec.columns else ibis.null(str)
    branches = []
    for index, rule in enumerate(source.classify):
        key = where.at("classify", str(index), "column")
        name = _same_name(rule.column, columns)
        value = columns[name] if name else table[_find_column(rule.column, table.columns, key)]
        text = value.cast(str)
        if rule.starts_with is not None:
            branches.append((text.startswith(rule.starts_with), rule.as_))
        else:
            branches.append((text == rule.equals, rule.as_))
    by_sign = [(amount > 0, "sale"), (amount < 0, "refund")]
    if spec.name == "orders":
        kinds = ("sale", "refund", "adjustment", "ignore")
        branches.append((given.isin(kinds), given))
    return {"revenue": amount, "kind": ibis.cases(*branches, *by_sign, else_="ignore")}


def _others(
    table: ir.Table, origins: Mapping[str, str | Constant], columns: Mapping[str, ir.Value]
) -> dict[str, ir.Value]:
    """Return the source columns that nothing maps, under their own names."""
    used = {origin for origin in origins.values() if isinstance(origin, str)}
    taken = {name.casefold() for name in columns}
    return {
        name: table[name]
        for name in table.columns
        if name not in used and name.casefold() not in taken and name not in (FILE, ROW)
    }


def _wrong_kind(
    error: SourceError, name: str, origin: str | Constant, column: ColumnSpec, where: Where
) -> SourceError:
    shown = f"column '{origin}'" if isinstance(origin, str) else f"value {origin.value!r}"
    kinds = {"time": "a time", "date": "a day", "money": "an amount", "number": "a number"}
    return SourceError(
        f"{where.at('columns', name)}: {shown} {error}.\n"
        f"{name} is {kinds[column.kind]}: map another column, or convert this one with sql."
    )
