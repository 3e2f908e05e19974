"""What all stand-ins share: the protocol, values, schemas, checks, comparison, and the class that a type subclasses.

Not here: anything that names a resource type of a cloud.
"""
