"""twinsite: settings → topology → exports (stacks/program.py, which projects of users call in the same way)."""

from stacks.program import main

main()
