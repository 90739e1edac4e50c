"""Four real products, compared with figures that were computed elsewhere in two ways.

Their data is no part of the project: it lies beside it, in ``../shared/data``.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from kpikit.analysis.metrics import metric_table
from kpikit.analysis.survey import survey_facts
from kpikit.catalogue import metrics_of
from kpikit.params import LoadedProduct, load_product
from kpikit.sources import Dataset, open_dataset

HERE = Path(__file__).resolve().parent
PARAMS = HERE / "params"
DATA = HERE.parents[1].parent / "shared" / "data"


@dataclass(frozen=True)
class Opened:
    """A product and its data."""

    loaded: LoadedProduct
    data: Dataset

    def facts(self, names, *periods, dimension=""):
        """Return facts of metrics over orders, events or a survey, in periods given as text."""
        place = {"calendar": self.loaded.calendar, "as_of": self.data.as_of, "dimension": dimension}
        spans = [self.loaded.calendar.parse(text) for text in periods]
        if "survey" in self.data.tables:
            return survey_facts(self.data.tables["survey"], names, spans, **place)
        metrics = [metrics_of(self.loaded)[name] for name in names]
        return metric_table(self.data.tables, metrics, spans, params=self.loaded.params, **place)

    def values(self, name, *periods):
        """Return the values of one metric, in order of the periods."""
        return self.facts([name], *periods)["value"].tolist()

    def finding(self, check):
        """Return the one finding of a check."""
        (found,) = [item for item in self.data.findings if item.check == check]
        return found


@pytest.fixture(scope="session")
def reference():
    """Figures of every data set; tests that ask for them are skipped where there is no data."""
    if not DATA.is_dir():
        pytest.skip("The real products' data is absent: put it into ../shared/data.")
    return json.loads((DATA / "reference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def open_product(reference, tmp_path_factory):
    """Return a function that opens a product of ``params``, with other settings of its table."""
    folder = tmp_path_factory.mktemp("acceptance")
    opened: dict[str, Opened] = {}

    def open_product(key, **changes):
        name = re.sub(r"\W+", "_", f"{key} {changes or ''}").strip("_")
        if name not in opened:
            path = _variant(PARAMS / f"{key}.yml", folder / f"{name}.yml", changes)
            loaded = load_product(path)
            opened[name] = Opened(loaded, open_dataset(loaded, cache_dir=folder / "cache"))
        return opened[name]

    return open_product


def _variant(path, copy, changes):
    """Return the product's file; where its table is to change, a changed copy."""
    if not changes:
        return path
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    (table,) = params["source"]["tables"].values()
    table["files"] = str((path.parent / table["files"]).resolve())
    table.update(changes)
    copy.write_text(yaml.safe_dump(params), encoding="utf-8")
    return copy
