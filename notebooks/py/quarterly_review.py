# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py/py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% tags=["parameters"]
product: str = "atlas"  # key of <params_dir>/<product>.yml
period: str = ""  # fiscal quarter such as 2026Q3; empty: the last complete one
params_dir: str = "params"  # folder of the product files, searched from here upwards

# %%
import kpikit as kk

report = kk.open_report(product, period=period, params_dir=params_dir)
report.cover()

# %% [markdown]
# ## Executive summary
# What moved, what was reached, and what is asked of the reader?

# %%
report.summary()

# %% [markdown]
# ## Scorecard
# Where does each KPI stand against its target, last year and last quarter?

# %%
report.scorecard()

# %% [markdown]
# ## Goals
# How far is each goal, and will it be reached by its date?

# %%
report.goals()

# %% [markdown]
# ## Trends
# How did each KPI get here?

# %%
report.trends()

# %% [markdown]
# ## Forecast
# Where will the quarter and the year end?

# %%
report.forecast()

# %% [markdown]
# ## Why it moved
# Which factors and segments made the change?

# %%
report.drivers()

# %% [markdown]
# ## Acquisition and funnel
# Where do users get lost on their way?

# %%
report.funnel()

# %% [markdown]
# ## Engagement and features
# Which features are used, and do their users stay?

# %%
report.engagement()

# %% [markdown]
# ## Retention and churn
# Do users who joined together keep coming back, and why do others leave?

# %%
report.retention()

# %% [markdown]
# ## Revenue
# What does the revenue consist of?

# %%
report.revenue()

# %% [markdown]
# ## Segments and markets
# Which segments bear the KPI, and how was each a year before?

# %%
report.segments()

# %% [markdown]
# ## Customer voice
# Would customers recommend the product?

# %%
report.voice()

# %% [markdown]
# ## Experiments
# What did the tests of the quarter show?

# %%
report.experiments()

# %% [markdown]
# ## Campaigns and ROI
# What did the campaigns bring for their cost?

# %%
report.campaigns()

# %% [markdown]
# ## Benchmarks
# How does the product compare with its peers?

# %%
report.benchmarks()

# %% [markdown]
# ## Delivery and operations
# Was what was planned delivered?

# %%
report.delivery()

# %% [markdown]
# ## Risks and actions
# What was decided, who does it, and what did it bring?

# %%
report.actions()

# %% [markdown]
# ## Outlook
# What should the next quarter aim at?

# %%
report.outlook()

# %% [markdown]
# ## Appendix A: data quality and provenance
# What are these numbers made of, and what is wrong with them?

# %%
report.data_quality()

# %% [markdown]
# ## Appendix B: glossary
# What does each KPI mean?

# %%
report.glossary()

# %% [markdown]
# ## Appendix C: method
# How sure are the numbers, and how were they computed?

# %%
report.method()

# %% [markdown] tags=["remove-cell"]
# ## Explore
# What else would you like to know?

# %% tags=["remove-cell"]
kk.explore(report)
