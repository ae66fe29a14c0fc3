"""Benchmarks: each prints floor, figure, ratio and goal, and fails only beyond twice the goal."""
