"""Maps a source table onto canonical columns and reads each as its kind.

A staged table holds the canonical columns, then every other column of the source, then working
columns under a prefix: the file and row a row came from, the text that could not be read, and the
local times that do not exist. The checks read the working columns; nobody else sees them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import ibis
import ibis.expr.types as ir

from kpikit.errors import SourceError, hint_names
from kpikit.params.base import LineKind
from kpikit.params.model import Constant, TableSource
from kpikit.params.tables import ColumnSpec, TableSpec
from kpikit.periods import Calendar
from kpikit.sources.cast import (
    AMOUNT,
    LINE_AMOUNT,
    NumberMarks,
    Reading,
    Zones,
    clean_text,
    is_skipped,
    read_column,
)
from kpikit.sources.dates import TimeFormat, declared_format, find_format, first_values
from kpikit.sources.read import FILE, ROW, RawTable
from kpikit.sources.views import view_alike
from kpikit.sources.where import Where

WORKING = "_kpikit_"
FILE_OF = f"{WORKING}file"
ROW_OF = f"{WORKING}row"
UNREAD = f"{WORKING}unread_"
SKIPPED = f"{WORKING}skipped_"
_TEXT, _CLOCK, _RULE = f"{WORKING}text_", f"{WORKING}clock_", f"{WORKING}rule_"
# columns that are made from others
_DERIVED = {"orders": ("revenue", "kind"), "order_lines": ("revenue", "kind")}
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
    table = _cleaned(raw, spec, source)
    origins = _origins(table, spec, source, where)
    _check_repeated(raw, origins, where)
    formats = _formats(table, origins, spec, source, known_formats or {})
    mapped = tuple(name for name, origin in origins.items() if isinstance(origin, str))

    def read() -> ir.Table:
        return _read(
            table, origins, formats, spec, source,
            timezone=calendar.timezone, currency=currency, where=where,
        )  # fmt: skip

    if not raw.is_text:
        return StagedTable(_judged(read(), origins, spec, source), mapped, formats)
    # by views, or Ibis writes each expression out again wherever its column is used
    forms = tuple((name, form.formats, form.date_only) for name, form in formats.items())
    layout = (
        table.schema(), spec.name, repr(source), calendar.timezone, currency, forms,
    )  # fmt: skip
    seen = view_alike(table, read, f"{spec.name}_read", *layout)
    judged = view_alike(
        seen, lambda: _judged(seen, origins, spec, source), f"{spec.name}_staged", *layout
    )
    return StagedTable(judged, mapped, formats)


def _read(
    table: ir.Table,
    origins: Mapping[str, str | Constant],
    formats: Mapping[str, TimeFormat],
    spec: TableSpec,
    source: TableSource,
    *,
    timezone: str,
    currency: str,
    where: Where,
) -> ir.Table:
    """Read every column as its kind, and keep beside it what tells whether that went well."""
    readings: dict[str, Reading] = {}
    for name, origin in origins.items():
        column = spec.columns.get(name) or _other_column(name, source)
        is_constant = isinstance(origin, Constant)
        try:
            readings[name] = read_column(
                ibis.literal(origin.value) if isinstance(origin, Constant) else table[origin],
                column.kind,
                exact=(spec.name, name) in _EXACT,
                form=TimeFormat(date_only=True) if is_constant else formats.get(name),
                marks=NumberMarks(source.decimal, source.thousands),
                zones=Zones(source.timezone, timezone),
            )
        except SourceError as error:
            raise _wrong_kind(error, name, origin, column, where) from error
    values = _completed({name: each.value for name, each in readings.items()}, spec, currency)
    derived = _DERIVED.get(spec.name, ())
    return table.select(
        **values, **_others(table, origins, {*values, *derived}), **_places(table),
        **_sources(readings), **_rule_matches(table, origins, source, where),
    )  # fmt: skip


def _judged(
    read: ir.Table, origins: Mapping[str, str | Constant], spec: TableSpec, source: TableSource
) -> ir.Table:
    """Return a table that was read with its amounts, and with its faults in the working columns."""
    named = [name for name in read.columns if not name.startswith(WORKING)]
    values = {name: read[name] for name in named if name in spec.columns or name in origins}
    others = {name: read[name] for name in named if name not in values}
    places = {name: read[name] for name in (FILE_OF, ROW_OF) if name in read.columns}
    return read.select(
        **values | _amounts(read, spec, source), **others, **places,
        **_faults(read, origins, source.timezone),
    )  # fmt: skip


def final_columns(table: ir.Table) -> ir.Table:
    """Return a staged table without its working columns."""
    return table.select([name for name in table.columns if not name.startswith(WORKING)])


def other_columns(table: ir.Table, spec: TableSpec) -> tuple[str, ...]:
    """Return the columns beyond the canonical ones and those derived from them: dimensions."""
    derived = _DERIVED.get(spec.name, ())
    return tuple(
        name for name in table.columns
        if name not in spec.columns and name not in derived and not name.startswith(WORKING)
    )  # fmt: skip


def _cleaned(raw: RawTable, spec: TableSpec, source: TableSource) -> ir.Table:
    """Make blanks and null values missing; typed sources say it themselves, and stay fast."""
    if not raw.is_text and "null_values" not in source.model_fields_set:
        return raw.table

    def cleaned() -> ir.Table:
        return raw.table.mutate(
            **{
                name: clean_text(raw.table[name], source.null_values)
                for name, kind in raw.table.schema().items()
                if kind.is_string() and name != FILE
            }
        )

    if not raw.is_text:
        return cleaned()
    name = f"{spec.name}_{'held' if raw.is_small else 'cleaned'}"  # a table is no second view
    return view_alike(raw.table, cleaned, name, *source.null_values, is_kept=raw.is_small)


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


def _check_repeated(raw: RawTable, origins: Mapping[str, str | Constant], where: Where) -> None:
    """Raise if a column that is read stands twice in a header: which one is meant is unknown."""
    for origin in origins.values():
        if isinstance(origin, str) and origin.casefold() in raw.repeated:
            raise SourceError(
                f"{where}: column '{origin}' stands more than once in the header.\n"
                f"Rename one in the file, or choose with sql, where the second is '{origin}_2'."
            )


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


def _formats(
    table: ir.Table,
    origins: Mapping[str, str | Constant],
    spec: TableSpec,
    source: TableSource,
    known: Mapping[str, TimeFormat],
) -> dict[str, TimeFormat]:
    """Return the format of each text column of times: as known, as declared, else as found."""
    texts = {
        name: origin
        for name, origin in origins.items()
        if (spec.columns.get(name) or _other_column(name, source)).kind in _TIMES_ONLY
        and isinstance(origin, str) and table[origin].type().is_string()
    }  # fmt: skip
    told = {name: declared_format(text) for name, text in source.formats.items()} | {**known}
    unknown = [origin for name, origin in texts.items() if name not in told]
    samples = first_values(table, list(dict.fromkeys(unknown)))
    return {
        name: told.get(name) or find_format(table[origin].strip(), samples[origin])
        for name, origin in texts.items()
    }


def _sources(readings: Mapping[str, Reading]) -> dict[str, ir.Value]:
    """Return what the faults of a reading are found by, once it is read."""
    texts = {_TEXT + name: each.source for name, each in readings.items()}
    clocks = {_CLOCK + name: each.wall_clock for name, each in readings.items()}
    return {name: value for name, value in (texts | clocks).items() if value is not None}


def _faults(read: ir.Table, names: Iterable[str], timezone: str) -> dict[str, ir.Value]:
    """Return the text that could not be read, and whether a local time does not exist."""
    found: dict[str, ir.Value] = {}
    for name in names:
        if _TEXT + name in read.columns:
            text = read[_TEXT + name]
            unread = text.notnull() & read[name].isnull()
            found[UNREAD + name] = ibis.ifelse(unread, text, ibis.null(str))
        if _CLOCK + name in read.columns:
            found[SKIPPED + name] = is_skipped(read[_CLOCK + name], read[name], timezone)
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


def _rule_matches(
    table: ir.Table,
    origins: Mapping[str, str | Constant],
    source: TableSource,
    where: Where,
) -> dict[str, ir.Value]:
    """Return, per rule that names a kind of row, whether a row matches it."""
    found: dict[str, ir.Value] = {}
    for index, rule in enumerate(source.classify):
        origin = origins.get(rule.column, rule.column)
        if isinstance(origin, Constant):
            origin = rule.column
        key = where.at("classify", str(index), "column")
        text = table[_find_column(origin, table.columns, key)].cast(str)
        matches = (
            text.startswith(rule.starts_with) if rule.starts_with is not None
            else text == rule.equals
        )  # fmt: skip
        found[f"{_RULE}{index}"] = matches.fill_null(False)
    return found


def _amounts(read: ir.Table, spec: TableSpec, source: TableSource) -> dict[str, ir.Value]:
    """Return the amount of each row and its kind: by rule, else as given, else by its sign."""
    if spec.name not in _DERIVED:
        return {}
    branches = [(read[f"{_RULE}{index}"], rule.as_) for index, rule in enumerate(source.classify)]
    if spec.name == "order_lines":
        # Ibis believes that the product has 6 decimals; the cast tells it what the engine makes
        amount = (read["quantity"] * read["unit_price"]).cast(LINE_AMOUNT)
    else:
        amount = read["revenue"].cast(AMOUNT)
        given = read["kind"].lower()
        branches.append((given.isin(get_args(LineKind)), given))
    by_sign = [(amount > 0, "sale"), (amount < 0, "refund")]
    return {"revenue": amount, "kind": ibis.cases(*branches, *by_sign, else_="ignore")}


def _others(
    table: ir.Table, origins: Mapping[str, str | Constant], names: Iterable[str]
) -> dict[str, ir.Value]:
    """Return the source columns that nothing maps, under their own names."""
    used = {origin for origin in origins.values() if isinstance(origin, str)}
    taken = {name.casefold() for name in names}
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
