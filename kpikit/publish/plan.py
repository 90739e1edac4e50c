"""The plan of a run: template x product x period, validated before anything runs.

A mistake in the call raises. A product whose file, period or data is wrong becomes a ``Failure`` of
its own, and the others go on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kpikit.errors import KpikitError, ParamsError, TemplateError, unknown_name
from kpikit.formats import format_date
from kpikit.periods import Calendar
from kpikit.publish.ahead import reading_ahead
from kpikit.publish.identity import (
    LEDGER,
    Identity,
    earlier_hash,
    hash_text,
    hash_values,
    lock_hash,
    source_hash,
)
from kpikit.publish.shards import Shard
from kpikit.publish.template import EXPERIMENT, Template, open_template

if TYPE_CHECKING:
    from kpikit.params import LoadedProduct
    from kpikit.params.model import Experiment
    from kpikit.sources import Coverage


@dataclass(frozen=True)
class PlannedReport:
    """One report to make: template, product, period, and what identifies its content.

    Attributes:
        product: Key of the product.
        period: Label of the period.
        params_dir: Absolute folder of the product files.
        identity: Digests of all that the report is made of.
        overrides: ``key=value`` texts that replace values of the product's file for this run.
        connection: As the file says it, with ``${NAME}`` for secrets: what to mask in messages.
        has_data_version: Whether equal data hashes mean equal data.
        experiment: Key of the experiment that the report is about; empty for any other report.
    """

    template: Template
    product: str
    period: str
    params_dir: Path
    identity: Identity
    overrides: tuple[str, ...] = ()
    connection: str = ""
    has_data_version: bool = True
    experiment: str = ""

    @property
    def name(self) -> str:
        """What its files are called, without their ends: ``ab_test-onboarding.pdf``."""
        return f"{self.template.name}-{self.experiment}" if self.experiment else self.template.name

    @property
    def heading(self) -> dict[str, str]:
        """What the report is of, as the files about it say it."""
        about = {EXPERIMENT: self.experiment} if self.experiment else {}
        return {
            "product": self.product,
            "template": self.template.name,
            **about,
            "period": self.period,
        }

    @property
    def run_id(self) -> str:
        """The id printed on the page."""
        return self.identity.run_id

    @property
    def data_hash(self) -> str:
        """The digest of the product's data, printed on the page."""
        return self.identity.data

    @property
    def parameters(self) -> dict[str, str]:
        """What the notebook receives; every value is text, so ``00123`` stays itself."""
        about = {EXPERIMENT: self.experiment} if self.experiment else {}
        return {
            "product": self.product,
            "period": self.period,
            **about,
            "params_dir": str(self.params_dir),
        }

    @property
    def folder(self) -> Path:
        """Where its files go, relative to the output folder."""
        return Path(self.period) / self.product


@dataclass(frozen=True)
class Failure:
    """A product that cannot be run, and why."""

    product: str
    message: str


@dataclass(frozen=True)
class Plan:
    """What is to be run, what cannot be, and what the template does not concern.

    Attributes:
        reports: To be run.
        failures: Products that cannot be.
        left_out: Products, or experiments, that the template does not concern.
        template: Its name.
        shard: Which part of the products this is; None: all.
    """

    reports: tuple[PlannedReport, ...]
    failures: tuple[Failure, ...]
    left_out: tuple[Failure, ...] = ()
    template: str = ""
    shard: Shard | None = None


