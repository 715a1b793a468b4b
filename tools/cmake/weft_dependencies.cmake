# Everything weft stands on; docs/dependencies.md says why each was chosen.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libcrypto>=3.0)
pkg_check_modules(SQLITE3 IMPORTED_TARGET sqlite3>=3.37) # examples that keep data
find_path(CK_INCLUDE_DIR ck_stack.h REQUIRED)
find_library(CK_LIBRARY ck REQUIRED)

add_library(weft_deps INTERFACE)
target_include_directories(weft_deps SYSTEM INTERFACE ${CK_INCLUDE_DIR})
target_link_libraries(weft_deps INTERFACE PkgConfig::LIBUV PkgConfig::OPENSSL ${CK_LIBRARY})
