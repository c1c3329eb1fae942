"""Scenarios: a script of steps and checkpoints, run on a stage, that says by itself whether all went as expected."""
