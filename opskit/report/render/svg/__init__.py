"""Charts as drawings of our own: from a plot's values to marks, and from marks to SVG. Pure.

`plots.svg` is for forms that need a picture of its own; pages draw the same marks in their style.
"""
