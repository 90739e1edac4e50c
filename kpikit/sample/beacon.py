"""Beacon: a shop for lamps and home goods, in pounds, with a fiscal year that begins in February.

Its story: a new search in October 2025 lifts orders; prices rise in May 2026; in September 2026 the
payment provider fails for four days, and conversion stays low for weeks; a lamp with a faulty
switch is recalled in August 2026, and refunds rise. The best weeks lie before Christmas.
"""

import datetime as dt

import numpy as np
import pandas as pd

from kpikit.sample.draws import (
    MINUTE,
    Lift,
    draw_arrivals,
    draw_channels,
    draw_comments,
    draw_costs,
    draw_scores,
    draw_visits,
    number,
    pick,
    stream,
    themes_of,
)
from kpikit.sample.timeline import Floats, Shift, Timeline

START = dt.date(2024, 2, 1)
USERS = 6_000
FILES = {
    "events": "events.parquet", "order_lines": "order_lines_{year}.csv.gz", "survey": "survey.csv",
    "costs": "costs.xlsx", "campaigns": "campaigns.csv",
}  # fmt: skip
TIMEZONE = "Europe/London"
SEARCH_RELEASE = Shift(dt.date(2025, 10, 6), None, 1.12)
NEW_PRICES = Shift(dt.date(2026, 5, 5), None, 1.07)
OUTAGE = Shift(dt.date(2026, 9, 11), dt.date(2026, 9, 14), 0.08)
AFTERMATH = Shift(dt.date(2026, 9, 15), dt.date(2026, 10, 11), 0.60)
RECALL_START, RECALL_DAYS = dt.date(2026, 8, 10), 28
DOUBLED_DAYS = (dt.date(2026, 2, 3), dt.date(2026, 2, 4))
CAMPAIGNS = (
    Lift("Spring garden", "Social", Shift(dt.date(2025, 4, 7), dt.date(2025, 5, 4), 1.20)),
    Lift("Black Friday", "E-mail", Shift(dt.date(2025, 11, 21), dt.date(2025, 12, 1), 1.70)),
    Lift("Summer terrace", "Social", Shift(dt.date(2026, 6, 1), dt.date(2026, 6, 28), 1.15)),
    Lift("Cosy autumn", "Paid search", Shift(dt.date(2026, 9, 28), dt.date(2026, 10, 25), 1.25)),
)
_LIFTS = [lift.shift for lift in CAMPAIGNS]
_SALE = Shift(dt.date(2025, 11, 21), dt.date(2025, 12, 1), 0.85)

_VISITORS_PER_USER = 5
_WEEK = (1.02, 0.95, 0.95, 0.98, 0.95, 1.02, 1.25)
_YEAR = (0.95, 0.85, 0.90, 0.95, 0.95, 0.88, 0.82, 0.85, 0.95, 1.05, 1.45, 1.50)
_DAY = (3, 2, 1, 1, 1, 2, 6, 14, 22, 28, 32, 34, 40, 36, 30, 30, 32, 36, 42, 50, 56, 48, 26, 10)
_COUNTRIES = {"United Kingdom": 86, "Ireland": 7, "Netherlands": 4, "France": 3}
_CHANNELS = {"Organic": 36, "Paid search": 24, "E-mail": 16, "Social": 14, "Affiliate": 10}
_DEVICES = {"Phone": 58, "Computer": 36, "Tablet": 6}
_PRODUCTS = pd.DataFrame(
    [
        ("LMP-010", "Lighting", 39.00, 10), ("LMP-022", "Lighting", 64.00, 9),
        ("LMP-031", "Lighting", 89.00, 6), ("LMP-047", "Lighting", 149.00, 3),
        ("FRN-004", "Furniture", 119.00, 4), ("FRN-018", "Furniture", 189.00, 2),
        ("TXT-007", "Textiles", 24.50, 11), ("TXT-015", "Textiles", 34.00, 9),
        ("TXT-021", "Textiles", 17.95, 12), ("KTC-003", "Kitchen", 14.95, 13),
        ("KTC-009", "Kitchen", 27.50, 9), ("KTC-016", "Kitchen", 9.95, 12),
        ("GRD-002", "Garden", 19.95, 7), ("GRD-011", "Garden", 44.00, 5),
    ],
    columns=["sku", "category", "price", "weight"],
)  # fmt: skip
_RECALLED = "LMP-022"
_COST_PER_VISIT = {"Paid search": 1.70, "Social": 1.35, "Affiliate": 1.20, "E-mail": 0.20}
_COMMENTS = {
    "promoter": (
        "Beautiful lamps, well packed.", "Delivered a day early.", "Exactly as in the pictures.",
        "Friendly help in the chat.", "My third order, never disappointed.",
    ),
    "passive": (
        "Nice things, delivery is a little slow.", "Good quality, prices have gone up.",
        "Search finds too much.", "Fine, though the parcel was huge.",
    ),
    "detractor": (
        "Arrived scratched.", "Two weeks for a cushion.", "Returns are a hassle.",
        "Too expensive since the spring.", "The colour is not the one shown.",
    ),
    "outage": (
        "Payment failed three times, I gave up.", "I was charged twice in September.",
        "The checkout did not work all weekend.",
    ),
    "recall": ("The lamp's switch broke on day two.", "Waiting for my refund for the lamp."),
}  # fmt: skip


