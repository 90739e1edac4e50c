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
product: str = "atlas"  # key of <params_dir>/<product>.yml; one with experiments
period: str = ""  # fiscal quarter in which the test ends; empty: that very quarter
experiment: str = "onboarding"  # key of the test under experiments in the product's file
params_dir: str = "params"  # folder of the product files, searched from here upwards

# %%
import kpikit as kk

report = kk.open_experiment(product, experiment, period=period, params_dir=params_dir)
report.cover()

# %% [markdown]
# ## Decision
# What do we do, why, and what would change our mind?

# %%
report.decision()

# %% [markdown]
# ## Trust
# Can the data be trusted?

# %%
report.trust()

# %% [markdown]
# ## Effect
# What changed, on which metric, by how much?

# %%
report.effect()

# %% [markdown]
# ## Readings
# How sure are we, by each way of reading the primary effect?

# %%
report.readings()

# %% [markdown]
# ## Over time
# How did the effect get here, and does it last?

# %%
report.time()

# %% [markdown]
# ## Segments
# Does the effect differ between users?

# %%
report.segments()

# %% [markdown]
# ## Impact
# What is it worth?

# %%
report.impact()

# %% [markdown]
# ## Planning
# Were the users enough, and what would it take?

# %%
report.planning()

# %% [markdown]
# ## Decision log
# What did earlier tests of the product come to?

# %%
report.log()

# %% [markdown]
# ## Appendix A: data quality and provenance
# What are these numbers made of, and what is wrong with them?

# %%
report.data_quality()

# %% [markdown]
# ## Appendix B: method
# How were the numbers computed?

# %%
report.method()

# %% [markdown] tags=["remove-cell"]
# ## Explore
# What else would you like to know?

# %% tags=["remove-cell"]
kk.explore(report)
