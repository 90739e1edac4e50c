"""Rules on the product, its metrics, registers, funnels and experiments."""

# ruff: noqa: E501 - a case and its complaint are read side by side

import pytest

from kpikit.params.rules_product import unsafe_name


def head(key):
    return f"product: {{key: {key}, name: Atlas}}\n"


@pytest.mark.parametrize(
    "key", ["atlas", "Größe", "网店", "नमस्ते", "a-b_c", "_x", "00123", "a" * 80, "console"]
)
def test_a_key_may_have_letters_and_digits_of_any_script(key, load):
    assert load(head=head(key)).key == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("a/b", "holds '/'"),
        (r"a\b", r"holds '\\'"),
        ("a b", "holds ' '"),
        ("..", "holds '.'"),
        (".", "holds '.'"),
        ("'a\\0'", r"holds '\\'"),
        ("a:b", "holds ':'"),
        ("''", "is empty"),
        ("a" * 81, "has 81 characters, and may have 80"),
        ("'-rf'", "begins with '-', as options of a command do"),
        ("CON", "is 'CON', which Windows keeps for a device"),
        ("lpt1", "is 'lpt1', which Windows keeps for a device"),
    ],
)
def test_a_key_that_cannot_name_a_folder_everywhere_is_refused(key, reason, message):
    text = message("", head=head(key))

    assert f"atlas.yml:1: product.key: {reason}, and names a folder or file.\n" in text
    assert "  Use letters, digits, '-' and '_', at most 80 of them." in text


def test_other_rooms_can_ask_whether_a_name_is_safe():
    assert unsafe_name("onboarding") == ""
    assert unsafe_name("a/b") == "holds '/'"


@pytest.mark.parametrize(
    ("code", "todo"),
    [
        ("gbp", "Did you mean 'GBP'? Give a code of ISO 4217 such as EUR."),
        ("GPB", "Did you mean 'GBP'? Give a code of ISO 4217 such as EUR."),
        ("£", "Give a code of ISO 4217 such as EUR."),
    ],
)
def test_a_currency_is_a_code_of_the_standard(code, todo, message):
    text = message("", head=f"product: {{key: atlas, name: Atlas, currency: {code}}}\n")

    assert f"atlas.yml:1: product.currency: unknown currency '{code}'.\n  {todo}" in text


