"""Engagement: who comes, how often, what they use, and whether those users come back."""

from kpikit.present.components import Absence, Cell, Figure, Paragraph, Table
from kpikit.sections.engagement import engagement_section
from tests.sections.conftest import ORDERS

YAML = "source: {tables: {events: {files: events.csv}}}\nmetrics: [mau]\n"
FEATURES = "features: {Share: share, Export: export}\n"


def parts(component):
    items = getattr(component, "items", None)
    return [component] if items is None else [part for item in items for part in parts(item)]


def text_of(cell):
    return cell.text if isinstance(cell, Cell) else cell


def events_of(rows):
    return "user_id,event,event_time\n" + "".join(
        f"{user},{event},{day}T10:00:00\n" for user, event, day in rows
    )


def half_year():
    """Return 80 users: all in June and August; 40 share, of whom 36 come in September, others 8."""
    rows = []
    for user in range(80):
        shares = user < 40
        rows += [(user, "open", "2026-04-01"), (user, "open", "2026-08-02")]
        rows += [(user, "share", "2026-08-02")] if shares else []
        if user < 36 or user >= 72:
            rows.append((user, "open", "2026-09-30"))
    return events_of(rows)


def test_adoption_and_return_of_each_feature_are_told_with_intervals(open_context):
    context = open_context(YAML + FEATURES, {"events.csv": half_year()})

    usage, features, adoption, returns = parts(engagement_section(context))

    assert usage.title.startswith("Monthly active users ")
    assert features.title == "Winners: Share; underperformers: none"
    rows = [{key: text_of(cell) for key, cell in row.items()} for row in features.rows]
    assert (rows[0]["value"], rows[0]["verdict"]) == ("50.0 %", "winner")
    assert rows[0]["difference"].startswith("+70.0 pt (")  # 36 of 40 against 8 of 40
    assert (rows[1]["value"], rows[1]["difference"], rows[1]["verdict"]) == (
        "0.00 %", "–", "unclear",
    )  # fmt: skip
    assert adoption.title == "Share is used by 50.0 % of active users, Export by 0.00 %"
    assert returns.title == "Furthest ahead: users of Share, 90.0 % against 20.0 %"
    assert "Share: 90.0 % against 20.0 %" in returns.alt


def test_what_is_said_of_features_is_an_association(open_context):
    context = open_context(YAML + FEATURES, {"events.csv": half_year()})

    returns = parts(engagement_section(context))[-1]

    assert returns.subtitle.endswith("an association, no effect")


def test_a_period_that_the_data_does_not_cover_is_compared_with_nothing(open_context):
    context = open_context(YAML, {"events.csv": half_year()})

    usage, remark = parts(engagement_section(context))

    # data begin on 1 April: the second quarter is whole, the year before is not there
    assert [column.label for column in usage.columns] == ["KPI", "Actual", "2026Q2", "Δ"]
    assert text_of(usage.rows[0]["previous"]) != "–"
    assert isinstance(remark, Paragraph)
    assert remark.text == (
        "No feature is declared. List some under features:, such as {Sharing: report_shared}."
    )


def test_a_rise_from_nothing_is_a_difference_and_never_a_percentage_of_it(open_context):
    days = ["2026-03-01", "2026-07-01", "2026-07-31", "2026-08-30", "2026-09-29"]
    rows = [(user, "open", day) for user in range(3) for day in days]
    context = open_context(YAML, {"events.csv": events_of([*rows, (0, "open", "2026-09-30")])})

    usage = parts(engagement_section(context))[0]

    # each user counts for 30 days: all of the quarter, none of the quarter before
    mau = next(row for row in usage.rows if row["kpi"] == "Monthly active users")
    assert (mau["actual"], mau["previous"]) == ("3", "0")
    assert text_of(mau["delta_previous"]) == "+3"


def test_return_shows_only_after_two_whole_periods(open_context):
    rows = events_of(
        [(user, "share", "2026-09-01") for user in range(40)] + [(1, "open", "2026-09-30")]
    )
    context = open_context(YAML + FEATURES, {"events.csv": rows})

    found = parts(engagement_section(context))

    assert [type(part) for part in found] == [Table, Figure, Paragraph]
    assert found[-1].text == "Whether users of a feature come back shows after two whole months."


def test_events_without_users_say_that_nobody_is_known(open_context):
    context = open_context(YAML, {"events.csv": events_of([("", "open", "2026-08-01")])})

    (absence,) = engagement_section(context).items

    assert isinstance(absence, Absence)
    assert absence.text == "No user is known to have been active: there is no value in the period."


def test_without_events_one_line_names_the_table(open_context):
    yaml = "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders]"

    (absence,) = engagement_section(open_context(yaml, {"orders.csv": ORDERS})).items

    assert absence.text == "No data; map the table events under source: tables."
