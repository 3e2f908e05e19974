-- Ten owners, so that the source document's check, SELECT COUNT(*) FROM owners, gives its 10.
INSERT INTO types (name) VALUES ('cat'), ('dog'), ('lizard'), ('snake'), ('bird'), ('hamster');

INSERT INTO owners (first_name, last_name, address, city, telephone) VALUES
    ('Ada', 'Lindqvist', '12 Harbour Street', 'Busan', '051-555-0101'),
    ('Beom-seok', 'Han', '7 Pine Lane', 'Seoul', '02-555-0102'),
    ('Chiara', 'O''Neill', '3 Mill Road', 'Incheon', '032-555-0103'),
    ('Dae-jung', 'Park', '88 Station Square', 'Daegu', '053-555-0104'),
    ('Eun-ji', 'Choi', '5 Garden Row', 'Gwangju', '062-555-0105'),
    ('Farid', 'Nasser', '41 Hill Top', 'Daejeon', '042-555-0106'),
    ('Greta', 'Müller', '9 Canal Walk', 'Ulsan', '052-555-0107'),
    ('Ha-yoon', '김', '23 River Bank', 'Suwon', '031-555-0108'),
    ('Imre', 'Kovács', '60 Market Place', 'Jeju', '064-555-0109'),
    ('Ji-woo', 'Kang', '15 Temple Gate', 'Jeonju', '063-555-0110');

INSERT INTO pets (name, birth_date, type_id, owner_id) VALUES
    ('Biscuit', '2020-09-07', 1, 1), ('Nabi', '2019-08-06', 1, 2), ('Mongi', '2021-04-17', 2, 3),
    ('Dubu', '2018-03-07', 2, 3), ('Iggy', '2022-11-30', 3, 4), ('George', '2017-01-20', 4, 5),
    ('Samanta', '2020-09-04', 1, 6), ('Max', '2019-09-04', 2, 6), ('Lucky', '2021-08-06', 5, 7),
    ('Mulligan', '2016-02-24', 2, 8), ('Freddy', '2023-03-09', 5, 9), ('Kong', '2020-06-24', 2, 10),
    ('Sol', '2022-06-08', 6, 10);

INSERT INTO visits (pet_id, visit_date, description) VALUES
    (7, '2026-01-01', 'rabies shot'), (8, '2026-01-02', 'rabies shot'),
    (8, '2026-01-03', 'neutered'), (7, '2026-01-04', 'spayed');
