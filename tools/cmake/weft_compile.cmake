# How our own targets are compiled; a user's targets are left alone.

set(WEFT_WARNINGS -Werror -Wall -Wextra -Wformat=2 -Wpointer-arith -Wundef -Wvla
	$<$<COMPILE_LANGUAGE:C>:-Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
		-Wwrite-strings>)

# Sanitizers: how a target is compiled, and how a program that holds it is linked.
if(WEFT_SANITIZE STREQUAL "address")
	set(WEFT_SANITIZE_COMPILE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
	set(WEFT_SANITIZE_LINK -fsanitize=address,undefined)
elseif(WEFT_SANITIZE STREQUAL "thread")
	set(WEFT_SANITIZE_COMPILE -fsanitize=thread)
	set(WEFT_SANITIZE_LINK -fsanitize=thread)
elseif(WEFT_SANITIZE STREQUAL "fuzzer")
	set(WEFT_SANITIZE_COMPILE -fsanitize=fuzzer-no-link,address,undefined
		-fno-sanitize-recover=undefined)
	set(WEFT_SANITIZE_LINK -fsanitize=address,undefined)
elseif(WEFT_SANITIZE)
	message(FATAL_ERROR
		"WEFT_SANITIZE is '${WEFT_SANITIZE}'; it must be empty, address, thread or fuzzer")
endif()

# weft_set_up_target(TARGET): warnings, sanitizers and definitions for one of our targets.
# Frame pointers stay: stacks of suspended tasks are walked in production.
function(weft_set_up_target target)
	target_compile_definitions(${target} PRIVATE _GNU_SOURCE $<$<CONFIG:Debug>:WF_DEBUG=1>
		$<$<BOOL:${WEFT_VALGRIND}>:WF_CORO_VALGRIND=1>)
	target_compile_options(${target} PRIVATE -fno-omit-frame-pointer ${WEFT_SANITIZE_COMPILE})
	target_link_options(${target} PUBLIC ${WEFT_SANITIZE_LINK})
	if(WEFT_WERROR)
		target_compile_options(${target} PRIVATE ${WEFT_WARNINGS})
	endif()
endfunction()

function(weft_set_up_library target)
	weft_set_up_target(${target})
	target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
	target_link_libraries(${target} PUBLIC Threads::Threads PRIVATE ${WEFT_LIBRARIES})
	target_compile_features(${target} PUBLIC c_std_11)
	set_target_properties(${target} PROPERTIES
		VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
endfunction()

# weft_sources(SOURCE...): the sources and public headers of the folder that calls it.
function(weft_sources)
	file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/include/weft/*.h)
	file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
	string(MAKE_C_IDENTIFIER ${folder} set)
	target_sources(weft PRIVATE ${ARGN}
		PUBLIC FILE_SET ${set} TYPE HEADERS
		BASE_DIRS ${CMAKE_CURRENT_SOURCE_DIR}/include FILES ${headers})
endfunction()

# weft_without_tsan(SOURCE...): sources of this folder that ThreadSanitizer must not instrument,
# because it cannot see the fences in them; each says in its head how it tells TSan what it needs.
function(weft_without_tsan)
	if(WEFT_SANITIZE STREQUAL "thread")
		list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/]")
		set_source_files_properties(${ARGN}
			DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} TARGET_DIRECTORY weft
			PROPERTIES COMPILE_OPTIONS -fno-sanitize=thread)
	endif()
endfunction()
