"""Every KPI of a period against its target and the periods before."""

from kpikit.params.views import View
from kpikit.sections.context import Context
from kpikit.sections.scorecard import scorecard_section
from kpikit.sections.views import answers
from kpikit.sections.views.answers import Asking, Exhibit, Found, Option


def fill(context: Context, view: View) -> View:
    """Return the view as it is: its one setting, the period, is the report's by default."""
    del context
    return view


def find(context: Context, view: View) -> Found:
    """Return the scorecard of the period."""
    inside = answers.context_of(context, view)
    asking = Asking(inside)
    asking.ask("scorecard", lambda: inside.scorecard)
    return Found(inside, view, asking.answers)


def draw(found: Found) -> list[Exhibit]:
    """Return the scorecard's table; as a view, it bears no rows of ``kpis.json``."""
    section = scorecard_section(found.context)
    return [Exhibit(section.items[0], found.answers["scorecard"])]


def options(context: Context, view: View) -> dict[str, tuple[Option, ...]]:
    """Return nothing to choose."""
    del context, view
    return {}
