"""Loggers of curves and pictures beside `metrics.csv`: Weights & Biases, TensorBoard."""
