"""Rules on declared A/B tests."""

import math
from collections.abc import Iterator

from kpikit.errors import PeriodError, hint_names
from kpikit.params.experiments import COUNTING, STANDARD_METRICS, Experiment, ExperimentMetric
from kpikit.params.model import Product
from kpikit.params.rulebook import Context, Fault, Rule, given, repeated, two_lines
from kpikit.params.rules_product import positions, unsafe_key
from kpikit.periods import parse_window

# Keys that say something of some kinds alone.
_OWN_KEYS = {
    "column": ("sum", "quantile"),
    "numerator": ("ratio",),
    "denominator": ("ratio",),
    "cap": ("count", "sum", "ratio"),
}


def _split(experiment: Experiment, _: Context) -> Iterator[Fault]:
    total = sum(experiment.variants.values())
    for name, share in experiment.variants.items():
        if share <= 0:
            what = f"the planned share is {share:g}"
            yield Fault(f"variants.{name}", what, "Give a share above 0, or delete the variant.")
    if not math.isclose(total, 1, abs_tol=1e-6):
        what = f"the planned shares sum to {total:.6g}, not to 1"
        yield Fault("variants", what, "Write what was planned, such as 0.5 and 0.5.")


def _control(experiment: Experiment, _: Context) -> Iterator[Fault]:
    if experiment.control not in experiment.variants:
        what = f"'{experiment.control}' is none of the variants"
        yield Fault("control", what, hint_names(experiment.control, experiment.variants))


def _metric_names(experiment: Experiment, _: Context) -> Iterator[Fault]:
    secondary = positions("secondary", experiment.secondary)
    yield from repeated({"primary": experiment.primary, **secondary}, "metric")
    guarded = [guardrail.metric for guardrail in experiment.guardrails]
    yield from repeated(positions("guardrails", guarded), "guardrail")
    if experiment.primary in guarded:
        place = guarded.index(experiment.primary)
        what = f"'{experiment.primary}' is the primary metric and a guardrail"
        yield Fault(f"guardrails.{place}.metric", what, "A metric decides or guards: keep one.")


def _known_names(experiment: Experiment, _: Context) -> Iterator[Fault]:
    """Find names of no metric, among what decides and below and above the lines of ratios."""
    known = {*STANDARD_METRICS, *experiment.metrics}
    named = {
        "primary": experiment.primary,
        **positions("secondary", experiment.secondary),
        **{f"guardrails.{i}.metric": one.metric for i, one in enumerate(experiment.guardrails)},
    }
    for key, name in named.items():
        if name not in known:
            what = f"the test knows no metric '{name}'"
            yield Fault(key, what, f"{hint_names(name, known)} Or declare it under metrics.")


def _ratio_parts(experiment: Experiment, _: Context) -> Iterator[Fault]:
    counting = [name for name, one in experiment.metrics.items() if one.kind in COUNTING]
    for name, metric in experiment.metrics.items():
        for part in given(metric, "numerator", "denominator"):
            other = getattr(metric, part)
            if other not in counting:
                what = f"'{other}' is no metric of this test that counts or sums"
                yield Fault(f"metrics.{name}.{part}", what, hint_names(other, counting))


def _needed_keys(metric: ExperimentMetric, _: Context) -> Iterator[Fault]:
    has_column = metric.column is not None
    if metric.kind in _OWN_KEYS["column"] and not has_column:
        yield Fault("column", f"a {metric.kind} names no column", "Name the column of its values.")
    if metric.kind == "ratio" and len(given(metric, "numerator", "denominator")) < 2:
        yield Fault("", "a ratio needs numerator and denominator", "Name two metrics of this test.")
    for key, kinds in _OWN_KEYS.items():
        if getattr(metric, key) is not None and metric.kind not in kinds:
            what = f"says nothing of a metric of kind {metric.kind}"
            yield Fault(key, what, f"Leave it out; it belongs to: {', '.join(kinds)}.")
    if metric.event and (metric.table != "events" or metric.kind == "ratio"):
        yield Fault("event", "only rows of events have one", "Leave it out, or use where.")


def _needed_of_product(product: Product, _: Context) -> Iterator[Fault]:
    """Find metrics whose meaning the product's file has yet to give."""
    for key, experiment in product.experiments.items():
        names = getattr(experiment, "metric_names", ())
        undeclared = set(names) - set(getattr(experiment, "metrics", ()))
        if "activation_rate" in undeclared and product.activation is None:
            yield Fault(
                f"experiments.{key}",
                "activation_rate has no meaning yet",
                "Say under activation which events make a user active.",
            )


def _windows(experiment: Experiment, _: Context) -> Iterator[Fault]:
    for key in given(experiment, "conversion_window", "history"):
        try:
            parse_window(getattr(experiment, key))
        except PeriodError as error:
            yield Fault(key, *two_lines(error))


def _from_days(experiment: Experiment, _: Context) -> Iterator[Fault]:
    try:
        days = parse_window(experiment.conversion_window).total_seconds() / 86_400
    except PeriodError:
        return  # told of already
    for name, metric in experiment.metrics.items():
        if metric.from_days >= days:
            what = (
                f"counting begins on day {metric.from_days:g}, when the window of {days:g} is over"
            )
            to_do = "Begin earlier, or lengthen conversion_window."
            yield Fault(f"metrics.{name}.from_days", what, to_do)


def _start_and_end(experiment: Experiment, _: Context) -> Iterator[Fault]:
    if experiment.end < experiment.start:
        what = f"it ends on {experiment.end}, before it starts on {experiment.start}"
        yield Fault("end", what, "Correct one of the two days.")


def _looks(experiment: Experiment, _: Context) -> Iterator[Fault]:
    if experiment.looks > experiment.days > 0:
        what = f"{experiment.looks} looks are planned in {experiment.days} day(s)"
        yield Fault("looks", what, "Plan at most one look a day.")


def _keys(product: Product, _: Context) -> Iterator[Fault]:
    for name in product.experiments:
        yield from unsafe_key(name, f"experiments.{name}")


EXPERIMENT_RULES = (
    Rule(Product, ("experiments",), _keys),
    Rule(Product, ("experiments", "activation"), _needed_of_product),
    Rule(Experiment, ("variants",), _split),
    Rule(Experiment, ("control", "variants"), _control),
    Rule(Experiment, ("primary", "secondary", "guardrails"), _metric_names),
    Rule(Experiment, ("primary", "secondary", "guardrails", "metrics"), _known_names),
    Rule(Experiment, ("metrics",), _ratio_parts),
    Rule(Experiment, ("conversion_window", "history"), _windows),
    Rule(Experiment, ("conversion_window", "metrics"), _from_days),
    Rule(Experiment, ("start", "end"), _start_and_end),
    Rule(Experiment, ("start", "end", "looks"), _looks),
    Rule(ExperimentMetric, ("kind", "column", "numerator", "denominator", "event", "table", "cap"),
         _needed_keys),
)  # fmt: skip