METRIC = "label: L, question: Q, table: events, numerator: {count: true}"
EVENTS = "source: {tables: {events: {files: e.csv}}}\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("metrics: [orders, mau, orders]", "metrics.2: metric 'orders' stands here again.\n  Keep"),
        ("segments: [plan, plan]", "segments.1: segment 'plan' stands here again."),
        ("owners: {mua: Ada}", "owners.mua: unknown metric 'mua'.\n  Did you mean 'mau'?"),
        ("annotations: [{date: 2026-01-01, label: x, metrics: [orders, mua]}]",
         "annotations.0.metrics.1: unknown metric 'mua'."),
        ("actions: [{key: a, action: b, due: 2026-01-01, metric: mua}]",
         "actions.0.metric: unknown metric 'mua'."),
        ("benchmarks: [{metric: mua, value: 1, source: s, date: 2026-01-01}]",
         "benchmarks.0.metric: unknown metric 'mua'."),
        ("goals: [{key: a, objective: b, key_results: [{metric: mua, target: 1, due: 2026-01-01}]}]",
         "goals.0.key_results.0.metric: unknown metric 'mua'."),
        ("campaigns: [{campaign: a, start: 2026-01-01, end: 2026-01-02, metric: mua}]",
         "campaigns.0.metric: unknown metric 'mua'."),
        ("targets: [{metric: mau, period: Q3, value: 1}]", "targets.0.period: 'Q3' is no period: it"),
        ("targets: [{metric: mau, period: 2026Q3, value: 1}, {metric: mau, period: 2026-Q3, value: 2}]",
         "targets.1: a second target for mau in 2026-Q3.\n  Keep one of them."),
        ("goals: [{key: a, objective: b, key_results: [{metric: mau, target: 5, due: 1 May}]}]",
         "goals.0.key_results.0.due: '1 May' is no day."),
        ("goals: [{key: a, objective: b, key_results: [{metric: mau, target: 5}]}]",
         "goals.0.key_results.0.due: is missing.\n  Give due: By when. For example: 2026-09-30."),
        ("goals: [{key: a, objective: b, key_results: [{metric: mau, target: 5, baseline: 5, due: 2026-01-01}]}]",
         "key_results.0.baseline: baseline and target are both 5.\n  A key result needs a way to go"),
        ("goals: [{key: a, objective: b}, {key: a, objective: c}]", "goals.1.key: key 'a' stands her"),
        ("actions: [{key: a, action: b, due: 2026-01-01}, {key: a, action: c, due: 2026-01-01}]",
         "actions.1.key: key 'a' stands here again."),
        ("milestones: [{key: a, milestone: b, planned: 2026-01-01}, {key: a, milestone: c, planned: 2026-01-01}]",
         "milestones.1.key: key 'a' stands here again."),
        ("annotations: [{date: 2026-01-02, end: 2026-01-01, label: x}]",
         "annotations.0.end: 2026-01-01 is before 2026-01-02.\n  Correct one of the two days."),
        ("campaigns: [{campaign: a, start: 2026-01-02, end: 2026-01-01}]",
         "campaigns.0.end: it ends on 2026-01-01, before it starts on 2026-01-02.\n  Correct one"),
        ("benchmarks: [{metric: mau, value: 1, date: 2026-01-01}]",
         "benchmarks.0.source: is missing.\n  Give source: Who published it, and where."),
        ("benchmarks: [{metric: mau, value: 1, low: 3, high: 2, source: s, date: 2026-01-01}]",
         "benchmarks.0.high: high 2 is below low 3.\n  Swap the two."),
        ("funnels: {a: {steps: [x]}}", "funnels.a.steps: must have at least 2 entries, and is ['x']."),
        ("funnels: {a: {steps: [x, y, x]}}", "funnels.a.steps.2: step 'x' stands here again."),
        ("funnels: {a: {steps: [x, {name: x, event: y}]}}", "funnels.a.steps.1: step 'x' stands here"),
        ("funnels: {a: {steps: [x, {name: y, event: []}]}}",
         "funnels.a.steps.1.event: names no event.\n  Give an event, or a list of them."),
        ("funnels: {a: {steps: [x, y], exclusions: [{event: z, after: 2, before: 2}]}}",
         "funnels.a.exclusions.0: lies after step 2 and before step 2.\n  Give two of the steps 1 to 2"),
        ("funnels: {a: {steps: [x, y], exclusions: [{event: z, before: 3}]}}",
         "funnels.a.exclusions.0: lies after step 1 and before step 3."),
        ("funnels: {a: {steps: [x, y], exclusions: [{event: []}]}}",
         "funnels.a.exclusions.0.event: names no event."),
        ("funnels: {a: {steps: [{name: x, event: x, optional: true}, y]}}",
         "funnels.a.steps.0: step 'x' is optional and the first.\n  Begin with a step"),
        ("funnels: {a: {steps: [x, {name: y, event: y, optional: true}], order: strict}}",
         "funnels.a.steps.1: step 'y' is optional in a funnel that is strict.\n  Only an ordered"),
        ("funnels: {a: {steps: [x, y], window: two weeks}}",
         "funnels.a.window: 'two weeks' is no length of time.\n  Write a number and w, d, h, m or s"),
        ("funnels: {a: {steps: [x, y], order: any}}", "funnels.a.order: unknown value 'any'."),
        ("funnels: {a: {steps: [x]}, b: {steps: [x, y], window: 1y}}",
         "funnels.b.window: '1y' is no length of time."),
        ("activation: {events: []}", "activation.events: must have at least 1 entries, and is []."),
        ("conversion: {from: '', to: x}", "conversion.from: must not be empty, and is ''."),
        ("product2: {}", "product2: unknown key 'product2'.\n  Did you mean 'product'?"),
        (f"define: [{{name: own, {METRIC}}}]",
         "define.0.table: table 'events' is not in source.tables.\n  Defined: none."),
        (f"define: [{{name: own, {METRIC}}}, {{name: own, {METRIC}}}]\n{EVENTS}",
         "define.1.name: metric 'own' stands here again."),
        (f"define: [{{name: mau, {METRIC}}}]\n{EVENTS}",
         "define.0.name: metric 'mau' exists already.\n  Give it a name of its own"),
        (f"define: [{{name: own, {METRIC}, denominator: {{}}}}]\n{EVENTS}",
         "define.0.denominator: needs exactly one aggregate.\n  Give one of: sum, mean, count, co"),
        (f"define: [{{name: own, {METRIC}, denominator: {{sum: a, mean: b}}}}]\n{EVENTS}",
         "define.0.denominator: needs exactly one aggregate."),
    ],
)  # fmt: skip
def test_what_cannot_be_right_says_why(text, complaint, message):
    assert complaint in message(text)


