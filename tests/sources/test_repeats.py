"""Repeated rows: batches found without being told, and what a declared removal keeps."""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kpikit.sources import open_dataset
from kpikit.sources.repeats import Batch, DayRepeats, find_batches

FIRST = dt.date(2026, 1, 5)


def day(number, rows, distinct, even_rows):
    return DayRepeats(FIRST + dt.timedelta(days=number), rows, distinct, even_rows)


def test_a_span_of_doubled_days_is_found_with_its_extra_rows():
    days = [day(0, 30, 30, 0), day(1, 40, 20, 40), day(3, 60, 28, 60), day(4, 30, 29, 2)]

    assert find_batches(days) == [Batch(dt.date(2026, 1, 6), dt.date(2026, 1, 8), 50)]


def test_a_batch_at_the_end_and_one_of_all_days_are_found():
    doubled = [day(0, 40, 20, 40), day(1, 40, 20, 40)]

    assert find_batches([day(-1, 50, 50, 0), *doubled])[0].extra_rows == 40
    assert find_batches(doubled)[0].extra_rows == 40


def test_few_even_rows_are_chance_and_no_batch():
    assert find_batches([day(0, 50, 50, 0), day(1, 38, 19, 38)]) == []


def test_one_odd_row_in_a_hundred_is_allowed_and_two_are_not():
    around = day(0, 500, 500, 0)

    assert find_batches([around, day(1, 199, 100, 198)])
    assert not find_batches([around, day(1, 199, 100, 196)])


def test_a_table_whose_rows_always_repeat_tells_nothing_by_repeating():
    # outside the span more than a quarter of the rows repeat
    assert find_batches([day(0, 100, 74, 52), day(1, 60, 30, 60)]) == []
    assert find_batches([day(0, 100, 75, 50), day(1, 60, 30, 60)])


def test_no_days_have_no_batch():
    assert find_batches([]) == []


LINE = "{order},{sku},1,{price},2026-01-{day:02d} 10:00:00,{note}"


@pytest.fixture
def lines(write, product):
    """Write order lines: 30 a day on 1 to 6 January, of which 3 and 4 January came twice."""

    def make(**source):
        text = ["order_id,product_id,quantity,unit_price,order_time,note"]
        for number in range(1, 7):
            batch = [
                LINE.format(order=100 * number + n, sku=n, price=2, day=number, note="x")
                for n in range(30)
            ]
            # a genuine repeat on every day: the same product twice on one order
            batch.append(batch[0])
            text += batch * (2 if number in (3, 4) else 1)
        write("lines.csv", "\n".join(text))
        return product({"order_lines": {"files": "lines.csv", **source}}, currency="EUR")

    return make


def net(dataset):
    return int(dataset.tables["orders"]["revenue"].sum().to_pyarrow().as_py())


def test_a_doubled_batch_is_named_with_its_money(lines, one):
    dataset = open_dataset(lines())

    finding = one(dataset, "doubled_batch")
    assert (finding.rows, finding.severity) == (62, "warning")
    assert finding.examples == ("2026-01-03", "2026-01-04")
    # 8 batches of 31 lines at 2 each, of which 2 are too many
    assert finding.message == (
        "Every row of 3 Jan – 4 Jan 2026 was delivered twice: 62 rows too many. Net revenue of "
        "2026-01, in EUR, is 496.00 as delivered and 372.00 with the batch counted once."
    )
    assert net(dataset) == 496


def test_halving_a_doubled_batch_keeps_genuine_repeats(lines, one):
    span = {"from": dt.date(2026, 1, 3), "to": dt.date(2026, 1, 4)}

    dataset = open_dataset(lines(deduplicate={"doubled_batch": span}))

    assert net(dataset) == 372
    assert one(dataset, "doubled_batch").severity == "accepted"
    assert (
        one(dataset, "doubled_batch").reason == "Removed as declared (deduplicate.doubled_batch)."
    )
    assert one(dataset, "exact_duplicate").severity == "warning"


