#include "tests/surface/surface.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/runtime/support.h"

namespace
{

namespace fs = std::filesystem;

/* A public header without its comments and its preprocessor's lines. */
std::string declarations(const fs::path &header)
{
	std::ifstream in(header);
	std::stringstream text;
	text << in.rdbuf();
	std::string all = text.str(), bare;
	for (size_t at = 0; at < all.size();) {
		if (all.compare(at, 2, "/*") == 0) {
			at = all.find("*/", at) + 2;
		} else if (all[at] == '#' && (at == 0 || all[at - 1] == '\n')) {
			do at = all.find('\n', at) + 1;
			while (all[at - 2] == '\\');
		} else {
			bare += all[at++];
		}
	}
	return bare;
}

std::vector<std::string> public_headers()
{
	std::vector<std::string> texts;
	for (const char *layer : { "context", "executor", "runtime", "net" })
		for (auto &file :
			fs::directory_iterator(fs::path(WEFT_SOURCE_DIR) / layer / "include" / "weft"))
			if (file.path().extension() == ".h") texts.push_back(declarations(file.path()));
	return texts;
}

std::set<std::string> matches(const std::string &text, const char *pattern)
{
	std::set<std::string> found;
	std::regex wanted(pattern);
	for (std::sregex_iterator at(text.begin(), text.end(), wanted), end; at != end; ++at)
		found.insert((*at)[1]);
	return found;
}

std::set<std::string> public_functions()
{
	std::set<std::string> all;
	for (auto &text : public_headers())
		all.merge(matches(text, "\\bWEFT_API\\b[^;{(]*?\\b(weft_[a-z0-9_]+)\\("));
	return all;
}

TEST(Surface, EachPublicFunctionHasAnEntryAndEachEntryAFunction)
{
	std::set<std::string> entries;
	for (auto &entry : all_entries())
		EXPECT_TRUE(entries.insert(entry.name).second) << entry.name << " is there twice";
	std::set<std::string> functions = public_functions();
	EXPECT_GT(functions.size(), 200u) << "the headers were not found, or not understood";
	for (auto &name : functions)
		EXPECT_TRUE(entries.count(name)) << name << ": nothing says how it behaves where";
	for (auto &name : entries) EXPECT_TRUE(functions.count(name)) << name << " is in no header";
}

/* Code of a user's that weft calls, and where. A function type or a member that is not here is a
 * way into user code that nobody has thought about. */
const std::set<std::string> callbacks = {
	/* Tasks of their own. */
	"weft_task_fn",
	"weft_stream_fn",
	"weft_handler_fn",
	"weft_websocket_fn",
	"weft_protocol.connected",
	"weft_protocol.data",
	"weft_protocol.eof",
	"weft_protocol.draining",
	"weft_protocol.closed",
	"weft_websocket_events.open",
	"weft_websocket_events.message",
	"weft_websocket_events.closed",
	"weft_scope_defer.fn",
	"weft_each_options.undo",
	/* The caller's own stack, before the call returns. */
	"weft_context_fn",
	"weft_context_visit_fn",
	/* A stream of one's own is part of the task that uses it; interrupt and free may not suspend.
	 */
	"weft_stream_ops.read",
	"weft_stream_ops.write",
	"weft_stream_ops.shutdown",
	"weft_stream_ops.delivered",
	"weft_stream_ops.interrupt",
	"weft_stream_ops.free",
	"weft_stream_ops.ready",
	"weft_stream_ops.gone",
	"weft_stream_ops.peer",
	"weft_stream_ops.in_flight",
	/* Threads of a pool. */
	"weft_job_fn",
	"weft_offload_with.fn",
	/* The one that cancels. */
	"weft_job_cancel_fn",
	"weft_offload_options.on_cancel",
	"weft_future_options.on_cancel",
	/* Wherever the last of something goes: must not suspend. */
	"weft_spawn_options.release",
	"weft_pool_submit_options.release",
	"weft_channel_options.drop",
	"weft_key.ref",
	"weft_key.unref",
	"weft_key.print",
	/* Wherever a record is made or memory is needed: must not suspend. */
	"weft_log_sink_fn",
	"weft_allocator.malloc",
	"weft_allocator.aligned",
	"weft_allocator.realloc",
	"weft_allocator.free",
	/* The worker's loop, for a stream of one's own and what stands on it: outside any task. */
	"weft_stream_event_fn",
	/* The task that serves, once. */
	"weft_server_options.listening",
};

TEST(Surface, RunsNoCodeOfItsUsersButWhatIsListed)
{
	std::set<std::string> found;
	std::regex word("(?:struct|WEFT_API)[^;{(]*?\\b(weft_[a-z0-9_]+)\\s*[{(]|"
					"typedef [a-z][a-z0-9_ *]*?\\b(weft_[a-z0-9_]+_fn)\\(|\\(\\*([a-z_]+)\\)\\(");
	for (auto &text : public_headers()) {
		std::string around;
		for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) {
			if ((*at)[1].matched) around = (*at)[1];
			if ((*at)[2].matched) found.insert((*at)[2]);
			if ((*at)[3].matched) found.insert(around + "." + (*at)[3].str());
		}
	}
	EXPECT_EQ(callbacks, found);
}

class EachFunction : public testing::TestWithParam<Entry>
{
};

TEST_P(EachFunction, AnswersWhereverItIsCalledAndLeavesNothingBehind)
{
	const Entry &entry = GetParam();
	Stage stage;
	stage.name = entry.name;
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 1;
	options.keep_signals = true;
	options.stack = 256 << 10;
	EXPECT_EQ(0, run_task_with(options, [&] {
		entry.play(stage);
		return 0;
	}));
	EXPECT_TRUE(stage.called) << "the entry judges nothing";
}

INSTANTIATE_TEST_SUITE_P(Of, EachFunction, testing::ValuesIn(all_entries()),
	[](const auto &info) { return std::string(info.param.name + sizeof "weft_" - 1); });

} // namespace
