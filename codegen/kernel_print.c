/*
 * kernel_print.c -- a kernel's program as text: for EXPLAIN (KERNELS), and the key of compiled code
 *
 * Constants stand as $n with their types only, so that questions that differ in constants alone
 * have the same text. Nothing of the machine or the process is in it.
 */
#include "codegen/kernel_internal.h"

static const char *line_word(LineKind kind)
{
    static const char *const words[] = {[LINE_INPUT] = "column",
                                        [LINE_PARAM] = "constant",
                                        [LINE_OP] = "",
                                        [LINE_IN] = "in",
                                        [LINE_SELECT] = "select",
                                        [LINE_BOOL] = "boolean",
                                        [LINE_IS_TRUE] = "is_true",
                                        [LINE_IS_FALSE] = "is_false",
                                        [LINE_IS_NULL] = "is_null",
                                        [LINE_IS_NOT_NULL] = "is_not_null",
                                        [LINE_MASK_AND] = "and",
                                        [LINE_MASK_OR] = "or",
                                        [LINE_MASK_AND_NOT] = "and_not",
                                        [LINE_MASK_NOT] = "not"};

    return words[kind];
}

/* Columns and constants are written where they are used. */
static void print_register(StrBuf *buf, const Kernel *kernel, uint32_t reg)
{
    const KernelLine *line = &kernel->lines[reg];

    if (line->kind == LINE_INPUT)
        strbuf_printf(buf, "%s@%u", kernel->inputs[line->index].name, line->index);
    else if (line->kind == LINE_PARAM && kernel->params[line->index].is_null)
        strbuf_puts(buf, "null");
    else if (line->kind == LINE_PARAM)
        strbuf_printf(buf, "$%u", line->index);
    else
        strbuf_printf(buf, "%%%u", reg);
}

static void print_type(StrBuf *buf, Type type)
{
    strbuf_puts(buf, phys_name(type_phys(type)));
    if (type.id == TYPE_DECIMAL)
        strbuf_printf(buf, "/%u", type.scale);
}

static void print_line(StrBuf *buf, const Kernel *kernel, uint32_t index)
{
    const KernelLine *line = &kernel->lines[index];

    strbuf_printf(buf, "  %%%u ", index);
    print_type(buf, line->type);
    if (line->is_nullable)
        strbuf_putc(buf, '?');
    strbuf_printf(buf, " = %s(",
                  line->kind == LINE_OP ? op_table[line->op].name : line_word(line->kind));
    for (uint32_t i = 0; i < line->arg_count; i++) {
        if (i > 0)
            strbuf_puts(buf, ", ");
        print_register(buf, kernel, line->args[i]);
    }
    if (line->kind == LINE_IN)
        strbuf_printf(buf, ", set %u", line->index);
    strbuf_putc(buf, ')');
    if (line->guard != NO_REGISTER) {
        strbuf_puts(buf, " if ");
        print_register(buf, kernel, line->guard);
    }
    strbuf_putc(buf, '\n');
}

static void print_lines(StrBuf *buf, const Kernel *kernel, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        if (kernel->lines[i].kind != LINE_INPUT && kernel->lines[i].kind != LINE_PARAM)
            print_line(buf, kernel, i);
}

static void print_head(StrBuf *buf, const Kernel *kernel)
{
    const char *separator = "";

    strbuf_printf(buf, "kernel %s(", kernel->name);
    for (uint32_t i = 0; i < kernel->line_count; i++) {
        if (kernel->lines[i].kind != LINE_INPUT)
            continue;
        strbuf_puts(buf, separator);
        print_register(buf, kernel, i);
        strbuf_putc(buf, ' ');
        print_type(buf, kernel->lines[i].type);
        strbuf_puts(buf, kernel->lines[i].is_nullable ? "?" : "");
        separator = ", ";
    }
    for (uint32_t i = 0; i < kernel->line_count; i++) {
        if (kernel->lines[i].kind != LINE_PARAM || kernel->lines[i].is_nullable)
            continue;
        strbuf_puts(buf, separator);
        print_register(buf, kernel, i);
        strbuf_putc(buf, ' ');
        print_type(buf, kernel->lines[i].type);
        separator = ", ";
    }
    strbuf_puts(buf, ")\n");
}

static void print_agg(StrBuf *buf, const Kernel *kernel, const KernelAgg *agg)
{
    strbuf_printf(buf, "  %s(state %u", agg_op_table[agg->op].name, agg->state_offset);
    if (agg->arg != NO_REGISTER) {
        strbuf_puts(buf, ", ");
        print_register(buf, kernel, agg->arg);
    }
    strbuf_putc(buf, ')');
    if (agg->filter != NO_REGISTER) {
        strbuf_puts(buf, " if ");
        print_register(buf, kernel, agg->filter);
    }
    strbuf_puts(buf, agg->is_shared ? " shared\n" : "\n");
}

const char *kernel_print(Arena *arena, const Kernel *kernel)
{
    StrBuf buf = {.arena = arena};

    print_head(&buf, kernel);
    print_lines(&buf, kernel, 0, kernel->filter_line_count);
    if (kernel->predicate != NO_REGISTER) {
        strbuf_puts(&buf, "  keep ");
        print_register(&buf, kernel, kernel->predicate);
        strbuf_putc(&buf, '\n');
    }
    print_lines(&buf, kernel, kernel->filter_line_count, kernel->line_count);
    for (uint32_t i = 0; i < kernel->output_count; i++) {
        strbuf_printf(&buf, "  output %u ", i);
        print_register(&buf, kernel, kernel->outputs[i]);
        strbuf_putc(&buf, '\n');
    }
    for (uint32_t i = 0; i < kernel->agg_count; i++)
        print_agg(&buf, kernel, &kernel->aggs[i]);
    return strbuf_text(&buf);
}
