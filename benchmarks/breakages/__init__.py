"""Silent breakages, made one by one on a healthy stack: does `status` name each, and does what it says mend it?

Here: the table (table.py), one module a kind of host with its rows (database.py, …), and what makes each, looks and
mends (run.py). How a thing is broken is in ../guest/breakages-KIND.sh, which runs on the host. A lab test takes a
sample of the same rows.
"""
