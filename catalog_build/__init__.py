"""Builds the packaged catalog from pinned sources. Never part of the wheel."""
