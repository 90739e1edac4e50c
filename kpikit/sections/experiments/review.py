"""Section 13 of the quarterly review: the tests that ended in the quarter."""

from kpikit.formats import plural
from kpikit.present.components import Component, Paragraph, Stack
from kpikit.present.sentences_experiments import effect_sentence, trust_title
from kpikit.sections.absent import missing_table, nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.experiments.log import log_table
from kpikit.sections.experiments.trial import Trial, open_trial


def experiments_section(context: Context) -> Stack:
    """Return what was decided in the tests that ended in the period, and which still run."""
    if "exposures" not in context.dataset.tables:
        return missing_table("exposures")
    if not context.params.experiments:
        return nothing_to_show("No test is declared. List some under experiments:.")
    trials = [open_trial(context, key) for key in context.params.experiments]
    ended = [
        one
        for one in trials
        if context.period.start <= one.experiment.end < context.period.end
        and one.experiment.start <= context.dataset.as_of
    ]
    if not ended:
        return nothing_to_show(f"No test ended in {context.period.label}.")
    finished = [one for one in ended if one.study.finished]
    items: list[Component] = [log_table(finished, title=_title(finished))] if finished else []
    # The log tells a finished test whole, unless it has no verdict.
    told = [
        one
        for one in ended
        if one.lacking is not None or not (one.study.finished and one.study.trusted)
    ]
    return Stack((*items, *(Paragraph(_told(one)) for one in told)))


def _title(finished: list[Trial]) -> str:
    shipped = sum(one.lacking is None and one.study.overall.decision == "ship" for one in finished)
    return (
        f"{plural(len(finished), 'test')} ended in the quarter, {shipped or 'none'} to be shipped"
    )


def _told(trial: Trial) -> str:
    """Return what a test came to, in a sentence or two."""
    name = trial.key.replace("_", " ").capitalize()
    if trial.lacking is not None:
        return f"{name}: there is nothing to compare."
    if not trial.study.trusted:
        return f"{name}: no verdict. {trust_title(trial.study.checks)}."
    claim, rest = effect_sentence(trial.primary_row, trial.words)
    waits = f" {trial.state_text}" if trial.running else ""
    return f"{name}: {claim}, {rest}{waits}"
