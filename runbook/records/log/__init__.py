"""The two logs: their columns and rows, how a file of them is judged, how one row is added, who may write which."""
