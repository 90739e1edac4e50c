"""Time series of one metric: how they are read, their season, their smoothing, their forecast.

Shared by signals, forecasts and every analysis that needs to know what would have come. Numbers
only: nothing here knows a metric, a table or an engine.
"""
