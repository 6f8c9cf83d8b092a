/*
 * kernel_instance.c -- memory for running a kernel in tier 0; see kernel_instance.h
 *
 * A register's vector is given to another one once nobody reads it any more. One block of the pool
 * holds all: it is laid out twice by the same code, first to measure, then to place.
 */
#include "codegen/kernel_instance.h"

#include "codegen/kernel_compiled.h"

#include "core/base/invariant.h"

enum { BLOCK_ALIGN = 64, WIDTHS = 5, READ_TO_THE_END = INT32_MAX };

/* Hands out pieces of a block that may not be there yet. */
typedef struct Layout {
    char *block; /* NULL: only measuring */
    size_t used;
} Layout;

static void *place(Layout *layout, size_t bytes)
{
    void *piece = layout->block == NULL ? NULL : layout->block + layout->used;

    layout->used += (bytes + BLOCK_ALIGN - 1) & ~(size_t)(BLOCK_ALIGN - 1);
    return piece;
}

static uint32_t width_class(size_t bytes)
{
    return (uint32_t)__builtin_ctzll(bytes);
}

/* The last line that reads each register. */
static void find_last_reads(const Kernel *kernel, uint32_t *last_read)
{
    memset(last_read, 0, kernel->line_count * sizeof *last_read);
    for (uint32_t i = 0; i < kernel->line_count; i++) {
        const KernelLine *line = &kernel->lines[i];

        for (uint32_t j = 0; j < line->arg_count; j++)
            last_read[line->args[j]] = i;
        if (line->guard != NO_REGISTER)
            last_read[line->guard] = i;
    }
    if (kernel->predicate != NO_REGISTER)
        last_read[kernel->predicate] = READ_TO_THE_END;
    for (uint32_t i = 0; i < kernel->output_count; i++)
        last_read[kernel->outputs[i]] = READ_TO_THE_END;
    for (uint32_t i = 0; i < kernel->agg_count; i++) {
        if (kernel->aggs[i].arg != NO_REGISTER)
            last_read[kernel->aggs[i].arg] = READ_TO_THE_END;
        if (kernel->aggs[i].filter != NO_REGISTER)
            last_read[kernel->aggs[i].filter] = READ_TO_THE_END;
    }
}

static bool has_vector(const KernelLine *line)
{
    return line->kind != LINE_INPUT && line->kind != LINE_PARAM;
}

/* Vectors that are free, by the line after which they are. */
typedef struct FreeList {
    uint32_t count;
    void **vectors;
} FreeList;

/* The lines that are last read by each: chains of line + 1, 0 ends. */
typedef struct Deaths {
    uint32_t *first; /* by the reading line */
    uint32_t *next;  /* by the line read */
} Deaths;

static Deaths find_deaths(Arena *arena, const Kernel *kernel)
{
    Deaths deaths = {.first = ARENA_ARRAY(arena, uint32_t, kernel->line_count),
                     .next = ARENA_ARRAY(arena, uint32_t, kernel->line_count)};
    uint32_t *last_read = ARENA_ARRAY(arena, uint32_t, kernel->line_count);

    find_last_reads(kernel, last_read);
    for (uint32_t i = kernel->line_count; i-- > 0;) {
        if (last_read[i] < i || last_read[i] >= kernel->line_count ||
            !has_vector(&kernel->lines[i])) /* read by none, or to the end */
            continue;
        deaths.next[i] = deaths.first[last_read[i]];
        deaths.first[last_read[i]] = i + 1;
    }
    return deaths;
}

/* The vectors that the line before was the last to read. */
static void free_dead(KernelInstance *instance, const Deaths *deaths, uint32_t index,
                      FreeList *lists)
{
    const Kernel *kernel = instance->kernel;

    if (index == 0)
        return;
    for (uint32_t i = deaths->first[index - 1]; i != 0; i = deaths->next[i - 1]) {
        FreeList *list = &lists[width_class(phys_bytes(type_phys(kernel->lines[i - 1].type)))];

        list->vectors[list->count++] = instance->states[i - 1].values;
    }
}

/* Guards' selections are computed when they are first asked for, from masks that live till then. */
static void place_line(KernelInstance *instance, uint32_t index, FreeList *lists, Layout *layout)
{
    LineState *state = &instance->states[index];
    size_t bytes = phys_bytes(type_phys(instance->kernel->lines[index].type));
    FreeList *list = &lists[width_class(bytes)];

    if (list->count > 0)
        state->values = list->vectors[--list->count];
    else
        state->values = place(layout, BATCH_ROWS_MAX * bytes);
    state->validity = place(layout, BATCH_ROWS_MAX / 8);
}

static void place_guards(KernelInstance *instance, Layout *layout)
{
    const Kernel *kernel = instance->kernel;

    for (uint32_t i = 0; i < kernel->line_count; i++)
        instance->states[i].guarded = NULL;
    for (uint32_t i = 0; i < kernel->line_count + kernel->agg_count; i++) {
        bool is_line = i < kernel->line_count;
        uint32_t guard =
            is_line ? kernel->lines[i].guard : kernel->aggs[i - kernel->line_count].filter;

        if (guard != NO_REGISTER && !instance->states[guard].has_guarded) {
            instance->states[guard].has_guarded =
                true; /* placed; each batch starts by clearing it */
            instance->states[guard].guarded = place(layout, BATCH_ROWS_MAX * sizeof(uint32_t));
        }
    }
    for (uint32_t i = 0; i < kernel->line_count; i++)
        instance->states[i].has_guarded = false;
}

