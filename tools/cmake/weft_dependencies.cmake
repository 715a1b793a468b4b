# Everything weft stands on; docs/dependencies.md says why each was chosen. The names carry a prefix
# because as a subproject we share the cache with whoever builds us.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# What the installed library asks its user for, in the words of pkg-config; `uv` becomes the target
# PkgConfig::WEFT_UV here and in the installed package alike.
set(WEFT_REQUIRES "uv=libuv>=1.44" "ck=ck>=0.7" "crypto=libcrypto>=3.0")

add_library(weft_deps INTERFACE)
foreach(entry ${WEFT_REQUIRES})
	string(REGEX MATCH "^([a-z0-9]+)=(.+)$" entry ${entry})
	string(TOUPPER WEFT_${CMAKE_MATCH_1} prefix)
	pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET ${CMAKE_MATCH_2})
	list(APPEND WEFT_LIBRARIES PkgConfig::${prefix})
endforeach()
target_link_libraries(weft_deps INTERFACE ${WEFT_LIBRARIES})

# For examples and tests only; what needs it asks `if(TARGET PkgConfig::SQLITE3)`.
pkg_check_modules(SQLITE3 QUIET IMPORTED_TARGET sqlite3>=3.37)
