# Read by the commands beside it, not run: what they share in talking to a person.

weft_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cores=$(nproc)

# fail TEXT: the one clear line of a wrong call.
fail() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# progress TEXT: one line that rewrites itself on a terminal. Elsewhere, where every line stays, a
# line is printed only when the text before its first digit changes or ten seconds have passed.
progress_stage=
progress_at=-10
progress() {
	if [ -t 1 ]; then
		printf '\r\033[K%.*s' "$((${COLUMNS:-80} - 1))" "$*"
	elif [ "${1%%[0-9]*}" != "$progress_stage" ] || ((SECONDS - progress_at >= 10)); then
		printf '%s\n' "$*"
		progress_stage=${1%%[0-9]*}
		progress_at=$SECONDS
	fi
}

# done_with TEXT: the last word on what `progress` showed.
done_with() {
	if [ -t 1 ]; then printf '\r\033[K'; fi
	printf '%s\n' "$*"
	progress_stage=
}

# may_write FOLDER: ends with one clear line where a build cannot be made.
may_write() {
	mkdir -p "$weft_root/$1" 2>/dev/null && [ -w "$weft_root/$1" ] && return 0
	fail "cannot write to $weft_root/$1: building needs a checkout of your own"
}

# forget_moved PRESET: removes a build that was made before the checkout was moved or copied here;
# CMake would refuse it.
forget_moved() {
	local build=$weft_root/build/$1 home
	[ -f "$build/CMakeCache.txt" ] || return 0
	home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt")
	[ "$home" -ef "$weft_root" ] || rm -rf "$build"
}

# configure PRESET OPTION...: quiet unless it fails.
configure() {
	local preset=$1 log=$weft_root/build/$1.configure.log
	shift
	may_write build
	forget_moved "$preset"
	progress "$preset: configuring"
	(cd "$weft_root" && cmake --preset "$preset" "$@") >"$log" 2>&1 && return 0
	done_with "$preset: could not be configured"
	cat "$log"
	return 1
}

# compile PRESET TARGET...: shows how far it is; what the compiler says only when it fails.
compile() {
	local preset=$1 log=$weft_root/build/$1.build.log line
	shift
	may_write "build/$preset"
	# The word ahead of the numbers tells ninja's own lines from a compiler's.
	local status=0
	NINJA_STATUS='weft-build %f/%t ' ninja -C "$weft_root/build/$preset" "$@" 2>&1 | tee "$log" |
		while IFS= read -r line; do
			if [[ $line == 'weft-build '* ]]; then
				line=${line#weft-build }
				[[ $line == *' globbed directories'* ]] || progress "$preset: building ${line%% *}"
			fi
		done || status=$?
	((status)) || return 0
	done_with "$preset: could not be built"
	sed -n '/^FAILED:\|^ninja: error:/,$p' "$log"
	return 1
}
