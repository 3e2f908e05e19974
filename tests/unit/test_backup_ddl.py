"""Definitions as values: a table in the order of a restore, whose object it was, what is disabled, moved, left out."""

import pytest

from twinsite.guest.backup import ddl, promise, target
from twinsite.guest.backup.ddl import Statement
from twinsite.guest.backup.promise import Findings, Promise
from twinsite.guest.errors import Failed

CREATED = """CREATE TABLE `a``b` (
  `id` int NOT NULL AUTO_INCREMENT,
  `x` varchar(9) DEFAULT 'KEY `k` (`x`),' COMMENT 'CONSTRAINT `c` FOREIGN KEY (',
  `t` text,
  PRIMARY KEY (`id`),
  UNIQUE KEY `one` (`x`),
  KEY `two` (`x`,`id`),
  KEY `of text` ((concat(`x`,_utf8mb4')\n,'))),
  FULLTEXT KEY `words` (`t`),
  FULLTEXT KEY `words2` (`x`),
  CONSTRAINT `whose` FOREIGN KEY (`x`) REFERENCES `c` (`id`) ON DELETE CASCADE,
  CONSTRAINT `small` CHECK ((`id` < 9))
) ENGINE=InnoDB AUTO_INCREMENT=9 DEFAULT CHARSET=utf8mb4 COMMENT='x AUTO_INCREMENT=5'
/*!50100 PARTITION BY HASH (`id`)
PARTITIONS 3 */"""


def test_keys_are_made_after_the_rows_and_each_fulltext_key_alone() -> None:
    made = ddl.split("a`b", CREATED)
    assert [[name for name, _ in key.clauses] for key in made.keys] == [
        ["one", "two", "of text"],
        ["words"],
        ["words2"],
    ]
    assert [[name for name, _ in key.clauses] for key in made.foreign_keys] == [["whose"]]
    assert made.keys[0].sql({"of text"}) == (
        "ALTER TABLE `a``b`\n  ADD UNIQUE KEY `one` (`x`),\n  ADD KEY `two` (`x`,`id`)"
    )
    assert "CHECK ((`id` < 9))\n) ENGINE=InnoDB" in made.create
    assert made.create.endswith("PARTITIONS 3 */")
    assert "DEFAULT 'KEY `k` (`x`),' COMMENT 'CONSTRAINT `c` FOREIGN KEY (',\n" in made.create
    assert made.create.startswith("CREATE TABLE IF NOT EXISTS `a``b` (")
    assert "KEY `two`" not in made.create


def test_a_unique_key_stays_with_a_table_that_has_no_primary_key() -> None:
    text = "CREATE TABLE `k` (\n  `a` int NOT NULL,\n  UNIQUE KEY `one` (`a`),\n  KEY `two` (`a`)\n) ENGINE=InnoDB"
    made = ddl.split("k", text)
    assert "UNIQUE KEY `one`" in made.create
    assert [key.clauses[0][0] for key in made.keys] == ["two"]


def test_a_key_that_auto_increment_needs_stays_with_the_table_whatever_the_columns_are_called() -> None:
    text = (
        "CREATE TABLE `k` (\n  `AUTO_INCREMENT` int NOT NULL COMMENT 'AUTO_INCREMENT',\n"
        "  `n``o` int NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`AUTO_INCREMENT`,`n``o`),\n"
        "  KEY `by_n` (`n``o`),\n  KEY `other` (`AUTO_INCREMENT`)\n) ENGINE=InnoDB"
    )
    made = ddl.split("k", text)
    assert "KEY `by_n`" in made.create
    assert [key.clauses[0][0] for key in made.keys] == ["other"]


def test_what_is_not_known_stays_with_the_table_and_what_is_no_table_is_an_error() -> None:
    assert "INDEXISH `b`" in ddl.split("k", "CREATE TABLE `k` (\n  `a` int,\n  INDEXISH `b`\n) ENGINE=InnoDB").create
    with pytest.raises(Failed, match="not understood"):
        ddl.split("k", "CREATE TABLE `k` (\n  `a` int")


