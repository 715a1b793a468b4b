# Reads the project's file names, then the files; prints `file:line: why` and exits 1 on any offence.

BEGIN {
	n = split("context executor runtime net tools", name)
	for (i = 1; i <= n; i++) layer[name[i]] = i
	n = split("transport http websocket topic export", name)
	for (i = 1; i <= n; i++) floor[name[i]] = i
	# Foreign headers by their beginning, and the first layer that may know them.
	first["ck_"] = "executor"
	first["uv.h"] = first["uv/"] = first["liburing"] = "runtime"
	first["openssl/"] = first["nghttp2/"] = first["zlib.h"] = first["brotli/"] = "net"
	first["zstd.h"] = first["hiredis/"] = first["sqlite3.h"] = "net"
}

{ file[++files] = $0 }

/^(context|executor|runtime|net|tools)\/(.*\/)?include\/weft\/[^\/]*\.h$/ {
	noun = $0
	sub(/^.*\//, "", noun)
	owner[noun] = $0
}

/^net\/[a-z]*\/[a-z0-9_]*\.[ch]$/ {
	split($0, part, "/")
	noun = part[3]
	sub(/\.[ch]$/, ".h", noun)
	if (!(noun in home)) home[noun] = part[2]
}

END {
	for (f = 1; f <= files; f++) read_file(file[f])
	exit offences > 0
}

function offend(why) {
	print path ":" line_number ": " why
	offences++
}

function starts(text, beginning) { return substr(text, 1, length(beginning)) == beginning }

function read_file(name,    line) {
	path = name
	split(path, part, "/")
	folder = part[1]
	is_public = path ~ /\/include\/weft\//
	my_floor = folder == "net" && !is_public && (part[2] in floor) ? part[2] : ""
	line_number = 1
	if (folder == "net" && !is_public && my_floor == "")
		offend("net has floors (transport http websocket topic export); this file is on none")
	for (line_number = 1; (getline line < name) > 0; line_number++)
		if (line ~ /^[ \t]*#[ \t]*include[ \t]*[<"]/) judge_include(line)
	close(name)
}

function judge_include(line,    target) {
	target = line
	sub(/^[^<"]*[<"]/, "", target)
	sub(/[>"].*$/, "", target)
	if (line ~ /include[ \t]*"/) judge_quoted(target)
	else judge_angled(target)
}

function judge_quoted(target,    part) {
	split(target, part, "/")
	if (starts(target, "weft/") || target ~ /\/include\/weft\//)
		offend("<weft/...> is contract and takes angle brackets: \"" target "\"")
	else if (is_public)
		offend("a public header includes public headers only: \"" target "\"")
	else if (folder == "examples") {
		if (target ~ /\//) offend("examples see public headers only: \"" target "\"")
	} else if (target !~ /\//)
		offend("a private header is spelled with its folder: \"" target "\"")
	else if (!(folder in layer))
		return
	else if (!(part[1] in layer))
		offend("\"" target "\" is in no layer that " folder " stands on")
	else if (layer[part[1]] > layer[folder])
		offend(folder " does not stand on " part[1] ": \"" target "\"")
	else if (part[1] == "net" && my_floor != "") judge_floor(part[2], target)
}

function judge_angled(target,    part, noun, beginning) {
	split(target, part, "/")
	if (part[1] == "weft") {
		noun = part[2]
		if (!(noun in owner)) {
			offend("no folder offers <" target ">")
			return
		}
		split(owner[noun], part, "/")
		if (!(folder in layer)) return
		if (layer[part[1]] > layer[folder])
			offend(folder " does not stand on " part[1] ": <" target ">")
		else if (my_floor != "" && part[1] == "net" && (noun in home))
			judge_floor(home[noun], target)
		return
	}
	# <net/if.h> is the system's.
	if ((part[1] in layer) && target ~ /\// && target != "net/if.h")
		offend("a private header takes quotes: <" target ">")
	for (beginning in first)
		if (starts(target, beginning)) judge_foreign(target, first[beginning])
}

function judge_foreign(target, from) {
	if (is_public) offend("a public header does not show what weft is built on: <" target ">")
	else if ((folder in layer) && layer[folder] < layer[from])
		offend(folder " comes before " from ", the first layer that may know <" target ">")
}

function judge_floor(other, target) {
	if (!(other in floor)) offend("net has no floor named " other ": " target)
	else if (floor[other] > floor[my_floor])
		offend("net/" my_floor " does not stand on net/" other ": " target)
}
