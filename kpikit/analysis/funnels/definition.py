"""A funnel as it was asked for, validated: what every function of this package starts from."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, Required, TypeAlias, TypedDict

import pandas as pd

from kpikit.analysis.funnels.steps import Exclusion, Step, as_step, required
from kpikit.engine import utc_bounds
from kpikit.errors import AnalysisError, check_choice, column_names
from kpikit.periods import as_date, check_timezone, parse_window

Order: TypeAlias = Literal["ordered", "strict", "unordered"]
Day: TypeAlias = dt.date | str
Window: TypeAlias = dt.timedelta | str | None
Columns: TypeAlias = str | Sequence[str]

ORDERS = ("ordered", "strict", "unordered")
TOUCHES = ("every_step", "first_touch", "last_touch")
RESULT_COLUMNS = frozenset({
    "step", "name", "users", "step_rate", "overall_rate", "ci_low", "ci_high", "median_seconds",
    "mean_seconds", "period", "complete", "depth",
})  # fmt: skip
_MOST_STEPS = 24
# no two stored times are further apart, and longer windows overflow the engines' clocks
_FOREVER = dt.timedelta(days=200_000)


class FunnelKeywords(TypedDict, total=False):
    """What every function on funnels takes besides its events; see ``funnel_table``."""

    steps: Required[Sequence[Step | str | None]]
    window: Required[Window]
    order: Order
    by: Columns | None
    exclusions: Sequence[Exclusion]
    start: Day | None
    end: Day | None
    as_of: Day | None
    unit: Columns
    hold: Columns
    attribution: str | int
    top: int
    strictly_later: bool
    among: Literal["all", "listed"]
    timezone: str


@dataclass(frozen=True)
class Definition:
    """A funnel, validated; times are UTC instants without a zone."""

    steps: tuple[Step, ...]
    window: dt.timedelta | None
    order: Order
    exclusions: tuple[Exclusion, ...]
    start: dt.datetime | None
    end: dt.datetime | None
    closing: dt.datetime | None  # the instant at which data end; None where that is unknown
    unit: tuple[str, ...]
    hold: tuple[str, ...]
    by: tuple[str, ...]
    attribution: str | int
    top: int
    strictly_later: bool
    among: str
    timezone: str
    mature_only: bool = True  # whether entries without a full window are left out

    @property
    def required(self) -> list[int]:
        """The numbers of the steps that an entry cannot go on without, from 1."""
        return required(self.steps)

    @property
    def last_entry(self) -> dt.datetime | None:
        """The instant from which on an entry has not had its full window."""
        if self.closing is None or self.window is None:
            return None
        return self.closing - self.window

    def needed_before(self, number: int) -> int:
        """Return the needed step before step ``number``; the first one has itself."""
        return max((needed for needed in self.required if needed < number), default=1)

    def needed_after(self, number: int) -> int | None:
        """Return the needed step after step ``number``; None after the last."""
        return min((needed for needed in self.required if needed > number), default=None)


def define(
    where: str,
    *,
    steps: Sequence[Step | str | None],
    window: Window,
    order: Order = "ordered",
    by: Columns | None = None,
    exclusions: Sequence[Exclusion] = (),
    start: Day | None = None,
    end: Day | None = None,
    as_of: Day | None = None,
    unit: Columns = "user_id",
    hold: Columns = (),
    attribution: str | int = "every_step",
    top: int = 100,
    strictly_later: bool = False,
    among: Literal["all", "listed"] = "all",
    timezone: str = "UTC",
) -> Definition:
    """Return the funnel asked for in function ``where``, validated.

    Raises:
        AnalysisError: It contradicts itself, or a choice is unknown.
        PeriodError: A day, the window or the time zone is wrong.
    """
    check_choice("order", order, ORDERS, where)
    check_choice("among", among, ("all", "listed"), where)
    check_timezone(timezone)
    chosen = _checked_steps(steps, order, where)
    length = _checked_window(window, where)
    if as_of is not None and length is None:
        raise AnalysisError(
            f"as_of is given in {where}, and the window has no end.\n"
            f"Give a window, so that it is known which entries have had it in full."
        )
    if not _is_place(top):
        raise AnalysisError(f"top is {top} in {where}.\nGive the number of groups to show, from 1.")
    return Definition(
        steps=chosen,
        window=length,
        order=order,
        exclusions=_checked_exclusions(exclusions, chosen, order, where),
        start=_instant(start, "start", timezone),
        end=_instant(end, "end", timezone),
        closing=_closing(as_of, timezone),
        unit=column_names("unit", unit, where),
        hold=column_names("hold", hold, where),
        by=_checked_by(by, where),
        attribution=_checked_attribution(attribution, chosen, order, where),
        top=top,
        strictly_later=strictly_later,
        among=among,
        timezone=timezone,
    )


def _checked_steps(
    given: Sequence[Step | str | None], order: Order, where: str
) -> tuple[Step, ...]:
    named = [] if isinstance(given, str | Step) or given is None else list(given)
    if not named:
        raise AnalysisError(f"steps is {given!r} in {where}.\nGive a list of events or kk.Step.")
    steps = tuple(as_step(step) for step in named)
    if len(steps) > _MOST_STEPS:
        raise AnalysisError(
            f"{len(steps)} steps are given in {where}.\nGive at most {_MOST_STEPS}."
        )
    optional = [step.name for step in steps if step.optional]
    if optional and order != "ordered":
        raise AnalysisError(
            f"Step '{optional[0]}' is optional in {where}, where order is '{order}'.\n"
            f"Only an ordered funnel has optional steps."
        )
    if steps[0].optional:
        raise AnalysisError(
            f"Step '{steps[0].name}' is optional and the first in {where}.\n"
            f"Begin with a step that makes an entry."
        )
    return steps


def _checked_window(window: Window, where: str) -> dt.timedelta | None:
    length = parse_window(window) if isinstance(window, str) else window
    if length is None:
        return None
    if not isinstance(length, dt.timedelta):
        raise AnalysisError(
            f"window is {window!r} in {where}.\nGive a timedelta or text such as 14d."
        )
    if length <= dt.timedelta():
        raise AnalysisError(
            f"window is {window} in {where}, which leaves no time.\n"
            f"Give a length above zero, such as 14d."
        )
    return None if length > _FOREVER else length


def _checked_exclusions(
    given: Sequence[Exclusion] | None, steps: tuple[Step, ...], order: Order, where: str
) -> tuple[Exclusion, ...]:
    exclusions = (given,) if isinstance(given, Exclusion) else tuple(given or ())
    for exclusion in exclusions:
        if not isinstance(exclusion, Exclusion):
            raise AnalysisError(
                f"{exclusion!r} is given as an exclusion in {where}.\n"
                f"Write kk.Exclusion('name', after=1, before=2)."
            )
        bounds = (exclusion.after, exclusion.before)
        if order == "unordered":
            continue  # there it counts between the entry and its last step, whichever they are
        if not 1 <= bounds[0] < bounds[1] <= len(steps):
            raise AnalysisError(
                f"An exclusion lies after step {bounds[0]} and before step {bounds[1]} in {where}."
                f"\nGive two of the steps 1 to {len(steps)}, the earlier one first."
            )
        for number in bounds:
            if steps[number - 1].optional:
                raise AnalysisError(
                    f"An exclusion names step {number} in {where}, which is optional.\n"
                    f"Name steps that every entry has to reach."
                )
    return exclusions


def _checked_by(by: Columns | None, where: str) -> tuple[str, ...]:
    names = column_names("by", by or (), where)
    for name in names:
        if name in RESULT_COLUMNS:
            raise AnalysisError(
                f"by names '{name}' in {where}, which is a column of its result.\n"
                f"Rename that column of the events first."
            )
    return names


def _checked_attribution(
    attribution: str | int, steps: tuple[Step, ...], order: Order, where: str
) -> str | int:
    if isinstance(attribution, str):
        check_choice("attribution", attribution, TOUCHES, where)
        return attribution
    if not _is_place(attribution, len(steps)) or order == "unordered":
        raise AnalysisError(
            f"attribution is {attribution} in {where}.\n"
            f"Give one of {', '.join(TOUCHES)}, or the number of a step of an ordered or strict "
            f"funnel, 1 to {len(steps)}."
        )
    return attribution


def _is_place(given: object, last: float = math.inf) -> bool:
    """Tell whether it is a whole number from 1 to ``last``."""
    return isinstance(given, Integral) and 1 <= int(given) <= last


def _closing(as_of: Day | None, timezone: str) -> dt.datetime | None:
    if as_of is None:
        return None
    after = as_date(as_of, "as_of") + dt.timedelta(days=1)
    return utc_bounds(after, after, timezone)[0]


def _instant(given: Any, name: str, timezone: str) -> dt.datetime | None:
    """Return a day as the instant at which it begins in ``timezone``, a time as it is (UTC)."""
    if given is None:
        return None
    has_time = isinstance(given, dt.datetime) or (
        isinstance(given, str) and len(given.strip()) > len("2026-09-30")
    )
    day = as_date(given, name)
    if not has_time:
        return utc_bounds(day, day, timezone)[0]
    time = pd.Timestamp(given)
    return (time.tz_convert("UTC").tz_localize(None) if time.tz else time).to_pydatetime()
