"""For researchers: gradients checked and compared, weights from and to PyTorch."""
