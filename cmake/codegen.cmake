# codegen: operations, kernels and tier 0 go into libvonk; what touches LLVM is the module
# libvonk_jit.so, loaded when first needed.
vonk_folder(vonk_codegen codegen ops)
