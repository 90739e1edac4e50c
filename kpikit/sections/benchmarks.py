"""Section 15: own values against those of peers."""

from kpikit.analysis.benchmarks import benchmark_table
from kpikit.present.components import Stack
from kpikit.present.peers import peers_table
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context


def benchmarks_section(context: Context) -> Stack:
    """Return each declared benchmark beside the value of the period, with source and date."""
    benchmarks = context.params.benchmarks
    if not benchmarks:
        return nothing_to_show(
            "No benchmark is declared. List some under benchmarks:, each with its source and date."
        )
    names = dict.fromkeys(one.metric for one in benchmarks)
    facts = context.facts_at([context.catalogue[name] for name in names], [context.period])
    frame = benchmark_table(benchmarks, facts, context.catalogue, as_of=context.as_of)
    return Stack(
        (
            peers_table(
                frame,
                currency=context.currency,
                subtitle=f"{context.period.label} against what peers published; "
                "the middle half lies between their quartiles",
            ),
        )
    )
