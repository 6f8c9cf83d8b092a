/* user_embed.S -- the bitcode of user_support.c as bytes of the module */
    .section .rodata
    .balign 16
    .globl jit_user_support
    .hidden jit_user_support
jit_user_support:
    .incbin "user_support.bc"
    .globl jit_user_support_end
    .hidden jit_user_support_end
jit_user_support_end:
    .byte 0
    .section .note.GNU-stack,"",@progbits
