"""What a change does to every stack, in every mode, before anybody merges it: recorded, by no account (ADR 42).

Here: words.py what is found; trees.py and settings.py base and head; recorded.py and account.py the two grounds that
the engine runs on, and rooms.py the folders it does that in; asked.py, events.py, compare.py and verdict.py read,
compare and judge, and are pure; markdown.py and sarif.py show.
Not here: what a policy is (policy/), what plays the clouds (a folder of provider plugins that whoever calls gives).
"""
