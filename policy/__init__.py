"""The policy pack: known-bad designs are refused before they are made, of programs without our components, too.

Here: one policy a file, found by its `POLICY`; judging.py says how one judges, __main__.py serves them to the engine.
Not here: what a component refuses of its own arguments (components/rules): component_intent.py asks those rules.
"""
