-- Run by mysqld --initialize, before anybody can connect: root is never without authentication, and nothing here is a
-- transaction (no binary log yet). The second account is the one that Debian's and Ubuntu's package scripts expect.
INSTALL PLUGIN auth_socket SONAME 'auth_socket.so';
ALTER USER 'root'@'localhost' IDENTIFIED WITH auth_socket;
CREATE USER 'debian-sys-maint'@'localhost' IDENTIFIED WITH auth_socket AS 'root';
GRANT ALL ON *.* TO 'debian-sys-maint'@'localhost' WITH GRANT OPTION;
