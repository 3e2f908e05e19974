"""SQL that grows the clinic's database to a size, with text that compresses as real one does."""

OWNERS = 100_000
VISITS_PER_MIB = 2_860
"""Found by trial: 1 GiB of .ibd with what else there is."""
WORDS = "'the','owner','of','cat','dog','visit','north','river','seven','bridge','lamp','green','quiet','stone','old'"
DOUBLINGS = 3
"""The last rows are copies of earlier ones, a hundred MiB away: farther than either compressor looks back."""


def grow(schema: str, mib: int) -> str:
    """A script for the mysql client. Owner N of them is called `LastN`."""
    word = f"CONCAT(ELT(1 + FLOOR(RAND() * 15), {WORDS}), LOWER(CONV(FLOOR(RAND() * 46656), 10, 36)))"
    visits = VISITS_PER_MIB * mib // 2**DOUBLINGS
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    lines = [
        f"USE `{schema}`",
        "SET SESSION cte_max_recursion_depth = 10000000, foreign_key_checks = 0, unique_checks = 0",
        f"INSERT INTO owners (first_name, last_name, address, city, telephone) {numbers.format(OWNERS)} "
        f"SELECT {word}, CONCAT('Last', i), CONCAT(i, ' ', {word}, ' street'), {word}, LPAD(i, 10, '0') FROM n",
        "INSERT INTO pets (name, birth_date, type_id, owner_id) SELECT first_name, "
        "'2010-01-01' + INTERVAL FLOOR(RAND() * 5000) DAY, 1 + id % 6, id FROM owners WHERE last_name LIKE 'Last%'",
        f"INSERT INTO visits (pet_id, visit_date, description) {numbers.format(visits)} "
        f"SELECT 1 + FLOOR(RAND() * {OWNERS}), '2020-01-01' + INTERVAL FLOOR(RAND() * 2000) DAY, "
        f"LEFT(CONCAT_WS(' ', {', '.join([word] * 30)}), 250) FROM n",
    ]
    more = "INSERT INTO visits (pet_id, visit_date, description) SELECT pet_id, visit_date, description FROM visits"
    lines += [more] * DOUBLINGS
    return ";\n".join(lines) + ";\n"
