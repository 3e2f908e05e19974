-- The account knows two passwords: that of now, and the next one, to which the replica goes when password_generation is
-- raised. Run again afterwards: the one before is then forgotten.
ALTER USER '${user}'@'${replica_address}' IDENTIFIED BY '${password}';
ALTER USER '${user}'@'${replica_address}' IDENTIFIED BY '${next}' RETAIN CURRENT PASSWORD;
