"""The plan of a run: template x product x period, validated before anything runs.

A mistake in the call raises. A product whose file, period or data is wrong becomes a ``Failure`` of
its own, and the others go on.
"""

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpikit.errors import (
    KpikitError,
    ParamsError,
    TemplateError,
    hint_names,
    unknown_name,
)
from kpikit.periods import Calendar
from kpikit.publish.identity import Identity, hash_text, hash_values, lock_hash, source_hash
from kpikit.publish.listing import list_templates

if TYPE_CHECKING:
    from kpikit.params import LoadedProduct

REQUIRED_PARAMETERS = ("product", "period")


@dataclass(frozen=True)
class Template:
    """A template notebook as it was read; an edit during the run changes nothing.

    Attributes:
        name: File name without its suffix; the reports bear it.
        text: The notebook as JSON text.
        parameters: Names that its parameters cell declares.
    """

    name: str
    text: str
    parameters: tuple[str, ...]


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
    """

    template: Template
    product: str
    period: str
    params_dir: Path
    identity: Identity
    overrides: tuple[str, ...] = ()
    connection: str = ""
    has_data_version: bool = True

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
        return {
            "product": self.product,
            "period": self.period,
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
    """What is to be run, and what cannot be."""

    reports: tuple[PlannedReport, ...]
    failures: tuple[Failure, ...]


def make_plan(
    template: str,
    *,
    products: Sequence[str] = (),
    period: str | None = None,
    params_dir: Path,
    notebooks_dir: Path,
    overrides: Sequence[str] = (),
) -> Plan:
    """Return the reports to make; nothing runs, and of the data only hash and coverage are read.

    Args:
        template: Name of a notebook in ``notebooks_dir``, or a path to one.
        products: Keys; every product of the folder if empty.
        period: Text of a period; each product's last complete fiscal quarter if None.
        params_dir: Folder of the product files.
        notebooks_dir: Folder of the templates.
        overrides: ``key=value`` texts that replace values of the product files for this run.

    Raises:
        TemplateError: The template cannot be run as it is.
        UnknownNameError: A product or the template does not exist.
        PeriodError: The period's text has no known form.
        ParamsError: The folder does not exist, or holds no product.
    """
    opened = open_template(template, notebooks_dir)
    if period:
        Calendar().parse(period)
    loaded, failures = choose_products(params_dir, products, overrides=overrides)
    from kpikit.params import mask_secrets  # noqa: PLC0415 - pydantic loads slowly

    reports: list[PlannedReport] = []
    for product in loaded:
        try:
            reports.append(_plan_report(opened, product, period, overrides))
        except KpikitError as error:
            failures.append(Failure(product.key, mask_secrets(str(error))))
    return Plan(tuple(reports), tuple(failures))


def open_template(name: str, notebooks_dir: Path) -> Template:
    """Return the template of a name or path, checked.

    Raises:
        UnknownNameError: No such notebook; the message names the nearest.
        TemplateError: The file is no notebook of format 4, is not in Python, or its cell tagged
            ``parameters`` is missing or does not declare ``product`` and ``period``.
    """
    path = _template_path(name, notebooks_dir)
    try:
        text = path.read_text(encoding="utf-8")
        notebook = json.loads(text)
        cells, metadata = notebook["cells"], notebook["metadata"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TemplateError(
            f"{path} is not a Jupyter notebook of format 4.\n"
            "Open it in JupyterLab and save it again."
        ) from error
    language = _language(metadata)
    if language != "python":
        raise TemplateError(
            f"{path} is written in {language}.\nTemplates are written in Python; "
            "choose a Python kernel in JupyterLab and save it."
        )
    return Template(path.stem, text, _declared_parameters(path, cells))


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


def _plan_report(
    template: Template, loaded: "LoadedProduct", period: str | None, overrides: Sequence[str]
) -> PlannedReport:
    from kpikit.catalogue import definitions_hash  # noqa: PLC0415 - loads what it names
    from kpikit.sources import (  # noqa: PLC0415 - Ibis loads slowly
        choose_period,
        dataset_key,
        has_version,
        read_coverage,
    )

    label = choose_period(loaded, read_coverage(loaded), period).label
    parameters = {
        "file": loaded.text_hash,  # of the file, its registers and the overrides
        "own_metrics": definitions_hash(loaded.path, loaded.key),
        "product": loaded.key,
        "period": label,
    }
    identity = Identity(
        template=hash_text(template.text),
        parameters=hash_values(parameters),
        data=dataset_key(loaded),
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
    )


def _template_path(name: str, notebooks_dir: Path) -> Path:
    given = Path(name)
    if given.suffix == ".ipynb":
        path = given if given.exists() else notebooks_dir / given
    else:
        path = notebooks_dir / f"{name}.ipynb"
    if not path.is_file() and not notebooks_dir.is_dir():
        raise TemplateError(
            f"There is no folder '{notebooks_dir}' to look for template '{name}' in.\n"
            "Call kpikit where the folder is, or name it with --notebooks-dir."
        )
    if not path.is_file():
        raise unknown_name("template", name, str(notebooks_dir), list_templates(notebooks_dir))
    return path


def _language(metadata: Mapping[str, Any]) -> str:
    named = metadata.get("language_info", {}).get("name")
    return str(named or metadata.get("kernelspec", {}).get("language") or "python").lower()


def _declared_parameters(path: Path, cells: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", ())]
    if not tagged:
        raise TemplateError(
            f"{path} has no cell tagged 'parameters'.\n"
            "Tag the cell that sets product and period; else the default product is reported."
        )
    declared = _assigned_names(path, "".join(tagged[0]["source"]))
    for name in REQUIRED_PARAMETERS:
        if name not in declared:
            raise TemplateError(
                f"The parameters cell of {path} does not set '{name}'.\n"
                f"{hint_names(name, declared, label='It sets')}"
            )
    return declared


def _assigned_names(path: Path, source: str) -> tuple[str, ...]:
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise TemplateError(
            f"The parameters cell of {path} cannot be read: {error.msg}, line {error.lineno}.\n"
            'Write one assignment a line, such as: product: str = "atlas"  # key of the product'
        ) from error
    names: list[str] = []
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return tuple(names)
