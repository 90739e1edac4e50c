"""Section 13 of the quarterly review: the tests that ended in the quarter."""

from kpikit.present.components import Component, Headline, Headlines, Mark, Stack
from kpikit.present.sentences_experiments import effect_sentence, trust_title, verdict_title
from kpikit.sections.absent import missing_table, nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.experiments.log import log_table
from kpikit.sections.experiments.trial import Trial, open_trial

_MARKS: dict[str, Mark] = {"ship": "+", "stop": "-", "hold": "·", "invalid": "!"}


def experiments_section(context: Context) -> Stack:
    """Return what was decided in the tests that ended in the period, and which still run."""
    if "exposures" not in context.dataset.tables:
        return missing_table("exposures")
    if not context.params.experiments:
        return nothing_to_show("No test is declared; reads the key experiments.")
    trials = [open_trial(context, key) for key in context.params.experiments]
    ended = [
        one
        for one in trials
        if context.period.start <= one.experiment.end < context.period.end
        and one.experiment.start <= context.dataset.as_of
    ]
    if not ended:
        return nothing_to_show(f"No test ended in {context.period.label}.")
    items: list[Component] = [Headlines(_title(ended), tuple(_headline(one) for one in ended))]
    finished = [one for one in ended if one.study.finished]
    if finished:
        items.append(log_table(finished, title="Decisions of the quarter"))
    return Stack(tuple(items))


def _title(ended: list[Trial]) -> str:
    shipped = sum(one.lacking is None and one.study.result.decision == "ship" for one in ended)
    tests = "test" if len(ended) == 1 else "tests"
    return f"{len(ended)} {tests} ended in the quarter, {shipped or 'none'} to be shipped"


def _headline(trial: Trial) -> Headline:
    name = trial.key.replace("_", " ").capitalize()
    if trial.lacking is not None:
        return Headline("!", f"{name}:", "there is nothing to compare.")
    result = trial.study.result
    title = verdict_title(result.decision, result.reason, trial.words, running=trial.running)
    if not trial.study.trusted:
        return Headline("!", f"{name}: no verdict.", f"{trust_title(trial.study.checks)}.")
    claim, rest = effect_sentence(trial.primary_row, trial.words)
    return Headline(_MARKS[result.decision], f"{name}: {title}.", f"{claim}, {rest}")