def test_keys_that_are_there_are_not_added_again() -> None:
    keys = ddl.split("a`b", CREATED).keys
    assert keys[0].sql({"one", "of text"}) == "ALTER TABLE `a``b`\n  ADD KEY `two` (`x`,`id`)"
    assert keys[0].sql({"one", "two", "of text"}) == ""


def test_a_table_is_compared_without_its_counter_and_with_all_else() -> None:
    wanted = ddl.comparable("a`b", CREATED)
    assert wanted == ddl.comparable("a`b", CREATED.replace("AUTO_INCREMENT=9 ", "AUTO_INCREMENT=12 "))
    assert wanted == ddl.comparable("a`b", CREATED.replace(" AUTO_INCREMENT=9 ", " "))
    assert wanted != ddl.comparable("a`b", CREATED.replace("AUTO_INCREMENT=5", "AUTO_INCREMENT=6"))
    assert wanted != ddl.comparable("a`b", CREATED.replace("KEY `two`", "KEY `three`"))
    assert wanted != ddl.comparable("a`b", CREATED, {"whose"})


def test_a_foreign_key_that_leads_out_of_the_schema_is_named() -> None:
    text = CREATED.replace("REFERENCES `c`", "REFERENCES `my``shared`.`c`")
    assert ddl.references_outside("a`b", text) == [("whose", "my`shared", "c")]
    assert ddl.references_outside("a`b", CREATED) == []


@pytest.mark.parametrize(
    ("text", "left", "definer"),
    [
        ("CREATE DEFINER=`a``b`@`%` FUNCTION `f`() RETURN 1", "CREATE FUNCTION `f`() RETURN 1", "a`b@%"),
        ('CREATE DEFINER="a""b"@"%" FUNCTION "f"() RETURN 1', 'CREATE FUNCTION "f"() RETURN 1', 'a"b@%'),
        (
            "CREATE ALGORITHM=UNDEFINED DEFINER=`u`@`h` SQL SECURITY DEFINER VIEW `v` AS select 1",
            "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS select 1",
            "u@h",
        ),
        (
            "CREATE PROCEDURE `p`() SELECT 'CREATE DEFINER=`a`@`b` '",
            "CREATE PROCEDURE `p`() SELECT 'CREATE DEFINER=`a`@`b` '",
            "",
        ),
    ],
)
def test_only_the_definer_clause_goes(text: str, left: str, definer: str) -> None:
    assert ddl.without_definer(text) == (left, definer)


def test_a_script_comes_back_as_it_was_whatever_its_statements_hold() -> None:
    made = [
        Statement(
            "function", "f", "CREATE FUNCTION f()\n-- ts000000000000 {\nDELIMITER x\n;;'`\\", "", {"sql_mode": ""}
        ),
        # A letter of another character set.
        Statement("trigger", "k", "CREATE TRIGGER \udce9", "t", collation="latin1_bin"),
    ]
    text = ddl.render(made, "utf8mb4_bin")
    assert ddl.parse(text) == made
    # What a person feeds to the client leaves the schema as it was.
    assert text.index("COLLATE latin1_bin") < text.index("CREATE TRIGGER") < text.index("COLLATE utf8mb4_bin")


EVENT = "CREATE EVENT `e` ON SCHEDULE {} ON COMPLETION PRESERVE {} COMMENT 'it''s \\\\ DO DISABLE' DO DELETE FROM t"


@pytest.mark.parametrize("status", ["ENABLE", "DISABLE", "DISABLE ON SLAVE", "DISABLE ON REPLICA"])
@pytest.mark.parametrize(
    "schedule", ["EVERY '1:30' MINUTE_SECOND ENDS '2030-01-01 00:00:00'", "AT '2030-01-01 00:00:00'"]
)
def test_an_event_waits_disabled(status: str, schedule: str) -> None:
    assert ddl.disabled(EVENT.format(schedule, status), "") == EVENT.format(schedule, "DISABLE")


