-- The clinic's tables. Run once at the primary site: `mysql SCHEMA <schema.sql`; a standby gets them by restore.
CREATE TABLE types (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(80) NOT NULL UNIQUE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE owners (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    first_name VARCHAR(30) NOT NULL,
    last_name VARCHAR(30) NOT NULL,
    address VARCHAR(255) NOT NULL,
    city VARCHAR(80) NOT NULL,
    telephone VARCHAR(20) NOT NULL,
    INDEX by_last_name (last_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE pets (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(30) NOT NULL,
    birth_date DATE NOT NULL,
    type_id INT UNSIGNED NOT NULL,
    owner_id INT UNSIGNED NOT NULL,
    INDEX by_name (name),
    CONSTRAINT pet_type FOREIGN KEY (type_id) REFERENCES types (id),
    CONSTRAINT pet_owner FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE visits (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    pet_id INT UNSIGNED NOT NULL,
    visit_date DATE NOT NULL,
    description VARCHAR(255) NOT NULL,
    INDEX by_date (visit_date),
    CONSTRAINT visit_pet FOREIGN KEY (pet_id) REFERENCES pets (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE VIEW busy_owners AS
SELECT owners.id, owners.last_name, COUNT(visits.id) AS visits
FROM owners JOIN pets ON pets.owner_id = owners.id LEFT JOIN visits ON visits.pet_id = pets.id
GROUP BY owners.id, owners.last_name;
