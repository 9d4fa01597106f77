"""Finished records to text: computes no metric."""
