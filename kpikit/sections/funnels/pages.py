"""What every section of the funnel analysis begins with: the funnels, or why there are none."""

from collections.abc import Callable, Iterable

from kpikit.present.components import Absence, Component, Stack
from kpikit.sections.absent import missing_table, nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.funnels.reading import Reading


def each_funnel(
    context: Context, readings: Iterable[Reading], draw: Callable[[Reading], Iterable[Component]]
) -> Stack:
    """Return a section that shows something for each declared funnel, or says what is missing."""
    if lack := lacking(context):
        return lack
    items: list[Component] = []
    for reading in readings:
        if reading.is_empty:
            items.append(Absence(nobody(reading)))
        else:
            items += draw(reading)
    return Stack(tuple(items))


def lacking(context: Context) -> Stack | None:
    """Return the line that says what a funnel analysis needs; None where it is all there."""
    if "events" not in context.dataset.tables:
        return missing_table("events")
    if not context.params.funnels:
        return nothing_to_show(
            f"No funnel is declared; name its steps and window in {context.loaded.path.name}, as "
            "funnels: {checkout: {steps: [product_view, add_to_cart, purchase], window: 7d}}."
        )
    return None


def nobody(reading: Reading) -> str:
    """Return why a funnel has nobody to tell of."""
    label = reading.context.period.label
    if reading.periods["actual"].days == 0:
        return (
            f"Funnel “{reading.label}”: nobody who entered in {label} has had the full "
            f"{reading.funnel.window} yet."
        )
    first = reading.steps[0].name
    return f"Funnel “{reading.label}”: nobody did its first step, “{first}”, in {label}."
