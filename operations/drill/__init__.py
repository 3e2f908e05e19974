"""Drills: break something on purpose, watch, recover, measure, judge, put everything back.

Here: what a drill expects (expectations.py), its arithmetic (timeline.py), both pure; and what acts. Not here: programs
on the hosts (components/guest/drill), the page a person reads (operations/report).
"""
