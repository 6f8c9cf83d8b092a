/*
 * vonk/record_macros.h -- the preprocessor's part of record.h: a list walked twice
 *
 *     VONK__EACH(M, Name, a, b, c)   ->   M(Name, a) M(Name, b) M(Name, c)      up to 48 items
 */
/* clang-format off */
#ifndef VONK_RECORD_MACROS_H
#define VONK_RECORD_MACROS_H

#define VONK__EACH(M, N, ...) \
VONK__PICK(__VA_ARGS__, VONK__EACH_48, VONK__EACH_47, VONK__EACH_46, VONK__EACH_45, \
        VONK__EACH_44, VONK__EACH_43, VONK__EACH_42, VONK__EACH_41, VONK__EACH_40, \
        VONK__EACH_39, VONK__EACH_38, VONK__EACH_37, VONK__EACH_36, VONK__EACH_35, \
        VONK__EACH_34, VONK__EACH_33, VONK__EACH_32, VONK__EACH_31, VONK__EACH_30, \
        VONK__EACH_29, VONK__EACH_28, VONK__EACH_27, VONK__EACH_26, VONK__EACH_25, \
        VONK__EACH_24, VONK__EACH_23, VONK__EACH_22, VONK__EACH_21, VONK__EACH_20, \
        VONK__EACH_19, VONK__EACH_18, VONK__EACH_17, VONK__EACH_16, VONK__EACH_15, \
        VONK__EACH_14, VONK__EACH_13, VONK__EACH_12, VONK__EACH_11, VONK__EACH_10, \
        VONK__EACH_9, VONK__EACH_8, VONK__EACH_7, VONK__EACH_6, VONK__EACH_5, VONK__EACH_4, \
        VONK__EACH_3, VONK__EACH_2, VONK__EACH_1, 0)(M, N, __VA_ARGS__)
#define VONK__PICK(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, \
        a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, a33, a34, \
        a35, a36, a37, a38, a39, a40, a41, a42, a43, a44, a45, a46, a47, a48, chosen, ...) \
        chosen
