"""Plans, runs, seals and writes reports."""
