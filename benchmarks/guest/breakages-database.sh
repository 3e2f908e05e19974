#!/bin/sh
# breakages-database.sh make|undo NAME: breaks one thing of a database host, silently, as people and machines do. `undo`
# is what a person does about it; most are mended by `twinsite repair` before, and then are not undone.
set -eu
sql() { mysql --no-defaults --user=root -N -e "$1"; }
told() { python3 -c "import json, sys; print(json.load(open('/etc/twinsite/$1.json'))[sys.argv[1]])" "$2"; }
apply() { /usr/local/sbin/twinsite-guest database apply >/dev/null; }
repl() { echo "'twinsite_repl'@'$(told database replica_address)'"; }
clone() { echo "'twinsite_clone'@'$(told database replica_address)'"; }
channel() { sql "STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO $1; START REPLICA IO_THREAD"; }
delay() { sql "STOP REPLICA SQL_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_DELAY = $1; START REPLICA SQL_THREAD"; }
tls=/etc/mysql data=/var/lib/mysql other=/etc/mysql/mysql.conf.d/zz-breakage.cnf
# Somebody else's certificate for the same address: well formed, signed by nobody that a replica knows.
stranger() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 400 -subj "/CN=stranger" \
    -addext "subjectAltName=IP:$(told database source_address)" -keyout "$1/stranger-key.pem" \
    -out "$1/stranger-cert.pem" 2>/dev/null
  chown mysql: "$1"/stranger-*.pem
}

case "$2 $1" in
"sync-binlog-off make") sql "SET GLOBAL sync_binlog = 0" ;;
"binlog-expiry-cut make") sql "SET GLOBAL binlog_expire_logs_seconds = 600" ;;
"redo-flush-off make") sql "SET GLOBAL innodb_flush_log_at_trx_commit = 2" ;;
"tls-optional make") sql "SET GLOBAL require_secure_transport = OFF" ;;
"redo-log-off make") sql "ALTER INSTANCE DISABLE INNODB REDO_LOG" ;;
"redo-log-off undo") sql "ALTER INSTANCE ENABLE INNODB REDO_LOG" ;;
"source-read-only make") sql "SET GLOBAL read_only = ON" ;;
"source-read-only undo") sql "SET GLOBAL read_only = OFF" ;;
"scheduler-off make") sql "SET GLOBAL event_scheduler = OFF" ;;
"heartbeat-event-off make") sql "ALTER EVENT twinsite.heartbeat DISABLE" ;;
"heartbeat-event-slow make") sql "ALTER EVENT twinsite.heartbeat ON SCHEDULE EVERY 15 MINUTE" ;;
"replica-writable make") sql "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF" ;;
"replica-net-timeout make") sql "SET GLOBAL replica_net_timeout = 600" ;;
"channel-gives-up make") channel "SOURCE_RETRY_COUNT = 10" ;;
"channel-unverified make") channel "SOURCE_SSL_VERIFY_SERVER_CERT = 0" ;;
"delayed make") delay 3600 ;;
"delayed undo") delay 0 ;;
"applier-stopped make") sql "STOP REPLICA SQL_THREAD" ;;
"errant-row make")
  sql "SET GLOBAL super_read_only = OFF; CREATE DATABASE IF NOT EXISTS breakage; CREATE TABLE breakage.t (a INT PRIMARY KEY);
    INSERT INTO breakage.t VALUES (1); SET GLOBAL super_read_only = ON"
  ;;
"errant-flush make") sql "FLUSH TABLES" ;;
"table-without-crash-safety make") sql "CREATE DATABASE breakage; CREATE TABLE breakage.m (a INT PRIMARY KEY) ENGINE = MyISAM" ;;
"table-without-crash-safety undo") sql "ALTER TABLE breakage.m ENGINE = InnoDB; DROP DATABASE breakage" ;;
"account-revoked-and-locked make")
  sql "REVOKE REPLICATION SLAVE ON *.* FROM $(repl); ALTER USER $(repl) ACCOUNT LOCK"
  ;;
"account-password-changed make") sql "ALTER USER $(repl) IDENTIFIED BY 'somebodys-own-word'" ;;
"account-password-changed undo") # what `password_generation` + 1 comes to
  sql "ALTER USER $(repl) IDENTIFIED BY '$(told database.secrets replication_password)'"
  ;;
"clone-account-gone make") sql "DROP USER $(clone)" ;;
"account-without-tls make") sql "ALTER USER $(repl) REQUIRE NONE" ;;
"port-closed make")
  nft "add table ip breakage; add chain ip breakage c { type filter hook input priority 0; };
    add rule ip breakage c ip saddr $(told database replica_address) tcp dport 3306 drop"
  ;;
"port-closed undo") nft "delete table ip breakage" ;;
"other-certificate-loaded make")
  mkdir -p /tmp/breakage && cp -a $tls/twinsite-cert.pem $tls/twinsite-key.pem /tmp/breakage
  stranger /tmp/breakage
  cat /tmp/breakage/stranger-cert.pem >$tls/twinsite-cert.pem
  cat /tmp/breakage/stranger-key.pem >$tls/twinsite-key.pem
  sql "ALTER INSTANCE RELOAD TLS"
  cp -a /tmp/breakage/twinsite-cert.pem /tmp/breakage/twinsite-key.pem $tls
  rm -r /tmp/breakage
  ;;
"certificate-file-replaced make" | "authority-replaced make")
  mkdir -p /tmp/breakage && stranger /tmp/breakage
  file=twinsite-cert.pem
  [ "$2" = certificate-file-replaced ] || file=twinsite-ca.pem
  cat /tmp/breakage/stranger-cert.pem >$tls/$file
  rm -r /tmp/breakage
  ;;
"key-of-somebody-else make") chown root $tls/twinsite-key.pem ;;
"mysql-stopped make") systemctl stop mysql ;;
"mysql-disabled make") systemctl disable -q mysql ;;
"mysql-masked make") systemctl mask -q mysql ;;
"mysql-masked undo") systemctl unmask -q mysql ;;
"expiry-persisted make") sql "SET PERSIST_ONLY binlog_expire_logs_seconds = 600" ;;
"closed-after-next-start make") sql "SET PERSIST_ONLY super_read_only = ON" ;;
"closed-after-next-start undo") sql "RESET PERSIST super_read_only" ;;
"other-option-file make") printf '[mysqld]\nsync-binlog = 0\n' >$other ;;
"other-option-file undo") rm -f $other ;;
"settings-file-changed make") sed -i 's/^sync_relay_log.*/sync_relay_log = 10000/' /etc/mysql/mysql.conf.d/twinsite.cnf ;;
"restart-limit-back make") rm /etc/systemd/system/mysql.service.d/twinsite.conf && systemctl daemon-reload ;;
"upgrades-unguarded make") rm /etc/apt/apt.conf.d/52twinsite-mysql ;;
"volume-full make")
  mountpoint -q $data # never the disk of whoever lends this machine his own
  free=$(df --output=avail -B1 $data | tail -1) size=$(df --output=size -B1 $data | tail -1)
  fallocate -l $((free - size / 50)) $data/.breakage
  ;;
"volume-full undo") rm -f $data/.breakage ;;
*" undo") apply ;; # what `twinsite repair` does
*)
  echo "no breakage $2" >&2
  exit 2
  ;;
esac
