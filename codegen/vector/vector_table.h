/* vector_table.h -- makes the loops of VECTOR_ROWS and the table VECTOR_NAME; see vector_loops.h.
 * Included once a file. */
#define OP1(word, c, r, a, e)                                                                      \
    VECTOR_SPARSE1(c, r, a)                                                                        \
    VECTOR_PASTE(VECTOR_DENSE1_, VECTOR_KIND2(r, a))(c, r, a)
#define OP2(word, c, r, a, b, e)                                                                   \
    VECTOR_SPARSE2(c, r, a, b)                                                                     \
    VECTOR_PASTE(VECTOR_DENSE2_, VECTOR_KIND3(r, a, b))(c, r, a, b)
#define OP3(word, c, r, a, b, c_, e)                                                               \
    VECTOR_SPARSE3(c, r, a, b, c_)                                                                 \
    VECTOR_PASTE(VECTOR_DENSE3_, VECTOR_KIND3(r, a, b))(c, r, a, b, c_)
#define OP4(word, c, r, a, b, c_, d, e)                                                            \
    VECTOR_SPARSE4(c, r, a, b, c_, d)                                                              \
    VECTOR_PASTE(VECTOR_DENSE4_, VECTOR_KIND3(r, a, b))(c, r, a, b, c_, d)
#define FUNC(word, name, properties)
#define ALIAS(name, word)
#include VECTOR_ROWS
#undef OP1
#undef OP2
#undef OP3
#undef OP4

#define OP1(word, c, r, a, e)                                                                      \
    {OP_##c, sparse_##c, VECTOR_PASTE(VECTOR_NAMES1_, VECTOR_KIND2(r, a))(c)},
#define OP2(word, c, r, a, b, e)                                                                   \
    {OP_##c, sparse_##c, VECTOR_PASTE(VECTOR_NAMES2_, VECTOR_KIND3(r, a, b))(c)},
#define OP3(word, c, r, a, b, c_, e)                                                               \
    {OP_##c, sparse_##c, VECTOR_PASTE(VECTOR_NAMES3_, VECTOR_KIND3(r, a, b))(c)},
#define OP4(word, c, r, a, b, c_, d, e)                                                            \
    {OP_##c, sparse_##c, VECTOR_PASTE(VECTOR_NAMES4_, VECTOR_KIND3(r, a, b))(c)},
static const VectorOp vector_rows[] = {
#include VECTOR_ROWS
};

const VectorTable VECTOR_PASTE3(VECTOR_NAME, _, VECTOR_LEVEL) = {
    sizeof vector_rows / sizeof vector_rows[0], vector_rows};
