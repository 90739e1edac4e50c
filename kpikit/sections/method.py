"""Appendix C: how the numbers were computed, and how sure they are."""

from kpikit.analysis.calibration import M3_RELIABILITY, TARGET_FACTORS
from kpikit.analysis.scorecard import LEAST_N
from kpikit.analysis.segments import LEAST_N as SEGMENT_N
from kpikit.catalogue.voice import MIN_ANSWERS
from kpikit.present.components import Column, Stack, Table
from kpikit.present.reliability import reliability_of_chances
from kpikit.sections.context import Context
from kpikit.sections.evidence import false_signals
from kpikit.sections.prospects import chances_table
from kpikit.sections.retention import LEAST_COHORT

_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def _signals_text(context: Context) -> str:
    expected = false_signals(context)
    how_many = (
        f"{expected:.1f} signals are to be expected although nothing happened, at most."
        if expected
        else "none is to be expected: no KPI has months enough to be judged."
    )
    return (
        "Months are held against an XmR chart (Wheeler 2000): of the values where they show no "
        "season, trend or autocorrelation, else of the errors of one-step forecasts. A signal lies "
        "beyond a limit, is the third of four near one, or ends a run of eight on one side. A KPI "
        "rose or fell where a signal says so; it held where none does and no change on last year "
        "or the period before is more than sampling error (its interval leaves out zero). Over "
        f"this scorecard's {context.period.grain}, {how_many}"
    )


def method_section(context: Context) -> Stack:
    """Return the conventions behind the numbers of this report, and how its chances fared."""
    calendar = context.calendar
    rows = {
        "Time": (
            f"Days begin at midnight in {calendar.timezone}, weeks on "
            f"{calendar.week_start.capitalize()}, fiscal years in "
            f"{_MONTH_NAMES[calendar.fiscal_year_start - 1]}; a fiscal year bears the calendar "
            "year in which it ends."
        ),
        "Comparisons": (
            "A finished period compares whole with whole; an unfinished one with as many first "
            "days of the other. Weeks compare with 364 days before. A change relative to zero or "
            "less is not given. A comparison with a period that is covered in part is struck out."
        ),
        "Ratios": "Numerator and denominator are summed over the whole period before they divide.",
        "Money": "Amounts are summed as exact decimals.",
        "Intervals": (
            "95 %, of each number alone: Wilson's for shares of counted units, adjusted Wald for "
            "NPS (Rocks 2016), Greenwood's with a log-log transform for survival. Sums and amounts "
            "bear none."
        ),
        "Small numbers": (
            f"A share of fewer than {LEAST_N} units has no verdict; a survey's score of fewer "
            f"than {MIN_ANSWERS} answers, a segment's rate or mean of fewer than {SEGMENT_N} units "
            f"and a cohort of fewer than {LEAST_COHORT} users are withheld."
        ),
        "Status": (
            "By the chance that the next open target is hit, P(hit): on track from 67 %, off track "
            "below 33 %, at risk between them or with a concern signal. Without an open target, a "
            "finished period's outcome decides."
        ),
        "Signals": _signals_text(context),
        "Chances": (
            "A target's chance is that of the mean of two forecasts (Theta and a damped trend, "
            "seasonally adjusted), with the spread of their own past errors for such a total. "
            "Nothing else is known to it: no campaign, no plan."
        ),
        "Retention": (
            "A user counts at an age only when active in that very period; an unfinished period is "
            "no cell. Means are weighted by cohort size, over cohorts that have reached the age."
        ),
        "Recurring revenue": "Movements are net per customer and period, after ChartMogul.",
    }
    rows = {what: how for what, how in rows.items() if _concerns(context, what)}
    return Stack(
        (
            Table(
                columns=(Column("what", "What", width=1.0), Column("how", "How", width=7.0)),
                rows=tuple({"what": what, "how": how} for what, how in rows.items()),
                compact=True,
            ),
            reliability_of_chances(
                chances_table(context), factors=TARGET_FACTORS, elsewhere=M3_RELIABILITY
            ),
        )
    )


def _concerns(context: Context, what: str) -> bool:
    """Tell whether a convention has anything to do with the product's data."""
    tables = set(context.dataset.tables)
    if what == "Money":
        return any(metric.unit == "money" for metric in context.metrics)
    if what == "Retention":
        return bool(tables & {"events", "orders"})
    return what != "Recurring revenue" or "subscriptions" in tables
