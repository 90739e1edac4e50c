"""Are the events that declared funnels name there at all?"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kpikit.errors import UnknownNameError, nearest_names
from kpikit.formats import plural
from kpikit.params import LoadedProduct
from kpikit.params.model import Funnel
from kpikit.sources.where import Where

if TYPE_CHECKING:
    import ibis.expr.types as ir

_NEAREST, _MOST = 3, 12


def check_funnel_events(loaded: LoadedProduct, tables: Mapping[str, "ir.Table"]) -> None:
    """Raise if a declared funnel names an event that no row of the events bears.

    Nothing is checked where there are no events, or none with a name.

    Raises:
        UnknownNameError: Names such events, each with its place, the nearest ones that there are,
            and how often these occur.
    """
    funnels = loaded.params.funnels
    if not funnels or "events" not in tables:
        return
    named = [
        (place, name) for key, funnel in funnels.items() for place, name in _names(key, funnel)
    ]
    counts = _counts(tables["events"])
    unknown = [(place, name) for place, name in named if name not in counts]
    if not counts or not unknown:
        return
    lines = [
        f"Unknown event '{name}' in {Where(loaded, place)}.\n{_hint(name, counts)}"
        for place, name in unknown
    ]
    raise UnknownNameError("\n".join(lines))


def _names(key: str, funnel: Funnel) -> Iterator[tuple[str, str]]:
    """Yield each event that a funnel names, with its place in the file."""
    for kind, parts in (("steps", funnel.steps), ("exclusions", funnel.exclusions)):
        for index, part in enumerate(parts):
            place = f"funnels.{key}.{kind}.{index}"
            if isinstance(part, str):
                yield place, part
                continue
            names = [part.event] if isinstance(part.event, str) else part.event
            yield from ((f"{place}.event", name) for name in names)


def _counts(events: "ir.Table") -> dict[str, int]:
    """Return how often each event occurs, the most frequent first."""
    named = events.drop_null("event")
    counts = named.group_by("event").aggregate(rows=named.count())
    frame = counts.order_by([counts.rows.desc(), "event"]).to_pandas()
    return dict(zip(frame["event"], frame["rows"].astype(int), strict=True))


def _hint(name: str, counts: Mapping[str, int]) -> str:
    def told(event: str) -> str:
        return f"'{event}' ({plural(counts[event], 'row')})"

    nearest = nearest_names(name, counts, most=_NEAREST)
    question = f"Did you mean {' or '.join(map(told, nearest))}? " if nearest else ""
    shown = ", ".join(f"{event} ({counts[event]:,})" for event in list(counts)[:_MOST])
    more = f" and {len(counts) - _MOST} others" if len(counts) > _MOST else ""
    return f"{question}The events are {shown}{more}."
