"""What ``kpikit list`` shows: products and templates, read without validation or data.

The schema alone takes a third of a second to load; a list that is asked for often goes without.
``kpikit check`` is the one that validates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpikit.errors import ParamsError

START = "start"  # the notebook that JupyterLab opens on


@dataclass(frozen=True)
class ListedProduct:
    """A product as its file names it.

    Attributes:
        key: Its key; the file's name where the file cannot be read.
        tables: Canonical tables that it maps, in the file's order.
        is_broken: The file is no YAML mapping with a ``product``.
    """

    key: str
    name: str = ""
    stage: str = ""
    tables: tuple[str, ...] = ()
    is_broken: bool = False


def list_products(params_dir: Path) -> list[ListedProduct]:
    """Return the products of a folder, by the names of their files.

    Raises:
        ParamsError: The folder does not exist.
    """
    if not params_dir.is_dir():
        raise ParamsError(
            f"The folder of parameters '{params_dir}' does not exist.\n"
            "Name another with --params-dir."
        )
    paths = sorted(path for path in params_dir.iterdir() if path.suffix in (".yml", ".yaml"))
    found = [_read(path) for path in paths if not path.name.startswith(".")]
    return [product for product in found if product is not None]


def list_templates(notebooks_dir: Path) -> list[str]:
    """Return the names of the notebooks in a folder, sorted; the start page is no template."""
    return sorted(path.stem for path in notebooks_dir.glob("*.ipynb") if path.stem != START)


def _read(path: Path) -> ListedProduct | None:
    """Return a file's product; None for a register, which is a list."""
    import yaml  # noqa: PLC0415 - templates are listed without it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=loader)  # noqa: S506 - a safe loader
    except (OSError, ValueError, yaml.YAMLError):
        return ListedProduct(path.stem, is_broken=True)
    if isinstance(content, list):
        return None
    product, source = _part(content, "product"), _part(content, "source")
    if not product:
        return ListedProduct(path.stem, is_broken=True)
    return ListedProduct(
        key=str(product.get("key", path.stem)),
        name=str(product.get("name", "")),
        stage=str(product.get("stage", "")),
        tables=tuple(str(name) for name in _part(source, "tables")),
    )


def _part(content: Any, key: str) -> Mapping[str, Any]:
    part = content.get(key) if isinstance(content, Mapping) else None
    return part if isinstance(part, Mapping) else {}
