"""The command line; every command has a file of its own, and `app` gathers them."""
