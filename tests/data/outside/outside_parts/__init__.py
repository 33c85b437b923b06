"""Parts of a network and of a service that another package brings."""
