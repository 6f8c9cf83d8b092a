/* ops_embed.S -- the operations' bitcode as bytes of the module */
    .section .rodata
#define GROUP(n)                    \
    .balign 16;                     \
    .globl jit_ops_##n;             \
    .hidden jit_ops_##n;            \
jit_ops_##n:                        \
    .incbin "ops_" #n ".bc";        \
    .globl jit_ops_##n##_end;       \
    .hidden jit_ops_##n##_end;      \
jit_ops_##n##_end:                  \
    .byte 0
GROUP(0)
GROUP(1)
GROUP(2)
GROUP(3)
GROUP(4)
GROUP(5)
    .section .note.GNU-stack,"",@progbits
