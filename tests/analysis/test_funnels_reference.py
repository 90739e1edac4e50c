"""Funnels on random small tables equal a reference that tries everything.

Each example is one funnel over many users at once, so that the engine is asked few times.
"""

import datetime as dt
import math
from collections import defaultdict

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpikit.analysis.funnels import Exclusion, Step, orders
from kpikit.analysis.funnels.definition import define
from kpikit.analysis.funnels.entries import following
from kpikit.analysis.funnels.events import Rows, prepare
from kpikit.analysis.funnels.outliving import next_met, next_of_each
from kpikit.analysis.funnels.overlap import instants
from kpikit.analysis.funnels.reported import reported_entries

START = dt.datetime(2026, 6, 1)  # noqa: DTZ001 - stored times bear no zone
USERS = 120


def random_events(seed):
    """Return events of many users within a few seconds, ties and duplicates among them."""
    rng = np.random.default_rng(seed)
    rows = USERS * 7
    frame = pd.DataFrame(
        {
            "user_id": rng.integers(0, USERS, rows),
            "event": rng.choice(list("ABCX"), rows, p=[0.35, 0.3, 0.2, 0.15]),
            "second": rng.integers(0, 12, rows),
            "item": rng.choice(["p", "q"], rows),
        }
    )
    times = pd.Timestamp(START) + pd.to_timedelta(frame["second"], unit="s")
    return frame.assign(event_time=times).sample(frac=1, random_state=seed)


def serves(row, step):
    return (step.events is None or row["event"] in step.events) and all(
        row[column] == value for column, value in (step.where or {}).items()
    )


def earliest_path(rows, steps, used, times, *, later):
    """Return the earliest times at which the further steps can be served, each by its own row."""
    if len(times) == len(steps):
        return times
    step = steps[len(times)]
    open_rows = [
        index
        for index, row in enumerate(rows)
        if index not in used
        and serves(row, step)
        and (row["second"] > times[-1] or (row["second"] == times[-1] and not later))
    ]
    if not open_rows:
        return times + [math.inf] * (len(steps) - len(times))
    return min(
        earliest_path(rows, steps, used | {index}, [*times, rows[index]["second"]], later=later)
        for index in open_rows
    )


def ordered_entries(rows, steps, *, later):
    best = {}
    for index, row in enumerate(rows):
        if serves(row, steps[0]):
            path = earliest_path(rows, steps, {index}, [row["second"]], later=later)
            best[row["second"]] = min(best.get(row["second"], path), path)
    return list(best.values())


def strict_entries(rows, steps, *, later):
    def place(row):
        served = [number for number, step in enumerate(steps) if serves(row, step)]
        return row["second"], served[0] if served else len(steps), sum(1 << n for n in served)

    line = sorted(rows, key=place)
    entries = []
    for index, row in enumerate(line):
        if not serves(row, steps[0]):
            continue
        times = [row["second"]]
        for ahead, step in enumerate(steps[1:], 1):
            following = line[index + ahead : index + ahead + 1]
            if not following or not serves(following[0], step):
                break
            if later and following[0]["second"] == times[-1]:
                break
            times.append(following[0]["second"])
        entries.append(times + [math.inf] * (len(steps) - len(times)))
    return entries


def unordered_entries(rows, steps, *, later):
    entries = []
    for begin in {row["second"] for row in rows if any(serves(row, step) for step in steps)}:
        done = []
        for number, step in enumerate(steps):
            own = sorted(
                row["second"] for row in rows if serves(row, step) and row["second"] >= begin
            )
            nth = sum(other.events == step.events for other in steps[:number])
            done.append(own[nth] if len(own) > nth else math.inf)
        entries.append((begin, sorted(done)))
    return [times for _, times in entries]


def is_excluded(rows, times, exclusion, *, depth, window, order):
    excluding = [row["second"] for row in rows if serves(row, exclusion)]
    if order == "unordered":
        return any(times[0] < second < times[depth - 1] for second in excluding)
    if depth < exclusion.after:
        return False
    begin = times[exclusion.after - 1]
    end = times[exclusion.before - 1] if depth >= exclusion.before else begin + window
    return any(begin < second < end for second in excluding)


def reported(rows, steps, *, window, order, exclusions, later, begin, end):
    """Return depth and times of the reported entry of one unit; None without an entry."""
    find = {"ordered": ordered_entries, "strict": strict_entries, "unordered": unordered_entries}
    found = []
    for times in find[order](rows, steps, later=later):
        if not begin <= times[0] < end:
            continue
        depth = sum(second <= times[0] + window for second in times)
        if not any(
            is_excluded(rows, times, each, depth=depth, window=window, order=order)
            for each in exclusions
        ):
            found.append((-depth, times[depth - 1], -times[0], times[:depth]))
    return min(found)[-1] if found else None


