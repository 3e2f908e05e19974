"""What ./scripts/setup does, one step a module. Standard library only: it runs before anything is installed.

Not here: what a step brings (the language host, the Go module, the lab's image recipe) and anything about clouds.
"""
