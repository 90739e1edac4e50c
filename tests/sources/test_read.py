"""Reading what a source holds: each table for itself."""

import pandas as pd

from kpikit.sources import open_dataset


def test_two_parquet_tables_of_a_product_keep_apart(tmp_path, product):
    events = {"user_id": ["a"], "event": ["open"], "event_time": ["2026-07-01"]}
    costs = {"cost_date": ["2026-07-02"], "channel": ["Search"], "cost": [5.0]}
    pd.DataFrame(events).to_parquet(tmp_path / "events.parquet")
    pd.DataFrame(costs).to_parquet(tmp_path / "costs.parquet")

    tables = open_dataset(
        product({"events": {"files": "events.parquet"}, "costs": {"files": "costs.parquet"}})
    ).tables

    assert tables["events"].event.to_pandas().tolist() == ["open"]
    assert tables["costs"].channel.to_pandas().tolist() == ["Search"]
