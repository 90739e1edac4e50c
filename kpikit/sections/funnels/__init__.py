"""The funnel analysis: where people get lost, since when, which kind, and whether it matters."""

from collections.abc import Callable
from functools import cached_property

from kpikit.present.components import Component
from kpikit.sections.context import Context
from kpikit.sections.funnels import notes
from kpikit.sections.funnels.pages import each_funnel, lacking
from kpikit.sections.funnels.paths import paths_of
from kpikit.sections.funnels.reading import Reading, readings_of
from kpikit.sections.funnels.returning import returning_section
from kpikit.sections.funnels.steps import steps_of
from kpikit.sections.funnels.summary import summary_section
from kpikit.sections.funnels.times import times_of
from kpikit.sections.funnels.trend import trend_of
from kpikit.sections.funnels.where import where_of
from kpikit.sources import check_funnel_events

Also = Callable[[Context, str, Component], Component]


class FunnelSections:
    """The sections of ``notebooks/funnel_analysis.ipynb``, one method each.

    Attributes:
        context: What all sections work from.
    """

    def __init__(self, context: Context, also: Also | None = None) -> None:
        """Show a report's funnels.

        Args:
            context: The report's.
            also: Returns a section of a name with what is kept under it; the section alone if None.
        """
        self.context = context
        self._also: Also = also or (lambda _context, _name, own: own)

    def __repr__(self) -> str:
        return f"<FunnelSections {', '.join(self.context.params.funnels) or 'none declared'}>"

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """The declared funnels with their frames; none where the product has no events.

        Raises:
            UnknownNameError: A funnel names an event that is not there.
        """
        if lacking(self.context):
            return ()
        check_funnel_events(self.context.loaded, self.context.dataset.tables)
        return readings_of(self.context)

    def summary(self) -> Component:
        """What converts, where people are lost, since when, and what it is worth."""
        return summary_section(self.readings, lacking(self.context))

    def steps(self) -> Component:
        """Each funnel now, against the period before and the year before."""
        own = each_funnel(self.context, self.readings, steps_of)
        return self._also(self.context, "funnel", own)

    def trend(self) -> Component:
        """The conversion by week and month, with signals."""
        return each_funnel(self.context, self.readings, trend_of)

    def where_lost(self) -> Component:
        """Which step, since when, and which segment."""
        return each_funnel(self.context, self.readings, where_of)

    def times(self) -> Component:
        """How long those who convert take."""
        return each_funnel(self.context, self.readings, times_of)

    def paths(self) -> Component:
        """What people do next to the weakest step."""
        return each_funnel(self.context, self.readings, paths_of)

    def retention(self) -> Component:
        """Whether users come back, who is new or gone, and how often they come."""
        return self._also(self.context, "retention", returning_section(self.context))

    def data_quality(self) -> Component:
        """What is wrong with the events, and which entries count."""
        return notes.quality_section(self.context, self.readings)

    def method(self) -> Component:
        """How the numbers were computed, and how sure they are."""
        return notes.method_section(self.readings)
