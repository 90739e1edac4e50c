"""What customers are worth: purchases to come, spend per purchase, and how long contracts last."""

from kpikit.analysis.lifetime.contracts import ShiftedBetaGeometric, fit_sbg
from kpikit.analysis.lifetime.patterns import purchase_patterns, spend_patterns
from kpikit.analysis.lifetime.purchases import BgNbd, ParetoNbd, fit_bgnbd, fit_paretonbd
from kpikit.analysis.lifetime.spend import GammaGamma, fit_gammagamma

__all__ = [
    "BgNbd",
    "GammaGamma",
    "ParetoNbd",
    "ShiftedBetaGeometric",
    "fit_bgnbd",
    "fit_gammagamma",
    "fit_paretonbd",
    "fit_sbg",
    "purchase_patterns",
    "spend_patterns",
]
