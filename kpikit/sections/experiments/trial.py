"""What the sections on one test work from: its study, and how its metrics are called."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kpikit.analysis.experiments.study import Study
from kpikit.errors import unknown_name
from kpikit.formats import Unit, format_date, plural
from kpikit.params.experiments import Experiment
from kpikit.present.components import Stack
from kpikit.present.sentences import mid_sentence
from kpikit.present.sentences_experiments import Words
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context

_NOTHING = "There is nothing to compare yet: see the decision."
_WITHHELD = "Withheld: a check of trust failed, and a lift that cannot be trusted is not shown."


@dataclass(frozen=True)
class Trial:
    """One declared test of a product.

    Attributes:
        context: The product, its data and the quarter in which the test ends.
        study: The test, computed part by part as sections ask.
    """

    context: Context
    study: Study

    @property
    def key(self) -> str:
        """The test's key."""
        return self.study.key

    @property
    def experiment(self) -> Experiment:
        """What was declared."""
        return self.study.experiment

    @property
    def running(self) -> bool:
        """Whether somebody's window is still open."""
        return not self.study.finished

    @cached_property
    def words(self) -> Words:
        """How the metrics are called and counted."""
        declared = self.study.declared
        return Words(declared.labels, declared.units, self.context.currency)

    @property
    def primary(self) -> str:
        """Name of the metric that decides."""
        return self.experiment.primary

    @property
    def unit(self) -> Unit:
        """What the primary metric counts."""
        return self.words.units[self.primary]

    @property
    def effect_on(self) -> str:
        """What charts of the primary effect show: ``Effect on revenue per user, EUR``."""
        label = mid_sentence(self.words.labels[self.primary])
        money = f", {self.words.currency}" if self.unit == "money" else ""
        return f"Effect on {label}{money}"

    @property
    def level(self) -> str:
        """Confidence of the intervals: ``95 %``."""
        return f"{100 * (1 - self.experiment.alpha):g} %"

    @property
    def several(self) -> bool:
        """Whether there is more than one variant to compare with control."""
        return len(self.experiment.variants) > 2

    @property
    def primary_row(self) -> dict[str, Any]:
        """The primary effect: the winner's, or that of the first variant."""
        return {str(name): value for name, value in self.study.primary.items()}

    @property
    def shown_variant(self) -> str:
        """The variant that charts of one variant show: the winner's, or the first."""
        return str(self.study.primary["variant"])

    @property
    def reading_text(self) -> str:
        """How the intervals are to be read, in a clause."""
        looks = plural(self.experiment.looks, "planned look")
        return {
            "fixed horizon": f"{self.level}, read once at the planned end",
            "planned look": f"{self.level} over {looks}, group-sequential",
            "always valid": f"{self.level} over all days, always-valid",
        }[self.study.reading]

    @property
    def state_text(self) -> str:
        """What a reader must know of a test that is not over; else nothing."""
        study, end = self.study, format_date(self.experiment.end)
        if study.state == "running":
            return (
                f"The test runs until {end}: {study.days_elapsed} of "
                f"{plural(self.experiment.days, 'day')} have passed. Only readings that allow "
                "for looking early are shown."
            )
        if study.state == "maturing":
            last = format_date(study.matures_on)
            return (
                f"The test ended on {end}; the window of the last users closes on {last}. Only "
                "readings that allow for looking early are shown."
            )
        return ""

    @property
    def lack(self) -> str:
        """Why there is nothing to compare yet, in a sentence; else nothing."""
        if not self.study.users:
            return (
                f"Nobody was exposed to '{self.key}' between {format_date(self.experiment.start)} "
                f"and {format_date(self.experiment.end)}: look for that name in the table "
                "exposures, column experiment."
            )
        if not self.study.has_units:
            window = self.experiment.conversion_window
            return (
                f"{plural(self.study.users, 'user')} entered; nobody's window of {window} has "
                "ended yet."
            )
        return ""

    @property
    def lacking(self) -> Stack | None:
        """The line in place of a section where there is nothing to compare yet; else None."""
        return nothing_to_show(_NOTHING) if self.lack else None

    @property
    def withheld(self) -> Stack | None:
        """The line in place of a lift that is not to be trusted; else None."""
        if lacking := self.lacking:
            return lacking
        return None if self.study.trusted else nothing_to_show(_WITHHELD)

    def rows_of(self, role: str) -> pd.DataFrame:
        """Return the effects of the primary, the secondary or the guardrail metrics."""
        table = self.study.result.table
        return table[table["role"] == role]


def open_trial(context: Context, key: str) -> Trial:
    """Return a declared test of the product.

    Raises:
        UnknownNameError: The product declares none of this key.
    """
    declared = context.params.experiments
    if key not in declared:
        raise unknown_name(
            "experiment", key, f"experiments of {context.loaded.path.name}", declared
        )
    return Trial(context, _study(context, key))


def past_trials(context: Context, *, before: Trial | None = None) -> list[Trial]:
    """Return the finished tests of the product, in the order in which they ended.

    Args:
        context: The product and its data.
        before: Only those that had ended when this one did, without itself.
    """
    found = []
    for key, experiment in context.params.experiments.items():
        trial = Trial(context, _study(context, key))
        late = before is not None and experiment.end > before.experiment.end
        if trial.study.finished and not late and (before is None or key != before.key):
            found.append(trial)
    return sorted(found, key=lambda trial: (trial.experiment.end, trial.key))


def _study(context: Context, key: str) -> Study:
    declared = context.params.experiments[key]
    return Study(key, declared, context.params, context.dataset.tables, context.dataset.as_of)
