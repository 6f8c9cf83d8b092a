# What users get: libvonk.so, the vonk program, and what make install copies.
