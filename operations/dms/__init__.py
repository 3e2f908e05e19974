"""`twinsite dms`: a task of AWS's DMS is started, stopped, changed, loaded again, after what that harms was asked.

Here: what is asked of both databases (questions.py, answers.py), the decision (plan.py, pure), the steps (actions.py)
and the command. Not here: judgements of rows (components/rules/dms_source.py), how a task is (subjects/dms_task.py).
"""
