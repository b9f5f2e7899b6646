"""A year's evidence in one file, for an assessor: the log, what that year's runs left, an index, and a verifier."""
