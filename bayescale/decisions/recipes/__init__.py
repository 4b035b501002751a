"""Recipes: which of two training recipes is better, and at what scale."""
