"""What the experts see: a series' history, scale, season, shifts; `features` made of them."""
