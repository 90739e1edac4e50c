"""One exploring page: a change of a control becomes an answer, and the last change wins."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from kpikit.errors import KpikitError
from kpikit.exploring.front import Loop
from kpikit.exploring.keeper import Keeper
from kpikit.exploring.session import Choice, Page, Session
from kpikit.exploring.worker import Question, Worker
from kpikit.params import mask_secrets
from kpikit.params.views import View
from kpikit.present.components import MIME_TYPE, Component
from kpikit.present.queries import fold_columns
from kpikit.present.widgets import Page as Widgets
from kpikit.present.widgets import Shown
from kpikit.sections.context import Context
from kpikit.sections.views import SECTIONS, Found, Option

DEBOUNCE = 0.06  # seconds without a further change after which one is answered
_PATIENCE = 0.25  # seconds after which the page says that it computes
_QUICK = 5.0  # seconds: what takes longer is not computed before it is asked for
_MOST_AHEAD = 8


@dataclass(frozen=True)
class Refusal:
    """Why a choice cannot be shown, and what its controls can be."""

    error: KpikitError
    options: Mapping[str, tuple[Option, ...]]


class Explorer:
    """A report's page of controls. In a notebook it shows itself; see ``kk.explore``.

    Attributes:
        choice: What is shown, or being computed.
        seconds: What the last answer took, from the change to the page.
        turn: Counts the changes; what belongs to an earlier one is never shown.
        answered_turn: The change that was answered last.
    """

    def __init__(
        self, context: Context, view: View, *, loop: Loop, cell: str = "", static: Component
    ) -> None:
        """Build the page and begin to compute its first answer.

        Args:
            context: The report's.
            view: What to begin with.
            loop: The kernel's event loop.
            cell: Id of the cell that shows the page.
            static: What a page that is exported shows in its place.
        """
        self._loop, self._static = loop, static
        self.worker = Worker(loop.call_soon_threadsafe)
        self.session = Session(context, self.worker.check)
        self.widgets = Widgets(
            change=self._soon(self.change),
            act=self._soon(self._act),
            tell_sql=self._soon(self._tell_sql),
            pick=self._soon(self.pick),
        )
        self._keeper = Keeper(self.widgets, cell=cell, loop=loop)
        self.choice = Choice(context.loaded.key, view)
        self.seconds = 0.0
        self._column = next(iter(view.where), "")
        self._shown: tuple[Choice, Page] | None = None
        self._exhibits: list[str] = []
        self._options: Mapping[str, tuple[Option, ...]] = {}
        self.turn = 0
        self.answered_turn = -1
        self._began = time.perf_counter()
        self._touched = ""
        self._timer: Any = None
        self._warmed: set[str] = set()
        self._set_controls()
        self._answer_now()

    def _soon(self, function: Callable[..., None]) -> Callable[..., None]:
        """Return a function that runs another in the kernel's thread.

        JupyterLab sends what widgets say over subshells, which are threads of their own.
        """

        def later(*words: Any) -> None:
            self._loop.call_soon_threadsafe(function, *words)

        return later

    def __repr__(self) -> str:
        return f"<Explorer {self.choice.key}>"

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002 - Jupyter's protocol
        exclude: object = None,  # noqa: ARG002 - Jupyter's protocol
    ) -> dict[str, Any]:
        bundle = dict(self.widgets.box._repr_mimebundle_())
        return {**bundle, MIME_TYPE: self._static.to_json(), "text/plain": repr(self)}

    # -- changes -----------------------------------------------------------------------------------

    def change(self, name: str, value: Any) -> None:
        """Take a new value of a control, and show what follows from it."""
        view, product = self.choice.view, self.choice.product
        if name == "product":
            product, view, self._column = value, View(section=view.section), ""
        elif name == "section":
            view, self._column = View(section=value, period=view.period), ""
        elif name == "column":
            self._column = value or ""
            view = view.model_copy(update={"where": {}})
        elif name == "value":
            where = {self._column: str(value)} if self._column and value else {}
            view = view.model_copy(update={"where": where})
        else:
            chosen = (list(value) if name == "steps" else value) or None
            view = view.model_copy(update={name: chosen})
            if name == "funnel":
                view = view.model_copy(update={"steps": None, "window": None, "order": None})
            if name == "experiment":
                view = view.model_copy(update={"metric": None, "by": None})
        self._turn_to(Choice(product, view), name)

    def pick(self, column: str, value: str) -> None:
        """Take a segment chosen in a table: all else is then of it alone."""
        self._column = column
        view = self.choice.view.model_copy(update={"where": {column: value}, "by": None})
        self._turn_to(Choice(self.choice.product, view), "value")

    def _turn_to(self, choice: Choice, touched: str) -> None:
        self.choice, self._touched = choice, touched
        self.turn += 1
        self._began = time.perf_counter()
        if self._timer is not None:
            self._timer.cancel()
        known = None if self._lacks_values() else self.session.known(choice)
        if known is not None:
            self.worker.cancel()
            self._show(known)
        else:
            self._timer = self._loop.call_later(DEBOUNCE, self._answer_now)

    def _lacks_values(self) -> bool:
        """Tell whether the values of a column just chosen have to be looked up."""
        return self._touched == "column" and bool(self._column)

    def _answer_now(self) -> None:
        turn, choice, column = self.turn, self.choice, self._column
        self._timer = None
        self.worker.ask(
            Question(
                ask=lambda: self._look(choice, column),
                then=partial(self._answered, turn),
                stop=self.session.stop,
            )
        )
        self._loop.call_later(_PATIENCE, self._say_busy, turn)

    def _look(self, choice: Choice, column: str) -> tuple[Page | Refusal, tuple[Option, ...]]:
        """Return what there is to show of a choice, and the values of its column; in the worker."""
        values: tuple[Option, ...] = ()
        try:
            values = self.session.values(choice, column) if column else ()
            return self.session.page(choice), values
        except KpikitError as error:
            try:
                options = self.session.options(choice)
            except KpikitError:
                options = {}
            return Refusal(error, options), values

    def _say_busy(self, turn: int) -> None:
        if turn == self.turn != self.answered_turn:
            seconds = time.perf_counter() - self._began
            self.widgets.fade(faded=True)
            self.widgets.tell(f"Computing, {seconds:.0f} s ...", busy=True)
            self._loop.call_later(1.0, self._say_busy, turn)

    def _answered(self, turn: int, answer: Any, error: BaseException | None) -> None:
        if turn != self.turn:
            return
        self.answered_turn = turn
        if error is not None:
            self.session.forget(self.choice.product)
            first = mask_secrets(str(error)).strip().partition("\n")[0]
            self._refuse(
                f"The data could not be read: {first or type(error).__name__}\n"
                "See that its database or files are there, then press “Read the data again”."
            )
            return
        page, values = answer
        if values:
            self._options = {**self._options, "value": values}
        if isinstance(page, Refusal):
            self._options = {**self._options, **page.options}
            self._refuse(str(page.error))
        else:
            self._show(page)

    # -- the page ----------------------------------------------------------------------------------

    def _show(self, page: Page) -> None:
        self.answered_turn = self.turn
        found = page.found
        exhibits = SECTIONS[found.view.section].draw(found)
        names = {id(answer.frame): name for name, answer in found.answers.items()}
        self._exhibits = [names[id(each.answer.frame)] for each in exhibits]
        pick = found.view.by or ""
        self.widgets.show([
            Shown(each.component, each.answer.frame, pick if _is_parted(each.answer.frame) else "")
            for each in exhibits
        ])  # fmt: skip
        self.widgets.fade(faded=False)
        self._shown = (self.choice, page)
        values = {"value": page.values} if page.values else {}
        kept = {"value": self._options["value"]} if "value" in self._options else {}
        self._options = {**kept, **page.options, **values}
        self._set_controls(found.view)
        self.seconds = time.perf_counter() - self._began
        self.widgets.tell(f"{found.context.period.label}, answered in {self.seconds:.2f} s")
        self._look_ahead()

    def _refuse(self, text: str) -> None:
        """Say why nothing is shown: what stood there was of another choice."""
        self.widgets.show([])
        self.widgets.fade(faded=False)
        self._set_controls()
        self.seconds = time.perf_counter() - self._began
        self.widgets.tell(text, line=True)

    def _set_controls(self, filled: View | None = None) -> None:
        """Show the controls of the section, each with its value and what it can be."""
        view = filled or self.choice.view
        settings = SECTIONS[view.section].settings
        options = self._options
        offered = {
            "section": [(one.label, one.name) for one in SECTIONS.values()],
            "product": [(one.label, one.value) for one in self.session.products()],
            "period": _pairs(options.get("period", ())),
            **{name: _pairs(options.get(name, ())) for name in settings if name != "where"},
            "column": _pairs(options.get("where", ())) if "where" in settings else [],
            "value": _pairs(options.get("value", ())) if self._column else [],
        }
        if self.choice.product not in [value for _, value in offered["product"]]:
            offered["product"].append((self.choice.product, self.choice.product))
        if self._column and not offered["value"] and "where" in settings:
            offered["value"] = [("", "")]
        period = self.choice.view.period
        if period is None and self._shown is not None:
            period = self._shown[1].found.context.period.label
        values = {
            **view.model_dump(), "by": view.by or "", "product": self.choice.product,
            "period": period, "column": self._column, "value": view.where.get(self._column, ""),
            "steps": view.steps or _declared_steps(self._shown, view),
        }  # fmt: skip
        self.widgets.set_controls(values, offered)

    def _look_ahead(self) -> None:
        """Compute, while the page is idle, what the control last moved may be moved to next."""
        product = self.choice.product
        questions: list[Question] = []
        if product not in self._warmed:
            self._warmed.add(product)
            questions.append(self._ahead(partial(self.session.warm, product)))
        if self.seconds <= _QUICK and self._touched not in ("", "steps", "window", "product"):
            offered = self._options.get(self._touched, ())
            choices = [self._with(self._touched, one.value) for one in offered[:_MOST_AHEAD]]
            unknown = [one for one in choices if one and self.session.known(one) is None]
            questions += [self._ahead(partial(self.session.page, one)) for one in unknown]
        self.worker.prepare(questions)

    def _ahead(self, ask: Callable[[], Any]) -> Question:
        return Question(ask=ask, then=None, stop=self.session.stop)

    def _with(self, name: str, value: str) -> Choice | None:
        view = self.choice.view
        if name == "value":
            changed = view.model_copy(update={"where": {self._column: value}})
        elif name in ("section", "column"):
            return None
        else:
            changed = view.model_copy(update={name: value or None})
        return Choice(self.choice.product, changed)

    # -- buttons -----------------------------------------------------------------------------------

    def _act(self, name: str) -> None:
        acts: Mapping[str, Callable[[], None]] = {
            "cancel": self.cancel,
            "again": self.again,
            "keep_cell": lambda: self._keeper.as_cell(self._kept()),
            "keep_file": lambda: self._keeper.in_file(self._kept()),
        }
        acts[name]()

    def cancel(self) -> None:
        """Stop computing; the choice before is shown again."""
        self.turn += 1
        self.worker.cancel()
        if self._shown is None:
            self._refuse("Cancelled.\nMove a control to compute again.")
            return
        self.choice, page = self._shown
        self._column = next(iter(self.choice.view.where), "")
        self._touched = ""
        self._show(page)
        self.widgets.tell("Cancelled: this is the choice before.")

    def again(self) -> None:
        """Open the data anew, and compute what is chosen from it."""
        self.session.forget(self.choice.product)
        self._turn_to(self.choice, "")

    def offered(self, name: str) -> list[str]:
        """Return what a control can be moved to."""
        return [option.value for option in self._options.get(name, ())]

    def _kept(self) -> Found | None:
        """Return what is shown; nothing where the present choice shows nothing."""
        shown = self._shown
        return shown[1].found if shown is not None and shown[0] == self.choice else None

    def _tell_sql(self, index: int) -> None:
        """Show the queries behind an exhibit, computed when asked for."""
        if self._shown is None:
            return
        choice, _ = self._shown
        name, turn = self._exhibits[index], self.turn
        self.widgets.show_sql(index, "-- asking the engine ...")
        self.worker.ask(
            Question(
                ask=lambda: self.session.queries(choice),
                then=lambda found, error: self._show_sql(turn, index, name, found, error),
                stop=self.session.stop,
            )
        )

    def _show_sql(
        self, turn: int, index: int, name: str, found: Any, error: BaseException | None
    ) -> None:
        if turn != self.turn:
            return
        if error is not None:
            self.widgets.show_sql(index, f"-- {mask_secrets(str(error))}")
            return
        queries = found.get(name) or [text for texts in found.values() for text in texts]
        text = "\n\n".join(fold_columns(query) for query in queries)
        self.widgets.show_sql(index, text or "-- computed from what other queries gave")


def _pairs(options: tuple[Option, ...]) -> list[tuple[str, str]]:
    return [(option.label, option.value) for option in options]


def _is_parted(frame: Any) -> bool:
    return "segment" in frame.columns


def _declared_steps(shown: tuple[Choice, Page] | None, view: View) -> list[str]:
    """Return the steps that a funnel is declared with, as far as they are plain events."""
    if shown is None or view.funnel is None:
        return []
    declared = shown[1].found.context.params.funnels.get(view.funnel)
    steps = declared.steps if declared is not None else []
    return [step for step in steps if isinstance(step, str)]