def test_an_events_comment_is_written_as_its_own_mode_reads_it() -> None:
    told = ddl.disabled(EVENT.format("EVERY 1 DAY", "ENABLE"), "ANSI_QUOTES,NO_BACKSLASH_ESCAPES")
    assert "COMMENT 'it''s \\ DO DISABLE' DO DELETE" in told


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("AT '2030-01-01 00:00:00' ON COMPLETION NOT PRESERVE", "2030-01-01 00:00:00"),
        ("EVERY 1 DAY STARTS '2020-01-01' ENDS '2031-01-01' ON COMPLETION NOT PRESERVE", "2031-01-01"),
        ("EVERY 1 DAY STARTS '2020-01-01' ON COMPLETION NOT PRESERVE", ""),
        ("AT '2030-01-01 00:00:00' ON COMPLETION PRESERVE", ""),
    ],
)
def test_an_event_that_its_last_time_takes_away_says_when(text: str, when: str) -> None:
    assert ddl.ends(f"CREATE EVENT `e` ON SCHEDULE {text} DISABLE DO x") == when


def test_a_programs_name_and_comment_are_the_servers_words_and_its_body_its_authors() -> None:
    text = "CREATE PROCEDURE `pé`(`a\udce9` int)\n    COMMENT 'é\n)'\nselect '\udce9'"
    assert ddl.pieces("procedure", text) == [
        (True, "CREATE PROCEDURE `pé`"),
        (False, "(`a\udce9` int"),
        (True, ")\n    COMMENT 'é\n)'\n"),
        (False, "select '\udce9'"),
    ]
    trigger = "CREATE TRIGGER `é` BEFORE INSERT ON `té` FOR EACH ROW "
    assert ddl.pieces("trigger", f"{trigger}SET @x = '\udce9'") == [(True, trigger), (False, "SET @x = '\udce9'")]
    head = "CREATE EVENT `é` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE DISABLE COMMENT 'é' DO "
    assert ddl.pieces("event", f"{head}SELECT '\udce9'") == [(True, head), (False, "SELECT '\udce9'")]


VIEW = (
    "CREATE VIEW `v` AS select `app`.`id` AS `id`,`app`.`f`(`app`.`id`) AS `x`,' from `app`.`users`' AS "
    "`from ``app``.``y```,`app`.`s`.`c` AS `c` from ((`app`.`users` `app` join `app`.`s`) join `other`.`t`)"
)


def test_a_view_of_a_schema_restored_elsewhere_reads_that_one_and_aliases_and_texts_stay() -> None:
    told = ddl.moved(Statement("view", "v", VIEW), "app", "x`y").sql
    assert told == (
        "CREATE VIEW `v` AS select `app`.`id` AS `id`,`x``y`.`f`(`app`.`id`) AS `x`,' from `app`.`users`' AS "
        "`from ``app``.``y```,`x``y`.`s`.`c` AS `c` from ((`x``y`.`users` `app` join `x``y`.`s`) join `other`.`t`)"
    )
    procedure = Statement("procedure", "p", "CREATE PROCEDURE p() SELECT * FROM `app`.`users`")
    assert ddl.moved(procedure, "app", "x") == procedure


def test_what_a_view_needs_is_seen_in_its_text() -> None:
    assert ddl.view_reads(VIEW, "app") == ["other.t"]
    assert ddl.view_reads(VIEW.replace("`app`.`f`(", "`tools`.`f`("), "app") == ["other.t", "tools.f"]
    assert ddl.view_reads("CREATE VIEW `v` AS select 1 from `information_schema`.`TABLES`", "app") == []
    assert ddl.view_uses("CREATE VIEW `v` AS select 1 from (`a` join `b` `x`) join `other`.`c`") == {"a", "b"}