#define VONK__EACH_1(M, N, a)       M(N, a)
#define VONK__EACH_2(M, N, a, ...)  M(N, a) VONK__EACH_1(M, N, __VA_ARGS__)
#define VONK__EACH_3(M, N, a, ...)  M(N, a) VONK__EACH_2(M, N, __VA_ARGS__)
#define VONK__EACH_4(M, N, a, ...)  M(N, a) VONK__EACH_3(M, N, __VA_ARGS__)
#define VONK__EACH_5(M, N, a, ...)  M(N, a) VONK__EACH_4(M, N, __VA_ARGS__)
#define VONK__EACH_6(M, N, a, ...)  M(N, a) VONK__EACH_5(M, N, __VA_ARGS__)
#define VONK__EACH_7(M, N, a, ...)  M(N, a) VONK__EACH_6(M, N, __VA_ARGS__)
#define VONK__EACH_8(M, N, a, ...)  M(N, a) VONK__EACH_7(M, N, __VA_ARGS__)
#define VONK__EACH_9(M, N, a, ...)  M(N, a) VONK__EACH_8(M, N, __VA_ARGS__)
#define VONK__EACH_10(M, N, a, ...) M(N, a) VONK__EACH_9(M, N, __VA_ARGS__)
#define VONK__EACH_11(M, N, a, ...) M(N, a) VONK__EACH_10(M, N, __VA_ARGS__)
#define VONK__EACH_12(M, N, a, ...) M(N, a) VONK__EACH_11(M, N, __VA_ARGS__)
#define VONK__EACH_13(M, N, a, ...) M(N, a) VONK__EACH_12(M, N, __VA_ARGS__)
#define VONK__EACH_14(M, N, a, ...) M(N, a) VONK__EACH_13(M, N, __VA_ARGS__)
#define VONK__EACH_15(M, N, a, ...) M(N, a) VONK__EACH_14(M, N, __VA_ARGS__)
#define VONK__EACH_16(M, N, a, ...) M(N, a) VONK__EACH_15(M, N, __VA_ARGS__)
#define VONK__EACH_17(M, N, a, ...) M(N, a) VONK__EACH_16(M, N, __VA_ARGS__)
#define VONK__EACH_18(M, N, a, ...) M(N, a) VONK__EACH_17(M, N, __VA_ARGS__)
#define VONK__EACH_19(M, N, a, ...) M(N, a) VONK__EACH_18(M, N, __VA_ARGS__)
#define VONK__EACH_20(M, N, a, ...) M(N, a) VONK__EACH_19(M, N, __VA_ARGS__)
#define VONK__EACH_21(M, N, a, ...) M(N, a) VONK__EACH_20(M, N, __VA_ARGS__)
#define VONK__EACH_22(M, N, a, ...) M(N, a) VONK__EACH_21(M, N, __VA_ARGS__)
#define VONK__EACH_23(M, N, a, ...) M(N, a) VONK__EACH_22(M, N, __VA_ARGS__)
#define VONK__EACH_24(M, N, a, ...) M(N, a) VONK__EACH_23(M, N, __VA_ARGS__)
#define VONK__EACH_25(M, N, a, ...) M(N, a) VONK__EACH_24(M, N, __VA_ARGS__)
#define VONK__EACH_26(M, N, a, ...) M(N, a) VONK__EACH_25(M, N, __VA_ARGS__)
#define VONK__EACH_27(M, N, a, ...) M(N, a) VONK__EACH_26(M, N, __VA_ARGS__)
#define VONK__EACH_28(M, N, a, ...) M(N, a) VONK__EACH_27(M, N, __VA_ARGS__)
#define VONK__EACH_29(M, N, a, ...) M(N, a) VONK__EACH_28(M, N, __VA_ARGS__)
#define VONK__EACH_30(M, N, a, ...) M(N, a) VONK__EACH_29(M, N, __VA_ARGS__)
#define VONK__EACH_31(M, N, a, ...) M(N, a) VONK__EACH_30(M, N, __VA_ARGS__)
#define VONK__EACH_32(M, N, a, ...) M(N, a) VONK__EACH_31(M, N, __VA_ARGS__)
#define VONK__EACH_33(M, N, a, ...) M(N, a) VONK__EACH_32(M, N, __VA_ARGS__)
#define VONK__EACH_34(M, N, a, ...) M(N, a) VONK__EACH_33(M, N, __VA_ARGS__)
#define VONK__EACH_35(M, N, a, ...) M(N, a) VONK__EACH_34(M, N, __VA_ARGS__)
#define VONK__EACH_36(M, N, a, ...) M(N, a) VONK__EACH_35(M, N, __VA_ARGS__)
#define VONK__EACH_37(M, N, a, ...) M(N, a) VONK__EACH_36(M, N, __VA_ARGS__)
#define VONK__EACH_38(M, N, a, ...) M(N, a) VONK__EACH_37(M, N, __VA_ARGS__)
#define VONK__EACH_39(M, N, a, ...) M(N, a) VONK__EACH_38(M, N, __VA_ARGS__)
#define VONK__EACH_40(M, N, a, ...) M(N, a) VONK__EACH_39(M, N, __VA_ARGS__)
#define VONK__EACH_41(M, N, a, ...) M(N, a) VONK__EACH_40(M, N, __VA_ARGS__)
#define VONK__EACH_42(M, N, a, ...) M(N, a) VONK__EACH_41(M, N, __VA_ARGS__)
#define VONK__EACH_43(M, N, a, ...) M(N, a) VONK__EACH_42(M, N, __VA_ARGS__)
#define VONK__EACH_44(M, N, a, ...) M(N, a) VONK__EACH_43(M, N, __VA_ARGS__)
#define VONK__EACH_45(M, N, a, ...) M(N, a) VONK__EACH_44(M, N, __VA_ARGS__)
#define VONK__EACH_46(M, N, a, ...) M(N, a) VONK__EACH_45(M, N, __VA_ARGS__)
#define VONK__EACH_47(M, N, a, ...) M(N, a) VONK__EACH_46(M, N, __VA_ARGS__)
#define VONK__EACH_48(M, N, a, ...) M(N, a) VONK__EACH_47(M, N, __VA_ARGS__)

#endif
