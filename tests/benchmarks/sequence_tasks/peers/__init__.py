"""The peers that run beside the product."""
