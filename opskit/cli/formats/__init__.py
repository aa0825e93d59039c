"""Result to text, for machines: one pure module per format."""
