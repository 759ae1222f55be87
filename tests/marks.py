"""Marks of tests that only some runs have."""

import pytest

from tests.sizes import THOROUGH

thorough_only = pytest.mark.skipif(not THOROUGH, reason="a thorough run only")
