# Installed: the library, its headers, a CMake package and a pkg-config file.