def test_halving_a_part_of_the_batch_leaves_the_warning(lines, one):
    span = {"from": dt.date(2026, 1, 3), "to": dt.date(2026, 1, 3)}

    dataset = open_dataset(lines(deduplicate={"doubled_batch": span}))

    assert net(dataset) == 434
    assert one(dataset, "doubled_batch").severity == "warning"


def test_halving_a_span_that_is_not_doubled_takes_only_repeats(lines):
    span = {"from": dt.date(2026, 1, 1), "to": dt.date(2026, 1, 1)}

    # the one repeat of 1 January is taken for a second delivery; the 29 single lines stay
    assert net(open_dataset(lines(deduplicate={"doubled_batch": span}))) == 494


def test_exact_removal_takes_genuine_repeats_too(lines, one):
    dataset = open_dataset(lines(deduplicate={"exact": True}))

    assert net(dataset) == 360
    assert one(dataset, "exact_duplicate").severity == "accepted"
    assert one(dataset, "doubled_batch").reason == "Removed as declared (deduplicate.exact)."


def test_the_batch_is_cut_in_the_days_of_the_product(write, product, one):
    # 23:30 UTC on 2 January is 3 January in Berlin
    rows = [
        f"{n},visit,2026-01-{day} 23:30:00" for day in ("01", "02", "02", "05") for n in range(25)
    ]
    write("e.csv", "\n".join(["user_id,event,event_time", *rows]))
    span = {"from": dt.date(2026, 1, 3), "to": dt.date(2026, 1, 3)}
    table = {"files": "e.csv", "deduplicate": {"doubled_batch": span}}

    dataset = open_dataset(product({"events": table}, timezone="Europe/Berlin"))

    assert dataset.tables["events"].count().to_pyarrow().as_py() == 75
    assert one(dataset, "doubled_batch").examples == ("2026-01-03", "2026-01-03")


def test_a_batch_of_days_without_a_clock_is_halved_by_day(write, product, one):
    rows = [f"2026-01-{day:02d},c{n},5" for day in (1, 2, 2, 3) for n in range(25)]
    write("c.csv", "\n".join(["cost_date,channel,cost", *rows]))
    span = {"from": dt.date(2026, 1, 2), "to": dt.date(2026, 1, 2)}

    dataset = open_dataset(
        product({"costs": {"files": "c.csv", "deduplicate": {"doubled_batch": span}}})
    )

    assert dataset.tables["costs"].count().to_pyarrow().as_py() == 75
    assert one(dataset, "doubled_batch").message.endswith("25 rows too many.")


def test_the_last_row_of_a_key_is_the_last_of_the_files(write, product, rows):
    write("1.csv", "order_id,order_time,revenue\n1,2026-01-05,5\n2,2026-01-05,1\n")
    write("2.csv", "order_id,order_time,revenue\n1,2026-01-02,7\n1,2026-01-02,8\n")
    table = {"files": "?.csv", "deduplicate": {"key": ["order_id"]}}

    dataset = open_dataset(product({"orders": table}))

    kept = rows(dataset.tables["orders"], "order_id", "revenue")
    assert [(name, int(revenue)) for name, revenue in kept] == [("1", 8), ("2", 1)]


def test_parquet_without_its_repeats_is_stored(write, product, tmp_path, cache, rows):
    table = pa.table(
        {"user_id": ["a", "a", "b"], "event": ["x"] * 3, "event_time": ["2026-01-02"] * 3}
    )
    pq.write_table(table, tmp_path / "e.parquet")
    loaded = product({"events": {"files": "e.parquet", "deduplicate": {"exact": True}}})

    dataset = open_dataset(loaded)

    assert rows(dataset.tables["events"], "user_id") == [("a",), ("b",)]
    assert [path.name for path in cache.glob("tables/*/*.parquet")] == ["final.parquet"]
    assert rows(open_dataset(loaded).tables["events"], "user_id") == [("a",), ("b",)]
