/*
 * test_bind_errors.c -- what the binder complains of, and where
 *
 * The first table was compared with PostgreSQL 15: same SQLSTATE, place, text, detail and hint.
 */
#include "tests/unit/binder/bind_fixture.h"

static const TextCase postgres_cases[] = {
    {"SELECT nosuch FROM t", "ERROR 42703 at 7: column \"nosuch\" does not exist\n"},
    {"SELECT aa FROM t", "ERROR 42703 at 7: column \"aa\" does not exist\n"
                         "HINT: Perhaps you meant to reference the column \"t.a\".\n"},
    {"SELECT t.bb FROM t", "ERROR 42703 at 7: column t.bb does not exist\n"
                           "HINT: Perhaps you meant to reference the column \"t.b\".\n"},
    {"SELECT x.a FROM t", "ERROR 42P01 at 7: missing FROM-clause entry for table \"x\"\n"},
    {"SELECT * FROM nosuch", "ERROR 42P01 at 14: relation \"nosuch\" does not exist\n"},
    {"SELECT a FROM t, u", "ERROR 42702 at 7: column reference \"a\" is ambiguous\n"},
    {"SELECT t.a FROM t x",
     "ERROR 42P01 at 7: invalid reference to FROM-clause entry for table \"t\"\n"
     "HINT: Perhaps you meant to reference the table alias \"x\".\n"},
    {"SELECT a FROM t WHERE a",
     "ERROR 42804 at 22: argument of WHERE must be type boolean, not type integer\n"},
    {"SELECT a FROM t WHERE a AND g",
     "ERROR 42804 at 22: argument of AND must be type boolean, not type integer\n"},
    {"SELECT a FROM t WHERE c + 1 > 2",
     "ERROR 42883 at 24: operator does not exist: text + integer\n"
     "HINT: No operator matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT a FROM t WHERE a = c", "ERROR 42883 at 24: operator does not exist: integer = text\n"
                                    "HINT: No operator matches the given name and argument types. "
                                    "You might need to add explicit type casts.\n"},
    {"SELECT a FROM t WHERE sum(a) > 1",
     "ERROR 42803 at 22: aggregate functions are not allowed in WHERE\n"},
    {"SELECT sum(sum(a)) FROM t", "ERROR 42803 at 11: aggregate function calls cannot be nested\n"},
    {"SELECT a, sum(b) FROM t", "ERROR 42803 at 7: column \"t.a\" must appear in the GROUP BY "
                                "clause or be used in an aggregate function\n"},
    {"SELECT a FROM t GROUP BY sum(a)",
     "ERROR 42803 at 25: aggregate functions are not allowed in GROUP BY\n"},
    {"SELECT a FROM t GROUP BY 3",
     "ERROR 42P10 at 25: GROUP BY position 3 is not in select list\n"},
    {"SELECT a FROM t GROUP BY 'x'", "ERROR 42601 at 25: non-integer constant in GROUP BY\n"},
    {"SELECT a FROM t ORDER BY 3",
     "ERROR 42P10 at 25: ORDER BY position 3 is not in select list\n"},
    {"SELECT a FROM t ORDER BY 1.5", "ERROR 42601 at 25: non-integer constant in ORDER BY\n"},
    {"SELECT a FROM t ORDER BY NULL", "ERROR 42601 at 25: non-integer constant in ORDER BY\n"},
    {"SELECT a FROM t HAVING a > 1", "ERROR 42803 at 7: column \"t.a\" must appear in the GROUP BY "
                                     "clause or be used in an aggregate function\n"},
    {"SELECT DISTINCT a FROM t ORDER BY b",
     "ERROR 42P10 at 34: for SELECT DISTINCT, ORDER BY expressions must appear in select list\n"},
    {"SELECT DISTINCT ON (a) a, b FROM t ORDER BY b",
     "ERROR 42P10 at 20: SELECT DISTINCT ON expressions must match initial ORDER BY expressions\n"},
    {"SELECT DISTINCT ON (a) a, b FROM t ORDER BY b, a",
     "ERROR 42P10 at 20: SELECT DISTINCT ON expressions must match initial ORDER BY expressions\n"},
    {"SELECT DISTINCT ON (a, b) a, b, c FROM t ORDER BY b, c",
     "ERROR 42P10 at 20: SELECT DISTINCT ON expressions must match initial ORDER BY expressions\n"},
    {"SELECT a FROM t LIMIT a",
     "ERROR 42P10 at 22: argument of LIMIT must not contain variables\n"},
    {"SELECT a FROM t LIMIT 'x'",
     "ERROR 22P02 at 22: invalid input syntax for type bigint: \"x\"\n"},
    {"SELECT a FROM t LIMIT true",
     "ERROR 42804 at 22: argument of LIMIT must be type bigint, not type boolean\n"},
    {"SELECT a FROM t LIMIT sum(1)",
     "ERROR 42803 at 22: aggregate functions are not allowed in LIMIT\n"},
    {"SELECT a FROM t UNION SELECT c FROM t",
     "ERROR 42804 at 29: UNION types integer and text cannot be matched\n"},
    {"SELECT a FROM t UNION SELECT a, b FROM t",
     "ERROR 42601 at 29: each UNION query must have the same number of columns\n"},
    {"SELECT a, b FROM t UNION SELECT a FROM t",
     "ERROR 42601 at 32: each UNION query must have the same number of columns\n"},
    {"SELECT a FROM t UNION SELECT 'x'",
     "ERROR 22P02 at 29: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT a FROM t UNION SELECT b FROM t ORDER BY a + 1",
     "ERROR 0A000 at 47: invalid UNION/INTERSECT/EXCEPT ORDER BY clause\n"
     "DETAIL: Only result column names can be used, not expressions or functions.\n"
     "HINT: Add the expression/function to every SELECT, or move the UNION into a FROM clause.\n"},
    {"SELECT a FROM t UNION SELECT b FROM t ORDER BY t.a",
     "ERROR 42P01 at 47: missing FROM-clause entry for table \"t\"\n"},
    {"SELECT * FROM t JOIN u ON t.a",
     "ERROR 42804 at 26: argument of JOIN/ON must be type boolean, not type integer\n"},
    {"SELECT * FROM t JOIN u ON x.a = 1",
     "ERROR 42P01 at 26: missing FROM-clause entry for table \"x\"\n"},
    {"SELECT * FROM t JOIN u ON sum(t.a) = 1",
     "ERROR 42803 at 26: aggregate functions are not allowed in JOIN conditions\n"},
    {"SELECT * FROM (t JOIN u USING (a)) j WHERE t.a = 1",
     "ERROR 42P01 at 43: invalid reference to FROM-clause entry for table \"t\"\n"
     "HINT: There is an entry for table \"t\", but it cannot be referenced from this part of the "
     "query.\n"},
    {"SELECT * FROM t, (SELECT * FROM u WHERE u.a = t.a) s",
     "ERROR 42P01 at 46: invalid reference to FROM-clause entry for table \"t\"\n"
     "HINT: There is an entry for table \"t\", but it cannot be referenced from this part of the "
     "query.\n"},
    {"SELECT * FROM t RIGHT JOIN LATERAL (SELECT * FROM u WHERE u.a = t.a) s ON true",
     "ERROR 42P10 at 64: invalid reference to FROM-clause entry for table \"t\"\n"
     "DETAIL: The combining JOIN type must be INNER or LEFT for a LATERAL reference.\n"},
    {"SELECT (SELECT a, b FROM t)", "ERROR 42601 at 7: subquery must return only one column\n"},
    {"SELECT a IN (SELECT a, b FROM t) FROM t",
     "ERROR 42601 at 9: subquery has too many columns\n"},
    {"SELECT (a, b) IN (SELECT a FROM t) FROM t",
     "ERROR 42601 at 14: subquery has too few columns\n"},
    {"SELECT a IN (SELECT c FROM t) FROM t",
     "ERROR 42883 at 9: operator does not exist: integer = text\n"
     "HINT: No operator matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT (1, 2) = (1, 2, 3)",
     "ERROR 42601 at 14: unequal number of entries in row expressions\n"},
    {"SELECT (1, 2) = (1, 'x')",
     "ERROR 22P02 at 20: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT CASE WHEN a THEN 1 END FROM t",
     "ERROR 42804 at 17: argument of CASE/WHEN must be type boolean, not type integer\n"},
    {"SELECT CASE WHEN g THEN 1 ELSE 'x' END FROM t",
     "ERROR 22P02 at 31: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT CASE WHEN g THEN a ELSE c END FROM t",
     "ERROR 42804 at 24: CASE types text and integer cannot be matched\n"},
    {"SELECT CASE a WHEN 'x' THEN 1 END FROM t",
     "ERROR 22P02 at 19: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT COALESCE(a, c) FROM t",
     "ERROR 42804 at 19: COALESCE types integer and text cannot be matched\n"},
    {"SELECT COALESCE(a, 'x') FROM t",
     "ERROR 22P02 at 19: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT NULLIF(a, c) FROM t", "ERROR 42883 at 7: operator does not exist: integer = text\n"
                                   "HINT: No operator matches the given name and argument types. "
                                   "You might need to add explicit type casts.\n"},
    {"SELECT GREATEST(a, e) FROM t",
     "ERROR 42804 at 19: GREATEST types integer and date cannot be matched\n"},
    {"SELECT nosuch(a) FROM t", "ERROR 42883 at 7: function nosuch(integer) does not exist\n"
                                "HINT: No function matches the given name and argument types. You "
                                "might need to add explicit type casts.\n"},
    {"SELECT upper(a) FROM t", "ERROR 42883 at 7: function upper(integer) does not exist\n"
                               "HINT: No function matches the given name and argument types. You "
                               "might need to add explicit type casts.\n"},
    {"SELECT upper(a, c) FROM t", "ERROR 42883 at 7: function upper(integer, text) does not exist\n"
                                  "HINT: No function matches the given name and argument types. "
                                  "You might need to add explicit type casts.\n"},
    {"SELECT sum(c) FROM t", "ERROR 42883 at 7: function sum(text) does not exist\n"
                             "HINT: No function matches the given name and argument types. You "
                             "might need to add explicit type casts.\n"},
    {"SELECT sum('x') FROM t", "ERROR 42725 at 7: function sum(unknown) is not unique\n"
                               "HINT: Could not choose a best candidate function. You might need "
                               "to add explicit type casts.\n"},
    {"SELECT count(a, b) FROM t",
     "ERROR 42883 at 7: function count(integer, bigint) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT count() FROM t",
     "ERROR 42809 at 7: count(*) must be used to call a parameterless aggregate function\n"},
    {"SELECT sum(*) FROM t", "ERROR 42883 at 7: function sum() does not exist\n"
                             "HINT: No function matches the given name and argument types. You "
                             "might need to add explicit type casts.\n"},
    {"SELECT upper(DISTINCT c) FROM t",
     "ERROR 42809 at 7: DISTINCT specified, but upper is not an aggregate function\n"},
    {"SELECT upper(c) FILTER (WHERE true) FROM t",
     "ERROR 42809 at 7: FILTER specified, but upper is not an aggregate function\n"},
    {"SELECT count(DISTINCT a ORDER BY b) FROM t",
     "ERROR 42P10 at 33: in an aggregate with DISTINCT, ORDER BY expressions must appear in "
     "argument list\n"},
    {"SELECT sum(a) FILTER (WHERE a) FROM t",
     "ERROR 42804 at 28: argument of FILTER must be type boolean, not type integer\n"},
    {"SELECT sum(a) FILTER (WHERE sum(b) > 1) FROM t",
     "ERROR 42803 at 28: aggregate functions are not allowed in FILTER\n"},
    {"SELECT a::date FROM t", "ERROR 42846 at 8: cannot cast type integer to date\n"},
    {"SELECT g::int8 FROM t", "ERROR 42846 at 8: cannot cast type boolean to bigint\n"},
    {"SELECT CAST('x' AS int)",
     "ERROR 22P02 at 12: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT int 'x'", "ERROR 22P02 at 11: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT date 'x'", "ERROR 22007 at 12: invalid input syntax for type date: \"x\"\n"},
    {"SELECT timestamp '2000-02-30 00:00'",
     "ERROR 22008 at 17: date/time field value out of range: \"2000-02-30 00:00\"\n"},
    {"SELECT interval 'x'", "ERROR 22007 at 16: invalid input syntax for type interval: \"x\"\n"},
    {"SELECT '1.5'::int", "ERROR 22P02 at 7: invalid input syntax for type integer: \"1.5\"\n"},
    {"SELECT a::nosuch FROM t", "ERROR 42704 at 10: type \"nosuch\" does not exist\n"},
    {"SELECT 'x'::varchar(0)", "ERROR 22023 at 12: length for type varchar must be at least 1\n"},
    {"SELECT 1::numeric(0)", "ERROR 22023 at 10: NUMERIC precision 0 must be between 1 and 1000\n"},
    {"SELECT 1::numeric(1001)",
     "ERROR 22023 at 10: NUMERIC precision 1001 must be between 1 and 1000\n"},
    {"SELECT a::int4(3) FROM t",
     "ERROR 42601 at 10: type modifier is not allowed for type \"int4\"\n"},
    {"SELECT -'x'", "ERROR 42725 at 7: operator is not unique: - unknown\n"
                    "HINT: Could not choose a best candidate operator. You might need to add "
                    "explicit type casts.\n"},
    {"SELECT - c FROM t", "ERROR 42883 at 7: operator does not exist: - text\n"
                          "HINT: No operator matches the given name and argument type. You might "
                          "need to add an explicit type cast.\n"},
    {"SELECT 'a' + 'b'", "ERROR 42725 at 11: operator is not unique: unknown + unknown\n"
                         "HINT: Could not choose a best candidate operator. You might need to add "
                         "explicit type casts.\n"},
    {"SELECT a <-> b FROM t", "ERROR 42883 at 9: operator does not exist: integer <-> bigint\n"
                              "HINT: No operator matches the given name and argument types. You "
                              "might need to add explicit type casts.\n"},
    {"SELECT NOT a FROM t",
     "ERROR 42804 at 11: argument of NOT must be type boolean, not type integer\n"},
    {"SELECT a IS TRUE FROM t",
     "ERROR 42804 at 7: argument of IS TRUE must be type boolean, not type integer\n"},
    {"SELECT a BETWEEN 'x' AND 2 FROM t",
     "ERROR 22P02 at 17: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT a LIKE 'x' FROM t", "ERROR 42883 at 9: operator does not exist: integer ~~ unknown\n"
                                 "HINT: No operator matches the given name and argument types. You "
                                 "might need to add explicit type casts.\n"},
    {"SELECT a IN (1, 'x') FROM t",
     "ERROR 22P02 at 16: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT a IN (1, c) FROM t", "ERROR 42883 at 9: operator does not exist: integer = text\n"
                                  "HINT: No operator matches the given name and argument types. "
                                  "You might need to add explicit type casts.\n"},
    {"SELECT extract(year FROM a) FROM t",
     "ERROR 42883 at 7: function pg_catalog.extract(unknown, integer) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT extract(year FROM 'x')",
     "ERROR 42725 at 7: function pg_catalog.extract(unknown, unknown) is not unique\n"
     "HINT: Could not choose a best candidate function. You might need to add explicit type "
     "casts.\n"},
    {"SELECT *", "ERROR 42601 at 7: SELECT * with no tables specified is not valid\n"},
    {"SELECT t.* FROM u", "ERROR 42P01 at 7: missing FROM-clause entry for table \"t\"\n"},
    {"SELECT x.* FROM t", "ERROR 42P01 at 7: missing FROM-clause entry for table \"x\"\n"},
    {"WITH w AS (SELECT 1), w AS (SELECT 2) SELECT 1",
     "ERROR 42712 at 22: WITH query name \"w\" specified more than once\n"},
    {"WITH w(a, b) AS (SELECT 1) SELECT * FROM w",
     "ERROR 42P10 at 5: WITH query \"w\" has 1 columns available but 2 columns specified\n"},
    {"VALUES (1, 2), (3)", "ERROR 42601 at 16: VALUES lists must all be the same length\n"},
    {"VALUES (1), ('x')", "ERROR 22P02 at 13: invalid input syntax for type integer: \"x\"\n"},
    {"VALUES (1), (date '2000-01-01')",
     "ERROR 42804 at 18: VALUES types integer and date cannot be matched\n"},
    {"SELECT * FROM generate_series(1)",
     "ERROR 42883 at 14: function generate_series(integer) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT * FROM generate_series(1.5::float8, 2)",
     "ERROR 42883 at 14: function generate_series(double precision, integer) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT row_number() FROM t",
     "ERROR 42809 at 7: window function row_number requires an OVER clause\n"},
    {"SELECT a FROM t ORDER BY a USING <=",
     "ERROR 42809 at 33: operator <= is not a valid ordering operator\n"
     "HINT: Ordering operators must be \"<\" or \">\" members of btree operator families.\n"},
    {"SELECT a, (SELECT u.x FROM u WHERE u.a = t.b) FROM t GROUP BY a",
     "ERROR 42803 at 41: subquery uses ungrouped column \"t.b\" from outer query\n"},
    {"SELECT a FROM t WHERE (SELECT sum(t.a)) > 1",
     "ERROR 42803 at 30: aggregate functions are not allowed in WHERE\n"},
    {"SELECT a AS x, b AS x FROM t ORDER BY x", "ERROR 42702 at 38: ORDER BY \"x\" is ambiguous\n"},
    {"SELECT a AS x, b AS x FROM t GROUP BY x", "ERROR 42702 at 38: GROUP BY \"x\" is ambiguous\n"},
    {"SELECT DISTINCT FROM t", "ERROR 42601 at 16: syntax error at or near \"FROM\"\n"},
    {"SELECT a FROM t WHERE a = 'x'",
     "ERROR 22P02 at 26: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT a FROM t WHERE 'x' = a",
     "ERROR 22P02 at 22: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT e + 'x' FROM t", "ERROR 42725 at 9: operator is not unique: date + unknown\n"
                              "HINT: Could not choose a best candidate operator. You might need to "
                              "add explicit type casts.\n"},
    {"SELECT e + '1 day' FROM t", "ERROR 42725 at 9: operator is not unique: date + unknown\n"
                                  "HINT: Could not choose a best candidate operator. You might "
                                  "need to add explicit type casts.\n"},
    {"SELECT a || b FROM t", "ERROR 42883 at 9: operator does not exist: integer || bigint\n"
                             "HINT: No operator matches the given name and argument types. You "
                             "might need to add explicit type casts.\n"},
    {"SELECT 1 || 2", "ERROR 42883 at 9: operator does not exist: integer || integer\n"
                      "HINT: No operator matches the given name and argument types. You might need "
                      "to add explicit type casts.\n"},
    {"SELECT e + e FROM t", "ERROR 42883 at 9: operator does not exist: date + date\n"
                            "HINT: No operator matches the given name and argument types. You "
                            "might need to add explicit type casts.\n"},
    {"SELECT e + 1.5 FROM t", "ERROR 42883 at 9: operator does not exist: date + numeric\n"
                              "HINT: No operator matches the given name and argument types. You "
                              "might need to add explicit type casts.\n"},
    {"SELECT e * 2 FROM t", "ERROR 42883 at 9: operator does not exist: date * integer\n"
                            "HINT: No operator matches the given name and argument types. You "
                            "might need to add explicit type casts.\n"},
    {"SELECT g + 1 FROM t", "ERROR 42883 at 9: operator does not exist: boolean + integer\n"
                            "HINT: No operator matches the given name and argument types. You "
                            "might need to add explicit type casts.\n"},
    {"SELECT g > 1 FROM t", "ERROR 42883 at 9: operator does not exist: boolean > integer\n"
                            "HINT: No operator matches the given name and argument types. You "
                            "might need to add explicit type casts.\n"},
    {"SELECT g AND 1 FROM t",
     "ERROR 42804 at 13: argument of AND must be type boolean, not type integer\n"},
    {"SELECT f % 2 FROM t",
     "ERROR 42883 at 9: operator does not exist: double precision % integer\n"
     "HINT: No operator matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT f % f FROM t",
     "ERROR 42883 at 9: operator does not exist: double precision % double precision\n"
     "HINT: No operator matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT d % f FROM t",
     "ERROR 42883 at 9: operator does not exist: numeric % double precision\n"
     "HINT: No operator matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT round(f, 2) FROM t",
     "ERROR 42883 at 7: function round(double precision, integer) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT substring(a, 1) FROM t",
     "ERROR 42883 at 7: function substring(integer, integer) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT left(c) FROM t", "ERROR 42883 at 7: function left(text) does not exist\n"
                              "HINT: No function matches the given name and argument types. You "
                              "might need to add explicit type casts.\n"},
    {"SELECT length(a) FROM t", "ERROR 42883 at 7: function length(integer) does not exist\n"
                                "HINT: No function matches the given name and argument types. You "
                                "might need to add explicit type casts.\n"},
    {"SELECT date_trunc(1, e) FROM t",
     "ERROR 42883 at 7: function date_trunc(integer, date) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT date_trunc('month', c) FROM t",
     "ERROR 42883 at 7: function date_trunc(unknown, text) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT date_trunc('month', '2000-01-01')",
     "ERROR 42725 at 7: function date_trunc(unknown, unknown) is not unique\n"
     "HINT: Could not choose a best candidate function. You might need to add explicit type "
     "casts.\n"},
    {"SELECT make_date(2000.5, 1, 1)",
     "ERROR 42883 at 7: function make_date(numeric, integer, integer) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT upper(NULL::int)", "ERROR 42883 at 7: function upper(integer) does not exist\n"
                                "HINT: No function matches the given name and argument types. You "
                                "might need to add explicit type casts.\n"},
    {"SELECT (SELECT 1 UNION SELECT 2) + 'x'",
     "ERROR 22P02 at 35: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT avg(e) FROM t", "ERROR 42883 at 7: function avg(date) does not exist\n"
                             "HINT: No function matches the given name and argument types. You "
                             "might need to add explicit type casts.\n"},
    {"SELECT avg(g) FROM t", "ERROR 42883 at 7: function avg(boolean) does not exist\n"
                             "HINT: No function matches the given name and argument types. You "
                             "might need to add explicit type casts.\n"},
    {"SELECT bool_and(a) FROM t", "ERROR 42883 at 7: function bool_and(integer) does not exist\n"
                                  "HINT: No function matches the given name and argument types. "
                                  "You might need to add explicit type casts.\n"},
    {"SELECT every(1)", "ERROR 42883 at 7: function every(integer) does not exist\n"
                        "HINT: No function matches the given name and argument types. You might "
                        "need to add explicit type casts.\n"},
    {"SELECT (a, b) = ANY (SELECT a, b, c FROM t) FROM t",
     "ERROR 42601 at 14: subquery has too many columns\n"},
    {"SELECT a = ALL (SELECT a, b FROM t) FROM t",
     "ERROR 42601 at 9: subquery has too many columns\n"},
    {"SELECT a IN (SELECT) FROM t", "ERROR 42601 at 9: subquery has too few columns\n"},
    {"SELECT a.b.c.d.e FROM t",
     "ERROR 42601 at 7: improper qualified name (too many dotted names): a.b.c.d.e\n"},
    {"SELECT s.t.a FROM t",
     "ERROR 42P01 at 7: invalid reference to FROM-clause entry for table \"t\"\n"
     "HINT: There is an entry for table \"t\", but it cannot be referenced from this part of the "
     "query.\n"},
    {"SELECT foo.upper('x')", "ERROR 3F000 at 7: schema \"foo\" does not exist\n"},
    {"SELECT * FROM foo.t", "ERROR 42P01 at 14: relation \"foo.t\" does not exist\n"},
    {"WITH w AS (SELECT * FROM w) SELECT * FROM w",
     "ERROR 42P01 at 25: relation \"w\" does not exist\n"
     "DETAIL: There is a WITH item named \"w\", but it cannot be referenced from this part of the "
     "query.\n"
     "HINT: Use WITH RECURSIVE, or re-order the WITH items to remove forward references.\n"},
    {"SELECT a COLLATE \"C\" FROM t",
     "ERROR 42804 at 9: collations are not supported by type integer\n"},
    {"SELECT a FROM t FETCH FIRST 3 ROWS WITH TIES",
     "ERROR 42601 at -1: WITH TIES cannot be specified without ORDER BY clause\n"},
    {"SELECT a FROM t LIMIT 1 + nosuch", "ERROR 42703 at 26: column \"nosuch\" does not exist\n"},
    {"SELECT nosuch()", "ERROR 42883 at 7: function nosuch() does not exist\n"
                        "HINT: No function matches the given name and argument types. You might "
                        "need to add explicit type casts.\n"},
    {"SELECT t.nosuch, u.nosuch FROM t, u", "ERROR 42703 at 7: column t.nosuch does not exist\n"},
    {"SELECT abc FROM (SELECT 1 AS abd, 2 AS abe) s",
     "ERROR 42703 at 7: column \"abc\" does not exist\n"
     "HINT: Perhaps you meant to reference the column \"s.abd\" or the column \"s.abe\".\n"},
    {"SELECT u.b FROM t, u", "ERROR 42703 at 7: column u.b does not exist\n"
                             "HINT: Perhaps you meant to reference the column \"t.b\".\n"},
    {"SELECT x.x FROM (SELECT 1) x", "ERROR 42703 at 7: column x.x does not exist\n"},
    {"SELECT CASE WHEN 'x' THEN 1 END",
     "ERROR 22P02 at 17: invalid input syntax for type boolean: \"x\"\n"},
    {"SELECT 1 WHERE 'maybe'",
     "ERROR 22P02 at 15: invalid input syntax for type boolean: \"maybe\"\n"},
    {"SELECT 1 WHERE 1 = 1 AND 'x'",
     "ERROR 22P02 at 25: invalid input syntax for type boolean: \"x\"\n"},
    {"SELECT NOT 'x'", "ERROR 22P02 at 11: invalid input syntax for type boolean: \"x\"\n"},
    {"SELECT 'x' IS TRUE", "ERROR 22P02 at 7: invalid input syntax for type boolean: \"x\"\n"},
    {"SELECT NULL + 1, NULL || 'x', NULL = NULL, NULL + NULL",
     "ERROR 42725 at 48: operator is not unique: unknown + unknown\n"
     "HINT: Could not choose a best candidate operator. You might need to add explicit type "
     "casts.\n"},
    {"SELECT -NULL", "ERROR 42725 at 7: operator is not unique: - unknown\n"
                     "HINT: Could not choose a best candidate operator. You might need to add "
                     "explicit type casts.\n"},
    {"SELECT 1 IN ('1', '2'), 1 IN ('x')",
     "ERROR 22P02 at 30: invalid input syntax for type integer: \"x\"\n"},
    {"SELECT '1e400'::float8",
     "ERROR 22003 at 7: \"1e400\" is out of range for type double precision\n"},
    {"SELECT 1::bool, 0::bool, 2::int8::bool",
     "ERROR 42846 at 32: cannot cast type bigint to boolean\n"},
    {"SELECT t.a FROM t JOIN u ON t.a = u.a GROUP BY u.a",
     "ERROR 42803 at 7: column \"t.a\" must appear in the GROUP BY clause or be used in an "
     "aggregate function\n"},
    {"SELECT a + b FROM t GROUP BY a", "ERROR 42803 at 11: column \"t.b\" must appear in the GROUP "
                                       "BY clause or be used in an aggregate function\n"},
    {"SELECT a FROM t GROUP BY a + 1", "ERROR 42803 at 7: column \"t.a\" must appear in the GROUP "
                                       "BY clause or be used in an aggregate function\n"},
    {"SELECT a FROM t x GROUP BY x.a ORDER BY b",
     "ERROR 42803 at 40: column \"x.b\" must appear in the GROUP BY clause or be used in an "
     "aggregate function\n"},
    {"SELECT a AS k FROM t GROUP BY k ORDER BY sum(k)",
     "ERROR 42703 at 45: column \"k\" does not exist\n"},
    {"SELECT sum(a) AS s FROM t ORDER BY s + 1",
     "ERROR 42703 at 35: column \"s\" does not exist\n"},
    {"SELECT sum(a) AS s FROM t GROUP BY s",
     "ERROR 42803 at 7: aggregate functions are not allowed in GROUP BY\n"},
    {"SELECT count(*) FROM t ORDER BY a", "ERROR 42803 at 32: column \"t.a\" must appear in the "
                                          "GROUP BY clause or be used in an aggregate function\n"},
    {"SELECT max((SELECT max(t.a))) FROM t",
     "ERROR 42803 at 19: aggregate function calls cannot be nested\n"},
    {"SELECT (SELECT max((SELECT max(t.a)))) FROM t",
     "ERROR 42803 at 27: aggregate function calls cannot be nested\n"},
    {"SELECT (SELECT max(t.a + u.a) FROM u GROUP BY max(t.a)) FROM t",
     "ERROR 42803 at 19: subquery uses ungrouped column \"t.a\" from outer query\n"},
    {"SELECT * FROM t LEFT JOIN (u JOIN n ON n.a = t.a) ON true",
     "ERROR 42P01 at 45: invalid reference to FROM-clause entry for table \"t\"\n"
     "HINT: There is an entry for table \"t\", but it cannot be referenced from this part of the "
     "query.\n"},
    {"SELECT * FROM t, u LEFT JOIN n ON n.a = t.a",
     "ERROR 42P01 at 40: invalid reference to FROM-clause entry for table \"t\"\n"
     "HINT: There is an entry for table \"t\", but it cannot be referenced from this part of the "
     "query.\n"},
    {"SELECT a FROM t JOIN u USING (a) JOIN n ON true",
     "ERROR 42702 at 7: column reference \"a\" is ambiguous\n"},
    {"SELECT * FROM t JOIN u ON t.c = u.y",
     "ERROR 42883 at 30: operator does not exist: text = timestamp without time zone\n"
     "HINT: No operator matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT * FROM t JOIN n k(c) USING (c)",
     "ERROR 42804 at -1: JOIN/USING types text and integer cannot be matched\n"},
    {"SELECT a FROM (SELECT 1 AS a, 2 AS a) s",
     "ERROR 42702 at 7: column reference \"a\" is ambiguous\n"},
    {"SELECT s.* FROM (SELECT a FROM t) s, s",
     "ERROR 42P01 at 37: relation \"s\" does not exist\n"},
    {"SELECT count(*) FILTER (WHERE a) FROM t",
     "ERROR 42804 at 30: argument of FILTER must be type boolean, not type integer\n"},
    {"SELECT sum(DISTINCT a, b) FROM t",
     "ERROR 42883 at 7: function sum(integer, bigint) does not exist\n"
     "HINT: No function matches the given name and argument types. You might need to add explicit "
     "type casts.\n"},
    {"SELECT sum(nosuch ORDER BY b) FROM t",
     "ERROR 42703 at 11: column \"nosuch\" does not exist\n"},
    {"SELECT sum(a ORDER BY nosuch) FROM t",
     "ERROR 42703 at 22: column \"nosuch\" does not exist\n"},
};

