"""Rules on the product itself, its metrics, registers and funnels."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from kpikit.errors import PeriodError, hint_names, nearest_names
from kpikit.params.model import (
    Action,
    Annotation,
    Benchmark,
    Campaign,
    Funnel,
    FunnelExclusion,
    FunnelStepParams,
    KeyResult,
    MeasureParams,
    Model,
    Product,
    ProductInfo,
    Target,
)
from kpikit.params.rulebook import (
    Context,
    Fault,
    Rule,
    given,
    repeated,
    two_lines,
    unknown_metric,
)
from kpikit.params.tables import CURRENCIES
from kpikit.periods import Period, check_timezone, parse_window

_LONGEST_KEY = 80
_AGGREGATES = ("sum", "mean", "count", "count_distinct")
# Windows keeps these names for devices, with any ending and in any case.
_RESERVED = re.compile(r"con|prn|aux|nul|(?:com|lpt)[0-9]", re.IGNORECASE)


def unsafe_name(name: str) -> str:
    """Return why ``name`` cannot name a folder or file on every system; empty where it can."""
    if not name:
        return "is empty"
    if len(name) > _LONGEST_KEY:
        return f"has {len(name)} characters, and may have {_LONGEST_KEY}"
    # letters and digits of any script, with the marks that some scripts write as signs of their own
    wrong = [
        char for char in name if unicodedata.category(char)[0] not in "LNM" and char not in "-_"
    ]
    if wrong:
        return f"holds {wrong[0]!r}"
    if name.startswith("-"):
        return "begins with '-', as options of a command do"
    if _RESERVED.fullmatch(name):
        return f"is '{name}', which Windows keeps for a device"
    return ""


def unsafe_key(name: str, key: str) -> Iterator[Fault]:
    """Yield a fault where a name cannot name a folder or file."""
    if reason := unsafe_name(name):
        yield Fault(
            key,
            f"{reason}, and names a folder or file",
            f"Use letters, digits, '-' and '_', at most {_LONGEST_KEY} of them.",
        )


def _product_key(info: ProductInfo, _: Context) -> Iterator[Fault]:
    yield from unsafe_key(info.key, "key")


def _product_zone(info: ProductInfo, _: Context) -> Iterator[Fault]:
    try:
        check_timezone(info.timezone)
    except PeriodError as error:
        yield Fault("timezone", *two_lines(error))


def _currency(info: ProductInfo, _: Context) -> Iterator[Fault]:
    if info.currency not in CURRENCIES:
        near = nearest_names(info.currency, sorted(CURRENCIES), most=1)
        question = f"Did you mean '{near[0]}'? " if near else ""
        what = f"unknown currency '{info.currency}'"
        yield Fault("currency", what, f"{question}Give a code of ISO 4217 such as EUR.")


def _metrics(product: Product, context: Context) -> Iterator[Fault]:
    for index, name in enumerate(product.metrics):
        yield from unknown_metric(name, f"metrics.{index}", context)
    yield from repeated(positions("metrics", product.metrics), "metric")


def _owners(product: Product, context: Context) -> Iterator[Fault]:
    for name in product.owners:
        yield from unknown_metric(name, f"owners.{name}", context)


def _segments(product: Product, _: Context) -> Iterator[Fault]:
    yield from repeated(positions("segments", product.segments), "segment")


def _definitions(product: Product, context: Context) -> Iterator[Fault]:
    entries = _whole(product.define, "name")
    names = {f"define.{index}.name": metric.name for index, metric in entries}
    yield from repeated(names, "metric")
    for key, name in names.items():
        if name in context.builtin:
            what = f"metric '{name}' exists already"
            yield Fault(key, what, "Give it a name of its own, so that one name means one thing.")


def _defined_tables(product: Product, _: Context) -> Iterator[Fault]:
    tables = product.source.tables
    for index, metric in enumerate(product.define):
        derived = metric.table == "orders" and "order_lines" in tables
        if metric.table not in tables and not derived:
            what = f"table '{metric.table}' is not in source.tables"
            yield Fault(f"define.{index}.table", what, hint_names(metric.table, tables))


def _measure(measure: MeasureParams, _: Context) -> Iterator[Fault]:
    if len(given(measure, *_AGGREGATES)) != 1:
        names = ", ".join(_AGGREGATES)
        yield Fault("", "needs exactly one aggregate", f"Give one of: {names}.")


def _names_metric(part: Any, context: Context) -> Iterator[Fault]:
    yield from unknown_metric(part.metric, "metric", context)


def _target_period(target: Target, context: Context) -> Iterator[Fault]:
    try:
        context.calendar.parse(target.period)
    except PeriodError as error:
        yield Fault("period", *two_lines(error))


def _targets(product: Product, context: Context) -> Iterator[Fault]:
    """Find a second target for one metric and period, however the period is written."""
    seen: set[tuple[str, Period]] = set()
    for index, target in _whole(product.targets, "metric", "period"):
        try:
            aim = (target.metric, context.calendar.parse(target.period))
        except PeriodError:
            continue  # told of where the target itself is looked at
        if aim in seen:
            what = f"a second target for {target.metric} in {target.period}"
            yield Fault(f"targets.{index}", what, "Keep one of them.")
        seen.add(aim)


def _annotation_metrics(annotation: Annotation, context: Context) -> Iterator[Fault]:
    for index, name in enumerate(annotation.metrics):
        yield from unknown_metric(name, f"metrics.{index}", context)


def _annotation_end(annotation: Annotation, _: Context) -> Iterator[Fault]:
    if annotation.end is not None and annotation.end < annotation.date:
        what = f"{annotation.end} is before {annotation.date}"
        yield Fault("end", what, "Correct one of the two days.")


def _start_and_end(part: Campaign, _: Context) -> Iterator[Fault]:
    if part.end < part.start:
        what = f"it ends on {part.end}, before it starts on {part.start}"
        yield Fault("end", what, "Correct one of the two days.")


def _benchmark_range(benchmark: Benchmark, _: Context) -> Iterator[Fault]:
    low, high = benchmark.low, benchmark.high
    if low is not None and high is not None and high < low:
        yield Fault("high", f"high {high:g} is below low {low:g}", "Swap the two.")


def _register_keys(product: Product, _: Context) -> Iterator[Fault]:
    for name in ("goals", "actions", "milestones"):
        entries = _whole(getattr(product, name), "key")
        found = {f"{name}.{index}.key": entry.key for index, entry in entries}
        yield from repeated(found, "key")


def _funnel(funnel: Funnel, _: Context) -> Iterator[Fault]:
    yield from _window(funnel.window, "window")
    names = [step.name if isinstance(step, FunnelStepParams) else step for step in funnel.steps]
    yield from repeated(positions("steps", names), "step")


def _window(text: str, key: str) -> Iterator[Fault]:
    try:
        parse_window(text)
    except PeriodError as error:
        yield Fault(key, *two_lines(error))


def _exclusions(funnel: Funnel, _: Context) -> Iterator[Fault]:
    last = len(funnel.steps)
    for index, exclusion in enumerate(funnel.exclusions):
        if not exclusion.after < exclusion.before <= last:
            what = f"lies after step {exclusion.after} and before step {exclusion.before}"
            to_do = f"Give two of the steps 1 to {last}, the earlier one first."
            yield Fault(f"exclusions.{index}", what, to_do)


def _optional_steps(funnel: Funnel, _: Context) -> Iterator[Fault]:
    for index, step in enumerate(funnel.steps):
        if not isinstance(step, FunnelStepParams) or not step.optional:
            continue
        if index == 0:
            what = f"step '{step.name}' is optional and the first"
            yield Fault("steps.0", what, "Begin with a step that starts an attempt.")
        elif funnel.order != "ordered":
            what = f"step '{step.name}' is optional in a funnel that is {funnel.order}"
            yield Fault(f"steps.{index}", what, "Only an ordered funnel has optional steps.")


def _step_events(step: FunnelStepParams | FunnelExclusion, _: Context) -> Iterator[Fault]:
    if step.event in ("", []):
        yield Fault("event", "names no event", "Give an event, or a list of them.")


def positions(name: str, values: Iterable[str]) -> dict[str, str]:
    """Return the values of a list by their keys: ``metrics.0`` and so on."""
    return {f"{name}.{index}": value for index, value in enumerate(values)}


def _whole(entries: Iterable[Any], *fields: str) -> list[tuple[int, Any]]:
    """Return position and entry of those that have all these fields, in a list with mistakes."""
    return [
        (index, entry)
        for index, entry in enumerate(entries)
        if all(hasattr(entry, name) for name in fields)
    ]


_WITH_METRIC: tuple[type[Model], ...] = (Target, KeyResult, Action, Benchmark, Campaign)

PRODUCT_RULES = (
    Rule(ProductInfo, ("key",), _product_key),
    Rule(ProductInfo, ("timezone",), _product_zone),
    Rule(ProductInfo, ("currency",), _currency),
    Rule(Product, ("metrics",), _metrics),
    Rule(Product, ("owners",), _owners),
    Rule(Product, ("segments",), _segments),
    Rule(Product, (), _definitions),
    Rule(Product, ("define", "source"), _defined_tables),
    Rule(Product, (), _targets),
    Rule(Product, (), _register_keys),
    Rule(MeasureParams, _AGGREGATES, _measure),
    *(Rule(part, ("metric",), _names_metric) for part in _WITH_METRIC),
    Rule(Target, ("period",), _target_period),
    Rule(Annotation, ("metrics",), _annotation_metrics),
    Rule(Annotation, ("date", "end"), _annotation_end),
    Rule(Campaign, ("start", "end"), _start_and_end),
    Rule(Benchmark, ("low", "high"), _benchmark_range),
    Rule(Funnel, ("steps", "window"), _funnel),
    Rule(Funnel, ("exclusions", "steps"), _exclusions),
    Rule(Funnel, ("steps", "order"), _optional_steps),
    Rule(FunnelStepParams, ("event",), _step_events),
    Rule(FunnelExclusion, ("event",), _step_events),
)
