-- @title: programs made by a client of latin1, with letters beyond ASCII in bodies, names, comments and parameters
SET NAMES latin1;
CREATE TABLE `té` (`cé` VARCHAR(20), id INT PRIMARY KEY);
CREATE PROCEDURE `pé`(`aé` VARCHAR(9)) COMMENT 'commenté' SELECT 'é', _latin1'é' AS `xé`;
CREATE FUNCTION `fé`(n INT) RETURNS VARCHAR(20) CHARSET latin1 DETERMINISTIC COMMENT 'it''s é' RETURN 'é';
CREATE TRIGGER `tré` BEFORE INSERT ON `té` FOR EACH ROW SET NEW.`cé` = 'é';
CREATE EVENT `eé` ON SCHEDULE EVERY 1 DAY COMMENT 'é''s' DO INSERT INTO `té` VALUES ('é', 1);
CREATE VIEW `vé` AS SELECT `cé` AS `aé`, 'é' AS lit FROM `té`;
CREATE TABLE ck (id INT PRIMARY KEY, a VARCHAR(20) CHARACTER SET latin1, CHECK (a <> 'é'), CHECK (a <> _latin1'ÿ'), b VARCHAR(9) DEFAULT ('é'));
