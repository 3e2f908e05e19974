-- @title: a partitioned table without a primary key; target makes invisible primary keys (1235), as Azure's do
-- @target_before: SET GLOBAL sql_generate_invisible_primary_key = ON
-- @target_after: SET GLOBAL sql_generate_invisible_primary_key = OFF
CREATE TABLE p (id INT, a VARCHAR(20)) PARTITION BY HASH (id) PARTITIONS 2; INSERT INTO p VALUES (1, 'x');
