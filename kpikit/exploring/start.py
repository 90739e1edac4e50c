"""The start page: products, what is fresh, a click into each template and each finished report."""

import html
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kpikit.catalogue import metric_names_at
from kpikit.errors import KpikitError, ParamsError
from kpikit.exploring.blank import FOLDER
from kpikit.params import find_product
from kpikit.present.html import ASSETS, minified, style
from kpikit.publish.index import Entry, find_reports
from kpikit.publish.listing import ListedProduct, list_products, list_templates
from kpikit.publish.plan import PlannedReport, make_plan
from kpikit.publish.record import NEVER_MADE, stale_because
from kpikit.report import find_folder
from kpikit.sources import read_coverage

_PAGES = (("HTML", ".html"), ("PDF", ".pdf"))
_MOST_PERIODS = 12
FRESH = "fresh"


@dataclass(frozen=True)
class Report:
    """A template for a product: what would be made now, and what is published.

    Attributes:
        template: Name of the notebook.
        path: The notebook.
        product: Key.
        experiment: Key of the test that it is of, if it is of one.
        periods: Periods to choose from, the default one first.
        state: ``fresh``, or why it would be made again.
        folder: Of the published files; None where none are.
    """

    template: str
    path: Path
    product: str
    experiment: str
    periods: tuple[str, ...]
    state: str
    folder: Path | None

    @property
    def name(self) -> str:
        """What its files are called, without their ends."""
        return f"{self.template}-{self.experiment}" if self.experiment else self.template


