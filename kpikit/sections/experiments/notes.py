"""How a test was read, and what is wrong with its data."""

from kpikit.formats import format_date, format_share
from kpikit.params.experiments import STANDARD_METRICS, ExperimentMetric
from kpikit.present.components import Column, Component, Paragraph, Stack, Table
from kpikit.present.tables import findings_table, inputs_table
from kpikit.sections.experiments.trial import Trial


def quality_section(trial: Trial) -> Stack:
    """Return the faults of the tables that the test reads, and what was read."""
    tables = {"exposures", *(one.table for one in trial.study.declared.measures.values())}
    dataset = trial.context.dataset
    findings = [found for found in dataset.findings if found.table in tables]
    inputs = [one for one in dataset.inputs if one.table in tables]
    found: Component = (
        findings_table(findings, title="What the checks found")
        if findings
        else Paragraph("The checks of the tables that the test reads found nothing to report.")
    )
    rows = {
        "Run": trial.context.run_id or "draft",
        "Data hash": dataset.data_hash,
        "Parameters hash": trial.context.loaded.text_hash,
        "Data until": format_date(dataset.as_of),
    }
    provenance = Table(
        (Column("what", "What", width=1.0), Column("value", "Value", width=4.0)),
        tuple({"what": label, "value": text} for label, text in rows.items()),
        title="Versions and hashes",
        compact=True,
    )
    return Stack((found, inputs_table(inputs, title="What was read"), provenance))


def method_section(trial: Trial) -> Stack:
    """Return the conventions behind the numbers, one per row."""
    experiment, study = trial.experiment, trial.study
    kept = "left out" if experiment.crossovers == "exclude" else "kept in the first variant"
    rows = {
        "Users": (
            "A user enters with the first exposure within the test's days, and belongs to that "
            f"variant; users seen in several are {kept}. Segments are as they stood then."
        ),
        "Window": (
            f"What counts lies within {experiment.conversion_window} after the user's own "
            "exposure; a user whose window is still open is in no comparison."
        ),
        "Metrics": _metrics_text(trial),
        "Comparison": (
            "Means and ratios by Welch's test with the delta method's variance, shares by the "
            "z-test without continuity correction, small counts exactly. Relative effects divide "
            "by the size of control's mean, and are withheld near zero."
        ),
        "CUPED": (
            f"Values of the {experiment.history} before exposure are taken off means and ratios."
            if experiment.history
            else "No history is declared, so nothing is taken off."
        ),
        "Verdict": (
            f"From one reading, '{study.reading}', at alpha {experiment.alpha:g}; the other "
            "readings stand beside it. While a test runs, the planned or the always-valid reading "
            "widens every interval, and the rule is the same."
        ),
        "Corrections": (
            "Holm over the variants of a metric; Benjamini and Hochberg over the secondary "
            "metrics; Bonferroni within a dimension of segments, after Cochran's test that they "
            "differ at all."
        ),
        "Looks": (
            f"{experiment.looks} planned; Lan-DeMets spending, "
            + {"obf": "O'Brien-Fleming.", "pocock": "Pocock."}[experiment.spending]
            if experiment.looks > 1
            else "One planned, at the end. The always-valid reading allows any number."
        ),
        "Prior": (
            f"Normal, mean {experiment.prior.mean:g}, standard deviation {experiment.prior.sd:g}, "
            "in units of the primary metric."
            if experiment.prior
            else "Flat."
        ),
        "Trust": (
            "A failed check withholds verdict and lift: sample ratio and other p-values below "
            "0.001, crossovers above 1 %, a significant effect whose sign hangs on the largest "
            "values, or more false alarms in 500 random splits of these users than alpha allows."
        ),
        "Power": f"{format_share(experiment.power, digits=0)}, two-sided.",
    }
    columns = (Column("what", "What", width=1.0), Column("how", "How", width=7.0))
    table = tuple({"what": what, "how": how} for what, how in rows.items())
    return Stack((Table(columns, table, compact=True),))


def _metrics_text(trial: Trial) -> str:
    """Return what each metric counts."""
    texts = []
    for name in trial.experiment.metric_names:
        declared = trial.experiment.metrics.get(name)
        means = STANDARD_METRICS[name] if declared is None else _meaning(declared)
        texts.append(f"{trial.words.labels[name]}: {means}")
    return "; ".join(texts) + "."


def _meaning(metric: ExperimentMetric) -> str:
    """Return what a metric that the test declares counts."""
    if metric.kind == "ratio":
        return f"{metric.numerator} over {metric.denominator}"
    events = metric.event if isinstance(metric.event, str) else " or ".join(metric.event)
    what = events or " ".join(filter(None, (metric.table, metric.column)))
    return f"{metric.kind} of {what}"
