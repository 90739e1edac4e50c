"""Funnels as the tests of PostHog, ClickHouse, Mixpanel's manual and others count them."""

import pandas as pd
import pytest

from kpikit.analysis.funnels import (
    Exclusion,
    Step,
    funnel_table,
    funnel_trend_table,
    time_to_convert_table,
)
from kpikit.catalogue.relations import MISSING_SEGMENT

_STRICT = "test_funnel_strict.TestFunnelStrictStepsBreakdown."
_UNORDERED = "test_funnel_unordered.TestFunnelUnorderedSteps"
SEVERAL_SEGMENTS = f"{_STRICT}test_funnel_step_breakdown_event_single_person_multiple_breakdowns#0"
AVERAGED_TIMES = f"{_UNORDERED}.test_basic_unordered_funnel_conversion_times#0"
OTHER_MEANING = {
    "ch.repeat_step.default_same_event_counts_thrice": "one event serves one step",
    "ch.strict_order_table.strict_order": "strict lets no event in between, a step's own neither",
    "ch.funnel_test_strict.strict_deduplication": "a repeated event ends no entry",
    "ch.issue27469.strict_deduplication": "a repeated event ends no entry",
    SEVERAL_SEGMENTS: "see test_a_user_stands_in_one_segment",
    f"{_UNORDERED}Breakdown.test_funnel_step_breakdown_event_single_person_multiple_breakdowns#0": (
        "an unordered funnel has no step of its own to take a property from"
    ),
}
OTHER_TIMES = {AVERAGED_TIMES}  # see test_times_are_those_of_one_entry
TIMES = {"avg": "mean_seconds", "median": "median_seconds"}
OPERATIONS = {
    "is_not": lambda column, value: (column != value).fill_null(True),
    "is_set": lambda column, _: ~column.isnull(),  # noqa: PD003 - Ibis
    "is_not_set": lambda column, _: column.isnull(),  # noqa: PD003 - Ibis
    "icontains": lambda column, value: column.lower().contains(value.lower()),
    "not_icontains": lambda column, value: ~column.lower().contains(value.lower()).fill_null(False),
    "<=": lambda column, value: column <= value,
    ">=": lambda column, value: column >= value,
}


def frame_of(case):
    """Return the events with a column per property, those of a person as ``person <key>``."""
    rows = [
        {"user_id": row["user"], "event": row["event"], "event_time": row["timestamp"]}
        | {key: text_of(value) for key, value in row["props"].items()}
        | {
            f"person {key}": text_of(value)
            for key, value in case["users"].get(row["user"], {}).items()
        }
        for row in case["events"]
    ]
    frame = pd.DataFrame(rows)
    for column in asked_columns(case) - set(frame.columns):
        frame[column] = pd.Series([None] * len(frame), dtype="str")
    times = pd.to_datetime(frame["event_time"], format="ISO8601")
    kept = times.between(
        pd.Timestamp(case.get("date_from") or times.min()),
        pd.Timestamp(case.get("date_to") or times.max()),
    )
    return frame.assign(event_time=times)[kept]


def text_of(value):
    return value if value is None or isinstance(value, str) else str(value)


def asked_columns(case):
    conditions = [each for part in parts_of(case) for each in part["where"]]
    breakdown = case.get("breakdown") or {"props": []}
    return {column_of(each) for each in conditions} | set(columns_by(breakdown))


def parts_of(case):
    return [*case["steps"], *case.get("exclusions", [])]


def column_of(condition):
    return f"person {condition['key']}" if condition["scope"] == "person" else condition["key"]


def columns_by(breakdown):
    prefix = "person " if breakdown.get("type") == "person" else ""
    return [f"{prefix}{name}" for name in breakdown["props"]]


def where_of(conditions):
    if all(each["op"] == "exact" for each in conditions):
        return {column_of(each): each["value"] for each in conditions}
    return lambda table: matching(table, conditions)


def matching(table, conditions):
    found = True
    for each in conditions:
        column, value = table[column_of(each)], each["value"]
        if isinstance(value, int):
            column = column.cast("int64")
        operation = OPERATIONS.get(each["op"], lambda one, other: one == other)
        found = operation(column, value) & found
    return found


def arguments(case):
    modes = set(case.get("clickhouse_modes") or ())
    breakdown = case.get("breakdown") or {"props": []}
    attribution = breakdown.get("attribution", "all_events")
    return {
        "steps": [
            Step(f"{number} {step['name']}", event=step["event"], where=where_of(step["where"]))
            for number, step in enumerate(case["steps"], 1)
        ],
        "window": pd.Timedelta(seconds=case["window_seconds"]) if case["window_seconds"] else None,
        "order": "strict" if "strict_order" in modes else case["order"],
        "strictly_later": "strict_increase" in modes,
        "exclusions": [
            Exclusion(
                each["event"], after=each["from_step"] + 1, before=each["to_step"] + 1,
                where=where_of(each["where"]),
            )
            for each in case.get("exclusions", [])
        ],
        "by": columns_by(breakdown),
        "attribution": {"all_events": "every_step", "step": breakdown.get("step", 0) + 1}.get(
            attribution, attribution
        ),
    }  # fmt: skip


