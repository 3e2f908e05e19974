-- One row a flow. `look` counts it up at the source and waits for it at the target.
CREATE SCHEMA IF NOT EXISTS twinsite;
CREATE TABLE IF NOT EXISTS twinsite.heartbeat (
    flow text PRIMARY KEY,
    beat bigint NOT NULL,
    stamp timestamptz NOT NULL
);
