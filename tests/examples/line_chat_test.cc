/* Both styles of the line chat behave alike: each claim is made of each. */
#include <weft/reader.h>

#include "tests/net/support.h"

extern "C" {
#include "examples/line_chat/style.h"
}

namespace
{

enum class Style { handlers, tasks };

struct Chat;

/* Somebody with a terminal. */
struct Guest {
	weft_stream *stream = nullptr;
	weft_reader *reader = nullptr;

	explicit Guest(const Chat &chat);
	Guest(const Guest &) = delete;
	~Guest()
	{
		weft_reader_close(reader);
		weft_stream_close(stream);
	}
	void types(const std::string &text)
	{
		EXPECT_EQ(0, write_text(stream, text));
	}
	/* The question has no end of line. */
	void is_asked()
	{
		const std::string question = "Your name? ";
		std::string got(question.size(), '?');
		EXPECT_EQ(0, weft_reader_read_exact(reader, got.data(), got.size(), nullptr));
		EXPECT_EQ(question, got);
	}
	std::string sees()
	{
		char *line;
		int rc = weft_reader_next_line(reader, &line);
		return rc > 0 ? line : rc == 0 ? "(end)" : weft_error_name(rc);
	}
	void comes_in_as(const std::string &name)
	{
		is_asked();
		types(name + "\r\n");
	}
};

struct Chat : testing::TestWithParam<std::tuple<Backend, Style>> {
	weft_listener *l = nullptr;
	weft_group *members = nullptr;

	/* Runs `body` beside an open chat, then drains that. */
	void open(Body body)
	{
		auto [backend, style] = GetParam();
		auto serve = style == Style::handlers ? serve_with_handlers : serve_with_tasks;
		int rc = OnBackend::run_with(backend, 1, [&, serve = serve] {
			struct room room = {};
			EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
			members = weft_group_open();
			spawn(members, [&] { return serve(l, members, &room); });
			int result = body();
			weft_group_drain(members, 2000);
			EXPECT_EQ(0, weft_group_join(members, 0));
			EXPECT_EQ(nullptr, room.first);
			weft_listener_close(l);
			return result;
		});
		EXPECT_EQ(0, rc) << weft_error_name(rc);
	}
};

Guest::Guest(const Chat &chat)
{
	connect_to(weft_listener_address(chat.l), &stream);
	EXPECT_EQ(0, weft_reader_open(stream, 4096, &reader));
}

INSTANTIATE_TEST_SUITE_P(On, Chat,
	testing::Combine(testing::Values(Backend::poll, Backend::late),
		testing::Values(Style::handlers, Style::tasks)),
	[](const auto &info) {
		return name_of(std::get<0>(info.param)) +
			   (std::get<1>(info.param) == Style::handlers ? "_handlers" : "_tasks");
	});

TEST_P(Chat, TellsWhoIsThereAndWhoComesAndGoes)
{
	open([&] {
		Guest alice(*this);
		alice.comes_in_as("alice");
		EXPECT_EQ("* nobody else is here", alice.sees());
		{
			Guest bob(*this);
			bob.comes_in_as("bob");
			EXPECT_EQ("* here: alice", bob.sees());
			EXPECT_EQ("* bob has joined", alice.sees());
		}
		EXPECT_EQ("* bob has left", alice.sees());
		return 0;
	});
}

TEST_P(Chat, HandsLinesToTheOthersHoweverTheyWereCut)
{
	open([&] {
		Guest alice(*this), bob(*this);
		alice.comes_in_as("alice");
		EXPECT_EQ("* nobody else is here", alice.sees());
		bob.comes_in_as("bob");
		EXPECT_EQ("* bob has joined", alice.sees());
		EXPECT_EQ("* here: alice", bob.sees());
		alice.types("hel");
		let_others_run(3);
		alice.types("lo\ntwo\r\n\nfour");
		EXPECT_EQ("<alice> hello", bob.sees());
		EXPECT_EQ("<alice> two", bob.sees());
		EXPECT_EQ("<alice> ", bob.sees());
		bob.types("hi\n");
		EXPECT_EQ("<bob> hi", alice.sees());
		return 0;
	});
}

TEST_P(Chat, RefusesATakenNameAndABadOne)
{
	open([&] {
		Guest alice(*this), other(*this);
		alice.comes_in_as("alice");
		EXPECT_EQ("* nobody else is here", alice.sees());
		other.comes_in_as("alice");
		EXPECT_EQ("That name is taken.", other.sees());
		other.comes_in_as("two words");
		EXPECT_EQ("A name is 1 to 20 letters, digits, - or _.", other.sees());
		other.comes_in_as(std::string(21, 'n'));
		EXPECT_EQ("A name is 1 to 20 letters, digits, - or _.", other.sees());
		other.comes_in_as("alice2");
		EXPECT_EQ("* here: alice", other.sees());
		return 0;
	});
}

TEST_P(Chat, EndsAGuestWhoseLineHasNoEnd)
{
	open([&] {
		Guest alice(*this), endless(*this);
		alice.comes_in_as("alice");
		EXPECT_EQ("* nobody else is here", alice.sees());
		endless.comes_in_as("endless");
		EXPECT_EQ("* endless has joined", alice.sees());
		endless.types(std::string(5000, 'x'));
		EXPECT_EQ("* endless has left", alice.sees());
		return 0;
	});
}

TEST_P(Chat, ThrowsOutAGuestWhoReadsNothingAndHoldsUpNobody)
{
	open([&] {
		Guest alice(*this), bob(*this), stalled(*this);
		alice.comes_in_as("alice");
		EXPECT_EQ("* nobody else is here", alice.sees());
		stalled.comes_in_as("stalled");
		EXPECT_EQ("* stalled has joined", alice.sees());
		bob.comes_in_as("bob");
		EXPECT_EQ("* bob has joined", alice.sees());
		EXPECT_EQ("* here: stalled, alice", bob.sees());
		std::string line(400, 'l'), seen;
		for (int i = 0; i < 200000 && seen != "* stalled has left"; i++) {
			alice.types(line + "\n");
			seen = bob.sees();
		}
		EXPECT_EQ("* stalled has left", seen);
		return 0;
	});
}

TEST_P(Chat, SaysGoodbyeToAllWhenItCloses)
{
	open([&] {
		Guest alice(*this), nameless(*this);
		alice.comes_in_as("alice");
		EXPECT_EQ("* nobody else is here", alice.sees());
		nameless.is_asked();
		weft_group_drain(members, 2000);
		EXPECT_EQ("* the chat closes", alice.sees());
		EXPECT_EQ("(end)", alice.sees());
		EXPECT_EQ("* the chat closes", nameless.sees());
		EXPECT_EQ("(end)", nameless.sees());
		return 0;
	});
}

} // namespace
