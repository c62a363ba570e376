"""Tests that run inside MicroPython, shown as pytest items. The form of the files: docs/testing.md.

plugin.py   pytest's side: collects, compiles, runs one interpreter per file, reports
outline.py  what a test file holds, read with ast: tests, tables, requirement ids, directives
asserts.py  rewrites `assert a == b` so that a failure shows both values
runner.py   MicroPython's side: calls the tests, one JSON record each
canary.py   a test that must fail: proves that asserts are alive
"""
