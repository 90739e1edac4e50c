"""The products that a page has open, and what was found of them: each choice is computed once."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from kpikit.errors import ParamsError
from kpikit.params.views import View
from kpikit.publish.listing import list_products
from kpikit.report import open_product
from kpikit.sections.context import Context
from kpikit.sections.views import SECTIONS, Found, Option, find_view, queries_of, section_of
from kpikit.sections.views.answers import period_options, value_options
from kpikit.sources import choose_period, open_dataset
from kpikit.sources.slices import check_queries, stop_queries

_MOST_KEPT = 256  # answers; a frame of a view is small


@dataclass(frozen=True)
class Choice:
    """A product and the settings of a view: what a page shows."""

    product: str
    view: View

    @property
    def key(self) -> str:
        """The choice as text: equal choices have equal ones."""
        return f"{self.product} {self.view.model_dump_json(exclude_defaults=True)}"


@dataclass(frozen=True)
class Page:
    """What there is to show of a choice.

    Attributes:
        found: The view, with every setting chosen.
        options: Setting to what it can be.
        values: Values of the column that the segment is of.
    """

    found: Found
    options: dict[str, tuple[Option, ...]]
    values: tuple[Option, ...]


@dataclass(frozen=True)
class _Opened:
    context: Context
    stamp: tuple[int, int]


class Session:
    """Products opened by connections of their own, so that the notebook's cells share none.

    All but ``stop`` is called from one thread, the worker's.
    """

    def __init__(self, context: Context, check: Callable[[], None]) -> None:
        """Begin with the product of a report; its data is opened once more when first asked for.

        Args:
            context: The report's.
            check: Raises before a query that is no longer wanted.
        """
        self._first, self._check = context, check
        self._params_dir = context.loaded.path.parent
        self._opened: dict[str, _Opened] = {}
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._lock = threading.Lock()
        self._asked: Context | None = None

    def products(self) -> tuple[Option, ...]:
        """Return the products of the report's folder that can be read."""
        found = list_products(self._params_dir)
        return tuple(
            Option(item.key, item.name or item.key) for item in found if not item.is_broken
        )

    def known(self, choice: Choice) -> Page | None:
        """Return what was found of a choice before; None where that was never, or is outdated."""
        opened = self._opened.get(choice.product)
        try:
            if opened is None or opened.stamp != _stamp(opened.context.loaded.path):
                return None
        except ParamsError:
            return None  # told by the one who asks
        with self._lock:
            return self._pages.get(self._key(choice))

    def page(self, choice: Choice) -> Page:
        """Return what there is to show of a choice.

        Raises:
            ParamsError: The product's file is gone, or has become wrong.
            KpikitError: The view cannot be shown; see ``find_view``.
        """
        context = self._of(choice.product)
        found = self.known(choice)
        if found is not None:
            return found
        section = section_of(choice.view.section)
        filled = section.fill(context, choice.view)
        page = Page(
            found=find_view(context, filled),
            options={**section.options(context, filled), "period": period_options(context)},
            values=self.values(choice, next(iter(filled.where), "")),
        )
        with self._lock:
            self._pages[self._key(choice)] = page
            while len(self._pages) > _MOST_KEPT:
                self._pages.popitem(last=False)
        return page

    def options(self, choice: Choice) -> dict[str, tuple[Option, ...]]:
        """Return what each setting can be where the view itself cannot be shown."""
        context = self._of(choice.product)
        section = SECTIONS[choice.view.section]
        view = View(section=choice.view.section, metric=choice.view.metric)
        filled = section.fill(context, view)
        return {**section.options(context, filled), "period": period_options(context)}

    def values(self, choice: Choice, column: str) -> tuple[Option, ...]:
        """Return the values of a column in the table that a choice is about."""
        if not column:
            return ()
        context, view = self._of(choice.product), choice.view
        filled = section_of(view.section).fill(context, view.model_copy(update={"where": {}}))
        tables = context.dataset.tables
        own = context.catalogue[filled.metric].table if filled.metric else "events"
        holding = [name for name in (own, "events", "orders") if name in tables
                   and column in tables[name].columns]  # fmt: skip
        return value_options(context, holding[0], column) if holding else ()

    def queries(self, choice: Choice) -> dict[str, tuple[str, ...]]:
        """Return the SQL behind each chart and table of a choice."""
        return queries_of(self._of(choice.product), choice.view)

    def warm(self, product: str) -> None:
        """Compute the facts that a review shows: most trends then need no query."""
        _ = self._of(product).facts

    def forget(self, product: str) -> None:
        """Open a product anew when it is next asked for."""
        with self._lock:
            self._opened.pop(product, None)

    def stop(self) -> None:
        """Ask the engine of the product last asked about to end its query; from any thread."""
        context = self._asked
        if context is not None:
            stop_queries(context.dataset)

    def _of(self, product: str) -> Context:
        """Return a product's context, opened anew where its file has changed.

        Raises:
            ParamsError: The file is gone.
        """
        opened = self._opened.get(product)
        if opened is not None and opened.stamp == _stamp(opened.context.loaded.path):
            self._asked = opened.context
            return opened.context
        context = self._open(product, again=opened is not None)
        check_queries(context.dataset, self._check)
        with self._lock:
            self._opened[product] = _Opened(context, _stamp(context.loaded.path))
        self._asked = context
        return context

    def _open(self, product: str, *, again: bool) -> Context:
        first = self._first
        if product == first.loaded.key and not again:
            _stamp(first.loaded.path)  # tells where it is gone
            return replace(first, dataset=open_dataset(first.loaded), run_id="")
        loaded, dataset, _ = open_product(product, self._params_dir)
        own = first.period.label if product == first.loaded.key else None
        return Context(loaded, dataset, choose_period(loaded, dataset.coverage, own))

    def _key(self, choice: Choice) -> str:
        opened = self._opened.get(choice.product)
        return f"{choice.key} {opened.stamp if opened else ''}"


def _stamp(path: Path) -> tuple[int, int]:
    """Return what changes when a file does.

    Raises:
        ParamsError: It is gone.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise ParamsError(
            f"{path.name} is gone from {path.parent}.\nPut it back, or choose another product."
        ) from error
    return found.st_mtime_ns, found.st_size
