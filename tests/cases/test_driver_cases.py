"""Published decompositions: Das Gupta's standardisation by DasGuptR, Ang's LMDI by LMDIR."""

import math

import numpy as np
import pytest

import kpikit as kk

FORMULAS = {
    "product": lambda **factors: math.prod(factors.values()),
    "sum(size/sum(size)*rate)": lambda size, rate: (size * rate).sum() / size.sum(),
    "sum(A*B*C)/(sum(A*B*C)+sum(A*(1-B)*D))": lambda A, B, C, D: (  # noqa: N803 - as published
        (A * B * C).sum() / ((A * B * C).sum() + (A * (1 - B) * D).sum())
    ),
}


@pytest.mark.cases("kpis.json", "decomposition_shapley")
def test_effects_as_das_gupta_gives_them(case):
    inputs, expected = case["inputs"], case["expected"]

    table = kk.contribution_table(
        inputs["base"], inputs["current"], formula=FORMULAS[inputs["rate"]]
    )

    effects = dict(zip(table["factor"], table["effect"], strict=True))
    near = case["tolerance"]
    assert effects == pytest.approx(expected["effects"], rel=near["rel"], abs=near.get("abs"))
    assert math.fsum(effects.values()) == pytest.approx(expected["total"], rel=2e-6)


@pytest.mark.cases("kpis.json", "decomposition_lmdi")
def test_divisia_indices_as_ang_gives_them(case):
    sides = [
        {f"x{index}": column for index, column in enumerate(np.array(case["inputs"][name]).T)}
        for name in ("x0", "x1")
    ]
    expected = case["expected"]

    table = kk.lmdi_table(*sides)

    near = {"rel": case["tolerance"]["rel"]}
    assert table["effect"].tolist() == pytest.approx(expected["additive"], **near)
    assert table["ratio"].tolist() == pytest.approx(expected["multiplicative"], **near)
    assert table["effect"].sum() == pytest.approx(expected["total_additive"], rel=1e-12)
    assert table["ratio"].prod() == pytest.approx(expected["total_ratio"], rel=1e-8)
