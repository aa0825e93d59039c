"""The desk: what comes to Ops has an owner, a clock and a memory."""
