#!/bin/sh
# PostgreSQL 18 of the machine image in a room: its data in /srv, where a port of TCP with TLS and a socket are.
# Usage: postgres.sh
set -eu
programs=/usr/lib/postgresql/18/bin
install -d -o postgres -g postgres -m 700 /srv/data
setpriv --reuid=postgres --regid=postgres --clear-groups $programs/initdb -D /srv/data -U postgres \
    --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C --no-sync
cat /srv/settings.conf >>/srv/data/postgresql.conf
echo 'hostssl all all all scram-sha-256' >>/srv/data/pg_hba.conf
install -o postgres -g postgres -m 600 /srv/server.key /srv/data/server.key
install -o postgres -g postgres -m 644 /srv/server.pem /srv/data/server.crt
exec setpriv --reuid=postgres --regid=postgres --clear-groups $programs/postgres -D /srv/data