def make_plan(
    template: str,
    *,
    products: Sequence[str] = (),
    period: str | None = None,
    experiment: str | None = None,
    params_dir: Path,
    notebooks_dir: Path,
    overrides: Sequence[str] = (),
    shard: Shard | None = None,
    output_dir: Path | None = None,
    on_unseen: Callable[[str], object] | None = None,
) -> Plan:
    """Return the reports to make; nothing runs, and of the data only hash and coverage are read.

    A template that needs a table, or experiments, leaves out the products without; a product that
    was asked for by its key fails instead. An experiment's report stands under the fiscal quarter
    in which it ends.

    Args:
        template: Name of a notebook in ``notebooks_dir``, or a path to one.
        products: Keys; every product of the folder if empty.
        period: Text of a period; each product's last complete fiscal quarter if None. Of
            experiments, those that end in it; all if None.
        experiment: Key of the one experiment to report; every one if None.
        params_dir: Folder of the product files.
        notebooks_dir: Folder of the templates.
        overrides: ``key=value`` texts that replace values of the product files for this run.
        shard: Which part of the products to plan; all if None.
        output_dir: Folder of the published files, whose ledger the pages read; none if None.
        on_unseen: Called with the template's text before data is read that is new, so that there
            is a report to make.

    Raises:
        TemplateError: The template cannot be run as it is, or not per experiment.
        UnknownNameError: A product, the template or the experiment does not exist.
        PeriodError: The period's text has no known form.
        ParamsError: The folder does not exist, or holds no product.
    """
    opened = open_template(template, notebooks_dir)
    if period:
        Calendar().parse(period)
    loaded, failures = choose_products(params_dir, products, overrides=overrides)
    if experiment:
        loaded = _declaring(experiment, loaded, opened)
    if shard:
        loaded = [product for product in loaded if shard.holds(product.key)]
        failures = [failure for failure in failures if shard.holds(failure.product)]
    from kpikit.params import mask_secrets  # noqa: PLC0415 - pydantic loads slowly
    from kpikit.sources import read_coverage  # noqa: PLC0415 - Ibis loads slowly

    reports: list[PlannedReport] = []
    left_out: list[Failure] = []
    lacks = {product.key: _lack(opened, product) for product in loaded}
    concerned = [product for product in loaded if not lacks[product.key]]
    unseen = partial(on_unseen, opened.text) if on_unseen else None
    with reading_ahead(concerned, overrides=overrides, on_unseen=unseen) as known:
        for product in loaded:
            if lack := lacks[product.key]:
                (failures if products else left_out).append(Failure(product.key, lack))
                continue
            try:
                coverage = known.get(product.key) or read_coverage(product)
                planned, later = _plan_product(
                    opened,
                    product,
                    coverage,
                    period=period,
                    experiment=experiment,
                    overrides=overrides,
                )
                planned = [_with_ledger(report, product, output_dir) for report in planned]
            except KpikitError as error:
                failures.append(Failure(product.key, mask_secrets(str(error))))
            else:
                reports += planned
                left_out += later
    return Plan(tuple(reports), tuple(failures), tuple(left_out), opened.name, shard)


def choose_products(
    params_dir: Path, keys: Sequence[str] = (), *, overrides: Sequence[str] = ()
) -> tuple[list["LoadedProduct"], list[Failure]]:
    """Return the loaded products of the keys, or of the whole folder, and those that fail.

    A broken file fails alone, and only where its product is asked for. As its key may be what is
    broken, it goes by the name of its file.

    Raises:
        UnknownNameError: No product, broken or not, has the key.
        ParamsError: The folder does not exist, or holds no product.
    """
    from kpikit.catalogue import metric_names_at  # noqa: PLC0415 - Ibis loads slowly
    from kpikit.params import load_folder, load_product  # noqa: PLC0415 - pydantic loads slowly

    folder = load_folder(params_dir, known_metrics=metric_names_at)
    broken = {path.stem: str(error) for path, error in folder.failures.items()}
    known = {**dict.fromkeys(folder.products), **dict.fromkeys(broken)}
    for key in keys:
        if key not in known:
            raise unknown_name("product", key, str(params_dir), known)
    wanted = list(dict.fromkeys(keys)) or list(known)
    loaded, failures = [], []
    for key in wanted:
        product = folder.products.get(key)
        if key in broken and not (keys and product):
            failures.append(Failure(key, broken[key]))
        if product and overrides:
            try:
                product = load_product(
                    product.path, known_metrics=metric_names_at, overrides=overrides
                )
            except ParamsError as error:
                failures.append(Failure(key, str(error)))
                continue
        if product:
            loaded.append(product)
    return loaded, failures