static void place_all(KernelInstance *instance, const Deaths *deaths, void **free_room,
                      Layout *layout)
{
    const Kernel *kernel = instance->kernel;
    FreeList lists[WIDTHS];

    for (uint32_t i = 0; i < WIDTHS; i++)
        lists[i] = (FreeList){0, free_room + (size_t)i * kernel->line_count};
    instance->kept = place(layout, BATCH_ROWS_MAX * sizeof(uint32_t));
    instance->scratch = place(layout, BATCH_ROWS_MAX * sizeof(uint32_t));
    instance->wanted = place(layout, BATCH_ROWS_MAX);
    instance->true_bytes = place(layout, BATCH_ROWS_MAX);
    instance->false_bytes = place(layout, BATCH_ROWS_MAX);
    if (kernel->agg_count > 0) {
        instance->row_states = place(layout, BATCH_ROWS_MAX * sizeof(void *));
        instance->grouped = place(layout, BATCH_ROWS_MAX * sizeof(uint32_t));
    }
    instance->call_arrays = place(layout, compiled__array_count(kernel) * sizeof(void *));
    for (uint32_t i = 0; i < kernel->line_count; i++) {
        free_dead(instance, deaths, i, lists);
        if (has_vector(&kernel->lines[i]))
            place_line(instance, i, lists, layout);
        if (kernel->lines[i].is_nullable)
            instance->states[i].valid_bytes = place(layout, BATCH_ROWS_MAX);
    }
    place_guards(instance, layout);
}

static bool is_cheap(const Op *op)
{
    for (uint32_t i = 0; i < op->arg_count; i++)
        if (op->args[i] == OPTYPE_DEC128 || op->args[i] == OPTYPE_INTERVAL)
            return false;
    switch (op->func) {
    case FUNC_EQ:
    case FUNC_NE:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
    case FUNC_ADD:
    case FUNC_SUB:
    case FUNC_NEG:
    case FUNC_ABS:
    case FUNC_BIT_AND:
    case FUNC_BIT_OR:
    case FUNC_BIT_XOR:
    case FUNC_BIT_NOT:
        return true;
    case FUNC_MUL:
        return op->result != OPTYPE_INT8 && op->result != OPTYPE_DEC64;
    default:
        return false;
    }
}

static void prepare_lines(KernelInstance *instance)
{
    const Kernel *kernel = instance->kernel;

    for (uint32_t i = 0; i < kernel->line_count; i++) {
        LineState *state = &instance->states[i];

        for (uint32_t j = 0; j < kernel->lines[i].arg_count; j++)
            instance->states[kernel->lines[i].args[j]].is_read = true;
        if (kernel->lines[i].guard != NO_REGISTER)
            instance->states[kernel->lines[i].guard].is_read = true;
        if (kernel->lines[i].kind != LINE_OP)
            continue;
        state->vector = vector_op(kernel->lines[i].op);
        state->is_costly = !is_cheap(&op_table[kernel->lines[i].op]);
    }
}

static size_t arrays_bytes(const Kernel *kernel)
{
    return kernel->line_count * (sizeof(LineState) + sizeof(Column));
}

/* The instance, its arrays behind it, then the vectors. */
static Status allocate(Kernel *kernel, MemPool *pool, const Deaths *deaths, void **free_room,
                       Error *err, KernelInstance **instance_out)
{
    size_t head = (sizeof(KernelInstance) + 15) & ~(size_t)15;
    KernelInstance *instance;
    Layout layout = {NULL, 0};
    void *memory;

    TRY(mem_pool_alloc(pool, head + arrays_bytes(kernel), "kernel", err, &memory));
    instance = memset(memory, 0, head + arrays_bytes(kernel));
    instance->kernel = kernel;
    instance->pool = pool;
    instance->states = (LineState *)(void *)((char *)memory + head);
    instance->registers = (Column *)(void *)(instance->states + kernel->line_count);
    text_heap_init(&instance->heap, pool);
    place_all(instance, deaths, free_room, &layout);
    instance->block_bytes = layout.used;
    *instance_out = instance;
    TRY(mem_pool_alloc(pool, instance->block_bytes, "kernel vectors", err, &instance->block));
    layout = (Layout){memset(instance->block, 0, instance->block_bytes), 0};
    place_all(instance, deaths, free_room, &layout);
    memset(instance->true_bytes, 1, BATCH_ROWS_MAX);
    return ST_OK;
}

Status kernel_instance_new(Kernel *kernel, MemPool *pool, Error *err, KernelInstance **instance_out)
{
    Arena *arena = arena_new(NULL, "kernel layout", ARENA_NO_CAP);
    Deaths deaths = find_deaths(arena, kernel);
    void **free_room = ARENA_ARRAY(arena, void *, (size_t)WIDTHS * kernel->line_count);
    KernelInstance *instance = NULL;
    Status status;

    status = allocate(kernel, pool, &deaths, free_room, err, &instance);
    arena_free(arena);
    if (instance != NULL)
        kernel_ref(kernel);
    if (status != ST_OK) {
        kernel_instance_free(instance);
        instance = NULL;
    } else {
        prepare_lines(instance);
    }
    *instance_out = instance;
    return status;
}

void kernel_instance_free(KernelInstance *instance)
{
    Kernel *kernel;
    MemPool *pool;

    if (instance == NULL)
        return;
    kernel = instance->kernel;
    pool = instance->pool;
    for (uint32_t i = 0; i < kernel->line_count; i++) {
        if (instance->states[i].flat_values != NULL)
            mem_pool_release(pool, instance->states[i].flat_values, BATCH_ROWS_MAX * sizeof(Str));
        entry_cache_fini(instance->states[i].entries, pool);
    }
    text_heap_fini(&instance->heap);
    mem_pool_release(pool, instance->block, instance->block_bytes);
    mem_pool_release(pool, instance,
                     ((sizeof(KernelInstance) + 15) & ~(size_t)15) + arrays_bytes(kernel));
    kernel_unref(kernel);
}
