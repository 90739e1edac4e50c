"""One module per section of the review: from the context of a report to its components."""
