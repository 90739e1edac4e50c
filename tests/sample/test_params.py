"""The parameter files of the sample products, against the schema and the data that is written."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from kpikit.params import load_product
from kpikit.params.model import Product
from kpikit.params.views import View
from kpikit.sample import PRODUCTS, make_sample_data
from kpikit.sources import check_findings, open_dataset

PARAMS = Path(__file__).parents[2] / "params"
# A product whose tables are files has no use for these; a comment in comet.yml shows them.
OF_DATABASES = {("TableSource", "table"), ("Source", "version_query")}
# Funnels that are no plain sequence of events; a comment in beacon.yml shows them.
OF_RARE_FUNNELS = {
    *(("Funnel", name) for name in ("unit", "hold", "strictly_later", "exclusions")),
    *(("FunnelExclusion", name) for name in ("event", "after", "before", "where")),
    *(("FunnelStepParams", name) for name in ("optional", "first_time")),
}
# What people keep in JupyterLab would stand in a sample's review; a comment in comet.yml shows it.
OF_VIEWS = {("Product", "views"), *(("View", name) for name in View.model_fields)}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder that holds params/ and data/ as the project does."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(PARAMS, folder / "params")
    for product in PRODUCTS:
        make_sample_data(folder / "data", product=product)
    return folder


@pytest.fixture(scope="module")
def datasets(home):
    return {
        product: open_dataset(load_product(home / "params" / f"{product}.yml"), cache_dir=home)
        for product in PRODUCTS
    }


def all_fields(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[tuple[str, str]]:
    """Yield every field of a model and of the models inside it."""
    seen.add(model)
    for name, field in model.model_fields.items():
        yield model.__name__, name
        for inner in models_in(field.annotation):
            if inner not in seen:
                yield from all_fields(inner, seen)


def models_in(annotation) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from models_in(part)


def given_fields(part) -> Iterator[tuple[str, str]]:
    """Yield every field that a file gives, of a part and of the parts inside it."""
    if isinstance(part, BaseModel):
        for name in part.model_fields_set:
            yield type(part).__name__, name
            yield from given_fields(getattr(part, name))
    elif isinstance(part, dict | list | tuple):
        for item in part.values() if isinstance(part, dict) else part:
            yield from given_fields(item)


def test_the_three_files_together_show_every_key_of_the_schema():
    shown = {
        field
        for product in PRODUCTS
        for field in given_fields(load_product(PARAMS / f"{product}.yml").params)
    }

    missing = set(all_fields(Product, set())) - shown - OF_DATABASES - OF_RARE_FUNNELS - OF_VIEWS

    assert not missing


def test_what_only_databases_need_is_shown_in_a_comment():
    comments = [line for line in (PARAMS / "comet.yml").read_text().splitlines() if "#" in line]

    for key in ("table:", "version_query:", "${COMET_PASSWORD}"):
        assert any(key in line for line in comments)


def test_what_only_rare_funnels_need_is_shown_in_a_comment():
    text = (PARAMS / "beacon.yml").read_text()
    comments = " ".join(line.partition("#")[2] for line in text.splitlines())

    for _, name in OF_RARE_FUNNELS:
        assert f"{name}:" in comments


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_table_is_read_and_nothing_is_found_that_is_not_accepted(datasets, product):
    data = datasets[product]

    check_findings(data)
    assert {item.severity for item in data.findings} == {"accepted", "info"}
    assert all(item.reason for item in data.findings if item.severity == "accepted")
    assert all(table.count().execute() > 0 for table in data.tables.values())


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_fault_that_a_file_accepts_is_there(datasets, product):
    params = load_product(PARAMS / f"{product}.yml").params
    accepted = {
        (table, entry.check)
        for table, source in params.source.tables.items()
        for entry in source.accept
    }

    found = {(item.table, item.check) for item in datasets[product].findings}

    assert accepted <= found


def test_the_same_data_is_read_whatever_the_form_of_its_file(datasets):
    assert datasets["beacon"].tables["costs"].cost.sum().execute() > 0  # Excel
    observations = datasets["comet"].tables["observations"]
    metrics = observations.group_by("metric").aggregate(mean=observations.value.mean()).execute()
    means = metrics.set_index("metric")["mean"]
    assert 4 < means["app_rating"] < 5
    assert 0.98 < means["crash_free_rate"] < 1
    orders = datasets["comet"].tables["orders"]
    assert float(orders.revenue.max().execute()) == 49.99  # written as 49,99


def test_a_refund_and_a_write_off_are_classified(datasets):
    orders = datasets["beacon"].tables["orders"]
    kinds = orders.group_by(orders.order_id[:2], "kind").aggregate(n=orders.count()).execute()
    pairs = set(kinds.iloc[:, :2].itertuples(index=False, name=None))

    assert {("CN", "refund"), ("WO", "adjustment")} <= pairs
    assert {kind for start, kind in pairs if start not in ("CN", "WO")} == {"sale"}


def test_views_that_people_keep_are_shown_in_a_comment_that_is_valid(tmp_path):
    shutil.copytree(PARAMS, tmp_path / "params")
    path = tmp_path / "params" / "comet.yml"
    text, views = path.read_text().split("# views:\n")
    path.write_text(text + "views:\n" + views.replace("#   - ", "  - "))

    params = load_product(path).params

    assert set(given_fields(params)) >= OF_VIEWS
