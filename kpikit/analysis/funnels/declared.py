"""A funnel of a product's file, as the keywords of the functions here."""

from kpikit.analysis.funnels.definition import FunnelKeywords
from kpikit.analysis.funnels.steps import Exclusion, Step
from kpikit.params.model import Funnel, FunnelStepParams


def declared_funnel(funnel: Funnel) -> FunnelKeywords:
    """Return the keywords that ask for a declared funnel: ``funnel_table(events, **keywords)``.

    They leave to the caller what a section decides: ``by``, days and ``as_of``.
    """
    return FunnelKeywords(
        steps=[_step(step) for step in funnel.steps],
        window=funnel.window,
        order=funnel.order,
        exclusions=[
            Exclusion(each.event, after=each.after, before=each.before, where=each.where)
            for each in funnel.exclusions
        ],
        unit=funnel.unit,
        hold=funnel.hold,
        attribution=funnel.attribution,
        strictly_later=funnel.strictly_later,
    )


def _step(step: str | FunnelStepParams) -> Step:
    if isinstance(step, str):
        return Step(step)
    return Step(
        step.name,
        event=step.event,
        where=step.where,
        optional=step.optional,
        first_time=step.first_time,
    )
