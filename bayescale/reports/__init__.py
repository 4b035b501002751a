"""Pages for people: one self-contained HTML file about a plan."""
