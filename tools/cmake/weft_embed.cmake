# weft_embed(TARGET FILE SYMBOL): puts a file into a program or library as it is.
#
#   extern const char SYMBOL[];        /* the bytes, and a NUL behind them */
#   extern const size_t SYMBOL_size;   /* without the NUL */
#
# The assembler's .incbin reads the file, so nothing but the compiler is needed, and a changed file
# is assembled again by the next build.
function(weft_embed target file symbol)
	get_filename_component(path ${file} ABSOLUTE)
	if(NOT EXISTS ${path})
		message(FATAL_ERROR "weft_embed: there is no file ${path}")
	endif()
	if(CMAKE_SIZEOF_VOID_P EQUAL 8)
		set(word 8byte)
	else()
		set(word 4byte)
	endif()
	set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
	file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [=[
	.section .rodata
	.balign 16
	.globl @symbol@
	.hidden @symbol@
	.type @symbol@, %object
@symbol@:
	.incbin "@path@"
	.set @symbol@_end, .
	.byte 0
	.size @symbol@, . - @symbol@
	.balign 8
	.globl @symbol@_size
	.hidden @symbol@_size
	.type @symbol@_size, %object
@symbol@_size:
	.@word@ @symbol@_end - @symbol@
	.size @symbol@_size, . - @symbol@_size
	.section .note.GNU-stack, "", %progbits
]=])
	set_source_files_properties(${source} TARGET_DIRECTORY ${target}
		PROPERTIES OBJECT_DEPENDS ${path})
	target_sources(${target} PRIVATE ${source})
endfunction()
