"""Experiments as books, papers and other engines analyse them.

A case that gives single values, or counts from which they follow, goes through the public names.
One that gives moments alone goes through the functions beneath them, which take moments.

kpikit has no use for Student's t-test with a common variance, for Barnard's test, for the exact
test of two rates and for the trend of shares. Their cases hold the library calls it would make.
"""

import math

import numpy as np
import pandas as pd
import pytest
import tea_tasting as tt
from scipy import stats
from statsmodels.stats.contingency_tables import Table
from tea_tasting.aggr import Aggregates

import kpikit as kk
from kpikit.analysis.experiments.allocation import sample_ratio_p_value, sample_ratio_statistic
from kpikit.analysis.experiments.bayes import expected_losses, normal_belief, share_belief
from kpikit.analysis.experiments.effects import Effect, Sample, absolute_effect, relative_effect
from kpikit.analysis.experiments.estimate import compare
from kpikit.analysis.experiments.moments import Arm
from kpikit.analysis.experiments.planning import achieved_power
from kpikit.analysis.experiments.sequential import (
    always_valid_interval,
    always_valid_p_value,
    group_sequential_bounds,
)
from kpikit.corrections import benjamini_hochberg, holm
from kpikit.intervals import newcombe_interval, wilson_interval


def close(case):
    """Return a function that compares with the case's tolerance."""
    tolerance = case["tolerance"]

    def compared(value):
        return pytest.approx(value, abs=tolerance.get("abs", 0), rel=tolerance.get("rel"))

    return compared


def check(case, *, unless=(), **found):
    """Assert every expected value but those whose convention is another one."""
    about = close(case)
    for name, value in case["expected"].items():
        if name not in unless:
            assert found[name] == about(value), name


def sample_of(given):
    """Return a sample from sums, or from mean and variance; without squares it is a share."""
    n = given["n"]
    if "mean" in given:
        return Sample(given["mean"], given.get("variance") or given["sd"] ** 2, n)
    mean = given["sum"] / n
    if "sum_squares" not in given:
        return Sample(mean, mean * (1 - mean), n)
    return Sample(mean, (given["sum_squares"] - n * mean**2) / (n - 1), n)


def samples_of(case):
    return [sample_of(case["inputs"][arm]) for arm in ("control", "treatment")]


def units_of(**arms):
    """Return one row per unit from units and successes per arm and metric."""
    parts = []
    for arm, (n, successes) in arms.items():
        shares = {name: np.arange(n) < count for name, count in successes.items()}
        parts.append(pd.DataFrame({"variant": arm, **shares}, index=range(n)))
    return pd.concat(parts, ignore_index=True)


def share_row(case, pooled=None):
    """Return the row of a share in two variants."""
    given = case["inputs"]
    units = units_of(
        control=(given["n_c"], {"y": given["x_c"]}), variant=(given["n_t"], {"y": given["x_t"]})
    )
    result = kk.analyze_experiment(
        units, control="control", metrics={"y": kk.Proportion("y", pooled=pooled)}
    )
    return result.table.iloc[0]


@pytest.mark.cases("experiments.json", "srm")
def test_sample_ratio(case):
    observed, weights = case["inputs"]["observed"], case["inputs"]["weights"]

    check(
        case,
        p_value=sample_ratio_p_value(observed, weights),
        chi2=sample_ratio_statistic(observed, weights),
    )


@pytest.mark.cases("experiments.json", "two_proportions")
def test_two_shares(case):
    if case["reference_function"] == "welch":  # relative, as GrowthBook tests shares
        control, variant = samples_of(case)
        effect = relative_effect(control, variant)
        low, high = effect.interval(0.05)
        check(case, estimate=effect.estimate, se=effect.se, p_value=effect.p_value(),
              ci_lower=low, ci_upper=high)  # fmt: skip
        return
    pooled = False if case["reference_function"] == "prop_z_unpooled" else None

    row = share_row(case, pooled)

    z = math.copysign(stats.norm.isf(row["p_value"] / 2), row["delta_abs"])
    check(case, p_value=row["p_value"], diff=row["delta_abs"], rel=row["delta_rel"], z=z)


@pytest.mark.cases("experiments.json", "two_proportions_ci")
def test_intervals_of_two_shares(case):
    row = share_row(case, pooled=case["inputs"]["se"] == "pooled")

    half = (row["ci_high"] - row["ci_low"]) / 2
    check(case, diff=row["delta_abs"], ci_lower=row["ci_low"], ci_upper=row["ci_high"],
          se=half / stats.norm.ppf(0.975))  # fmt: skip


