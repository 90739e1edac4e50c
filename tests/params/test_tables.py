import pytest

from kpikit.params.tables import CANONICAL, CHECKS, TableSpec


@pytest.mark.parametrize("spec", CANONICAL.values(), ids=CANONICAL)
def test_a_table_is_placed_in_time_by_one_of_its_own_columns(spec: TableSpec):
    assert spec.columns[spec.time].kind in ("time", "date")
    assert set(spec.key) <= set(spec.columns)


@pytest.mark.parametrize("spec", CANONICAL.values(), ids=CANONICAL)
def test_every_table_and_column_is_described(spec):
    assert spec.grain.startswith("one ")
    for name, column in spec.columns.items():
        assert column.name == name
        assert column.description.endswith(".")


@pytest.mark.parametrize(
    ("table", "required"),
    [
        ("events", ("user_id", "event", "event_time")),
        ("orders", ("order_id", "order_time", "revenue")),
        ("order_lines", ("order_id", "quantity", "unit_price", "order_time")),
        ("subscriptions", ("subscription_id", "user_id", "mrr", "start_time", "end_time")),
        ("survey", ("answer_time", "score")),
        ("exposures", ("user_id", "experiment", "variant", "exposure_time")),
        ("costs", ("cost_date", "cost")),
        ("campaigns", ("campaign", "start_date", "end_date")),
        ("observations", ("metric", "period_start", "value")),
    ],
)
def test_these_columns_no_table_can_do_without(table, required):
    assert CANONICAL[table].required == required


def test_columns_are_found_by_what_they_hold():
    lines = CANONICAL["order_lines"]

    assert lines.columns_of("id") == ("order_id", "product_id", "user_id")
    assert lines.columns_of("number", "money") == ("quantity", "unit_price")


def test_scores_run_from_nought_to_ten():
    score = CANONICAL["survey"].columns["score"]

    assert (score.low, score.high) == (0, 10)


def test_every_check_says_what_it_finds():
    assert [*CHECKS] == sorted(CHECKS)
    assert all(about.endswith(".") for about in CHECKS.values())