def _declaring(
    experiment: str, loaded: Sequence["LoadedProduct"], template: Template
) -> list["LoadedProduct"]:
    """Return the products that declare the experiment."""
    if not template.is_of_experiments:
        raise TemplateError(
            f"Template '{template.name}' makes no report per experiment.\n"
            "Leave --experiment out, or run ab_test."
        )
    found = [product for product in loaded if experiment in product.params.experiments]
    if not found:
        known = [name for product in loaded for name in product.params.experiments]
        raise unknown_name("experiment", experiment, "the products' files", known)
    return found


def _lack(template: Template, loaded: "LoadedProduct") -> str:
    """Return what a product lacks that the template needs, as a sentence; else nothing."""
    for table in template.needs:
        if table not in loaded.params.source.tables:
            return f"It has no table {table}: map one under source.tables in {loaded.path.name}."
    if template.is_of_experiments and not loaded.params.experiments:
        return f"It declares no experiment: add one under experiments in {loaded.path.name}."
    return ""


def _plan_product(
    template: Template,
    loaded: "LoadedProduct",
    coverage: "Coverage",
    *,
    period: str | None,
    experiment: str | None,
    overrides: Sequence[str],
) -> tuple[list[PlannedReport], list[Failure]]:
    """Return a product's reports, and the experiments that have none."""
    from kpikit.sources import choose_period  # noqa: PLC0415 - Ibis loads slowly

    plan_report = partial(
        _plan_report, template, loaded, data_hash=coverage.data_hash, overrides=overrides
    )
    if not template.is_of_experiments:
        return [plan_report(choose_period(loaded, coverage, period).label)], []
    reports, left_out = [], []
    for key, declared in loaded.params.experiments.items():
        if experiment not in (None, key):
            continue
        why = _no_report_yet(declared, loaded, coverage, period)
        if why:
            left_out.append(Failure(loaded.key, f"Experiment '{key}' {why}."))
        else:
            label = loaded.calendar.period_of(declared.end, "quarter").label
            reports.append(plan_report(label, key))
    return reports, left_out


def _with_ledger(
    report: PlannedReport, loaded: "LoadedProduct", output_dir: Path | None
) -> PlannedReport:
    """Return the report as one that also rests on what earlier reviews have published."""
    if output_dir is None or not report.template.reads_ledger:
        return report
    period = loaded.calendar.parse(report.period)
    found = earlier_hash(output_dir / LEDGER, report.product, period, calendar=loaded.calendar)
    return replace(report, identity=replace(report.identity, ledger=found))


def _no_report_yet(
    declared: "Experiment", loaded: "LoadedProduct", coverage: "Coverage", period: str | None
) -> str:
    """Return why an experiment has no report in this run, as the end of a sentence."""
    if declared.start > coverage.as_of:
        return f"begins on {format_date(declared.start)}, after the data"
    span = loaded.calendar.parse(period) if period else None
    if span and not span.start <= declared.end < span.end:
        return f"ends on {format_date(declared.end)}, not in {span.label}"
    return ""


def _plan_report(
    template: Template,
    loaded: "LoadedProduct",
    label: str,
    experiment: str = "",
    *,
    data_hash: str,
    overrides: Sequence[str],
) -> PlannedReport:
    from kpikit.catalogue import definitions_hash  # noqa: PLC0415 - loads what it names
    from kpikit.sources import has_version  # noqa: PLC0415 - Ibis loads slowly

    parameters = {
        "file": loaded.text_hash,  # of the file, its registers and the overrides
        "own_metrics": definitions_hash(loaded.path, loaded.key),
        "product": loaded.key,
        "period": label,
        EXPERIMENT: experiment,
    }
    identity = Identity(
        template=hash_text(template.text),
        parameters=hash_values(parameters),
        data=data_hash,
        source=source_hash(),
        lock=lock_hash(),
    )
    return PlannedReport(
        template=template,
        product=loaded.key,
        period=label,
        params_dir=loaded.path.parent,
        identity=identity,
        overrides=tuple(overrides),
        connection=loaded.params.source.connection,
        has_data_version=has_version(loaded),
        experiment=experiment,
    )