def reference(events, funnel, *, hold=()):
    """Return the times of the reported entry per user, in seconds."""
    groups = defaultdict(list)
    for row in events.to_dict("records"):
        groups[(row["user_id"], *(row[column] for column in hold))].append(row)
    found = {}
    for (user, *_), rows in groups.items():
        times = reported(rows, **funnel)
        if times is not None:
            rank = (-len(times), times[-1], -times[0], times)
            found[user] = min(found.get(user, rank), rank)
    return {user: rank[-1] for user, rank in found.items()}


def engine(events, funnel, *, hold=()):
    definition = define(
        "test", steps=funnel["steps"], window=dt.timedelta(seconds=funnel["window"]),
        order=funnel["order"], exclusions=funnel["exclusions"], strictly_later=funnel["later"],
        start=START + dt.timedelta(seconds=funnel["begin"]),
        end=START + dt.timedelta(seconds=funnel["end"]), hold=hold,
    )  # fmt: skip
    table = reported_entries(prepare(events, definition)).to_pandas()
    times = [f"time_{number}" for number in range(1, len(funnel["steps"]) + 1)]
    seconds = (table[times] - START).apply(lambda column: column.dt.total_seconds())
    return {
        user: [second for second in row if not math.isnan(second)]
        for user, row in zip(table["unit_0"], seconds.to_numpy(), strict=True)
    }


events_or_any = st.sampled_from(["A", "B", "C", ["A", "B"], None])
apart = st.sampled_from(["A", "B", "C"])
conditions = st.sampled_from([None, None, {"item": "p"}, {"item": "q"}])


@st.composite
def funnels(draw, order):
    size = draw(st.integers(1, 4))
    kinds = events_or_any if order != "unordered" else apart
    exact = order != "unordered"
    steps = [
        Step(f"step {number}", event=draw(kinds), where=draw(conditions) if exact else None)
        for number in range(size)
    ]
    begin = draw(st.integers(0, 3))
    exclusions = []
    if size > 1 and draw(st.booleans()):
        after = draw(st.integers(1, size - 1))
        exclusions = [Exclusion("X", after=after, before=draw(st.integers(after + 1, size)))]
    return {
        "steps": steps, "window": draw(st.integers(1, 9)), "order": order, "exclusions": exclusions,
        "later": draw(st.booleans()) if exact else False,
        "begin": begin, "end": draw(st.integers(begin + 1, 12)),
    }  # fmt: skip


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
@settings(max_examples=12, deadline=None)
@given(data=st.data(), seed=st.integers(0, 10_000))
def test_the_reported_entry_of_every_user_is_that_of_the_reference(order, data, seed):
    funnel = data.draw(funnels(order))
    events = random_events(seed)

    assert engine(events, funnel) == reference(events, funnel)


@settings(max_examples=8, deadline=None)
@given(funnel=funnels("ordered"), seed=st.integers(0, 10_000))
def test_a_held_property_keeps_an_entry_to_rows_with_one_value(funnel, seed):
    events = random_events(seed)

    assert engine(events, funnel, hold=["item"]) == reference(events, funnel, hold=["item"])


@pytest.mark.parametrize(
    "dialect", ["bigquery", "clickhouse", "postgres", "pyspark", "snowflake", "trino"]
)
def test_every_step_of_the_query_can_be_asked_of_other_engines(dialect):
    definition = define("test", steps=["A", Step("B", event=["B", "A"])], window="1d")
    events = ibis.table(
        {"unit_0": "string", "time": "timestamp(6)", "mask": "int32"}, name="events"
    )
    rows = Rows(
        funnel=definition, table=events, source=events, units=("unit_0",), keys=("unit_0",),
        groups=(),
    )  # fmt: skip
    first = rows.of_step(1).select("unit_0", time_1="time")

    asked = [
        following(first, rows.of_step(2), at="time_1", keys=rows.keys),
        next_met(first, rows, 1, 2),
        next_of_each(first, rows, 1, 2, {"day": lambda time: time.date()}),
        instants(rows),
        orders.strict_entries(rows),
    ]

    assert all("OVER" in ibis.to_sql(each, dialect=dialect) for each in asked[:3])
    assert all(ibis.to_sql(each, dialect=dialect) for each in asked)
