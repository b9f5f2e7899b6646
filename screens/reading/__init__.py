"""What is read: the history with its trend, a report, an error that ended a run."""
