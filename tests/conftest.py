"""Common to all tests of the host; how tests of the device are written and run: docs/testing.md."""

import gc

pytest_plugins = ["pytester"]


def pytest_collection_finish():
    """Device code collects often: what thousands of tests consist of is left out, which takes longer than all that it made."""
    gc.collect()
    gc.freeze()
