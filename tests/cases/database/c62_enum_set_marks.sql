-- @title: ENUM and SET with question marks and letters beyond the BMP
CREATE TABLE a (id INT PRIMARY KEY, e ENUM('?', 'x,y', '😀', 'it''s?', '?😁') CHARACTER SET utf8mb4, s SET('?', '😀', 'b', '😁''q') CHARACTER SET utf8mb4 DEFAULT '😀', l ENUM('?','a') CHARACTER SET latin1);
INSERT INTO a VALUES (1, '?', '?', '?'), (2, '😀', '?,😀,b', 'a'), (3, 'it''s?', 'b,😁''q', NULL), (4, '?😁', '😀', NULL);