@pytest.mark.cases("experiments.json", "one_proportion_ci")
def test_the_interval_of_one_share(case):
    n, share = case["inputs"]["n"], case["inputs"]["x"] / case["inputs"]["n"]

    low, high = Effect(share, Sample(share, share * (1 - share), n).se).interval(0.05)

    check(case, ci_lower=low, ci_upper=high)


@pytest.mark.cases("experiments.json", "exact_2x2")
def test_exact_tests(case):
    given = case["inputs"]
    test = {"fisher": stats.fisher_exact, "barnard": stats.barnard_exact,
            "boschloo": stats.boschloo_exact}[given["test"]]  # fmt: skip

    result = test(given["table"], alternative=given.get("alternative", "two-sided"))

    check(case, p_value=result.pvalue, statistic=result.statistic, odds_ratio=result.statistic)


@pytest.mark.cases("experiments.json", "student_t")
def test_students_t(case):
    control, variant = samples_of(case)
    metric = tt.Mean("y", equal_var=True, use_t=True, alternative="two-sided")

    result = metric.analyze_aggregates(
        *(Aggregates(one.n, {"y": one.mean}, {"y": one.variance}) for one in (control, variant))
    )

    check(case, t=result.statistic, p_value=result.pvalue)


@pytest.mark.cases("experiments.json", "welch_relative", "delta_variance")
def test_relative_effects(case):
    effect_of = relative_effect if case["inputs"]["relative"] else absolute_effect
    alternative = case["inputs"].get("alternative", "two-sided")

    effect = effect_of(*samples_of(case))

    # a one-sided bound is the end of the two-sided interval with twice the alpha
    low, high = effect.interval(0.05 if alternative == "two-sided" else 0.1)
    check(case, estimate=effect.estimate, se=effect.se, ci_lower=low, ci_upper=high,
          p_value=effect.p_value(alternative=alternative))  # fmt: skip


@pytest.mark.cases("experiments.json", "welch_dataset", "ratio_dataset", "cuped_dataset")
def test_tea_tastings_users(case):
    kind, columns = case["inputs"]["metric"]
    metric = {"Mean": kk.Mean, "RatioOfMeans": kk.Ratio}[kind](*columns)
    users = tt.make_users_data(rng=42, covariates=case["inputs"].get("covariates", False))

    row = kk.analyze_experiment(users.to_pandas(), control=0, metrics={"y": metric}).table.iloc[0]

    # the relative interval is that of the quotient's log there, and linear in kpikit
    check(
        case,
        unless=("rel_effect_size_ci_lower", "rel_effect_size_ci_upper"),
        control=row["control_adjusted_mean"],
        treatment=row["variant_adjusted_mean"],
        effect_size=row["delta_abs"],
        effect_size_ci_lower=row["ci_low"],
        effect_size_ci_upper=row["ci_high"],
        rel_effect_size=row["delta_rel"],
        pvalue=row["p_value"],
        statistic=row["delta_abs"] / row["se"],
    )


@pytest.mark.cases("experiments.json", "ratio_delta")
def test_ratios_of_moments(case):
    metric = kk.Ratio("numerator", "denominator")

    found = compare(metric, *(ratio_arm(case["inputs"][arm]) for arm in ("control", "treatment")),
                    alpha=0.05)  # fmt: skip

    check(case, estimate=found.relative.estimate, ci_lower=found.rel_ci_low,
          ci_upper=found.rel_ci_high, p_value=found.relative.p_value())  # fmt: skip


def ratio_arm(given):
    n = given["n"]
    mean = {"value": given["num_sum"] / n, "denominator": given["den_sum"] / n}

    def spread(squares, one, other):
        return (given[squares] - n * mean[one] * mean[other]) / (n - 1)

    variance = {
        "value": spread("num_sum_squares", "value", "value"),
        "denominator": spread("den_sum_squares", "denominator", "denominator"),
    }
    both = {("value", "denominator"): spread("num_den_sum_product", "value", "denominator")}
    return Arm(n, Aggregates(n, mean, variance, both))