/* What PostgreSQL does and Vonk does not (yet). */
static const TextCase unsupported_cases[] = {
    {"SELECT a FROM t FOR UPDATE", "ERROR 0A000 at 7: not supported: FOR UPDATE\n"},
    {"SELECT substring(c, 'x') FROM t", "ERROR 0A000 at 7: not supported: regular expressions\n"},
    {"SELECT a FROM t WHERE (a, b) IN ((1, 2), (3))",
     "ERROR 0A000 at 42: not supported: comparing a value with a row\n"},
    {"SELECT (a, b) FROM t",
     "ERROR 0A000 at 7: not supported: row values outside of comparisons\n"},
    {"SELECT t FROM t", "ERROR 0A000 at 7: not supported: whole-row references\n"},
    {"SELECT count(t) FROM t", "ERROR 0A000 at 13: not supported: whole-row references\n"},
    {"SELECT count(t.*) FROM t", "ERROR 0A000 at 13: not supported: whole-row references\n"},
    {"SELECT a FROM t WHERE a = ANY ('{1,2}')", "ERROR 0A000 at 31: not supported: arrays\n"},
    {"SELECT ARRAY[1,2]", "ERROR 0A000 at 7: not supported: arrays\n"},
    {"SELECT '{1}'::int[]", "ERROR 0A000 at 14: not supported: arrays\n"},
    {"SELECT a[1] FROM t", "ERROR 0A000 at 7: not supported: array subscripts\n"},
    {"SELECT c ~ 'x' FROM t", "ERROR 0A000 at 9: not supported: regular expressions\n"},
    {"SELECT c SIMILAR TO 'x' FROM t", "ERROR 0A000 at 9: not supported: SIMILAR TO\n"},
    {"SELECT sum(a) OVER () FROM t", "ERROR 0A000 at 7: not supported: window functions\n"},
    {"SELECT rank() OVER (ORDER BY a) FROM t",
     "ERROR 0A000 at 7: not supported: window functions\n"},
    {"SELECT a FROM t WINDOW w AS (PARTITION BY a)",
     "ERROR 0A000 at 28: not supported: window functions\n"},
    {"SELECT a FROM t GROUP BY ROLLUP (a)", "ERROR 0A000 at 25: not supported: grouping sets\n"},
    {"SELECT a FROM t GROUP BY GROUPING SETS ((a), ())",
     "ERROR 0A000 at 25: not supported: grouping sets\n"},
    {"WITH RECURSIVE w AS (SELECT 1 UNION ALL SELECT * FROM w) SELECT * FROM w",
     "ERROR 0A000 at 54: not supported: recursive WITH queries\n"},
    {"WITH w AS (DELETE FROM t RETURNING *) SELECT * FROM w",
     "ERROR 0A000 at 5: not supported: DELETE in WITH\n"},
    {"SELECT a FROM t WHERE generate_series(1, 3) = a",
     "ERROR 0A000 at 22: not supported: set-returning functions outside of FROM and the select "
     "list\n"},
    {"SELECT CASE WHEN true THEN generate_series(1, 3) END",
     "ERROR 0A000 at 7: set-returning functions are not allowed in CASE\n"},
    {"SELECT sum(generate_series(1, 3))",
     "ERROR 0A000 at 7: set-returning functions are not allowed in aggregate function calls\n"},
    {"SELECT unnest(ARRAY[1])", "ERROR 0A000 at 7: not supported: unnest\n"},
    {"SELECT array_agg(a) FROM t",
     "ERROR 0A000 at 7: not supported: aggregate function array_agg\n"},
    {"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t",
     "ERROR 0A000 at 7: not supported: aggregate function percentile_cont\n"},
    {"SELECT now() AT TIME ZONE 'UTC'", "ERROR 0A000 at 13: not supported: AT TIME ZONE\n"},
    {"SELECT current_time", "ERROR 0A000 at 7: not supported: current_time\n"},
    {"SELECT localtime", "ERROR 0A000 at 7: not supported: localtime\n"},
    {"SELECT '10:00'::time", "ERROR 0A000 at 16: not supported: type time\n"},
    {"SELECT 'x'::json", "ERROR 0A000 at 12: not supported: type json\n"},
    {"SELECT 'x'::uuid", "ERROR 0A000 at 12: not supported: type uuid\n"},
    {"SELECT 'x'::bytea", "ERROR 0A000 at 12: not supported: type bytea\n"},
    {"SELECT x'1f'", "ERROR 0A000 at 7: not supported: bit strings\n"},
    {"SELECT 1::oid", "ERROR 0A000 at 10: not supported: type oid\n"},
    {"SELECT a::numeric(5,7) FROM t",
     "ERROR 0A000 at 10: not supported: a numeric scale outside of 0..precision\n"},
    {"SELECT a::numeric(50,2) FROM t",
     "ERROR 0A000 at 10: not supported: numeric of more than 38 digits\n"},
    {"SELECT c COLLATE \"de_DE\" FROM t", "ERROR 0A000 at 9: not supported: collation \"de_DE\"\n"},
    {"SELECT * FROM t TABLESAMPLE BERNOULLI (10)",
     "ERROR 0A000 at 14: not supported: TABLESAMPLE\n"},
    {"SELECT * FROM ROWS FROM (generate_series(1,2), generate_series(1,3)) x",
     "ERROR 0A000 at 25: not supported: ROWS FROM\n"},
    {"SELECT * FROM generate_series(1,2) WITH ORDINALITY",
     "ERROR 0A000 at 14: not supported: WITH ORDINALITY\n"},
    {"SELECT a FROM t LIMIT (SELECT 1)", "ERROR 0A000 at 22: not supported: subqueries in LIMIT\n"},
    {"SELECT upper(x => 'a')", "ERROR 0A000 at 13: not supported: named arguments\n"},
    {"SELECT upper(VARIADIC 'a')", "ERROR 0A000 at 7: not supported: VARIADIC\n"},
    {"SELECT interval '1' YEAR TO MONTH, interval '1-2' YEAR TO MONTH, interval(3) '1 day'",
     "ERROR 0A000 at 65: not supported: precision of type interval\n"},
    {"SELECT date 'today', timestamp 'now', date 'epoch', 'infinity'::date",
     "ERROR 0A000 at 52: not supported: \"infinity\" as date\n"},
    {"SELECT 1e300::float8, 1e-300::float8, -1e300::float8, 1e300",
     "ERROR 0A000 at 54: not supported: numeric literals of more than 38 digits\n"
     "HINT: Beside double precision, or cast to it, such a literal is a double.\n"},
    {"SELECT 'nan'::float8, 'nan'::numeric",
     "ERROR 0A000 at 22: not supported: \"nan\" as numeric\n"},
    {"SELECT 123456789012345678901234567890123456789",
     "ERROR 0A000 at 7: not supported: numeric literals of more than 38 digits\n"
     "HINT: Beside double precision, or cast to it, such a literal is a double.\n"},
    {"SELECT 0.123456789012345678901234567890123456789",
     "ERROR 0A000 at 7: not supported: numeric literals of more than 38 digits\n"
     "HINT: Beside double precision, or cast to it, such a literal is a double.\n"},
    {"SELECT 'x'::varchar, 'xyz'::varchar(2), 'xyz'::char(2), 'x'::\"char\"",
     "ERROR 0A000 at 61: not supported: type char\n"},
    {"SELECT a FROM t WHERE max(a) OVER () = 1",
     "ERROR 0A000 at 22: not supported: window functions\n"},
    {"SELECT (SELECT 1 LIMIT 0), ARRAY(SELECT 1)", "ERROR 0A000 at 27: not supported: arrays\n"},
};

