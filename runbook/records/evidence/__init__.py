"""What a run leaves behind: run.json, folded from its journal, and the seal over its folder."""