@pytest.mark.cases("experiments.json", "sequential_cs")
def test_always_valid_readings(case):
    given = case["inputs"]
    effect = relative_effect(*samples_of(case))
    n = given["control"]["n"] + given["treatment"]["n"]
    place = {"planned_n": given["tuning"], "alpha": 0.05}

    low, high = always_valid_interval(
        effect.estimate, effect.se, n, two_sided="alternative" not in given, **place
    )

    check(case, estimate=effect.estimate, se=effect.se, ci_lower=low, ci_upper=high,
          p_value=always_valid_p_value(effect.estimate, effect.se, n, **place))  # fmt: skip


@pytest.mark.cases("experiments.json", "group_sequential")
def test_group_sequential_bounds(case):
    given = case["inputs"]
    looks = given.get("t")
    if looks is None:
        planned = max(given["final_n"], *given["n_per_look"])
        looks = [n / planned for n in given["n_per_look"]]

    bounds = group_sequential_bounds(
        looks, alpha=given["alpha"], sides=given["sides"], spending=given["kind"],
        gamma=given.get("gamma", math.nan),
    )  # fmt: skip

    check(case, z=bounds.z.tolist(), z_last=bounds.z[-1],
          cumulative_alpha=bounds.cumulative_alpha.tolist(),
          adjusted_alpha=bounds.nominal_alpha.tolist())  # fmt: skip


@pytest.mark.cases("experiments.json", "bayes_normal")
def test_normal_beliefs(case):
    belief = normal_belief(relative_effect(*samples_of(case)))

    check(case, expected=belief.mean, sd=belief.sd, ci_lower=belief.ci_low,
          ci_upper=belief.ci_high, chance_to_win=belief.chance_to_win,
          risk_control=belief.loss_of_control, risk_treatment=belief.loss_of_variant)  # fmt: skip


@pytest.mark.cases("experiments.json", "bayes_risk")
def test_expected_losses(case):
    of_control, of_variant = expected_losses(case["inputs"]["mu"], case["inputs"]["sigma"])

    check(case, risk_control=of_control, risk_treatment=of_variant)


@pytest.mark.cases("experiments.json", "beta_binomial")
def test_beliefs_in_shares(case):
    given = case["inputs"]

    belief = share_belief((given["x_c"], given["n_c"]), (given["x_t"], given["n_t"]))

    check(case, prob_treatment_better=belief.chance_to_win, diff=belief.mean,
          loss_choose_treatment=belief.loss_of_variant,
          loss_choose_control=belief.loss_of_control)  # fmt: skip


@pytest.mark.cases("experiments.json", "bh", "holm")
def test_corrections(case):
    adjust = {"fdr_bh": benjamini_hochberg, "holm": holm}[case["inputs"]["method"]]

    check(case, adjusted=adjust(case["inputs"]["p"]).tolist())


@pytest.mark.cases("experiments.json", "power")
def test_planning(case):
    given = case["inputs"]
    n, power = given.get("n"), given.get("power")
    means = {"kind": "mean", "sd": 1.0} if "d" in given else {}
    plan = {"baseline": given.get("p1", 0.0), "alternative": given.get("alternative", "two-sided"),
            **means}  # fmt: skip
    effect = given["d"] if means else given.get("p2", math.nan) - given["p1"]

    if given.get("solve") == "n":
        check(case, n=kk.sample_size(effect=effect, power=power, **plan))
    elif given.get("solve") == "p2":
        found = kk.minimum_detectable_effect(n_control=n, n_variant=n, power=power, **plan)
        check(case, p2=given["p1"] + found)
    else:
        check(case, power=achieved_power(n_control=n, n_variant=n, effect=effect, **plan))


@pytest.mark.cases("kpis.json", "ab_power")
def test_power_of_shares(case):
    given = case["inputs"]

    power = achieved_power(
        n_control=given["n_per_group"], n_variant=given["n_per_group"], baseline=given["p1"],
        effect=given["p2"] - given["p1"], alpha=given["alpha"],
        alternative="two-sided" if given["two_sided"] else "greater",
    )  # fmt: skip

    check(case, power=power)


@pytest.mark.cases("experiments.json", "ni_sample_size")
def test_planning_of_margins(case):
    given = case["inputs"]

    # to show that p1 exceeds p2 by more than delta0: a margin of -delta0 for p1 against p2
    n = kk.sample_size(
        baseline=given["p2"], effect=given["p1"] - given["p2"], margin=-given["delta0"],
        alpha=given["alpha"], power=1 - given["beta"], alternative="greater",
    )  # fmt: skip

    check(case, n_total=2 * n)


