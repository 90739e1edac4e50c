"""Built-in metrics of surveys, computed by ``kpikit.analysis.survey``."""

from kpikit.catalogue.metric import LATE, Metric

MIN_ANSWERS = 30  # below it a score says more about who answered than about the product

VOICE: tuple[Metric, ...] = (
    Metric(
        name="nps",
        label="NPS",
        unit="points",
        table="survey",
        question="Would customers recommend us?",
        formula="Share of answers of 9 or 10 less share of 0 to 6, times 100.",
        n_of="answers",
        least_n=MIN_ANSWERS,
        leading=True,
        perspective="customer",
        source="Reichheld (2003)",
        any_length=True,
    ),
    Metric(
        name="csat",
        label="CSAT",
        unit="share",
        table="survey",
        question="How many customers are satisfied?",
        formula="Share of answers of 8 to 10 on the scale of 0 to 10.",
        n_of="answers",
        least_n=MIN_ANSWERS,
        perspective="customer",
        stages=LATE,
        source="kpikit",
        any_length=True,
    ),
)
