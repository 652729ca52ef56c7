"""Runs the tests where a plain Python program is expected, as under Bazel."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