@pytest.mark.cases("experiments.json", "decision")
def test_decisions(case):
    arms, metrics = case["inputs"]["arms"], case["inputs"]["metrics"]
    units = units_of(
        **{
            arm: (given["units"], {name: of["successes"] for name, of in given["metrics"].items()})
            for arm, given in arms.items()
        }
    )
    primary = next(name for name, of in metrics.items() if of["role"] == "primary")

    # expgate decides at 0.05 to each side, which is 0.1 to both
    result = kk.analyze_experiment(
        units, control="control", primary=primary, alpha=0.1,
        metrics={name: kk.Proportion(name) for name in metrics},
        directions={name: "up" if of["direction"] == "increase" else "down"
                    for name, of in metrics.items()},
        guardrails={name: of["margin"] for name, of in metrics.items() if "margin" in of},
    )  # fmt: skip

    words = {"SHIP": "ship", "HOLD": "hold", "ROLLBACK": "stop", "INVALID": "invalid"}
    assert result.decision == words[case["expected"]["decision"]]
    bounds = result.table[["ci_low", "ci_high"]].to_numpy()
    guarded = sum("margin" in of for of in metrics.values())
    for found, known in zip(bounds, case["expected"]["improvement_bounds"], strict=True):
        if guarded <= 1:  # expgate widens the guardrails' intervals where there are several
            assert found.tolist() == close(case)(known)


@pytest.mark.cases("kpis.json", "ttest")
def test_welch(case):
    x, y = case["inputs"]["x"], case["inputs"]["y"]
    units = pd.DataFrame({"variant": ["y"] * len(y) + ["x"] * len(x), "value": [*y, *x]})

    row = kk.analyze_experiment(
        units, control="y", metrics={"value": kk.Mean("value")},
        planned_split={"y": len(y) / len(units), "x": len(x) / len(units)},
    ).table.iloc[0]  # fmt: skip

    check(case, t=row["delta_abs"] / row["se"], df=row["df"], p=row["p_value"],
          ci=[row["ci_low"], row["ci_high"]])  # fmt: skip


@pytest.mark.cases("kpis.json", "ztest")
def test_the_z_test_of_shares(case):
    successes, n = case["inputs"]["success"], case["inputs"]["n"]
    units = units_of(second=(n[1], {"y": successes[1]}), first=(n[0], {"y": successes[0]}))

    row = kk.analyze_experiment(
        units, control="second", metrics={"y": kk.Proportion("y")}
    ).table.iloc[0]

    z = math.copysign(stats.norm.isf(row["p_value"] / 2), row["delta_abs"])
    check(case, p=row["p_value"], z=z)


@pytest.mark.cases("kpis.json", "proportion_diff_ci")
def test_newcombes_interval(case):
    given = case["inputs"]
    first, second = (given["x1"], given["n1"]), (given["x2"], given["n2"])

    low, high = newcombe_interval(*first, *second)

    difference = first[0] / first[1] - second[0] / second[1]
    check(case, diff=difference, ci=[float(low), float(high)])


@pytest.mark.cases("kpis.json", "proportion_ci")
def test_intervals_of_a_share(case):
    given = case["inputs"]
    if given["method"] == "wilson":
        low, high = wilson_interval(given["success"], given["n"])
        check(case, ci=[float(low), float(high)])
        return

    exact = stats.binomtest(given["success"], given["n"], given["p0"])

    check(case, p=exact.pvalue, estimate=exact.statistic, ci=list(exact.proportion_ci()))


@pytest.mark.cases("kpis.json", "rate_ratio")
def test_the_ratio_of_two_rates(case):
    count, exposure = case["inputs"]["count"], case["inputs"]["exposure"]

    # given both counts together, the first is binomial
    first = stats.binomtest(count[0], sum(count), exposure[0] / sum(exposure))
    ratios = [
        share / (1 - share) * exposure[1] / exposure[0]
        for share in (first.statistic, *first.proportion_ci())
    ]

    check(case, p=first.pvalue, ratio=ratios[0], ci=ratios[1:])


@pytest.mark.cases("kpis.json", "chi2_trend")
def test_the_trend_of_shares(case):
    given = case["inputs"]
    successes, n = np.array(given["success"]), np.array(given["n"])
    table = Table(np.column_stack([n - successes, successes]), shift_zeros=False)

    trend = table.test_ordinal_association(row_scores=np.array(given["scores"]))

    # statsmodels divides by the units less one where R divides by the units
    chi2 = trend.zscore**2 * n.sum() / (n.sum() - 1)
    check(case, chi2=chi2, p=stats.chi2.sf(chi2, 1))
