"""Beliefs: priors, losses, regions."""

import math

import pytest

from kpikit.analysis.experiments.bayes import expected_losses, normal_belief, share_belief
from kpikit.analysis.experiments.effects import Effect
from kpikit.errors import AnalysisError


def test_a_flat_prior_leaves_the_estimate_as_it_is():
    belief = normal_belief(Effect(0.3, 0.1))

    assert (belief.mean, belief.sd) == (pytest.approx(0.3), pytest.approx(0.1))
    assert belief.ci_low == pytest.approx(0.3 - 1.959964 * 0.1, abs=1e-6)
    assert belief.chance_to_win == pytest.approx(0.99865, abs=1e-5)
    assert math.isnan(belief.chance_of_equivalence)


def test_a_prior_as_sure_as_the_data_meets_it_half_way():
    belief = normal_belief(Effect(0.3, 0.1), prior_mean=0.1, prior_sd=0.1)

    assert belief.mean == pytest.approx(0.2)
    assert belief.sd == pytest.approx(0.1 / math.sqrt(2))


def test_the_region_of_equivalence_holds_what_lies_within():
    # 0.3 +- 0.1 lies above 0.2 with probability 0.84134, and above -0.2 surely
    belief = normal_belief(Effect(0.3, 0.1), region=0.2)

    assert belief.chance_of_equivalence == pytest.approx(1 - 0.84134, abs=1e-5)


def test_losses_differ_by_the_expected_effect():
    of_control, of_variant = expected_losses(0.3, 0.1)

    assert of_control - of_variant == pytest.approx(0.3)


def test_a_prior_needs_a_spread():
    with pytest.raises(AnalysisError, match="prior_sd is 0"):
        normal_belief(Effect(0.3, 0.1), prior_sd=0)


def test_equal_shares_are_even():
    belief = share_belief((50, 100), (50, 100), region=1.0)

    assert belief.chance_to_win == pytest.approx(0.5)
    assert belief.loss_of_control == pytest.approx(belief.loss_of_variant)
    assert belief.chance_of_equivalence == pytest.approx(1.0)


def test_large_counts_agree_with_the_normal_belief():
    shares = share_belief((5000, 100_000), (5200, 100_000))
    se = math.sqrt(0.05 * 0.95 / 1e5 + 0.052 * 0.948 / 1e5)

    normal = normal_belief(Effect(0.002, se))

    assert shares.chance_to_win == pytest.approx(normal.chance_to_win, abs=1e-3)
    assert shares.loss_of_variant == pytest.approx(normal.loss_of_variant, rel=0.01)
