"""Loads the plugin from beside the ladder; one that is installed is found by its entry point instead."""

from pytest_ladder_acme import pytest_ladder_gate, pytest_ladder_retriever, pytest_ladder_scorer

__all__ = ["pytest_ladder_gate", "pytest_ladder_retriever", "pytest_ladder_scorer"]
