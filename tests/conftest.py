"""Common to all tests of the host; how tests of the device are written and run: docs/testing.md."""

pytest_plugins = ["pytester"]
