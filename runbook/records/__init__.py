"""What must survive: the journal, the test log, the evidence."""
