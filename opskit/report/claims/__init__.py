"""What Ops may take credit for, what it missed, and what it needs: each by rule. Pure."""