@pytest.mark.cases("funnels.json", "steps")
def test_users_and_times_per_step(case):
    if "engine_version_dependent" in case.get("tags", ()):
        pytest.skip("no contract: the reference differs between versions of its engine")
    if case["name"] in OTHER_MEANING:
        pytest.skip(f"another meaning on purpose: {OTHER_MEANING[case['name']]}")
    expected = case["expected"] if isinstance(case["expected"], list) else [case["expected"]]

    table = funnel_table(frame_of(case), **arguments(case))

    for part in expected:
        rows = group_of(table, case, part)
        assert known(rows["users"], part.get("counts")) == asserted(part.get("counts"))
        if case["name"] in OTHER_TIMES:
            continue
        for measure, column in TIMES.items():
            seconds = part.get(f"{measure}_conversion_seconds_from_previous_step")
            assert known(rows[column], seconds) == asserted(seconds)


def group_of(table, case, expected):
    """Return the rows of the group that a part of the expectation is about."""
    names = columns_by(case.get("breakdown") or {"props": []})
    values = [value or MISSING_SEGMENT for value in expected.get("breakdown_value", [])]
    return table[(table[names] == values).all(axis=1)] if names else table


def asserted(expected):
    return [value for value in expected or [] if value is not None]


def known(found, expected):
    """Return what was found for the steps on which something is expected."""
    pairs = zip(found, expected or [None] * len(found), strict=True)
    return [value for value, wanted in pairs if wanted is not None]


@pytest.mark.cases("funnels.json", "trends")
def test_users_per_period(case):
    periods = case["expected"]["periods"]
    options = arguments(case) | {"attribution": "every_step"}

    table = funnel_trend_table(
        frame_of(case), grain=case["interval"], start=periods[0]["period"],
        end=pd.Timestamp(periods[-1]["period"]) + pd.Timedelta(days=1), **options,
    )  # fmt: skip

    first = table[table["step"] == case["from_step"] + 1]["users"].tolist()
    last = table[table["step"] == case["to_step"] + 1]["users"].tolist()
    for index, period in enumerate(periods):
        # PostHog has a rate of 0 where nobody entered, kpikit none
        rate = 100 * last[index] / first[index] if first[index] else 0
        assert rate == period["conversion_rate"]
        if period["reached_from_step_count"] is not None:
            assert first[index] == period["reached_from_step_count"]
            assert last[index] == period["reached_to_step_count"]
    assert len(first) == len(periods)


@pytest.mark.cases("funnels.json", "time_to_convert")
def test_users_per_time_to_convert(case):
    options = arguments(case) | {"from_step": case["from_step"] + 1, "to_step": case["to_step"] + 1}
    bins = case.get("bin_count", 3)

    table = time_to_convert_table(frame_of(case), bins=bins, **options)

    expected = case["expected"]["bins"]
    if case.get("bin_count"):
        # PostHog adds a bin that begins where the last one ends, and is always empty
        assert table["from_seconds"].tolist() == [begin for begin, _ in expected[:-1]]
        assert table["users"].tolist() == [users for _, users in expected[:-1]]
    else:
        # of its own accord PostHog makes bins of a minute beyond a single time; here a second
        assert table["from_seconds"].tolist()[0] == expected[0][0]
        assert table["users"].tolist() == [1, 0, 0]


def test_a_user_stands_in_one_segment_where_posthog_counts_it_in_four(case_named):
    case = case_named("funnels.json", SEVERAL_SEGMENTS)

    # PostHog counts the user once per browser in which it entered. In kpikit segments of an
    # attribution add up to all users, so that they can be compared; ``every_step`` counts each.
    first = funnel_table(frame_of(case), **arguments(case))
    each = funnel_table(frame_of(case), **arguments(case) | {"attribution": "every_step"})

    assert first["users"].tolist() == [1]
    assert each["users"].tolist() == [1, 1, 1, 1]


def test_times_are_those_of_one_entry_where_posthog_averages_over_all(case_named):
    case = case_named("funnels.json", AVERAGED_TIMES)

    # One user does the three steps within four hours from midnight on 2 May (2 h, then 2 h) and
    # again from midnight on 3 May (3 h, then 3 h). PostHog gives it 2.5 h; kpikit reports the entry
    # that completes first. The other user takes an hour for the second step.
    table = funnel_table(frame_of(case), **arguments(case))

    assert table["mean_seconds"].tolist()[1:] == [(2 + 1) * 3600 / 2, 2 * 3600]
