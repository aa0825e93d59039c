"""Charts: values put beside each other under a sentence, each with its table. Pure.

Where there is nothing to draw, a paragraph says why.
"""
