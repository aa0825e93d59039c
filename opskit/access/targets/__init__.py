"""The kinds of targets access can be given on; `kinds` says what each of them does."""
