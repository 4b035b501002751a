"""Pages that the command line prints: one page a file, and printing only.

Text of others, such as notes and headings, is printed as it is: never as markup.
"""
