# Installed: the library, its headers, a CMake package and a pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_target_property(header_sets weft INTERFACE_HEADER_SETS)
list(TRANSFORM header_sets PREPEND "FILE_SET;")
install(TARGETS weft EXPORT weft_targets ${header_sets})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
install(EXPORT weft_targets NAMESPACE weft:: FILE weft-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/weft-config.cmake.in weft-config.cmake
	INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(weft-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weft-config.cmake
	${CMAKE_CURRENT_BINARY_DIR}/weft-config-version.cmake DESTINATION ${package_dir})

# A static weft cannot be linked without what it stands on, so there its needs are public ones and
# nobody has to remember --static. The prefix is found from the file's own place.
set(pc_requires ${WEFT_REQUIRES})
list(TRANSFORM pc_requires REPLACE "^[a-z0-9]+=(.*)>=(.*)$" "\\1 >= \\2")
list(JOIN pc_requires ", " pc_requires)
set(pc_requires_field "Requires")
if(BUILD_SHARED_LIBS)
	set(pc_requires_field "Requires.private")
endif()
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/weft.pc.in weft.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
