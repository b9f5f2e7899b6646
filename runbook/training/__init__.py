"""The practice estate: its servers, its sample data and the fault deck."""
