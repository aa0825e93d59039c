"""What people are told of access: what happened, who must act, what to type next. Pure."""
