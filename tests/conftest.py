"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A shared or busy machine is no reason to fail: no test here asserts a time.
settings.register_profile("headwater", deadline=None)
settings.load_profile("headwater")
