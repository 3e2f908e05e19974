"""What the launchers in PULUMI_HOME run: `python -P start.py PACKAGE VERSION SCHEMAS ENGINE_ADDRESS`.

-P, because this folder holds packages called `random` and `command`, which would hide the standard library's.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

if __name__ == "__main__":
    from lab.providers.framework.serve import main

    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    sys.exit(main(words[0], words[1], Path(words[2]), words[-1]))
