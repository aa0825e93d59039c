"""sudoers: parsed, resolved, and answered as sudo itself would. Pure."""
