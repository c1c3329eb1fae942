"""Reconciliation runs: compare, predict, propose master keys, write reports, score the prediction."""
