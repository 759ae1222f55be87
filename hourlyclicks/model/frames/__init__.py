"""Figures as data frames: Arrow, NumPy, pandas and polars, from one description of their columns."""
