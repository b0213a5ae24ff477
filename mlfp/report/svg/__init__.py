"""Charts as inline SVG: a few hundred lines that need no script, print well, and take their colours from the page."""
