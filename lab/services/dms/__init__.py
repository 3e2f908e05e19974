"""A replication instance of DMS: one task that really moves rows, by the settings and mappings it was given (ADR 60).

Here: the task (task.py), what it is told (settings.py, mappings.py), both engines' ends. It harms as the service does
by its user guide. Not here: who makes or starts it; batch apply, types of one engine at the other, parallel loads.
"""
