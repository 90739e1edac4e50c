"""Ibis tables in, tidy frames or frozen results out; no analysis imports another."""
