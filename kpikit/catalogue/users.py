"""The users of each period and of each day, as Ibis relations over events."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence

import ibis
import ibis.expr.types as ir

from kpikit.catalogue.relations import (
    DAY,
    NOW,
    PERIOD,
    START,
    Schema,
    Span,
    key_schema,
    keys_of,
    parted,
    period_days,
    time_column,
)
from kpikit.engine import instant, utc_bounds
from kpikit.params.model import Product

UNTIL = "kpikit_until"
WINDOWS: Mapping[str, int] = {"wau": 7, "mau": 30}  # days that count for one day, itself included

_ONE_DAY = dt.timedelta(days=1)
_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "new": ("active", "first_day"),
    "matured": ("new", "active", "first_day"),
    "activated": ("first_time", "activation_time"),
}
_FIRSTS = {"first_day": DAY, "first_time": "first_time", "activation_time": "activation_time"}


def user_periods(
    events: ir.Table,
    span: Span,
    *,
    params: Product,
    dimensions: Sequence[str] = (),
    look_back: bool = False,
    columns: Collection[str] | None = None,
) -> ir.Table:
    """Return one row per period and user active in it or, on request, in the one before.

    Args:
        events: Canonical events; those without a user are left out.
        span: The periods.
        params: The product: what activation, conversion and its features are.
        dimensions: Columns whose values part the users, if any; a user with several values of one
            has a row in each.
        look_back: Whether users of the whole period before have a row too.
        columns: Columns that are read; all, if None.

    Returns:
        Those of the columns of ``user_schema`` that are read; ``kpikit_period``, the ``keys_of``
        dimensions and ``user_id`` always.
    """
    known = user_schema(events, params=params, dimensions=dimensions)
    read = [name for name in known if columns is None or name in columns]
    parts = {*read, *(part for name in read for part in _MADE_OF.get(name, ()))}
    days = _user_days(events, span, params=params, dimensions=dimensions, columns=parts)
    joined = days.inner_join(period_days(span, look_back=look_back, starts="new" in parts), DAY)
    keys = [PERIOD, *([START] if "new" in parts else []), *keys_of(dimensions), "user_id"]
    users = joined.group_by(keys).aggregate(**_sums(joined, params, look_back, parts))
    firsts = {name: days[day].min() for name, day in _FIRSTS.items() if name in parts}
    if firsts:
        users = users.inner_join(days.group_by("user_id").aggregate(**firsts), "user_id")
    made = _made(users, span, params, look_back, parts)
    kept = dict.fromkeys((PERIOD, *keys_of(dimensions), "user_id", *read))
    return users.select({name: made[name] if name in made else users[name] for name in kept})


def user_schema(events: ir.Table, *, params: Product, dimensions: Sequence[str] = ()) -> Schema:
    """Return the columns of ``user_periods``, each with its type.

    They are ``kpikit_period``, the ``keys_of`` dimensions, ``user_id`` and:

    * ``active``: has an event in the period; ``before``: has one in the period before;
    * ``days``, ``events``: days with an event, and events, in the period;
    * ``first_day``: local day of the first event ever, in whatever segment;
    * ``new``: active, and the first event ever falls in the period;
    * ``matured``, ``activated``: new with the time to activate over; activated within it;
    * ``entered``, ``converted``: has the conversion's first, its second event in the period;
    * ``adopted``, ``feature_0`` ...: has the event of any feature, of each in turn.

    The last three lines only where the product declares them.
    """
    return {
        PERIOD: "int64",
        **key_schema(dimensions),
        "user_id": events["user_id"].type(),
        **dict.fromkeys(("active", "before"), "boolean"),
        **dict.fromkeys(("days", "events"), "int64"),
        **dict.fromkeys(_flag_events(params), "boolean"),
        "first_day": "date",
        "new": "boolean",
        **dict.fromkeys(("matured", "activated") if params.activation else (), "boolean"),
    }


def daily_counts(events: ir.Table, span: Span, *, dimensions: Sequence[str] = ()) -> ir.Table:
    """Return how many users count from each day on and until when, from which DAU, WAU, MAU follow.

    A user active on day d counts for a window of w days on d to d + w - 1, or until active again.

    Returns:
        The ``keys_of`` dimensions, ``kpikit_day``, ``kpikit_until`` (the day of the same users'
        next event, at most the longest window later) and ``users``; one row per combination that
        occurs.
    """
    days = _user_days(events, span, params=None, dimensions=dimensions, columns=())
    keys = keys_of(dimensions)
    following = days[DAY].lead().over(ibis.window(group_by=["user_id", *keys], order_by=DAY))
    latest = (days[DAY] + ibis.interval(days=max(WINDOWS.values()))).cast("date")
    until = ibis.least(latest, following.fill_null(latest))
    spells = days.select(*keys, DAY, **{UNTIL: until})
    return spells.group_by([*keys, DAY, UNTIL]).aggregate(users=spells.count())


def _user_days(
    events: ir.Table,
    span: Span,
    *,
    params: Product | None,
    dimensions: Sequence[str],
    columns: Collection[str],
) -> ir.Table:
    """Return one row per user, local day and segment, with those of the columns that are read."""
    flags = {name: chosen for name, chosen in _flag_events(params).items() if name in columns}
    activation = params.activation if params and "activated" in columns else None
    # Who joins on the last day may activate after it; a day more, for clocks change in between.
    beyond = (activation.within_days + 1) * _ONE_DAY if activation else dt.timedelta(0)
    _, high = utc_bounds(span.start, span.end + beyond, span.calendar.timezone)
    known = events.filter(
        events["user_id"].notnull(), time_column(events, "events") < instant(high)
    )
    time = time_column(known, "events")
    read = {"user_id": known["user_id"], DAY: span.local_day(time)}
    if flags or activation:
        read["event"] = known["event"]
    if activation:
        read["event_time"] = time
    keyed = parted(known, read, dimensions)
    sums: dict[str, ir.Value] = {"events": keyed.count()} if "events" in columns else {}
    sums |= {name: keyed["event"].isin(chosen).any() for name, chosen in flags.items()}
    if activation:
        time = keyed["event_time"]
        sums["first_time"] = time.min()
        sums["activation_time"] = time.min(where=keyed["event"].isin(activation.events))
    return keyed.group_by(["user_id", DAY, *keys_of(dimensions)]).aggregate(**sums)


def _sums(
    joined: ir.Table, params: Product, look_back: bool, columns: Collection[str]
) -> dict[str, ir.Value]:
    """Return what days of users add up to in a period, for those of the columns that are read."""
    now = joined[NOW] if look_back else None
    sums: dict[str, Callable[[], ir.Value]] = {
        "days": lambda: joined.count(where=now),
        "events": lambda: joined["events"].sum(where=now),
    }
    if now is not None:
        sums |= {"active": now.any, "before": (~now).any}
    found = {name: add() for name, add in sums.items() if name in columns}
    for name in _flag_events(params):
        if name in columns:
            found[name] = (joined[name] if now is None else joined[name] & now).any()
    return found


def _made(
    users: ir.Table, span: Span, params: Product, look_back: bool, columns: Collection[str]
) -> dict[str, ir.Value]:
    """Return the columns of users that are made of others, those that are read."""
    made: dict[str, ir.Value] = {}
    if not look_back:
        made |= {"active": ibis.literal(value=True), "before": ibis.literal(value=False)}
    if "new" in columns:
        came = users["first_day"] >= users[START]
        made["new"] = users["active"] & came if look_back else came
    if "matured" in columns and params.activation:
        latest = ibis.literal(span.as_of - params.activation.within_days * _ONE_DAY)
        made["matured"] = made["new"] & (users["first_day"] <= latest)
    if "activated" in columns and params.activation:
        time = ibis.interval(days=params.activation.within_days)
        within = users["activation_time"] < users["first_time"] + time
        made["activated"] = within.fill_null(False)
    return made


def _flag_events(params: Product | None) -> dict[str, list[str]]:
    """Return the columns that say whether a user has one of some events, with these events."""
    flags: dict[str, list[str]] = {}
    if params and params.conversion:
        flags |= {"entered": [params.conversion.from_], "converted": [params.conversion.to]}
    if params and params.features:
        flags["adopted"] = list(params.features.values())
        for index, event in enumerate(params.features.values()):
            flags[f"feature_{index}"] = [event]
    return flags
