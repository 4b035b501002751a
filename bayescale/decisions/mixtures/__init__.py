"""Mixtures: which shares of training domains are best."""
