"""Rules on registers and how they hang together: key results, drivers, claims, themes, views."""

from collections.abc import Iterator, Mapping

from kpikit.errors import AnalysisError, PeriodError, hint_names
from kpikit.formulas import parse_formula
from kpikit.params.model import KeyResult, LeadingIndicator, Milestone, Product
from kpikit.params.rulebook import (
    Context,
    Fault,
    Rule,
    given,
    repeated,
    two_lines,
    unknown_metric,
)
from kpikit.params.views import View
from kpikit.periods import parse_window

_MOST_FACTORS = 7  # the contributions of more are not reckoned


def _aim(result: KeyResult, _: Context) -> Iterator[Fault]:
    if len(given(result, "target", "change")) != 1:
        yield Fault("", "needs exactly one aim", "Give target, or change with a baseline.")
    elif result.change is not None and result.baseline is None:
        yield Fault("change", "has no baseline", "Give the value that it changes as baseline.")
    elif result.change is not None and result.baseline is not None and result.baseline <= 0:
        what = f"the baseline is {result.baseline:g}, of which no share can be taken"
        yield Fault("baseline", what, "Give the value to reach as target.")
    elif result.baseline == result.aim:
        what = f"baseline and target are both {result.aim:g}"
        yield Fault("baseline", what, "A key result needs a way to go: change one of them.")


def _span(result: KeyResult, _: Context) -> Iterator[Fault]:
    if result.start is not None and result.due <= result.start:
        what = f"it is due on {result.due}, and starts on {result.start}"
        yield Fault("due", what, "Correct one of the two days.")


def _drivers(product: Product, context: Context) -> Iterator[Fault]:
    factors: dict[str, tuple[str, ...]] = {}
    for name, text in product.drivers.items():
        key = f"drivers.{name}"
        yield from unknown_metric(name, key, context)
        try:
            factors[name] = parse_formula(text).names
        except AnalysisError as error:
            yield Fault(key, *two_lines(error))
            continue
        for factor in factors[name]:
            yield from unknown_metric(factor, key, context)
        if len(factors[name]) > _MOST_FACTORS:
            what = f"{len(factors[name])} factors, and there may be {_MOST_FACTORS}"
            yield Fault(key, what, "Join some in a metric that has a formula of its own.")
    for name in factors:
        if _leads_back(name, factors):
            what = f"'{name}' is made of itself"
            yield Fault(f"drivers.{name}", what, "Let its formula name other metrics.")


def _leads_back(name: str, factors: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether a metric is among the factors of its factors."""
    seen: set[str] = set()
    ahead = list(factors[name])
    while ahead:
        factor = ahead.pop()
        if factor not in seen:
            seen.add(factor)
            ahead += factors.get(factor, ())
    return name in seen


def _claim(claim: LeadingIndicator, context: Context) -> Iterator[Fault]:
    yield from unknown_metric(claim.metric, "metric", context)
    yield from unknown_metric(claim.outcome, "outcome", context)
    if claim.metric == claim.outcome:
        yield Fault("outcome", f"'{claim.metric}' is said to lead itself", "Name another metric.")


def _milestone(milestone: Milestone, context: Context) -> Iterator[Fault]:
    yield from unknown_metric(milestone.throughput, "throughput", context)
    yield from unknown_metric(milestone.cycle_time, "cycle_time", context)
    if len(given(milestone, "remaining", "throughput")) == 1:
        [only] = given(milestone, "remaining", "throughput")
        other = "throughput" if only == "remaining" else "remaining"
        yield Fault(only, f"stands without {other}", "Give both, or neither.")


def _themes(product: Product, _: Context) -> Iterator[Fault]:
    for name, words in product.themes.items():
        key = f"themes.{name}"
        if not words:
            yield Fault(key, "has no keyword", "Give some, such as [price, expensive, cost*].")
        for index, word in enumerate(words):
            if not any(map(str.isalnum, word)):
                what = f"'{word}' has neither letter nor digit"
                yield Fault(f"{key}.{index}", what, "Give a word or several, such as too much.")
        folded = {f"{key}.{index}": word.casefold() for index, word in enumerate(words)}
        yield from repeated(folded, "keyword")


def _view(view: View, context: Context) -> Iterator[Fault]:
    yield from unknown_metric(view.metric, "metric", context)
    for key, read in (("period", context.calendar.parse), ("window", parse_window)):
        text = getattr(view, key)
        try:
            if text is not None:
                read(text)
        except PeriodError as error:
            yield Fault(key, *two_lines(error))


def _views(product: Product, _: Context) -> Iterator[Fault]:
    for index, view in enumerate(product.views):
        for key, known in (("funnel", product.funnels), ("experiment", product.experiments)):
            name = getattr(view, key, None)
            if name is not None and name not in known:
                yield Fault(f"views.{index}.{key}", f"unknown {key} '{name}'",
                            hint_names(name, known))  # fmt: skip


REGISTER_RULES = (
    Rule(KeyResult, ("target", "change", "baseline"), _aim),
    Rule(KeyResult, ("start", "due"), _span),
    Rule(Product, ("drivers",), _drivers),
    Rule(LeadingIndicator, ("metric", "outcome"), _claim),
    Rule(Milestone, ("remaining", "throughput"), _milestone),
    Rule(Product, ("themes",), _themes),
    Rule(View, ("metric", "period", "window"), _view),
    Rule(Product, ("views", "funnels", "experiments"), _views),
)
