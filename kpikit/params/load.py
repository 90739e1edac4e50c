"""A product's file to ``LoadedProduct``, and a folder of them; every mistake with file and line."""

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kpikit.errors import ParamsError, PeriodError, unknown_name
from kpikit.params.beside import insert_overrides, insert_registers, register_files
from kpikit.params.environment import note_references
from kpikit.params.model import MetricParams, Product, ProductInfo
from kpikit.params.nodes import Mistake, Place, compose, find_value, is_null, read_text
from kpikit.params.reading import Reading
from kpikit.params.rulebook import Context, apply_rules
from kpikit.params.rules_experiments import EXPERIMENT_RULES
from kpikit.params.rules_product import PRODUCT_RULES
from kpikit.params.rules_registers import REGISTER_RULES
from kpikit.params.rules_source import SOURCE_RULES
from kpikit.periods import Calendar

KnownMetrics = Collection[str] | Callable[[Path], Collection[str]]

_SUFFIXES = (".yml", ".yaml")
_BEGINNING = "Begin with: product: {key: atlas, name: Atlas}."


@dataclass(frozen=True)
class LoadedProduct:
    """A product's file, read and found right.

    Attributes:
        params: What it says; registers are lists, ``${NAME}`` is not expanded.
        path: The file, absolute.
        calendar: How the product cuts time.
        text_hash: SHA-256 over the file, its registers and the overrides, hex.
        places: Dotted key to where it stands, such as ``params/atlas.yml:12``.
    """

    params: Product
    path: Path
    calendar: Calendar
    text_hash: str
    places: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def key(self) -> str:
        """The product's key."""
        return self.params.product.key

    def place(self, key: str) -> str:
        """Return file and line of a dotted key, or of the nearest key above that the file has."""
        while key and key not in self.places:
            key = key.rpartition(".")[0]
        return self.places.get(key, str(self.path))


@dataclass(frozen=True)
class Folder:
    """The products of a folder, and the files that are broken.

    Attributes:
        products: Product key to product, in the order of the files' names.
        failures: File to what is wrong with it.
    """

    products: Mapping[str, LoadedProduct]
    failures: Mapping[Path, ParamsError]


@dataclass(frozen=True)
class _File:
    """A product's file, or a register's, as it was read."""

    path: Path
    text: str
    tree: Node | None


def load_product(
    path: Path | str,
    *,
    known_metrics: KnownMetrics | None = None,
    overrides: Sequence[str] = (),
) -> LoadedProduct:
    """Return the product of a file, checked whole.

    Args:
        path: The product's ``.yml`` file; messages call it by this path.
        known_metrics: Names of the metrics that it may use beside its own, or a function of the
            path that returns them; names of metrics go unchecked if None.
        overrides: ``key=value`` texts that replace values of the file, read by the schema.

    Raises:
        ParamsError: The file cannot be read or is not YAML, or has mistakes: all are in the
            message, in order, each with file, line, what is wrong and what to do.
    """
    file = _read_file(Path(path))
    return _load(file, known_metrics=known_metrics, overrides=overrides)


def _load(
    file: _File, *, known_metrics: KnownMetrics | None, overrides: Sequence[str]
) -> LoadedProduct:
    """Return the product of a file that was read; its tree is changed in place."""
    path, shown = file.path, str(file.path)
    root = insert_overrides(_root(file.tree, shown), overrides)
    reading = Reading(Place(shown, 1))
    registers = insert_registers(root, path.parent, reading)
    product = reading.read_model(root, Product, "")
    calendar = _calendar(reading)
    apply_rules(
        reading,
        (*SOURCE_RULES, *PRODUCT_RULES, *REGISTER_RULES, *EXPERIMENT_RULES),
        _context(reading, calendar, path, known_metrics),
    )
    if reading.mistakes:
        raise ParamsError(_message(reading.mistakes, shown))
    note_references(product.source.connection)
    said = file.text.encode() + b"\0" + registers + repr(tuple(overrides)).encode()
    places = {key: str(place) for key, place in reading.places.items()}
    text_hash = hashlib.sha256(said).hexdigest()
    return LoadedProduct(product, path.resolve(), calendar, text_hash, places)


def load_folder(
    params_dir: Path | str,
    *,
    known_metrics: KnownMetrics | None = None,
    overrides: Sequence[str] = (),
) -> Folder:
    """Return all products of a folder; a broken file fails alone, files with one key fail all.

    Keys that differ in letter case alone are one key: they would share a folder on some systems.

    Args:
        params_dir: Folder of product files (``*.yml``, ``*.yaml``); registers are left out.
        known_metrics: As in ``load_product``.
        overrides: As in ``load_product``, for every product.

    Raises:
        ParamsError: The folder is missing, or holds no product file.
    """
    loaded: dict[Path, LoadedProduct] = {}
    files, failures = _read_files(_product_files(Path(params_dir)))
    for file in files:
        try:
            loaded[file.path] = _load(file, known_metrics=known_metrics, overrides=overrides)
        except ParamsError as error:
            failures[file.path] = error
    by_key: dict[str, list[Path]] = {}
    for path, product in loaded.items():
        by_key.setdefault(_folded(product.key), []).append(path)
    for paths in by_key.values():
        if len(paths) > 1:
            failures |= dict.fromkeys(paths, _clash([loaded[path] for path in paths]))
    products = {item.key: item for path, item in loaded.items() if path not in failures}
    return Folder(products, dict(sorted(failures.items())))


