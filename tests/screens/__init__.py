"""The Textual front end, driven by Pilot over a scripted session."""
