"""Exploring a report: controls that drive its plain functions, and views that are kept."""

import functools
import gc
from typing import TYPE_CHECKING, Any

from kpikit.errors import hint_names
from kpikit.exploring.front import cell_id, running_loop
from kpikit.params.views import View
from kpikit.present.components import Component, Stack
from kpikit.report import Report
from kpikit.sections.context import Context
from kpikit.sections.views import section_of, view_section

if TYPE_CHECKING:
    from kpikit.report_experiment import ExperimentReport

__all__ = ["explore"]


def explore(
    report: "Report | ExperimentReport",
    section: str | None = None,
    *,
    product: str | None = None,
    **settings: Any,
) -> Any:
    """Show a report by settings of your own, with controls where somebody is there to move them.

    In JupyterLab the result is a page of controls that begins with these settings. In a run that
    nobody looks at (``kpikit run``, papermill, nbconvert) it is the view itself, as the report
    prints it; without a section nothing is shown.

    Args:
        report: What ``kk.open_report`` or ``kk.open_experiment`` returned.
        section: ``scorecard``, ``trends``, ``segments``, ``drivers``, ``funnel``, ``retention`` or
            ``experiment``.
        product: Key of the product that the view is of. A run for another one leaves it out, so
            that one notebook can keep views of many products.
        **settings: ``period``, ``metric``, ``grain``, ``comparison``, ``by``, ``where``,
            ``funnel``, ``steps``, ``window``, ``order``, ``experiment``, as far as they concern
            the section.

    Returns:
        The page of controls, or the view.

    Raises:
        UnknownNameError: There is no such section.
        TypeError: There is no such setting.

    Examples:
        ``kk.explore(report, "trends", metric="net_revenue", grain="week", by="country")``
    """
    context, default = _context_of(report)
    if section is not None:
        section_of(section)
    unknown = sorted(set(settings) - set(View.model_fields))
    if unknown:
        known = sorted(set(View.model_fields) - {"section"})
        hint = hint_names(unknown[0], known, label="Settings")
        raise TypeError(f"Unknown setting '{unknown[0]}' in kk.explore.\n{hint}")
    view = View.model_validate({**default, **settings, "section": section or default["section"]})
    is_own = product in (None, context.loaded.key)
    static = view_section(context, view) if section and is_own else Stack(())
    cell = cell_id()
    return _page(context, view, cell, static) if cell and is_own else static


def _context_of(report: "Report | ExperimentReport") -> tuple[Context, dict[str, Any]]:
    """Return a report's context, and the view that it begins with."""
    if isinstance(report, Report):
        return report.context, {"section": "trends"}
    own = {"section": "experiment", "experiment": report.trial.key}
    return report.trial.context, own


def _page(context: Context, view: View, cell: str, static: Component) -> Any:
    from kpikit.exploring.explorer import Explorer  # noqa: PLC0415 - headless runs need no widgets

    spare_what_stays()
    return Explorer(context, view, loop=running_loop(), cell=cell, static=static)


@functools.cache
def spare_what_stays() -> None:
    """Let the collector pass over libraries and the first report: a look at them takes 0.2 s."""
    gc.collect()
    gc.freeze()
