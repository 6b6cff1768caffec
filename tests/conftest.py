"""Hypothesis's settings for all tests."""

from hypothesis import settings

# Machines that run tests are busy: how long one example takes says nothing about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
