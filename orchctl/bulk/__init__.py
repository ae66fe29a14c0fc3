"""Many rows or objects through one operation, each accounted for: journal, workers, rate, resume."""
