"""The only code of ours that touches the network, reads the clock or draws a random number."""
