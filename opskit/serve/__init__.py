"""The long-running process: it looks, delivers and answers."""