def make_beacon_data(*, users: int, seed: int, as_of: dt.date) -> dict[str, pd.DataFrame]:
    """Return the tables of the shop, as its files hold them.

    Args:
        users: People with an account; visitors without one come on top.
        seed: Same seed, size and day: same rows.
        as_of: Last day of data.

    Returns:
        ``events`` (UTC), ``order_lines`` (London time, as text; indexed by year), ``survey``,
        ``costs`` and ``campaigns``.
    """
    line = Timeline(START, as_of, TIMEZONE)
    people = _people(line, users, seed)
    visits = _visits(line, people, seed)
    orders = visits[visits["step"] == 3].reset_index(drop=True)
    orders["order"] = number("B", len(orders), first=10001)
    lines = _lines(line, orders, seed)
    return {
        "events": _events(line, people, visits, seed),
        "order_lines": _order_lines(line, people, lines, seed),
        "survey": _survey(line, people, lines, seed),
        "costs": _costs(line, visits, seed),
        "campaigns": _campaigns(line),
    }


def _people(line: Timeline, users: int, seed: int) -> pd.DataFrame:
    """One row per visitor: users with an account first, then the many who only look."""
    rng = stream(seed, "beacon.people")
    size = users * (1 + _VISITORS_PER_USER)
    known = np.arange(size) < users
    arrival = draw_arrivals(rng, _visits_per_day(line, *_LIFTS), size, hours=_DAY)
    rng.shuffle(arrival)
    old = known & (rng.random(size) < 0.20)  # customers from before the data begin
    arrival = np.where(old, 0, arrival)
    loyal = rng.random(size) < 0.16
    lifetime = np.where(loyal, rng.exponential(650, size), rng.exponential(120, size))
    return pd.DataFrame({
        "user_id": np.concatenate([number("c", users), number("v", size - users)]),
        "country": pick(rng, _COUNTRIES, size),
        "device": pick(rng, _DEVICES, size),
        "known": known,
        "arrival": arrival,
        "end": arrival + np.where(known, lifetime, 12),
        "rate": np.where(known, rng.gamma(2, 0.021, size), 0.05),
    })  # fmt: skip


def _visits_per_day(line: Timeline, *shifts: Shift) -> Floats:
    """Relative number of visits per day; without ``shifts``, as usual."""
    return line.shape(*shifts, growth=1.06, weekdays=_WEEK, months=_YEAR)


