"""What a failover does to the registers, at the desk: SITE PLACE=REGION…, no region but at AWS. Prints the epoch."""

import sys

from operations.google import Identity
from operations.writer_registers import opened


def main(site: str, *words: str) -> None:
    places = {place: region for place, _, region in (one.partition("=") for one in words)}
    print(opened(places, Identity()).make_writer(site, -1))


if __name__ == "__main__":
    main(*sys.argv[1:])
