#!/usr/bin/env bash
# make demo: makes a small shop's data (4 million orders as Parquet, customers as CSV), asks questions over it, and shows
# what Vonk does with them. Everything stays below build/demo.
set -euo pipefail
cd "$(dirname "$0")/.."
vonk=$PWD/build/release/vonk
shop=$PWD/build/demo/shop
export XDG_CACHE_HOME=$PWD/build/demo/cache
rm -rf "$XDG_CACHE_HOME"
mkdir -p "$shop"

bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
if [ -n "${NO_COLOR:-}" ] || [ ! -t 1 ]; then bold='' dim='' plain=''; fi

say() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
ask() { # prints the SQL, runs it over the shop
    printf '%s%s%s\n' "$dim" "$1" "$plain"
    "$vonk" sql "$shop" --timing -c "$1" 2>&1
}

say "Making data in $shop: 4 million orders (Parquet), 200,000 customers (CSV)"
if [ ! -e "$shop/orders.parquet" ] || [ ! -e "$shop/customers.csv" ]; then
    "$vonk" sql --format none -c "
        COPY (SELECT x AS order_id,
                     (x * 7919) % 200000 + 1 AS customer_id,
                     date '2022-01-01' + (x * 31 % 1096)::int AS ordered_on,
                     ((x * 104729 % 90000 + 100)::numeric(12,2) * 0.01)::numeric(12,2) AS amount,
                     CASE x % 5 WHEN 0 THEN 'books' WHEN 1 THEN 'music' WHEN 2 THEN 'games' WHEN 3 THEN 'tools'
                                ELSE 'garden' END AS category
              FROM generate_series(1::bigint, 4000000) g(x)) TO '$shop/orders.parquet';
        COPY (SELECT x AS customer_id, 'customer ' || x AS name,
                     CASE x % 4 WHEN 0 THEN 'north' WHEN 1 THEN 'south' WHEN 2 THEN 'east' ELSE 'west' END AS region
              FROM generate_series(1::bigint, 200000) g(x)) TO '$shop/customers.csv'"
fi
ls -lh "$shop" | awk 'NR > 1 {print "  " $9, $5}'

say "A folder is a database: each file is a table."
ask "SELECT category, count(*) AS orders, sum(amount) AS revenue, round(avg(amount), 2) AS average
FROM orders GROUP BY category ORDER BY revenue DESC"

say "Parquet joins CSV. Dates are dates, money is exact."
ask "SELECT c.region, date_trunc('year', o.ordered_on)::date AS year, sum(o.amount) AS revenue
FROM orders o JOIN customers c USING (customer_id)
WHERE o.ordered_on >= date '2023-01-01' AND c.region IN ('north', 'east')
GROUP BY 1, 2 ORDER BY 1, 2"

say "Correlated subqueries become joins: customers whose best order is almost twice their average."
ask "SELECT count(*) AS customers FROM customers c
WHERE (SELECT max(amount) FROM orders o WHERE o.customer_id = c.customer_id)
    > 1.9 * (SELECT avg(amount) FROM orders o WHERE o.customer_id = c.customer_id)"

say "How it does that: the plan, with rows expected and seen."
"$vonk" sql "$shop" --format tsv -c "EXPLAIN ANALYZE SELECT c.region, sum(o.amount) FROM orders o JOIN customers c
USING (customer_id) WHERE o.category = 'games' GROUP BY c.region" | tail -n +2

say "Its scalar work is compiled by LLVM while it runs. A first process compiles; a second finds the code on disk."
question="SELECT sum(amount * (1 - 0.05) * (1 + 0.19)) AS total, sum(CASE WHEN amount > 500 THEN amount * 2 - 1
ELSE amount + 3 END) AS odd FROM orders WHERE order_id % 3 = 1 AND amount BETWEEN 10 AND 900"
printf '%s%s%s\n' "$dim" "$question" "$plain"
for run in "interpreted" "compiled, cold code cache" "compiled, warm code cache"; do
    jit=on
    if [ "$run" = interpreted ]; then jit=off; fi
    printf '  %-28s' "$run"
    "$vonk" sql "$shop" --format none --timing --set jit=$jit -c "$question" 2>&1 | tail -n 1
done

say "The same bits, whatever happens: 1 thread or 8, interpreted or compiled."
for how in "--threads 1 --set jit=off" "--threads 8 --set jit=on"; do
    printf '  %-28s' "$how"
    # shellcheck disable=SC2086
    "$vonk" sql "$shop" $how --format csv -c "SELECT sum(sqrt(amount::float8)), stddev(amount::float8 / 3)
FROM orders" | tail -n 1
done

say "Now you:"
cat <<END
  build/release/vonk sql build/demo/shop                   a prompt: \\d lists tables, \\? helps, Tab completes
  build/release/vonk sql YOUR/FOLDER                       your own Parquet and CSV files
  build/release/vonk sql -c 'SELECT * FROM "file.csv"'     one file, wherever it is
END
