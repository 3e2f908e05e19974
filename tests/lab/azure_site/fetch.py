"""A blob into a file, with the operator's own identity: what `az storage blob download` does. Arguments: URL, file."""

import pathlib
import sys

from operations import azure

found = azure.Blobs(azure.Identity()).get(azure.place(sys.argv[1]))
assert found is not None, f"there is no {sys.argv[1]}"
pathlib.Path(sys.argv[2]).write_bytes(found[0])
