"""`twinsite doctor`: what a stack needs of its accounts, asked before the first `up` and whenever wanted. Read-only.

One file per family of questions: a pure verdict over what was answered, and who is asked. Not here: what a stack needs
(stacks/, through `python -m stacks`), the lists of rights (policies/).
"""
