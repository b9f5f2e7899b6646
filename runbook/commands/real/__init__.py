"""Runs on the real environments: how one begins, is walked, gone on with, recorded, and what it leaves behind."""
