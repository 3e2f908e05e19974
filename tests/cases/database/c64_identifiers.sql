-- @title: identifiers with brackets, commas, quotes, line breaks, keywords
CREATE TABLE `t(1),'x'` (`a),(` INT PRIMARY KEY, `b
KEY ``k`` (` INT, `c'` VARCHAR(9) DEFAULT ')', KEY `k),(` (`b
KEY ``k`` (`), CONSTRAINT `f) REFERENCES ``x``` FOREIGN KEY (`b
KEY ``k`` (`) REFERENCES `t(1),'x'` (`a),(`), CONSTRAINT `CHECK (` CHECK (`c'` <> '),(')) COMMENT = ') ENGINE=X AUTO_INCREMENT=5 (';
CREATE TABLE au (`AUTO_INCREMENT` INT COMMENT 'AUTO_INCREMENT', n INT NOT NULL AUTO_INCREMENT, `p,q` INT, PRIMARY KEY (`p,q`, n), KEY (n, `p,q`)) AUTO_INCREMENT=77;
INSERT INTO au VALUES (1, 78, 3);
CREATE VIEW `from ``app``.``x``` AS SELECT 1 AS `join ``shared``.``y```;
