"""Retention as PostHog's and ClickHouse's own tests count it, and on real data.

The matrices give a cohort per row and an age per column; column 0 is the size of the cohort, where
kpikit counts the users with the return event in their first period.
"""

import datetime as dt

import pandas as pd
import pytest

from kpikit.analysis.retention import retention_table
from kpikit.periods import Calendar

HOUR = pd.Timedelta(hours=1)


def frame_of(case):
    rows = [
        {"user_id": row["user"], "event": row["event"], "event_time": row["timestamp"]}
        | row["props"]
        for row in case["events"]
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(event_time=pd.to_datetime(frame["event_time"], format="ISO8601"))


def in_days(frame, case):
    """Turn hours into days, for kpikit has no retention by the hour: hour h becomes day h."""
    hours = (frame["event_time"] - pd.Timestamp(case["first_period"])) // HOUR
    days = pd.Timestamp(case["first_period"]).normalize() + pd.to_timedelta(hours, unit="D")
    return frame.assign(event_time=days)


def matrix_of(case, **options):
    """Return what kpikit counts, laid out as the case's matrix."""
    frame, grain, count = frame_of(case), case["period"], case["total_intervals"]
    if grain == "hour":
        frame, grain = in_days(frame, case), "day"
    week_start = case.get("week_start", "monday")
    calendar = Calendar(week_start=week_start)
    periods = [calendar.period_of(dt.date.fromisoformat(case["first_period"][:10]), grain)]
    while len(periods) < count:
        periods.append(calendar.shift(periods[-1], 1))
    table = retention_table(
        frame, grain=grain, as_of=periods[-1].last_day, max_age=count, week_start=week_start,
        start_event=case["target"]["event"], return_event=case["returning"]["event"], **options,
    )  # fmt: skip
    cells = {
        (row.cohort.date(), row.age): row.active_users if row.age else row.cohort_size
        for row in table.itertuples()
    }
    # a cohort without users is no row in kpikit, a row of zeros there
    return [
        [cells.get((period.start, age), 0) for age in range(count - index)]
        for index, period in enumerate(periods)
    ]


@pytest.mark.cases("retention.json", "retention")
def test_posthog_matrices(case):
    if "breakdown" in case:
        pytest.skip("attributes a property otherwise: see test_a_breakdown_is_of_the_start_event")
    if any(case[event]["where"] for event in ("target", "returning")) or case["filters"]:
        pytest.skip("filters by property: filter the events before the call")

    matrix = matrix_of(case, first_time=case["type"] == "first_time")

    assert matrix == case["expected"]["matrix"]


def test_a_breakdown_is_of_the_start_event(case_named):
    case = case_named("retention.json", "posthog_head.test_retention_with_breakdown_on_start_event")

    # PostHog (2025) asks for the same value on the return event too, and so finds nobody coming
    # back where purchases bear no category. kpikit asks which users come back, by what they
    # started with: person1 purchases on days 1, 3 and 5, person2 on day 2.
    frame = frame_of(case)
    table = retention_table(
        frame, grain="day", as_of="2020-06-15", start_event="signup", return_event="purchase",
        first_time=False, by="category",
    )  # fmt: skip

    clothing = table[table["category"] == "clothing"]
    assert clothing["cohort_size"].tolist() == [2] * 6
    assert clothing["active_users"].tolist()[1:] == [1, 1, 1, 0, 1]


@pytest.mark.cases("retention.json", "retention_curve")
def test_bounded_and_unbounded_curves(case):
    bounded = matrix_of(case, kind="bounded")[0]
    unbounded = matrix_of(case, kind="unbounded")[0]

    assert bounded == case["expected"]["n_day"]
    assert unbounded == case["expected"]["on_or_after"]


@pytest.mark.cases("retention.json", "retention_function")
def test_clickhouse_retention_function(case):
    first, last = (dt.date.fromisoformat(day) for day in case["conditions"])
    events = pd.DataFrame(case["events"]).rename(columns={"user": "user_id", "date": "event_time"})
    events = events.assign(user=events["user_id"])
    per_user = "per_user" in case["expected"]

    table = retention_table(
        events, grain="day", as_of=last, first_time=False, by=["user"] if per_user else []
    )

    cells = table[(table["cohort"] == str(first)) & (table["age"] == (last - first).days)]
    if per_user:
        rows = cells.set_index("user")[["cohort_size", "active_users"]]
        found = {user: rows.loc[user].tolist() for user in case["expected"]["per_user"]}
        assert found == case["expected"]["per_user"]
    else:
        sums = cells[["cohort_size", "active_users"]].to_numpy().tolist()
        assert sums == [case["expected"]["sums"]]


def test_weekly_retention_of_the_shop_events(shared_data, reference):
    events = pd.read_csv(shared_data / "rete_ecom" / "ecom.csv.gz", parse_dates=["timestamp"])

    # the week of the last event is taken as complete, as the reference does
    table = retention_table(
        events.rename(columns={"timestamp": "event_time"}), as_of="2024-06-30", max_age=30
    )

    pooled = table.groupby("age")["active_users"].sum()
    known = reference["rete_ecom"]["weekly_retention_pooled_users"]
    assert {str(age): users for age, users in pooled.items() if str(age) in known} == known


def test_monthly_cohorts_of_cdnow(shared_data, reference):
    orders = pd.read_csv(
        shared_data / "cdnow" / "CDNOW_master.txt.gz", sep=r"\s+", header=0,
        names=["user_id", "day", "cds", "amount"], dtype={"user_id": str, "day": str},
    )  # fmt: skip
    orders["event_time"] = pd.to_datetime(orders["day"], format="%Y%m%d")

    table = retention_table(orders, grain="month", as_of="1998-06-30", max_age=17)

    for cohort, rows in table.groupby(table["cohort"].dt.strftime("%Y-%m")):
        known = reference["cdnow"]["cohort_users"][cohort]
        found = dict(zip(rows["age"].astype(str), rows["active_users"], strict=True))
        assert found == {age: known[age] for age in found}
    sizes = table.loc[table["age"] == 0, "cohort_size"].tolist()
    assert sizes == [7846, 8476, 7248]
