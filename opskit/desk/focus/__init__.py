"""Focus: time that a team keeps free for work that is not urgent."""
