"""The page of a drill: one HTML file that opens anywhere, and its picture as PNG.

Here: how a drill is shown. Not here: what it found (operations/drill). matplotlib is imported when a page is written.
"""