def _visits(line: Timeline, people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per visit: owner (place in people), time, channel, and the step it reached.

    Steps: 0 looked at products, 1 filled a basket, 2 began to pay, 3 bought.
    """
    rng = stream(seed, "beacon.visits")
    again, times = draw_visits(
        rng, start=people["arrival"].to_numpy(), end=people["end"].to_numpy(),
        rate=people["rate"].to_numpy(), hours=_DAY, daily=_visits_per_day(line, *_LIFTS),
    )  # fmt: skip
    fresh = np.flatnonzero(people["arrival"] > 0)
    owner = np.concatenate([fresh, again])
    times = np.concatenate([people["arrival"].to_numpy()[fresh], times])
    known = people["known"].to_numpy()[owner]
    desktop = people["device"].to_numpy()[owner] == "Computer"
    days = times.astype(np.int64)
    keen = line.shape(SEARCH_RELEASE, months=(1, 1, 1, 1, 1, 1, 1, 1, 1, 1.05, 1.25, 1.15))[days]
    basket = np.where(known, 0.40, 0.07) * np.where(desktop, 1.12, 0.93) * keen
    paid = 0.72 * line.shape(OUTAGE, AFTERMATH)[days] * np.where(desktop, 1.05, 0.96)
    luck = rng.random((3, owner.size))
    reached = np.stack([luck[0] < basket, luck[1] < 0.68, luck[2] < paid])
    step = np.cumprod(reached, axis=0).sum(axis=0)
    channel = draw_channels(rng, line, times, usual=_CHANNELS, lifts=CAMPAIGNS)
    visits = pd.DataFrame({"owner": owner, "time": times, "channel": channel, "step": step})
    return visits.sort_values(["time", "owner"], ignore_index=True)


def _events(line: Timeline, people: pd.DataFrame, visits: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Product views, then one event per step that the visit reached."""
    rng = stream(seed, "beacon.events")
    views = visits.loc[visits.index.repeat(1 + rng.poisson(0.9, len(visits)))]
    views = views.assign(event="product_view")
    seconds = views.groupby(level=0).cumcount().to_numpy() * 70 + rng.integers(0, 50, len(views))
    views["time"] += seconds / 86_400
    parts = [views]
    for step, event in enumerate(("add_to_cart", "checkout", "purchase"), start=1):
        some = visits[visits["step"] >= step].assign(event=event)
        parts.append(some.assign(time=some["time"] + (8 + 4 * step) * MINUTE))
    table = pd.concat(parts)
    table = table[table["time"] < line.length]
    table = table.iloc[np.lexsort((table["event"], table["owner"], table["time"]))]
    who = people.iloc[table["owner"]]
    return pd.DataFrame({
        "visitor": who["user_id"].to_numpy(),
        "action": table["event"].to_numpy(),
        "ts": line.utc(table["time"].to_numpy()),
        "country": who["country"].to_numpy(),
        "channel": table["channel"].to_numpy(),
        "device": who["device"].to_numpy(),
    })  # fmt: skip


def _lines(line: Timeline, orders: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per line sold: order, its time and owner, product, quantity and price."""
    rng = stream(seed, "beacon.lines")
    place = np.repeat(np.arange(len(orders)), 1 + rng.poisson(0.9, len(orders)))
    lines = orders.iloc[place].reset_index(drop=True)
    days = lines["time"].to_numpy().astype(np.int64)
    sku = pick(rng, dict(zip(_PRODUCTS["sku"], _PRODUCTS["weight"], strict=True)), len(lines))
    garden = np.char.startswith(sku.astype(str), "GRD")
    summer = line.shape(months=(0, 0, 0.4, 1, 1, 1, 0.9, 0.6, 0.2, 0, 0, 0))[days]
    sku[garden & (rng.random(len(lines)) > summer)] = "LMP-010"  # in winter, lamps sell instead
    item = _PRODUCTS.set_index("sku").reindex(sku).reset_index()
    price = item["price"].to_numpy() * line.shape(NEW_PRICES, _SALE)[days]
    many = np.where(price < 30, 1 + rng.poisson(0.8, len(lines)), 1)
    lines = lines.assign(
        sku=sku, category=item["category"], quantity=many, unit_price=np.round(price, 2)
    )
    # most who take the same article twice raise its quantity; a few put it into the basket again
    again = lines.duplicated(["order", "sku"]) & (rng.random(len(lines)) > 0.05)
    return lines[~again].reset_index(drop=True)


def _order_lines(
    line: Timeline, people: pd.DataFrame, lines: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Lines sold, credit notes (CN), write-offs (WO); one batch was delivered twice."""
    rng = stream(seed, "beacon.order_lines")
    refunds = _refunds(line, lines, seed)
    months = pd.date_range(line.start, line.as_of, freq="QS-FEB")
    write_offs = pd.DataFrame({
        "order": number("WO", len(months), first=101), "owner": -1, "channel": "Finance",
        "time": (months - pd.Timestamp(line.start)).days + 0.7,
        "sku": "BAD-DEBT", "category": "Adjustment", "quantity": -1,
        "unit_price": np.round(rng.gamma(4, 15, len(months)), 2),
    })  # fmt: skip
    table = pd.concat([lines, refunds, write_offs])
    span = [line.day(day) for day in DOUBLED_DAYS]
    doubled = table[(table["time"] >= span[0]) & (table["time"] < span[1] + 1)]
    table = pd.concat([table, doubled])
    table = table.iloc[np.lexsort((table["sku"], table["order"], table["time"]))]
    owner = table["owner"].to_numpy()
    who = people.iloc[owner]
    named = (owner >= 0) & who["known"].to_numpy()
    local = line.local(table["time"].to_numpy())
    return pd.DataFrame({
        "Order no": table["order"].to_numpy(),
        "Item": table["sku"].to_numpy(),
        "Category": table["category"].to_numpy(),
        "Qty": table["quantity"].to_numpy(),
        "Unit price": table["unit_price"].to_numpy(),
        "Ordered at": local.strftime("%d/%m/%Y %H:%M"),
        "Customer": who["user_id"].where(named, "-").to_numpy(),
        "Country": np.where(owner >= 0, who["country"], "United Kingdom"),
        "Channel": table["channel"].to_numpy(),
    }, index=pd.Index(local.year, name="year"))  # fmt: skip


def _refunds(line: Timeline, lines: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One credit note per line that came back; most of the recalled lamps sold in summer do."""
    rng = stream(seed, "beacon.refunds")
    sold = lines["time"].to_numpy()
    share = np.where(lines["category"].isin(["Textiles", "Furniture"]), 0.055, 0.03)
    summer = line.soon(sold, RECALL_START - dt.timedelta(days=100), 100)
    recalled = (lines["sku"] == _RECALLED).to_numpy() & summer
    back = rng.random(len(lines)) < np.where(recalled, 0.85, share)
    called = line.day(RECALL_START) + RECALL_DAYS * rng.beta(1, 2.5, len(lines)) + 0.6
    time = np.where(recalled, called, np.floor(sold) + 4 + rng.integers(0, 20, len(lines)) + 0.45)
    refunds = lines.assign(time=time, quantity=-lines["quantity"])[back & (time < line.length)]
    refunds = refunds.sort_values(["time", "order", "sku"], ignore_index=True)
    return refunds.assign(order=number("CN", len(refunds), first=5001))


def _survey(line: Timeline, people: pd.DataFrame, lines: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Answers to the letter after an order, six days later."""
    rng = stream(seed, "beacon.survey")
    orders = lines.drop_duplicates("order")
    orders = orders[people["known"].to_numpy()[orders["owner"]]]
    orders = orders[(rng.random(len(orders)) < 0.34) & (orders["time"] + 6 < line.length)]
    time = orders["time"].to_numpy() + 6
    failed = line.soon(time, OUTAGE.start, 30)
    recalled = line.soon(time, RECALL_START, 40)
    country = people["country"].to_numpy()[orders["owner"]]
    mood = 44.0 - 45 * failed - 18 * recalled - 12 * (country != "United Kingdom")
    score = draw_scores(rng, mood)
    themes = themes_of(score)
    why = rng.random(score.size)
    themes[(score < 7) & recalled & (why < 0.5)] = "recall"
    themes[(score < 7) & failed & (why < 0.6)] = "outage"
    return pd.DataFrame({
        "customer": people["user_id"].to_numpy()[orders["owner"]],
        "date": line.utc(time),
        "would_recommend": score,
        "country": country,
        "why": draw_comments(rng, themes, _COMMENTS, share=0.45),
    }).sort_values(["date", "customer"], ignore_index=True)  # fmt: skip


def _costs(line: Timeline, visits: pd.DataFrame, seed: int) -> pd.DataFrame:
    usual = _visits_per_day(line)
    arrivals = usual / usual.sum() * len(visits)
    rng = stream(seed, "beacon.costs")
    costs = draw_costs(
        rng, line, arrivals, shares=_CHANNELS, prices=_COST_PER_VISIT, lifts=CAMPAIGNS
    )
    return costs.set_axis(["Day", "Channel", "Campaign", "Spend"], axis=1)


def _campaigns(line: Timeline) -> pd.DataFrame:
    """The campaigns that had begun by the last day."""
    begun = [lift for lift in CAMPAIGNS if lift.shift.start <= line.as_of]
    return pd.DataFrame({
        "campaign": [lift.campaign for lift in begun],
        "channel": [lift.channel for lift in begun],
        "start_date": pd.to_datetime([lift.shift.start for lift in begun]),
        "end_date": pd.to_datetime([lift.shift.end or line.as_of for lift in begun]),
        "goal": "orders",
    })  # fmt: skip
