/* ops_embed.S -- the operations' bitcode as bytes of the module */
    .section .rodata
    .macro group n
    .balign 16
    .globl jit_ops_\n
    .hidden jit_ops_\n
jit_ops_\n:
    .incbin "ops_\n\().bc"
    .globl jit_ops_\n\()_end
    .hidden jit_ops_\n\()_end
jit_ops_\n\()_end:
    .byte 0
    .endm
    group 0
    group 1
    group 2
    group 3
    group 4
    .section .note.GNU-stack,"",@progbits
