"""`python3 -m writer VERB …` in the payload's folder: the same as apply.py, which knows the payload as a package."""

import pathlib
import runpy

runpy.run_path(str(pathlib.Path(__file__).with_name("apply.py")), run_name="__main__")
