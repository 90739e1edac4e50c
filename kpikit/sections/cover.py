"""Section 0: who, what, when; and the marker by which a run is known."""

from kpikit.formats import format_date, format_span
from kpikit.present.components import Cover
from kpikit.sections.context import Context


def cover_section(context: Context, *, title: str = "quarterly review") -> Cover:
    """Return the strip at the head of the report, which ``title`` names."""
    info = context.params.product
    period = context.period
    facts = [
        ("Stage", info.stage),
        ("Owner", info.owner),
        ("Audience", info.audience),
        ("Currency", info.currency),
        ("Time zone", info.timezone),
    ]
    return Cover(
        title=f"{info.name}: {title} {period.label}",
        product_key=info.key,
        product_name=info.name,
        period_label=period.label,
        period_text=f"{_fiscal(context)} ({format_span(period.start, period.end)})",
        as_of=context.as_of.isoformat(),
        state=context.state,
        run_id=context.run_id or "draft",
        data_hash=context.dataset.data_hash,
        facts=tuple((label, text) for label, text in facts if text),
    )


def state_sentence(context: Context) -> str:
    """Return what a reader must know of a period that the data cover in part; else nothing."""
    period = context.period
    if not period.is_complete(context.as_of):
        days = period.days_elapsed(context.as_of)
        return (
            f"{period.label} is not finished: data reaches to {format_date(context.as_of)}, "
            f"{days} of {period.days} days. Comparisons take as many first days of the others."
        )
    first_day = context.dataset.first_day
    if first_day > period.start:
        days = (period.end - first_day).days
        return (
            f"The data begin on {format_date(first_day)}: {period.label} is covered for {days} of "
            f"its {period.days} days, and totals are of these alone."
        )
    return ""


def _fiscal(context: Context) -> str:
    label = context.period.label
    return f"fiscal {label[:4]} {label[4:]}" if context.period.grain == "quarter" else label