@dataclass(frozen=True)
class StartPage:
    """What ``kk.start_page`` found.

    Attributes:
        products: Products as their files name them.
        reports: A row per product and template.
        earlier: Published reports of other periods.
        problems: Product to why nothing can be made of it.
        params_dir: Folder of the product files.
        output_dir: Folder of the published reports.
        is_default_folder: Whether ``params_dir`` is what a template finds by itself.
    """

    products: tuple[ListedProduct, ...]
    reports: tuple[Report, ...]
    earlier: tuple[Entry, ...]
    problems: Mapping[str, str]
    params_dir: Path
    output_dir: Path
    is_default_folder: bool = True

    def __repr__(self) -> str:
        return f"<StartPage of {len(self.products)} products, {len(self.reports)} reports>"

    def _repr_html_(self) -> str:
        """Return the page; what its buttons do is done by kpikit's extension of JupyterLab."""
        look = f"<style>{style()}{minified((ASSETS / 'explore.css').read_text('utf-8'))}</style>"
        names = {item.key: item.name or item.key for item in self.products}
        rows = "".join(self._row(report, names) for report in self.reports)
        problems = "".join(
            f'<aside class="kk-callout kk-edge-warning"><strong>{_text(key)}</strong> {_text(why)}'
            "</aside>"
            for key, why in self.problems.items()
        )
        heads = ("Product", "Report", "State", "Period", "Explore", "Finished report")
        head = "".join(f'<th scope="col" class="kk-cell-text">{name}</th>' for name in heads)
        table = (
            '<div class="kk-scroll"><table class="kk-table"><caption><strong>Reports</strong>'
            "<span>Choose a period and open the template on it, or open what is finished.</span>"
            f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )
        body = table if rows else '<p class="kk-absence">There is no product to report yet.</p>'
        shown = f"{look}<div class='kk kk-start kk-stack'>{problems}{body}{self._earlier(names)}"
        return f"{shown}{_HELP}</div>"

    def _row(self, report: Report, names: Mapping[str, str]) -> str:
        options = "".join(f"<option>{_text(label)}</option>" for label in report.periods)
        label = f"Period of {names.get(report.product, report.product)}, {_title(report.name)}"
        choice = (
            f'<select aria-label="{_text(label)}">{options}</select>'
            if len(report.periods) > 1
            else _text("".join(report.periods))
        )
        parameters = {"product": report.product}
        if not self.is_default_folder:
            parameters["params_dir"] = str(self.params_dir)
        if report.experiment:
            parameters["experiment"] = report.experiment
        source = "".join(f"{key} = {_python(value)}\n" for key, value in parameters.items())
        opener = _button(report.path, "Open the template", source=source)
        good = report.state == FRESH
        badge = f'<span class="kk-badge kk-badge-{"good" if good else "neutral"}">'
        finished = _links(report.folder, report.name) if report.folder else "none yet"
        return (
            f'<tr><th scope="row" class="kk-cell-text">{_text(names.get(report.product, ""))}'
            f"</th><td>{_text(_title(report.name))}</td><td>{badge}{_text(report.state)}</span>"
            f"</td><td>{choice}</td><td>{opener}</td><td>{finished}</td></tr>"
        )

    def _earlier(self, names: Mapping[str, str]) -> str:
        rows = "".join(
            f'<tr><th scope="row" class="kk-cell-text">'
            f"{_text(names.get(entry.product, entry.product))}</th>"
            f"<td>{_text(_title(entry.template))}</td><td>{_text(entry.period)}</td>"
            f"<td>{_links(self.output_dir / entry.folder, entry.template)}</td></tr>"
            for entry in self.earlier
        )
        if not rows:
            return ""
        heads = ("Product", "Report", "Period", "Finished report")
        head = "".join(f'<th scope="col" class="kk-cell-text">{name}</th>' for name in heads)
        return (
            '<div class="kk-scroll"><table class="kk-table"><caption><strong>Other periods'
            f"</strong></caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )


def start_page(
    params_dir: str | os.PathLike[str] = "params",
    notebooks_dir: str | os.PathLike[str] = "notebooks",
    output_dir: str | os.PathLike[str] = "output",
) -> StartPage:
    """Show the products, what is fresh, and the way into each template and finished report.

    Args:
        params_dir: Folder of the product files; a relative one is looked for here and above.
        notebooks_dir: Folder of the templates, looked for alike. Notebooks of one's own in the
            folder ``analyses`` beside it are listed too.
        output_dir: Folder of the published reports, looked for alike.

    Returns:
        A page whose buttons work in JupyterLab.

    Raises:
        ParamsError: There is no such folder of parameters or templates.
    """
    params = find_folder(Path(params_dir))
    notebooks = find_folder(Path(notebooks_dir))
    try:
        output = find_folder(Path(output_dir))
    except ParamsError:
        output = notebooks.parent / output_dir
    reports: list[Report] = []
    problems: dict[str, str] = {}
    quarters: dict[str, tuple[str, ...]] = {}
    for path in _templates(notebooks):
        try:
            found, failed = _reports_of(path, params, output, quarters)
        except KpikitError as error:
            problems[path.stem] = str(error)
            continue
        reports += found
        problems |= failed
    shown = {(item.folder, item.name) for item in reports if item.folder}
    earlier = [
        entry
        for entry in (find_reports(output) if output.is_dir() else ())
        if entry.facts and (output / entry.folder, entry.template) not in shown
    ]
    order = {item.key: place for place, item in enumerate(list_products(params))}
    reports.sort(key=lambda item: order.get(item.product, len(order)))
    return StartPage(
        tuple(list_products(params)), tuple(reports), tuple(earlier), problems, params, output,
        is_default_folder=str(params_dir) == "params",
    )  # fmt: skip


def _templates(notebooks: Path) -> list[Path]:
    own = notebooks.parent / FOLDER
    folders = [notebooks, *([own] if own.is_dir() else [])]
    return [folder / f"{name}.ipynb" for folder in folders for name in list_templates(folder)]


def _reports_of(
    path: Path, params: Path, output: Path, quarters: dict[str, tuple[str, ...]]
) -> tuple[list[Report], dict[str, str]]:
    """Return the reports that a template makes now, and the products of which it makes none.

    ``quarters`` keeps each product's, which are the same for every template.
    """
    plan = make_plan(str(path), params_dir=params, notebooks_dir=path.parent, output_dir=output)
    failed = {failure.product: failure.message for failure in plan.failures}
    for planned in plan.reports:
        if planned.product not in quarters:
            quarters[planned.product] = _quarters(params, planned.product)
    reports = [_report(each, path, output, quarters[each.product]) for each in plan.reports]
    return reports, failed


def _report(planned: PlannedReport, path: Path, output: Path, known: tuple[str, ...]) -> Report:
    reasons = stale_because(planned, output, formats=("html", "pdf"))
    folder = output / planned.folder
    is_there = (folder / f"{planned.name}.ipynb").is_file()
    return Report(
        template=planned.template.name,
        path=path,
        product=planned.product,
        experiment=planned.experiment,
        periods=tuple(dict.fromkeys([planned.period, *(() if planned.experiment else known)])),
        state=_state(reasons),
        folder=folder if is_there else None,
    )


def _state(reasons: tuple[str, ...]) -> str:
    if not reasons:
        return FRESH
    return NEVER_MADE if reasons == (NEVER_MADE,) else f"outdated: {', '.join(reasons)}"


def _quarters(params: Path, product: str) -> tuple[str, ...]:
    """Return the fiscal quarters that a product's data touches, the last one first."""
    loaded = find_product(params, product, known_metrics=metric_names_at)
    covered = read_coverage(loaded)
    last = loaded.calendar.period_of(covered.as_of, "quarter")
    found = [loaded.calendar.shift(last, -back) for back in range(_MOST_PERIODS)]
    return tuple(period.label for period in found if period.end > covered.first_day)


def _links(folder: Path, name: str) -> str:
    notebook = folder / f"{name}.ipynb"
    found = [_button(notebook, "Executed notebook")] if notebook.is_file() else []
    found += [
        f'<a href="{quote(_relative(folder / (name + end)))}">{word}</a>'
        for word, end in _PAGES
        if (folder / (name + end)).is_file()
    ]
    return " ".join(found)


def _button(path: Path, label: str, *, source: str = "") -> str:
    given = f' data-kk-source="{_text(source)}"' if source else ""
    return (
        f'<button type="button" class="kk-button" data-kk-open="{_text(_relative(path))}"{given}>'
        f"{label}</button>"
    )


def _relative(path: Path) -> str:
    """Return a path from the folder of the notebook that shows the page."""
    return Path(os.path.relpath(path, Path.cwd())).as_posix()


def _title(name: str) -> str:
    """Return a report's name in words: ``A/B test: new shop`` of ``ab_test-new_shop``."""
    title = name.replace("-", ": ", 1).replace("_", " ").capitalize()
    return title.replace("Ab test", "A/B test", 1)


def _python(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(value: str) -> str:
    return html.escape(value, quote=True)


_HELP = (
    '<p class="kk-paragraph kk-small">A template opens with this product and period set in a cell '
    "of its own: choose Run › Run All Cells. Its last section, Explore, has the controls. A blank "
    "notebook of your own: <code>kpikit new NAME</code>, on the command line.</p>"
)
