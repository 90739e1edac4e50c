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
product: str = "beacon"  # key of <params_dir>/<product>.yml; one with events
period: str = ""  # fiscal quarter such as 2026Q3; empty: the last complete one
params_dir: str = "params"  # folder of the product files, searched from here upwards

# %%
import kpikit as kk

report = kk.open_report(product, period=period, params_dir=params_dir)
report.cover(title="funnel analysis")

# %% [markdown]
# ## Executive summary
# How many convert, where do we lose people, since when, which kind, and does it matter?

# %%
report.funnels.summary()

# %% [markdown]
# ## Step by step
# How many get how far, and was that better before?

# %%
report.funnels.steps()

# %% [markdown]
# ## Trend
# How did the conversion get here, and what is more than routine variation?

# %%
report.funnels.trend()

# %% [markdown]
# ## Where and since when
# Which step became worse on which days, and for whom?

# %%
report.funnels.where_lost()

# %% [markdown]
# ## Time to convert
# How long do those who convert take?

# %%
report.funnels.times()

# %% [markdown]
# ## Paths around the weakest step
# What do users do before it, and instead of it?

# %%
report.funnels.paths()

# %% [markdown]
# ## Retention
# Do users who joined together keep coming back?

# %%
report.funnels.retention()

# %% [markdown]
# ## Appendix A: data quality
# What are these numbers made of, and what is wrong with them?

# %%
report.funnels.data_quality()

# %% [markdown]
# ## Appendix B: method
# How sure are the numbers, and how were they computed?

# %%
report.funnels.method()

# %% [markdown] tags=["remove-cell"]
# ## Explore
# What else would you like to know?

# %% tags=["remove-cell"]
kk.explore(report)
