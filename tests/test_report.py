"""The facade: which product, which period, and every section as a method."""

import pytest

import kpikit as kk
from kpikit.errors import DataQualityError, ParamsError, PeriodError, UnknownNameError
from kpikit.present.components import Component
from kpikit.sections.funnels import FunnelSections

YAML = """
product: {key: shop, name: Shop, currency: EUR}
source: {tables: {orders: {files: orders.csv}}}
metrics: [net_revenue]
"""
ORDERS = """order_id,user_id,order_time,revenue
1,a,2026-04-01T10:00:00,40.00
2,a,2026-07-05T10:00:00,50.00
3,b,2026-09-30T10:00:00,60.00
4,b,2026-10-02T10:00:00,70.00
"""
SECTIONS = [
    name for name in vars(kk.Report)
    if not name.startswith("_") and name not in ("facts", "dataset", "funnels")
]  # fmt: skip
FUNNEL_SECTIONS = [
    name for name in vars(FunnelSections) if not name.startswith("_") and name != "readings"
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("KPIKIT_RUN_ID", "KPIKIT_OVERRIDES", "KPIKIT_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KPIKIT_CACHE_DIR", str(tmp_path / "cache"))
    params = tmp_path / "params"
    params.mkdir()
    (params / "shop.yml").write_text(YAML)
    (params / "orders.csv").write_text(ORDERS)
    return params


def test_a_report_is_of_the_last_complete_quarter_unless_told_otherwise(folder):
    report = kk.open_report("shop", params_dir=folder)

    assert repr(report) == "<Report shop 2026Q3, draft>"
    assert repr(kk.open_report("shop", "2026Q2", folder)) == "<Report shop 2026Q2, draft>"
    assert report.facts["metric"].unique().tolist() == ["net_revenue"]
    assert "orders" in report.dataset.tables


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_a_component_that_a_notebook_can_show(folder, section):
    report = kk.open_report("shop", params_dir=folder)

    component = getattr(report, section)()

    assert isinstance(component, Component)
    data, _ = component._repr_mimebundle_()
    assert data["text/html"]


@pytest.mark.parametrize("section", FUNNEL_SECTIONS)
def test_every_section_of_the_funnel_analysis_can_be_shown_without_events(folder, section):
    report = kk.open_report("shop", params_dir=folder)

    assert isinstance(getattr(report.funnels, section)(), Component)


def test_the_folder_of_parameters_is_found_from_a_folder_below(folder, monkeypatch):
    notebooks = folder.parent / "notebooks" / "mine"
    notebooks.mkdir(parents=True)
    monkeypatch.chdir(notebooks)

    report = kk.open_report("shop")

    assert report.context.loaded.key == "shop"


def test_a_folder_that_is_nowhere_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ParamsError, match=r"No folder 'nowhere' in .* or above it"):
        kk.open_report("shop", params_dir="nowhere")


def test_an_unknown_product_is_answered_with_the_nearest(folder):
    with pytest.raises(UnknownNameError, match="Did you mean 'shop'"):
        kk.open_report("shap", params_dir=folder)


def test_a_period_without_data_is_refused(folder):
    with pytest.raises(PeriodError, match="has no data in 2020Q1"):
        kk.open_report("shop", "2020Q1", folder)
    with pytest.raises(PeriodError, match="'soon' is no period"):
        kk.open_report("shop", "soon", folder)


def test_the_runs_id_and_overrides_come_from_its_environment(folder, monkeypatch):
    monkeypatch.setenv("KPIKIT_RUN_ID", "0123456789ab")
    monkeypatch.setenv("KPIKIT_OVERRIDES", '["product.name=00123"]')

    report = kk.open_report("shop", params_dir=folder)

    assert report.context.state == "final"
    assert report.context.params.product.name == "00123"


def test_a_fault_declared_an_error_stops_a_run_but_not_a_draft(folder, monkeypatch):
    rows = ORDERS + "4,b,2026-10-02T10:00:00,70.00\n"
    (folder / "orders.csv").write_text(rows)
    yaml = YAML.replace("files: orders.csv", "files: orders.csv, errors: [duplicate_key]")
    (folder / "shop.yml").write_text(yaml)

    assert kk.open_report("shop", params_dir=folder).context.state == "draft"
    monkeypatch.setenv("KPIKIT_RUN_ID", "0123456789ab")
    with pytest.raises(DataQualityError, match="duplicate_key"):
        kk.open_report("shop", params_dir=folder)
