# The kinds of tests. Labels decide who runs what: `check` needs no build and runs once, `full` waits
# for `tools/test --full`, everything else runs in the release, asan and tsan builds alike.

# Tests look behind the public surface, which a shared weft hides: they take its objects instead.
if(BUILD_SHARED_LIBS)
	add_library(weft_inside STATIC $<TARGET_OBJECTS:weft>)
	target_include_directories(weft_inside INTERFACE
		$<TARGET_PROPERTY:weft,INTERFACE_INCLUDE_DIRECTORIES>)
	target_link_libraries(weft_inside PUBLIC weft_deps Threads::Threads)
	target_link_options(weft_inside PUBLIC ${WEFT_SANITIZE_LINK})
else()
	add_library(weft_inside ALIAS weft)
endif()

function(weft_set_up_test target)
	weft_set_up_target(${target})
	target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
	target_link_libraries(${target} PRIVATE weft_inside weft_deps)
	if(WEFT_SANITIZE)
		target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/sanitizers.c)
	endif()
endfunction()

# weft_test(NAME SOURCE... [LABEL LABEL] [TIMEOUT SECONDS]): one GoogleTest program; its cases
# become ctest's. More libraries or definitions: as for any target, after the call.
function(weft_test name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT;LABEL" "")
	if(NOT arg_TIMEOUT)
		set(arg_TIMEOUT 120)
	endif()
	# gtest_discover_tests flattens its lists: an empty value would swallow the next name.
	if(arg_LABEL)
		list(PREPEND arg_LABEL LABELS)
	endif()
	add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
	weft_set_up_test(${name})
	target_link_libraries(${name} PRIVATE GTest::gtest_main)
	# It is weft that is tested as its users run it; optimizing the claims about it would only make
	# the wait for them twice as long. C shims stay as they are: they hold loops that race.
	target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-O0>)
	gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES
		TIMEOUT ${arg_TIMEOUT} ${arg_LABEL})
endfunction()

# weft_fuzz(NAME [SOURCE...]): a harness with LLVMFuzzerTestOneInput, NAME.c unless told. The fuzz
# preset makes a fuzzer of it; every other build replays the kept corpus through it as a test.
function(weft_fuzz name)
	set(sources ${ARGN})
	if(NOT sources)
		set(sources ${name}.c)
	endif()
	set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
	set(test corpus.${name})
	set(limit 120)
	set(labels fuzz)
	add_executable(fuzz_${name} ${sources})
	weft_set_up_test(fuzz_${name})
	if(WEFT_SANITIZE STREQUAL "fuzzer")
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
		set(grown ${CMAKE_CURRENT_BINARY_DIR}/corpus/${name})
		file(MAKE_DIRECTORY ${grown})
		set(test fuzz.${name})
		math(EXPR limit "${WEFT_FUZZ_SECONDS} + 120")
		list(APPEND labels full)
		add_test(NAME ${test} COMMAND fuzz_${name} -max_total_time=${WEFT_FUZZ_SECONDS}
			-timeout=10 -rss_limit_mb=2048 -print_final_stats=1
			-artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/ ${grown} ${corpus})
	else()
		target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
		add_test(NAME ${test} COMMAND fuzz_${name} ${corpus})
	endif()
	set_tests_properties(${test} PROPERTIES TIMEOUT ${limit} LABELS "${labels}")
endfunction()

# weft_bench(NAME SOURCE...): a program for measuring, build/<preset>/tests/bench/NAME. Only the
# release build makes it unasked: anything measured elsewhere says nothing.
function(weft_bench name)
	add_executable(bench_${name} ${ARGN})
	weft_set_up_test(bench_${name})
	set_target_properties(bench_${name} PROPERTIES OUTPUT_NAME ${name}
		RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bench)
	if(WEFT_SANITIZE)
		set_target_properties(bench_${name} PROPERTIES EXCLUDE_FROM_ALL ON)
	endif()
endfunction()

# weft_check(NAME COMMAND...): a script that judges the sources or what was installed. It exits 0,
# or 77 where it cannot judge (and says why), or prints what is wrong.
function(weft_check name)
	add_test(NAME check.${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
	set_tests_properties(check.${name} PROPERTIES LABELS check TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()
