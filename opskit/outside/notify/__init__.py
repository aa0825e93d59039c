"""Ways to tell somebody. One module per channel, each a `records.outbox.Sender`."""
