"""Diagnostics files of chargers (docs/diagnostics.md): read them, and show them to a person."""
