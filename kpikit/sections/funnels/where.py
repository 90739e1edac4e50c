"""Where each funnel loses people, since when, and of which kind."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from kpikit.formats import format_count, format_delta, format_share, format_span
from kpikit.present.charts import figure, plot_trend
from kpikit.present.components import Cell, Column, Component, Figure, Paragraph, Table, Tone
from kpikit.present.frames import Row, day_of, in_words, records
from kpikit.present.sentences_funnel import (
    incident_claim,
    incident_rest,
    incident_title,
    is_signal,
    quoted,
)
from kpikit.present.titles import alt_text, series_numbers
from kpikit.sections.funnels.reading import SEGMENT_N, Incident, Reading

_MOST_CHARTS = 2
_FAR_BEHIND = 0.25  # a rate so far behind the best has the darkest cell
_DARKEST = 0.4  # on which ink, green and red still read well


@dataclass(frozen=True)
class Stretch:
    """A stretch of days to mark in a chart; ``end`` is its last day."""

    date: dt.date
    end: dt.date | None
    label: str


def where_of(reading: Reading) -> Iterator[Component]:
    """Yield the weeks of the steps at which something happened, and the steps by segment."""
    incidents = reading.incidents
    shown = list(dict.fromkeys(incident.step for incident in incidents))[:_MOST_CHARTS]
    for step in shown:
        yield _weeks(reading, step, [each for each in incidents if each.step == step])
    if not incidents:
        yield Paragraph(
            f"Funnel “{reading.label}”: on no stretch of days was the rate of a step lower by more "
            "than chance makes it (1 % for each step)."
        )
    for incident in incidents:
        name = reading.name_of(incident.step)
        yield Paragraph(f"{incident_claim(name, incident.found)} {incident_rest(incident.found)}")
    for dimension in reading.dimensions:
        yield segment_card(reading, dimension)


def _weeks(reading: Reading, step: int, incidents: list[Incident]) -> Figure:
    rows = reading.step_weeks(step)
    name, before = reading.name_of(step), reading.name_of(reading.step_before(step))
    marks = [_stretch(incident) for incident in incidents]
    found = f"; shaded: {'stretches' if len(marks) > 1 else 'stretch'} found" if marks else ""
    return figure(
        plot_trend(rows, None, unit="share", annotations=marks, size="full"),
        title=incident_title(name, incidents[0].found if incidents else None),
        subtitle=f"Share of users at {quoted(before)} who did {quoted(name)} within "
        f"{reading.funnel.window}, by week of {quoted(before)}{found}",
        alt=alt_text(
            "Line by week", f"rate of the step to {quoted(name)}",
            f"Share of users at {quoted(before)} who went on",
            [*series_numbers(rows, unit="share"), *(mark.label for mark in marks)],
        ),
    )  # fmt: skip


def _stretch(incident: Incident) -> Stretch:
    start, end = day_of(incident.found["start"]), day_of(incident.found["end"])
    rate = format_share(incident.found["rate"], digits=0)
    text = f"{rate}: {format_span(start, end + dt.timedelta(days=1))}"
    return Stretch(start, end, text)


def segment_card(reading: Reading, dimension: str) -> Table:
    """Return the step rates by segment as a table of shaded cells."""
    table = reading.segments(dimension)
    steps = table.drop_duplicates("step")[["step", "name"]]
    columns = [
        Column("segment", in_words(dimension).capitalize(), width=1.6),
        Column("users", "Users", "number"),
        *(Column(f"step_{row['step']}", in_words(row["name"]), "number", width=2.0)
          for row in records(steps)),
    ]  # fmt: skip
    enough = table[table["previous_users"] >= SEGMENT_N]
    best = {row["step"]: row["step_rate"] for row in records(enough.sort_values("step_rate"))}
    rows = [
        _segment_row(str(segment), part, best)
        for segment, part in table.groupby("segment", sort=False)
    ]
    note = (
        "In colour: the difference to all others together, where it is more than chance; "
        f"dots: fewer than {SEGMENT_N} users."
    )
    return Table(
        tuple(columns), tuple(rows),
        title=_segment_title(table, dimension),
        subtitle=f"Share of users at the step before, by {in_words(dimension)} "
        f"({_touch(reading)}), {reading.context.period.label}; darker: further behind the best",
        notes=(note,),
    )  # fmt: skip


def _touch(reading: Reading) -> str:
    if reading.funnel.attribution == "last_touch":
        return "each user's last one in the funnel"
    return "each user's first one"


def _segment_row(
    segment: str, part: pd.DataFrame, best: Mapping[int, float]
) -> dict[str, str | Cell]:
    rows = records(part)
    cells: dict[str, str | Cell] = {
        "segment": in_words(segment),
        "users": format_count(rows[0]["previous_users"]),
    }
    for row in rows:
        cells[f"step_{row['step']}"] = _rate_cell(row, best.get(row["step"], 0.0))
    return cells


def _rate_cell(row: Row, best: float) -> Cell:
    """Return a rate, shaded by how far it is behind; in colour and bare where that is sure."""
    if row["previous_users"] < SEGMENT_N:
        return Cell("·", note=f"n = {format_count(row['previous_users'])}")
    text = format_share(row["step_rate"])
    if is_signal(row):
        tone: Tone = "good" if row["difference"] > 0 else "bad"
        return Cell(f"{text} ({format_delta(row['difference'], 'share')})", tone=tone)
    return Cell(text, shade=_DARKEST * min(1.0, (best - row["step_rate"]) / _FAR_BEHIND))


def _segment_title(table: pd.DataFrame, dimension: str) -> str:
    found = [row for row in records(table) if is_signal(row) and row["previous_users"] >= SEGMENT_N]
    name = in_words(dimension)
    if not found:
        return f"No difference by {name} is more than chance"
    worst = min(found, key=lambda row: row["difference"])
    if worst["difference"] >= 0:
        return f"No {name} lags behind the others"
    return (
        f"{quoted(worst['segment'])} lags behind at the step to "
        f"{quoted(worst['name'])}: {format_share(worst['step_rate'])}, "
        f"{format_share(worst['rest_rate'])} of all others"
    )
