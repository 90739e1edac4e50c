"""What a section notes for the seal and the ledger."""

from kpikit.present.components import Paragraph, Stack


def test_a_stack_notes_kpis_definitions_and_forecasts_where_it_has_them():
    kpi, forecast = {"metric": "mrr", "period": "2026Q3"}, {"metric": "mrr", "period": "2026Q4"}

    full = Stack((), kpis=(kpi,), definitions={"mrr": 2}, forecasts=(forecast,))
    _, notes = Stack((full, Paragraph("x")))._repr_mimebundle_()

    assert notes == {"kpikit": {"kpis": [kpi], "definitions": {"mrr": 2}, "forecasts": [forecast]}}
    assert Stack((Paragraph("x"),))._repr_mimebundle_()[1] == {}
