"""Moves of users and their data from one site to the other, and their drills. A stack has those for which its inventory
holds the parts (kinds.py): `from_backup` needs names, a latch, backups and a standby machine; another kind is a package
beside it, or a module in a folder `operations/moves` elsewhere on Python's path.

Here: what every move is made of (words.py, world.py), the command around it (command.py), how a plan is done
(execute.py), the Pulumi program and what an `up` leaves out (program.py, exclusion.py), users that are watched
meanwhile (users.py). Not here: reading what status tells as well (subjects).
"""

import pkgutil

__path__ = pkgutil.extend_path(__path__, __name__)
