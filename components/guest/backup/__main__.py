"""`python3 -m backup VERB …`, where only the payload is unpacked."""

import sys

from .command import main

sys.exit(main(sys.argv[1:]))
