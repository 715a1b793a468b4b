#include <weft/udp.h>

#include "tests/net/support.h"

namespace
{

struct Udp : OnBackend {
	weft_udp *a = nullptr, *b = nullptr;
	weft_address at_a, at_b;

	void with_two(Body body)
	{
		int rc = run([&] {
			EXPECT_EQ(0, weft_udp_open("127.0.0.1:0", &a));
			EXPECT_EQ(0, weft_udp_open("127.0.0.1:0", &b));
			EXPECT_EQ(0, weft_address_parse(weft_udp_address(a), &at_a));
			EXPECT_EQ(0, weft_address_parse(weft_udp_address(b), &at_b));
			int result = body();
			weft_udp_close(a);
			weft_udp_close(b);
			return result;
		});
		EXPECT_EQ(0, rc) << weft_error_name(rc);
	}
};

ON_EACH_BACKEND(Udp);

TEST_P(Udp, CarriesDatagramsWholeAndTellsWhoSentThem)
{
	with_two([&] {
		char data[64], from_text[WEFT_ADDRESS_TEXT];
		size_t got;
		weft_address from;
		EXPECT_EQ(0, weft_udp_send(a, "one", 3, &at_b));
		EXPECT_EQ(0, weft_udp_send(a, "", 0, &at_b));
		EXPECT_EQ(0, weft_udp_send(a, "three", 5, &at_b));
		EXPECT_EQ(0, weft_udp_receive(b, data, sizeof data, &got, &from));
		EXPECT_EQ("one", std::string(data, got));
		EXPECT_EQ(0, weft_address_format(&from, from_text, sizeof from_text));
		EXPECT_STREQ(weft_udp_address(a), from_text);
		EXPECT_EQ(0, weft_udp_receive(b, data, sizeof data, &got, nullptr));
		EXPECT_EQ(0u, got);
		EXPECT_EQ(0, weft_udp_receive(b, data, sizeof data, &got, nullptr));
		EXPECT_EQ("three", std::string(data, got));
		return 0;
	});
}

TEST_P(Udp, SaysWhenADatagramWasLongerThanItsPlace)
{
	with_two([&] {
		char data[4];
		size_t got;
		EXPECT_EQ(0, weft_udp_send(a, "longer", 6, &at_b));
		EXPECT_EQ(WEFT_EMSGSIZE, weft_udp_receive(b, data, sizeof data, &got, nullptr));
		EXPECT_EQ(6u, got);
		EXPECT_EQ("long", std::string(data, sizeof data));
		std::string much(70000, 'm');
		EXPECT_EQ(WEFT_EMSGSIZE, weft_udp_send(a, much.data(), much.size(), &at_b));
		return 0;
	});
}

TEST_P(Udp, LosesNoneToACancelAndWakesItsWaiterWhenClosed)
{
	with_two([&] {
		char data[8];
		size_t got;
		weft_scope *scope = weft_scope_open(.timeout_ms = 2);
		int rc = weft_udp_receive(b, data, sizeof data, &got, nullptr);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, rc));
		EXPECT_EQ(0, weft_udp_send(a, "x", 1, &at_b));
		EXPECT_EQ(0, weft_udp_receive(b, data, sizeof data, &got, nullptr));

		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ(WEFT_ECLOSED, weft_udp_receive(b, data, sizeof data, &got, nullptr));
			return 0;
		});
		let_others_run(2);
		EXPECT_EQ(WEFT_EBUSY, weft_udp_receive(b, data, sizeof data, &got, nullptr));
		weft_udp_close(b);
		b = nullptr;
		return weft_group_join(group, 0);
	});
}

TEST_P(Udp, RefusesWhatItCannotBind)
{
	with_two([&] {
		weft_udp *none;
		EXPECT_EQ(WEFT_EADDRINUSE, weft_udp_open(weft_udp_address(a), &none));
		EXPECT_EQ(WEFT_EINVAL, weft_udp_open("unix:/x", &none));
		EXPECT_EQ(WEFT_ENOENT, weft_udp_open("localhost:0", &none));
		return 0;
	});
	weft_udp *none;
	EXPECT_EQ(WEFT_ENORUN, weft_udp_open("127.0.0.1:0", &none));
	weft_udp_close(nullptr);
}

} // namespace
