"""The servers of the practice estate, one file each; real ones where they exist."""
