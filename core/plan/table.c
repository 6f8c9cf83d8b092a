/* table.c -- what all tables share; see table.h */
#include "core/plan/table.h"

#include <string.h>

Table *table_ref(Table *table)
{
    atomic_fetch_add(&table->ref_count, 1);
    return table;
}

void table_unref(Table *table)
{
    if (table != NULL && atomic_fetch_sub(&table->ref_count, 1) == 1)
        table->class->close(table);
}

int32_t table_find_column(const Table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}