def find_product(
    params_dir: Path | str,
    key: str,
    *,
    known_metrics: KnownMetrics | None = None,
    overrides: Sequence[str] = (),
) -> LoadedProduct:
    """Return the product with a key; of the other files, only their keys are read.

    Args:
        params_dir: Folder of product files.
        key: The product's key.
        known_metrics: As in ``load_product``.
        overrides: As in ``load_product``.

    Raises:
        UnknownNameError: No file has the key; the message names the nearest.
        ParamsError: The folder is missing or empty, the product's file is broken, or two files
            have the key.
    """
    files = _product_files(Path(params_dir))
    keys: dict[Path, str] = {}
    # Files that mention the key come first: of a hundred files, one is read in full.
    for some in ([path for path in files if _mentions(path, key)], files):
        keys = {path: _peek_key(path) for path in some}
        if key in keys.values():
            break
    else:
        raise unknown_name("product", key, str(params_dir), keys.values())
    loaded = [
        load_product(path, known_metrics=known_metrics, overrides=overrides)
        for path in keys
        if _folded(keys[path]) == _folded(key)
    ]
    if len(loaded) > 1:
        raise _clash(loaded)
    return loaded[0]


def _read_file(path: Path) -> _File:
    text = read_text(path, str(path))
    return _File(path, text, compose(text, str(path)))


def _read_files(paths: list[Path]) -> tuple[list[_File], dict[Path, ParamsError]]:
    """Return the files, and why others cannot be read; registers that one of them names are out."""
    files: list[_File] = []
    failures: dict[Path, ParamsError] = {}
    for path in paths:
        try:
            files.append(_read_file(path))
        except ParamsError as error:
            failures[path] = error
    registers = {
        (file.path.parent / name).resolve()
        for file in files
        for name in register_files(file.tree).values()
    }
    return (
        [file for file in files if file.path.resolve() not in registers],
        {path: why for path, why in failures.items() if path.resolve() not in registers},
    )


def _root(node: Node | None, shown: str) -> MappingNode:
    if node is None or is_null(node):
        raise ParamsError(f"{shown} is empty.\n{_BEGINNING}")
    if isinstance(node, MappingNode):
        return node
    found = "a list" if isinstance(node, SequenceNode) else "a single value"
    register = " A register is named in its product's file." if found == "a list" else ""
    raise ParamsError(
        f"{shown}:{node.start_mark.line + 1}: holds {found}, and a product's file is a mapping.\n"
        f"{_BEGINNING}{register}"
    )


def _calendar(reading: Reading) -> Calendar:
    """Return the product's calendar, with defaults for what is wrong: its form alone is needed."""
    for built in reading.parts:
        if isinstance(built.part, ProductInfo):
            info = built.part
            usable = {"timezone", "fiscal_year_start", "week_start"} - built.broken
            try:
                return Calendar(**{name: getattr(info, name) for name in usable})
            except PeriodError:
                break
    return Calendar()


def _context(
    reading: Reading, calendar: Calendar, path: Path, known_metrics: KnownMetrics | None
) -> Context:
    if known_metrics is None:
        return Context(metrics=None, builtin=(), calendar=calendar)
    outside = known_metrics(path) if callable(known_metrics) else known_metrics
    own = {
        built.part.name
        for built in reading.parts
        if isinstance(built.part, MetricParams) and "name" not in built.broken
    }
    return Context(metrics={*outside, *own}, builtin=outside, calendar=calendar)


def _message(mistakes: list[Mistake], shown: str) -> str:
    """Return all mistakes in order: those of the product's file first, then its registers'."""
    ordered = sorted(set(mistakes), key=lambda mistake: (mistake.place.file != shown, mistake))
    count = "1 mistake" if len(ordered) == 1 else f"{len(ordered)} mistakes"
    return "\n".join([f"{shown} has {count}.", *map(str, ordered)])


def _product_files(params_dir: Path) -> list[Path]:
    """Return a folder's YAML files, sorted."""
    if not params_dir.is_dir():
        found = "is no folder" if params_dir.exists() else "does not exist"
        raise ParamsError(
            f"The folder of parameters '{params_dir}' {found}.\nGive the folder with --params-dir."
        )
    files = [
        path
        for path in sorted(params_dir.iterdir())
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
    ]
    if not files:
        raise ParamsError(
            f"There is no product file in '{params_dir}'.\nAdd a <product>.yml. {_BEGINNING}"
        )
    return files


def _mentions(path: Path, key: str) -> bool:
    if path.stem == key:
        return True
    try:
        return _folded(key) in _folded(read_text(path, str(path)))
    except ParamsError:
        return False


def _peek_key(path: Path) -> str:
    """Return the key of a product's file, or the file's own name where it cannot be read."""
    try:
        node = find_value(compose(read_text(path, str(path)), str(path)), "product", "key")
    except ParamsError:
        node = None
    return node.value if isinstance(node, ScalarNode) else path.stem


def _folded(key: str) -> str:
    return unicodedata.normalize("NFC", key).casefold()


def _clash(products: list[LoadedProduct]) -> ParamsError:
    places = " and ".join(product.place("product.key") for product in products)
    same = len({product.key for product in products}) == 1
    what = "stands in more than one file" if same else "is too much like another for some systems"
    return ParamsError(
        f"Product key '{products[0].key}' {what}: {places}.\nGive each product a key of its own."
    )
