"""The fleet slice: what drifted, on which host, and how far the answer can be trusted."""
