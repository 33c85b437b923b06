"""The experts: what one does (`base`), a file for each kind, and the `default` bank of them."""