def test_what_a_trigger_writes_elsewhere_is_seen_outside_of_its_words() -> None:
    text = (
        "CREATE TRIGGER `t` AFTER INSERT ON `a` FOR EACH ROW BEGIN -- from x.y\n INSERT INTO `my audit` . log "
        "SELECT ' from p.q ' FROM own.z JOIN OWN.b /* update m.n */; UPDATE other.`t` SET a = 1; CALL tools.p(NEW.id);"
        " SELECT id INTO @x FROM information_schema.tables; SET NEW.x = NEW.y; END"
    )
    assert ddl.program_uses(text, "own") == ["my audit.log", "other.t", "tools.p"]
    columns = (
        "INSERT INTO b SELECT EXTRACT(day FROM x.d), TRIM(LEADING (1) FROM x.e) FROM c AS x "
        "ON DUPLICATE KEY UPDATE b.f = 1; UPDATE c `y`, b SET y.a = 1 WHERE SUBSTRING(z FROM y.a)"
    )
    assert ddl.program_uses(f"CREATE TRIGGER `t` AFTER INSERT ON `a` FOR EACH ROW {columns}", "own") == []


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW INSERT INTO app.log VALUES (1)", True),
        ("CREATE PROCEDURE p() SELECT * FROM `App` . `log`", True),
        ("CREATE PROCEDURE p() SELECT * FROM happ.log, app", False),
    ],
)
def test_a_program_that_names_its_schema_is_known(sql: str, named: bool) -> None:
    assert ddl.names(Statement("procedure", "p", sql), "app") is named


def test_members_of_an_enumeration_are_put_in_as_they_are() -> None:
    text = "CREATE TABLE `t` (\n  `e` enum('?','it''s','?x') DEFAULT NULL,\n  `s` set('?') NOT NULL\n) ENGINE=InnoDB"
    assert ddl.enumerations(text, "t") == [("e", "ENUM", ["'?'", "'it''s'", "'?x'"]), ("s", "SET", ["'?'"])]
    told = ddl.with_members(text, "t", "e", ["'?'", "'it''s'", "'😀x'"])
    assert told == text.replace("'?x'", "'😀x'")


def _promised(**changes: object) -> Promise:
    plain: dict[str, object] = {
        "schema": "app", "tables": [], "programs": [], "left_out": {}, "foreign": {}, "doubts": {}, "folds": False,
        "same_series": True,
    }  # fmt: skip
    return Promise(**(plain | changes))  # type: ignore[arg-type]


def test_a_definition_that_differs_is_a_problem_and_one_of_another_series_is_told() -> None:
    for same_series, problems, differences in ((True, 1, 0), (False, 0, 1)):
        found = Findings()
        promise._same(_promised(same_series=same_series), "table t", ["`a` int(11)", "b"], ["`a` int", "b"], found)
        assert (len(found.problems), len(found.differences)) == (problems, differences)
        words = (found.problems + found.differences)[0]
        assert words == "table t is defined otherwise than in the backup: '`a` int' in place of '`a` int(11)'"


def test_a_views_text_that_differs_is_told_unless_only_the_schema_before_a_column_does() -> None:
    found = Findings()
    shown = ["CREATE VIEW `v` AS select `p`.`x`.`id` AS `id`,'`a`.`b`.`c`' from `p`.`threads` `x`"]
    promise._same(_promised(), "view v", shown, [shown[0].replace("`p`.`x`.", "`x`.")], found)
    assert found == Findings()
    promise._same(_promised(), "view v", shown, [shown[0].replace("'`a`.`b`", "'`b`")], found)
    assert (found.problems, len(found.differences)) == ([], 1)


def test_names_that_a_target_cannot_tell_apart_are_refused_by_name() -> None:
    manifest = {"tables": [{"name": "Orders"}, {"name": "b"}], "objects": [{"kind": "view", "name": "orders"}]}
    problems = list(target.collisions(manifest))
    assert len(problems) == 1
    assert "'Orders' and 'orders' are one name on the target" in problems[0]
    assert (
        list(target.collisions({"tables": [{"name": "Orders"}], "objects": [{"kind": "event", "name": "orders"}]}))
        == []
    )
    assert promise.folded({"id": "b", "tables": [{"name": "Orders", "rows": 1}]})["tables"] == [
        {"name": "orders", "rows": 1}
    ]


def test_only_a_view_that_the_backup_warned_of_may_be_left_out() -> None:
    promised = _promised(doubts={"view v": "view 'v' is broken"})
    assert promised.may_lack(Statement("view", "v", "")) == "view 'v' is left out: view 'v' is broken"
    assert promised.may_lack(Statement("view", "w", "")) == ""
    assert promised.may_lack(Statement("procedure", "v", "")) == ""
