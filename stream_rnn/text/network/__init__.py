"""The networks of a text predictor: one written for it (`coupled_lstm`), and `any_cell`."""
