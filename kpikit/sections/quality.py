"""Appendix A: what the numbers are made of, and what is wrong with it."""

import platform
from importlib.metadata import version

from kpikit.analysis.metrics import sql_of
from kpikit.analysis.scorecard import scorecard_periods
from kpikit.catalogue import with_inputs
from kpikit.engine import readable_sql
from kpikit.formats import format_date
from kpikit.present.components import Code, Column, Component, Paragraph, Stack, Table
from kpikit.present.queries import fold_columns
from kpikit.present.tables import findings_table, glossary_table, inputs_table
from kpikit.sections.context import Context
from kpikit.sections.restatements import restatements

_PACKAGES = ("kpikit", "ibis-framework", "duckdb", "pandas", "papermill", "typst")
# read when the module is imported, as warm kernels have done before they are forked
_VERSIONS = tuple((name, version(name)) for name in _PACKAGES)


def quality_section(context: Context) -> Stack:
    """Return faults found, what was read, which versions computed it, and the queries that ran."""
    findings, inputs = context.dataset.findings, context.dataset.inputs
    found: Component = (
        findings_table(findings, title="What the checks found")
        if findings
        else Paragraph("The checks found nothing to report.")
    )
    return Stack(
        (
            found,
            inputs_table(inputs, title="What was read"),
            Paragraph(
                f"The data covers {format_date(context.dataset.first_day)} to "
                f"{format_date(context.dataset.as_of)}."
            ),
            *restatements(context),
            _provenance(context),
            *_queries(context),
        )
    )


def glossary_section(context: Context) -> Stack:
    """Return the definition of each KPI of the scorecard and of what it is composed of."""
    metrics = with_inputs(
        context.metrics,
        tables=context.dataset.tables,
        catalogue=context.catalogue,
        params=context.params,
    )
    return Stack((glossary_table(metrics),))


def _provenance(context: Context) -> Table:
    rows = [
        ("Run", context.run_id or "draft"),
        ("Data hash", context.dataset.data_hash),
        ("Parameters hash", context.loaded.text_hash),
        ("Parameters", context.loaded.path.name),
        ("Python", platform.python_version()),
        *_VERSIONS,
    ]
    return Table(
        columns=(Column("what", "What", width=1.0), Column("value", "Value", width=4.0)),
        rows=tuple({"what": label, "value": text} for label, text in rows),
        title="Versions and hashes",
        compact=True,
    )


def _queries(context: Context) -> list[Code]:
    """Return the SQL behind the scorecard, and how the tables that it names are read.

    Subscriptions and surveys have queries of their own.
    """
    metrics = [
        metric
        for metric in with_inputs(
            context.metrics,
            tables=context.dataset.tables,
            catalogue=context.catalogue,
            params=context.params,
        )
        if metric.family not in ("composite", "subscriptions", "survey")
    ]
    texts = sql_of(
        context.dataset.tables,
        metrics,
        scorecard_periods(context.period, calendar=context.calendar, as_of=context.as_of),
        calendar=context.calendar,
        as_of=context.dataset.as_of,
        params=context.params,
    )
    read = dict.fromkeys(metric.table for metric in metrics)
    definitions = {
        name: readable_sql(context.dataset.definitions[name])
        for name in read
        if any(f'"kpikit_{name}"' in text for text in texts.values())
    }
    return [
        Code(fold_columns(text), title=f"Query of the scorecard: {name}")
        for name, text in texts.items()
    ] + [
        Code(fold_columns(text), title=f"What the queries call kpikit_{name}")
        for name, text in definitions.items()
    ]
