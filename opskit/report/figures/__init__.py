"""Figures from evidence: each one count, sum, ratio or estimate under a printed formula. Pure."""
