"""Where curves and pictures go beside `metrics.csv`: Weights & Biases, TensorBoard."""