/* Vonk's own: names of tables, functions and types that are nearly right; files; views. */
static const TextCase own_cases[] = {
    {"SELECT * FROM linitem", "ERROR 42P01 at 14: relation \"linitem\" does not exist\n"
                              "HINT: Perhaps you meant the table \"lineitem\".\n"},
    {"SELECT uper(c) FROM t", "ERROR 42883 at 7: function uper(text) does not exist\n"
                              "HINT: Perhaps you meant the function \"upper\".\n"},
    {"SELECT 1::numerc", "ERROR 42704 at 10: type \"numerc\" does not exist\n"
                         "HINT: Perhaps you meant the type \"numeric\".\n"},
    {"SELECT * FROM lineitem.parquet",
     "ERROR 42P01 at 14: relation \"lineitem.parquet\" does not exist\n"
     "HINT: To read a file, write its path in double quotes: \"lineitem.parquet\".\n"},
    {"SELECT * FROM \"missing.parquet\"",
     "ERROR 58P01 at 14: could not open file \"missing.parquet\"\n"},
    {"SELECT * FROM read_csv()",
     "ERROR 42601 at 14: read_csv takes a file's path as its first argument\n"},
    {"SELECT * FROM read_csv(1)",
     "ERROR 42601 at 14: read_csv takes a file's path as its first argument\n"},
    {"SELECT * FROM read_csv('x', 1)",
     "ERROR 42601 at 28: options of a file are written as name = value\n"},
    {"SELECT * FROM read_csv('x', header = a)", "ERROR 42703 at 37: column \"a\" does not exist\n"},
    {"SELECT * FROM loop",
     "ERROR 42P17 at 14: infinite recursion detected in rules for relation \"loop\"\n"
     "DETAIL: This is in the view \"loop\".\n"},
    {"SELECT a, nosuch FROM bad", "ERROR 42703 at 22: column \"nosuch\" does not exist\n"
                                  "DETAIL: This is in the view \"bad\".\n"},
    {"SELECT a FROM t LIMIT -1", "ERROR 2201W at 22: LIMIT must not be negative\n"},
    {"SELECT a FROM t OFFSET -1", "ERROR 2201X at 23: OFFSET must not be negative\n"},
    {"SELECT min(a) FROM t JOIN LATERAL (SELECT sum(t.a)) s ON true",
     "ERROR 42803 at 42: aggregate functions are not allowed in FROM clause of their own query "
     "level\n"},
};

START_TEST(test_postgres)
{
    CHECK_CASES(bind_text, postgres_cases);
}
END_TEST

START_TEST(test_unsupported)
{
    CHECK_CASES(bind_text, unsupported_cases);
}
END_TEST

START_TEST(test_own)
{
    CHECK_CASES(bind_text, own_cases);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bind_errors");
    TCase *tcase = tcase_create("errors");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_postgres);
    tcase_add_test(tcase, test_unsupported);
    tcase_add_test(tcase, test_own);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
