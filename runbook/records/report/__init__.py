"""The after-action report, folded from run.json and nothing else."""