def test_a_product_uses_its_own_metrics_like_any_other(load):
    params = load(
        f"""
        define: [{{name: own, {METRIC}}}]
        metrics: [own, orders]
        owners: {{own: Ada}}
        targets: [{{metric: own, period: 2026, value: 5}}]
        {EVENTS}
        """
    ).params

    assert params.metrics == ["own", "orders"]


def test_own_metrics_over_orders_may_rest_on_order_lines(load):
    metric = METRIC.replace("events", "orders")

    params = load(
        f"define: [{{name: own, {metric}}}]\nsource: {{tables: {{order_lines: {{files: l.csv}}}}}}"
    ).params

    assert params.define[0].table == "orders"


def test_one_metric_may_have_targets_in_several_periods(load):
    text = (
        "targets: [{metric: mau, period: 2026Q3, value: 1}, {metric: mau, period: 2026-09, value: 1},"
        " {metric: orders, period: 2026Q3, value: 1}]"
    )

    assert len(load(text).params.targets) == 3


def test_days_that_are_alike_are_in_order(load):
    params = load(
        """
        annotations: [{date: 2026-01-01, end: 2026-01-01, label: x}]
        campaigns: [{campaign: a, start: 2026-01-01, end: 2026-01-01}]
        benchmarks: [{metric: mau, value: 1, low: 2, high: 2, source: s, date: 2026-01-01}]
        """
    ).params

    assert params.campaigns[0].start == params.campaigns[0].end


# -- experiments ----------------------------------------------------------------------------------


def experiment(**changes):
    values = {
        "variants": "{control: 0.5, treatment: 0.5}", "control": "control",
        "start": "2026-05-01", "end": "2026-05-28", "primary": "conversion",
    } | changes  # fmt: skip
    key = values.pop("key", "onboarding")
    inside = ", ".join(f"{name}: {value}" for name, value in values.items())
    return f"experiments: {{{key}: {{{inside}}}}}"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"variants": "{control: 0.5, treatment: 0.4}"},
         "variants: the planned shares sum to 0.9, not to 1.\n  Write what was planned"),
        ({"variants": "{control: 1, treatment: 1}"}, "variants: the planned shares sum to 2, not"),
        ({"variants": "{control: 1, treatment: 0}"},
         "variants.treatment: the planned share is 0.\n  Give a share above 0, or delete"),
        ({"variants": "{control: half, treatment: 0.5}"}, "variants.control: 'half' is no number."),
        ({"control": "treatmnt"},
         "control: 'treatmnt' is none of the variants.\n  Did you mean 'treatment'?"),
        ({"end": "2026-04-30"}, "end: it ends on 2026-04-30, before it starts on 2026-05-01."),
        ({"secondary": "[arpu, conversion]"}, "secondary.1: metric 'conversion' stands here again."),
        ({"guardrails": "[{metric: r, margin: 0.1}, {metric: r, margin: 0.2}]"},
         "guardrails.1: guardrail 'r' stands here again."),
        ({"guardrails": "[{metric: r, margin: -0.1}]"},
         "guardrails.0.margin: must be at least 0, and is -0.1."),
        ({"alpha": "0"}, "alpha: must be above 0, and is 0.0."),
        ({"alpha": "1"}, "alpha: must be below 1, and is 1.0."),
        ({"power": "1"}, "power: must be below 1, and is 1.0."),
        ({"looks": "0"}, "looks: must be at least 1, and is 0."),
        ({"looks": "29"}, "looks: 29 looks are planned in 28 day(s).\n  Plan at most one look a"),
        ({"conversion_window": "1 fortnight"}, "conversion_window: '1 fortnight' is no length of"),
        ({"key": "a/b"}, "experiments.a/b: holds '/', and names a folder or file."),
    ],
)  # fmt: skip
def test_an_experiment_that_cannot_be_right_says_why(changes, complaint, message):
    assert complaint in message(experiment(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"variants": "{a: 0.333333, b: 0.333333, control: 0.333334}"},
        {"secondary": "[arpu]", "segments": "[plan]", "alpha": 0.01, "power": 0.9, "looks": 28},
        {"guardrails": "[{metric: refund_rate, margin: 0}]", "conversion_window": "14d"},
        {"start": "2026-05-01", "end": "2026-05-01"},
    ],
)
def test_an_experiment_that_can_be_right_passes_whatever_its_metrics_are_called(changes, load):
    assert load(experiment(**changes)).params.experiments["onboarding"].control == "control"


def test_an_end_before_the_start_is_told_of_once(message):
    text = message(experiment(end="2026-04-30", looks="5"))

    assert text.startswith("atlas.yml has 1 mistake.")
