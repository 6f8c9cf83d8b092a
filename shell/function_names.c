/* function_names.c -- see function_names.h */
#include "shell/function_names.h"

#include <string.h>

bool function_is_callable(FuncId func)
{
    static const FuncId forms[] = {FUNC_AND, FUNC_OR, FUNC_NOT, FUNC_CASE, FUNC_IN, FUNC_CAST};
    const char *name = func_name(func);

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i] == func)
            return false;
    return (func_properties(func) & FUNC_HIDDEN) == 0 && name[0] >= 'a' && name[0] <= 'z' &&
           strpbrk(name, " .") == NULL;
}

bool aggregate_is_callable(AggId agg)
{
    return strchr(agg_name(agg), '(') == NULL;
}
