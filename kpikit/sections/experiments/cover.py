"""Who, what and when of a test; and the marker by which its run is known."""

from dataclasses import replace
from datetime import timedelta

from kpikit.formats import format_date, format_span
from kpikit.present.components import Callout, Component, Cover, Paragraph, Stack
from kpikit.sections.cover import cover_section
from kpikit.sections.experiments.trial import Trial


def experiment_cover(trial: Trial) -> Stack:
    """Return the strip at the head of a test's report, with its hypothesis and its state."""
    head = cover_section(trial.context, title="A/B test")
    experiment, context = trial.experiment, trial.context
    span = format_span(experiment.start, experiment.end + timedelta(days=1))
    variants = ", ".join(f"{name} {100 * share:g} %" for name, share in experiment.variants.items())
    facts = [
        ("Test", span),
        ("Variants", variants),
        ("Decides", trial.words.labels[trial.primary]),
        ("Window", f"{experiment.conversion_window} after exposure"),
        ("Owner", context.params.product.owner),
    ]
    over = "final" if trial.study.finished else "unfinished"
    strip: Cover = replace(
        head,
        title=f"{context.params.product.name}: A/B test {trial.key.replace('_', ' ')}",
        period_text=f"ends in {head.period_text}",
        as_of=context.dataset.as_of.isoformat(),
        state=over if context.run_id else "draft",
        facts=tuple((label, text) for label, text in facts if text),
    )
    items: list[Component] = [strip]
    if trial.state_text:
        items.append(Callout(trial.state_text, tone="warning", title="In progress"))
    if experiment.hypothesis:
        items.append(Paragraph(f"Hypothesis: {experiment.hypothesis}"))
    as_of = format_date(context.dataset.as_of)
    if not trial.study.finished:
        items.append(Paragraph(f"Data to {as_of}.", small=True))
    return Stack(tuple(items))
