/* test_check_dkim.c - signatures good, bad, old, broken and hostile: a row for each rule of RFC 6376 */
#include "../unit.h"
#include "test_check_dkim_world.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROOM = 80 << 20 };

#define BODY "Hi.\r\n\r\nWe lost  the game. \t \r\n\r\nJoe.\r\n\r\n\r\n"
#define HEADER \
	"Received: from a by b; today\r\n" \
	"From: Joe  <joe@example.com>\r\n" \
	"To: suzie@example.net,\r\n\tbob@example.net\r\n" \
	"Subject: Is  dinner\r\n ready?\r\n" \
	"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n" \
	"X-Twice: upper\r\n" \
	"X-Twice: lower\r\n"
#define MESSAGE HEADER "\r\n" BODY

#define START "v=1; a=rsa-sha256; d=example.com; s=sel;"
#define NAMES " h=from:to:subject; bh=BH;"
#define END " b=[$]"

/* ---- RFC 8463 appendix A.3 ---- */

#define SIGNED_BODY "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="

static const char rfc8463[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	" subject : date : message-id : from : subject : date;\r\n"
	" bh=" SIGNED_BODY ";\r\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	" date : message-id : from : subject : date;\r\n"
	" bh=" SIGNED_BODY ";\r\n"
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
	"From: Joe SixPack <joe@football.example.com>\r\n"
	"To: Suzie Q <suzie@shopping.example.net>\r\n"
	"Subject: Is dinner ready?\r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
	"\r\n"
	"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

static void rfc8463_records(void)
{
	world_clear();
	world_record("brisbane._domainkey.football.example.com",
		STR("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
	world_record("test._domainkey.football.example.com",
		STR("v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2"
			"jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2"
			"EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"));
}

static void the_message_of_rfc8463(void **state)
{
	(void)state;
	rfc8463_records();
	for (int in_file = 0; in_file < 2; in_file++) {
		struct message *m = world_message(str_of(rfc8463), in_file);
		struct check_dkim_verdict verdict = world_check(m);

		assert_int_equal(verdict.n, 2);
		assert_int_equal(verdict.ignored, 0);
		for (size_t i = 0; i < 2; i++) {
			const struct check_dkim_signature *s = &verdict.v[i];

			row_true(i, s->result == CHECK_DKIM_PASS && s->reason[0] == '\0');
			row_text(i, s->domain, STR("football.example.com"));
			row_text(i, s->selector, i ? STR("test") : STR("brisbane"));
			row_text(i, s->identity, STR("@football.example.com"));
			row_text(i, str_of(s->algorithm), i ? STR("rsa-sha256") : STR("ed25519-sha256"));
			row_text(i, s->tag, i ? STR("F45dVWDf") : STR("/gCrinpc"));
			row_true(i, s->bits == (i ? 1024 : 256));
			row_true(i, !s->partial && !s->testing);
		}
		message_release(&m);
	}
	assert_int_equal(world_asked_at_once(), 2);
}

/* ---- rows ---- */

struct row {
	const char *what;
	struct world_signature sign;
	const char *record;                /* RSA, SHORT, LONG, ED: the public key; NULL: "v=DKIM1; p=RSA" */
	enum check_dkim_result result;
	const char *reason;                /* "": none */
	const char *message;               /* what is signed; NULL: MESSAGE */
	const char *from, *to;             /* changed after signing */
	bool partial, testing;
};

#define SIGN(...) .sign = { .tags = __VA_ARGS__ }

static const struct row rows[] = {
	/* canonicalisation */
	{ .what = "simple/simple", SIGN(START " c=simple/simple;" NAMES END) },
	{ .what = "no c=", SIGN(START NAMES END) },
	{ .what = "c=relaxed alone", SIGN(START " c=relaxed;" NAMES END, .canon = "relaxed/simple") },
	{ .what = "c=simple alone", SIGN(START " c=simple;" NAMES END) },
	{ .what = "relaxed/simple", SIGN(START " c=relaxed/simple;" NAMES END, .canon = "relaxed/simple") },
	{ .what = "simple/relaxed", SIGN(START " c=simple/relaxed;" NAMES END, .canon = "simple/relaxed") },
	{ .what = "relaxed/relaxed", SIGN(START " c=relaxed/relaxed;" NAMES END, .canon = "relaxed/relaxed") },
	{ .what = "blanks changed, simple header", SIGN(START NAMES END),
	  .from = "Joe  <", .to = "Joe <", .result = CHECK_DKIM_FAIL, .reason = "signature did not verify" },
	{ .what = "blanks changed, relaxed header", SIGN(START " c=relaxed;" NAMES END, .canon = "relaxed/simple"),
	  .from = "Joe  <", .to = "Joe\t <" },
	{ .what = "folding changed, relaxed header", SIGN(START " c=relaxed;" NAMES END, .canon = "relaxed/simple"),
	  .from = "dinner\r\n ready?", .to = "dinner ready?" },
	{ .what = "case of a name changed, relaxed header", SIGN(START " c=relaxed;" NAMES END, .canon = "relaxed/simple"),
	  .from = "Subject:", .to = "SUBJECT :" },
	{ .what = "blanks changed, simple body", SIGN(START NAMES END),
	  .from = "lost  the", .to = "lost the", .result = CHECK_DKIM_FAIL, .reason = "body hash did not verify" },
	{ .what = "blanks changed, relaxed body", SIGN(START " c=simple/relaxed;" NAMES END, .canon = "simple/relaxed"),
	  .from = "lost  the game. \t \r\n", .to = "lost\tthe game.\r\n" },
	{ .what = "empty lines at the end", SIGN(START NAMES END),
	  .from = "Joe.\r\n\r\n\r\n", .to = "Joe.\r\n" },
	{ .what = "c= unknown", SIGN(START " c=nowsp;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "c= is unknown" },
	{ .what = "c= half unknown", SIGN(START " c=relaxed/nowsp;" NAMES END, .canon = "relaxed/simple"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "c= is unknown" },
	{ .what = "c= with an empty half", SIGN(START " c=relaxed/;" NAMES END, .canon = "relaxed/simple"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "c= is unknown" },
	{ .what = "no body", SIGN(START NAMES END, .names = "from"), .message = "From: joe@example.com\r\n\r\n",
	  .result = CHECK_DKIM_PASS },
	{ .what = "no empty line", SIGN(START NAMES END, .names = "from"), .message = "From: joe@example.com\r\n" },
	{ .what = "no body, relaxed", SIGN(START " c=relaxed/relaxed;" NAMES END, .canon = "relaxed/relaxed", .names = "from"),
	  .message = "From: joe@example.com\r\n\r\n\r\n\r\n" },
	{ .what = "no line end at the end", SIGN(START NAMES END, .names = "from"), .message = "From: joe@example.com\r\n\r\nx" },

	/* the signature's own field */
	{ .what = "its value in the middle", SIGN(START " b=[$]; c=simple/simple; h=from; bh=BH", .names = "from") },
	{ .what = "blanks around its value", SIGN(START " b=[ \r\n\t$\r\n \t ];" NAMES) },
	{ .what = "blanks around its value, relaxed", SIGN(START " c=relaxed; b =[ $ ];" NAMES, .canon = "relaxed/simple") },
	{ .what = "blanks at its end", SIGN(START NAMES " b=[$ \t]") },
	{ .what = "a ; behind it", SIGN(START NAMES " b=[$];") },
	{ .what = "a ; and blanks behind it", SIGN(START NAMES " b=[$]; \t") },
	{ .what = "a folded ; behind it", SIGN(START NAMES " b=[$]\r\n ;\r\n "),
	  .result = CHECK_DKIM_FAIL, .reason = "signature did not verify" /* those blanks go as well */ },
	{ .what = "another tag of it changed", SIGN(START NAMES " n=one;" END),
	  .from = "n=one", .to = "n=two", .result = CHECK_DKIM_FAIL, .reason = "signature did not verify" },
	{ .what = "its blanks changed, simple", SIGN(START NAMES END),
	  .from = "h=from", .to = "h= from", .result = CHECK_DKIM_FAIL, .reason = "signature did not verify" },
	{ .what = "its blanks changed, relaxed", SIGN(START " c=relaxed;" NAMES END, .canon = "relaxed/simple"),
	  .from = "; h=from", .to = ";\r\n\t  h=from" },
	{ .what = "a second b=", SIGN(START NAMES " b=AAAA;" END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "not a valid tag list" },
	{ .what = "bb= is not b=", SIGN(START NAMES " bb=b=x;" END) },

	/* tags */
	{ .what = "unknown tags", SIGN(START NAMES " zz=1; _no=2;" END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "not a valid tag list" },
	{ .what = "unknown tags, well formed", SIGN(START NAMES " zz=1; z_9=2;" END) },
	{ .what = "a duplicate tag", SIGN(START NAMES " d=example.com;" END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "not a valid tag list" },
	{ .what = "no v=", SIGN("a=rsa-sha256; d=example.com; s=sel;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "no v=" },
	{ .what = "v=2", SIGN("v=2; a=rsa-sha256; d=example.com; s=sel;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "v= is not 1" },
	{ .what = "v= at the end", SIGN("a=rsa-sha256; d=example.com; s=sel;" NAMES " v=1;" END) },
	{ .what = "no a=", SIGN("v=1; d=example.com; s=sel;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "no a=" },
	{ .what = "a= unknown", SIGN("v=1; a=rsa-sha512; d=example.com; s=sel;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "a= is unknown" },
	{ .what = "no d=", SIGN("v=1; a=rsa-sha256; s=sel;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "no d=" },
	{ .what = "d= empty", SIGN("v=1; a=rsa-sha256; d=; s=sel;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "d= is not a domain" },
	{ .what = "d= with a space", SIGN("v=1; a=rsa-sha256; d=example. com; s=sel;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "d= is not a domain" },
	{ .what = "d= with a final dot", SIGN("v=1; a=rsa-sha256; d=example.com.; s=sel;" NAMES END, .names = "from"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "d= is not a domain" },
	{ .what = "d= in upper case", SIGN("v=1; a=rsa-sha256; d=EXAMPLE.Com; s=SEL;" NAMES END) },
	{ .what = "no s=", SIGN("v=1; a=rsa-sha256; d=example.com;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "no s=" },
	{ .what = "s= bad", SIGN("v=1; a=rsa-sha256; d=example.com; s=a..b;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "s= is not a selector" },
	{ .what = "no bh=", SIGN(START " h=from;" END, .names = "from"), .result = CHECK_DKIM_NEUTRAL, .reason = "no bh=" },
	{ .what = "bh= no base64", SIGN(START " h=from; bh=*;" END, .names = "from"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "bh= is not a hash in base64" },
	{ .what = "bh= short", SIGN(START " h=from; bh=AAAA;" END, .names = "from"),
	  .result = CHECK_DKIM_FAIL, .reason = "body hash did not verify" },
	{ .what = "bh= empty", SIGN(START " h=from; bh=;" END, .names = "from"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "bh= is not a hash in base64" },
	{ .what = "bh= folded", SIGN(START " h=from; bh=\r\n BH;" END, .names = "from") },
	{ .what = "no b=", SIGN(START " h=from; bh=BH", .names = "from"), .result = CHECK_DKIM_NEUTRAL, .reason = "no b=" },
	{ .what = "b= empty", SIGN(START " h=from; bh=BH; b=", .names = "from"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "b= is not a signature in base64" },
	{ .what = "b= no base64", SIGN(START " h=from; bh=BH; b=[$!]", .names = "from"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "b= is not a signature in base64" },
	{ .what = "q=dns/txt", SIGN(START " q=dns/txt;" NAMES END) },
	{ .what = "q= with others", SIGN(START " q=http/x : dns/txt;" NAMES END) },
	{ .what = "q= unknown", SIGN(START " q=dns/https;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "q= is unknown" },
	{ .what = "z= is not looked at", SIGN(START " z=From:forged@example.net|To:x;" NAMES END) },

	/* h= */
	{ .what = "no h=", SIGN(START " bh=BH;" END, .names = ""), .result = CHECK_DKIM_NEUTRAL, .reason = "no h=" },
	{ .what = "h= without From", SIGN(START " h=to:subject; bh=BH;" END, .names = "to:subject"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "h= does not cover From" },
	{ .what = "h= with something like From", SIGN(START " h=to:fromage:xfrom; bh=BH;" END, .names = "to"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "h= does not cover From" },
	{ .what = "h= folded, odd case", SIGN(START " h=to \r\n\t:\r\n FROM;bh=BH;" END, .names = "to:from") },
	{ .what = "h= in its own order", SIGN(START " h=subject:to:from; bh=BH;" END, .names = "subject:to:from") },
	{ .what = "h= with absent fields", SIGN(START " h=cc:from:x-none; bh=BH;" END, .names = "from") },
	{ .what = "an absent field added", SIGN(START " h=cc:from:x-none; bh=BH;" END, .names = "from"),
	  .from = "Date:", .to = "Cc:", .result = CHECK_DKIM_FAIL, .reason = "signature did not verify" },
	{ .what = "oversigned", SIGN(START " h=from:from:to:to:subject; bh=BH;" END) },
	{ .what = "oversigned, and one more on top", SIGN(START " h=from:from; bh=BH;" END, .names = "from"),
	  .from = "Received: from a by b; today", .to = "From: mallory@example.net",
	  .result = CHECK_DKIM_FAIL, .reason = "signature did not verify" },
	{ .what = "not oversigned, one more on top", SIGN(START " h=from; bh=BH;" END, .names = "from"),
	  .from = "Received: from a by b; today", .to = "From: mallory@example.net" },
	{ .what = "one of two: the lower", SIGN(START " h=from:x-twice; bh=BH;" END, .names = "from:x-twice"),
	  .from = "Twice: upper", .to = "Twice: other" },
	{ .what = "one of two: the lower changed", SIGN(START " h=from:x-twice; bh=BH;" END, .names = "from:x-twice"),
	  .from = "Twice: lower", .to = "Twice: other", .result = CHECK_DKIM_FAIL, .reason = "signature did not verify" },
	{ .what = "both of two", SIGN(START " h=x-twice:from:x-twice; bh=BH;" END, .names = "x-twice:from:x-twice") },
	{ .what = "both of two changed places", SIGN(START " h=from:x-twice:x-twice; bh=BH;" END, .names = "from:x-twice:x-twice"),
	  .from = "X-Twice: upper\r\nX-Twice: lower", .to = "X-Twice: lower\r\nX-Twice: upper",
	  .result = CHECK_DKIM_FAIL, .reason = "signature did not verify" },
	{ .what = "it does not cover itself", SIGN(START " h=from:dkim-signature; bh=BH;" END, .names = "from") },
	{ .what = "no From in the message", SIGN(START " h=from; bh=BH;" END, .names = ""), .message = "To: x@example.net\r\n\r\nx\r\n",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the message has no From field" },

	/* i= */
	{ .what = "i= of d=", SIGN(START " i=joe@example.com;" NAMES END) },
	{ .what = "i= of a subdomain", SIGN(START " i=joe@a.b.Example.com;" NAMES END) },
	{ .what = "i= without local part", SIGN(START " i=@a.example.com;" NAMES END) },
	{ .what = "i= of another", SIGN(START " i=joe@example.net;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "i= is not under d=" },
	{ .what = "i= that only ends alike", SIGN(START " i=joe@badexample.com;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "i= is not under d=" },
	{ .what = "i= above d=", SIGN("v=1; a=rsa-sha256; d=a.example.com; s=sel; i=@example.com;" NAMES END, .names = "from"),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "i= is not under d=" },
	{ .what = "i= without @", SIGN(START " i=example.com;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "i= is not an identity" },
	{ .what = "i= quoted printable", SIGN(START " i=j=6Fe=3D%@a.example.com;" NAMES END) },
	{ .what = "i= with a coded @", SIGN(START " i=joe=40example.com@evil.example;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "i= is not under d=" },
	{ .what = "i= badly coded", SIGN(START " i=j=zz@example.com;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "i= is not an identity" },

	/* times */
	{ .what = "t= in the past", SIGN(START " t=1700000000;" NAMES END) },
	{ .what = "t= in the future", SIGN(START " t=99999999999;" NAMES END),
	  .result = CHECK_DKIM_FAIL, .reason = "signed in the future" },
	{ .what = "t= no number", SIGN(START " t=-1;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "t= is not a time" },
	{ .what = "t= too long", SIGN(START " t=1234567890123;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "t= is not a time" },
	{ .what = "x= in the future", SIGN(START " t=1700000000; x=99999999999;" NAMES END) },
	{ .what = "x= in the past", SIGN(START " t=1700000000; x=1700000001;" NAMES END),
	  .result = CHECK_DKIM_FAIL, .reason = "signature expired" },
	{ .what = "x= before t=", SIGN(START " x=1700000000; t=1700000001;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "x= is not after t=" },
	{ .what = "x= no number", SIGN(START " x=never;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "x= is not a time" },

	/* l= */
	{ .what = "l= of a part", SIGN(START " l=5;" NAMES END, .length = 5),
	  .partial = true, .reason = "only a part of the body is signed" },
	{ .what = "l= of a part, the rest changed", SIGN(START " l=5;" NAMES END, .length = 5),
	  .from = "Joe.\r\n\r\n", .to = "Mallory", .partial = true, .reason = "only a part of the body is signed" },
	{ .what = "l= of a part, that changed", SIGN(START " l=5;" NAMES END, .length = 5),
	  .from = "Hi.", .to = "Ho.", .partial = true, .result = CHECK_DKIM_FAIL, .reason = "body hash did not verify" },
	{ .what = "l= of all", SIGN(START " l=38;" NAMES END) },
	{ .what = "l= of all, more added", SIGN(START " l=38;" NAMES END),
	  .from = "Joe.\r\n", .to = "Joe.\r\nBuy.\r\n", .partial = true, .reason = "only a part of the body is signed" },
	{ .what = "l= of more than all", SIGN(START " l=39;" NAMES END),
	  .result = CHECK_DKIM_FAIL, .reason = "the body is shorter than l=" },
	{ .what = "l= of far too much", SIGN(START " l=99999999999999999999999999999999999999;" NAMES END), .result = CHECK_DKIM_FAIL, .reason = "the body is shorter than l=" },
	{ .what = "l= of all, relaxed", SIGN(START " c=simple/relaxed; l=34;" NAMES END, .canon = "simple/relaxed") },
	{ .what = "l= no number", SIGN(START " l=0x5;" NAMES END),
	  .result = CHECK_DKIM_NEUTRAL, .reason = "l= is not a number" },

	/* algorithms and keys */
	{ .what = "ed25519", SIGN("v=1; a=ed25519-sha256; d=example.com; s=sel;" NAMES END, .key = WORLD_ED25519), .record = "v=DKIM1; k=ed25519; p=ED" },
	{ .what = "rsa-sha1", SIGN("v=1; a=rsa-sha1; d=example.com; s=sel;" NAMES END, .sha1 = true),
	  .result = CHECK_DKIM_POLICY, .reason = "signed with rsa-sha1, which proves nothing" },
	{ .what = "rsa-sha1, changed", SIGN("v=1; a=rsa-sha1; d=example.com; s=sel;" NAMES END, .names = "from", .sha1 = true),
	  .from = "Joe.", .to = "Jim.", .result = CHECK_DKIM_FAIL, .reason = "body hash did not verify" },
	{ .what = "768 bits", SIGN(START NAMES END, .key = WORLD_SHORT), .record = "p=SHORT",
	  .result = CHECK_DKIM_POLICY, .reason = "the key is too short" },
	{ .what = "8192 bits", SIGN(START NAMES END, .key = WORLD_LONG), .record = "p=LONG" },
	{ .what = "another's key", SIGN(START NAMES END, .key = WORLD_OTHER),
	  .result = CHECK_DKIM_FAIL, .reason = "signature did not verify" },
	{ .what = "an RSA key for ed25519", SIGN("v=1; a=ed25519-sha256; d=example.com; s=sel;" NAMES END, .names = "from", .key = WORLD_ED25519), .result = CHECK_DKIM_PERMERROR, .reason = "the key is for another algorithm" },
	{ .what = "an ed25519 key for RSA", SIGN(START NAMES END, .names = "from"), .record = "k=ed25519; p=ED",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key is for another algorithm" },
	{ .what = "k=rsa with an ed25519 key", SIGN(START NAMES END, .names = "from"), .record = "k=rsa; p=ED",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key can't be read" },
	{ .what = "k=ed25519 with an RSA key", SIGN("v=1; a=ed25519-sha256; d=example.com; s=sel;" NAMES END, .names = "from", .key = WORLD_ED25519), .record = "k=ed25519; p=RSA", .result = CHECK_DKIM_PERMERROR, .reason = "the key can't be read" },
	{ .what = "k= unknown", SIGN(START NAMES END, .names = "from"), .record = "k=dsa; p=RSA",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key is for another algorithm" },
	{ .what = "no v= in the record", SIGN(START NAMES END), .record = "p=RSA" },
	{ .what = "all there is in the record", SIGN(START NAMES END),
	  .record = " v = DKIM1 ; h = sha1 : sha256 ; k = rsa ; n = note ; s = other : email ; t = x ; x = y ; p = RSA ; " },
	{ .what = "v= in the middle", SIGN(START NAMES END), .record = "k=rsa; v=DKIM1; p=RSA" },
	{ .what = "v=spf1", SIGN(START NAMES END, .names = "from"), .record = "v=spf1 -all",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the record is not a key: v= is not DKIM1" },
	{ .what = "v=DKIM2", SIGN(START NAMES END, .names = "from"), .record = "v=DKIM2; p=RSA",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the record is not a key: v= is not DKIM1" },
	{ .what = "revoked", SIGN(START NAMES END, .names = "from"), .record = "v=DKIM1; p=",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key was revoked" },
	{ .what = "no p=", SIGN(START NAMES END, .names = "from"), .record = "v=DKIM1; k=rsa",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key record has no p=" },
	{ .what = "p= twice", SIGN(START NAMES END, .names = "from"), .record = "v=DKIM1; p=RSA; p=RSA",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key record is not a valid tag list" },
	{ .what = "p= no base64", SIGN(START NAMES END, .names = "from"), .record = "v=DKIM1; p=RSA!",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key can't be read" },
	{ .what = "p= no key", SIGN(START NAMES END, .names = "from"), .record = "v=DKIM1; p=AAAA",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key can't be read" },
	{ .what = "h=sha1 only", SIGN(START NAMES END, .names = "from"), .record = "h=sha1; p=RSA",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key is not for this hash" },
	{ .what = "s=other", SIGN(START NAMES END, .names = "from"), .record = "s=xmpp; p=RSA",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key is not for mail" },
	{ .what = "t=y", SIGN(START NAMES END), .record = "t=y; p=RSA", .testing = true },
	{ .what = "t=y, changed", SIGN(START NAMES END), .record = "t=s:y; p=RSA", .testing = true,
	  .from = "Joe.", .to = "Jim.", .result = CHECK_DKIM_FAIL, .reason = "body hash did not verify" },
	{ .what = "t=s", SIGN(START " i=joe@example.com;" NAMES END), .record = "t=s; p=RSA" },
	{ .what = "t=s, i= of a subdomain", SIGN(START " i=joe@a.example.com;" NAMES END, .names = "from"), .record = "t=s; p=RSA",
	  .result = CHECK_DKIM_PERMERROR, .reason = "the key is not for subdomains of d=" },
	{ .what = "g= of old is not looked at", SIGN(START NAMES END), .record = "g=nobody; p=RSA" },
	{ .what = "no record", SIGN(START NAMES END, .names = "from"), .record = "",
	  .result = CHECK_DKIM_PERMERROR, .reason = "no key for signature" },
};

static void add_record(struct buf *out, const char *text)
{
	static const struct { const char *word; enum world_key key; } words[] = {
		{ "RSA", WORLD_RSA }, { "SHORT", WORLD_SHORT }, { "LONG", WORLD_LONG }, { "ED", WORLD_ED25519 },
	};

	while (*text) {
		size_t i = 0;

		while (i < ROWS(words) && !str_starts(str_of(text), str_of(words[i].word)))
			i++;
		if (i == ROWS(words)) {
			buf_add_char(out, *text++);
			continue;
		}
		buf_add_str(out, str_of(world_public(words[i].key)));
		text += strlen(words[i].word);
	}
}

static void change(struct buf *text, const char *from, const char *to)
{
	const char *at = memmem(text->p, text->n, from, strlen(from));
	struct buf changed;

	assert_non_null(at);
	buf_init(&changed, ROOM);
	buf_add(&changed, text->p, (size_t)(at - text->p));
	buf_addf(&changed, "%s", to);
	buf_add_str(&changed, str_skip(buf_str(text), (size_t)(at - text->p) + strlen(from)));
	buf_finish(text);
	buf_move(text, &changed);
}

static void make_world(const char *record)
{
	struct buf text;

	world_clear();
	buf_init(&text, 64 << 10);
	add_record(&text, record ? record : "v=DKIM1; p=RSA");
	if (text.n > 0)
		world_record("sel._domainkey.example.com", buf_str(&text));
	buf_finish(&text);
}

static void check_row(const struct row *row, bool in_file)
{
	struct buf text;
	struct message *m;
	struct check_dkim_verdict verdict;

	make_world(row->record);
	buf_init(&text, ROOM);
	world_sign(&text, &row->sign, str_of(row->message ? row->message : MESSAGE));
	if (row->from)
		change(&text, row->from, row->to);
	m = world_message(buf_str(&text), in_file);
	verdict = world_check(m);
	assert_int_equal(verdict.n, 1);
	if (verdict.v->result != row->result || strcmp(verdict.v->reason, row->reason ? row->reason : "") != 0)
		fail_msg("%s: got %s (%s), want %s (%s) for\n%.*s", row->what, check_dkim_result_text(verdict.v->result),
			verdict.v->reason, check_dkim_result_text(row->result), row->reason, STR_FMT(buf_str(&text)));
	if (verdict.v->partial != row->partial || verdict.v->testing != row->testing)
		fail_msg("%s: partial %d testing %d", row->what, verdict.v->partial, verdict.v->testing);
	message_release(&m);
	buf_finish(&text);
}

static void rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		check_row(&rows[i], i % 2);
	assert_int_equal(ERR_peek_error(), 0);
}

static const struct world_signature good = { .tags = START " c=relaxed/relaxed;" NAMES END, .canon = "relaxed/relaxed" };

static void sign_good(struct buf *text)
{
	buf_init(text, ROOM);
	world_sign(text, &good, STR(MESSAGE));
}

/* What is reported, also of a field that is wrong elsewhere. */
static void what_is_told(void **state)
{
	static const struct { const char *field, *domain, *selector, *identity, *algorithm, *tag; } told[] = {
		{ "v=1; a=RSA-sha256; d=M\xc3\xbcller.Example; s=Sel.A; h=from; bh=AAAA; b=ab cd\r\n ef gh ij",
		  "xn--mller-kva.example", "sel.a", "@xn--mller-kva.example", "rsa-sha256", "abcdefgh" },
		{ "v=7; a=rsa-sha256; d=example.com; s=s; h=from; bh=AAAA; b=abcd; i=J=6F\r\n e@A.example.com",
		  "example.com", "s", "J=6Fe@A.example.com", "rsa-sha256", "abcd" },
		{ "v=1; a=x; d=-; s=s; h=from; bh=AAAA; b=*!*", "", "s", "", "", "*!*" },
		{ "v=1; v=1", "", "", "", "", "" },
		{ "nonsense", "", "", "", "", "" },
	};
	struct buf text;

	(void)state;
	world_clear();
	for (size_t i = 0; i < ROWS(told); i++) {
		buf_init(&text, ROOM);
		buf_addf(&text, "DKIM-Signature: %s\r\n" MESSAGE, told[i].field);
		struct message *m = world_message(buf_str(&text), false);
		struct check_dkim_verdict verdict = world_check(m);

		row_true(i, verdict.n == 1 && verdict.v->result != CHECK_DKIM_PASS && verdict.v->reason[0]);
		row_text(i, verdict.v->domain, str_of(told[i].domain));
		row_text(i, verdict.v->selector, str_of(told[i].selector));
		row_text(i, verdict.v->identity, str_of(told[i].identity));
		row_text(i, str_of(verdict.v->algorithm), str_of(told[i].algorithm));
		row_text(i, verdict.v->tag, str_of(told[i].tag));
		message_release(&m);
		buf_finish(&text);
	}
}

/* ---- keys in the DNS ---- */

static void several_records(void **state)
{
	static const struct { const char *records[6]; enum check_dkim_result result; } sets[] = {
		{ { "v=spf1 -all", "v=DKIM1; p=RSA" }, CHECK_DKIM_PASS },
		{ { "p=RSA", "rubbish" }, CHECK_DKIM_PASS },
		{ { "p=", "p=RSA" }, CHECK_DKIM_PASS },
		{ { "p=SHORT", "p=LONG", "p=RSA" }, CHECK_DKIM_PASS },
		{ { "rubbish", "p=LONG" }, CHECK_DKIM_FAIL },
		{ { "p=LONG", "p=" }, CHECK_DKIM_FAIL },
		{ { "x", "y", "p=" }, CHECK_DKIM_PERMERROR },
		{ { "x=1", "x=2", "x=3", "x=4", "p=RSA" }, CHECK_DKIM_PERMERROR /* past LIMIT_DKIM_KEY_RECORDS */ },
	};
	const char *reason;
	struct buf text, record;

	(void)state;
	sign_good(&text);
	for (size_t i = 0; i < ROWS(sets); i++) {
		world_clear();
		for (size_t k = 0; sets[i].records[k]; k++) {
			buf_init(&record, ROOM);
			add_record(&record, sets[i].records[k]);
			world_record("sel._domainkey.example.com", buf_str(&record));
			buf_finish(&record);
		}
		row_true(i, world_result(buf_str(&text), &reason) == sets[i].result);
	}
	buf_finish(&text);
}

static void what_the_dns_says(void **state)
{
	static const struct { enum dns_status status; enum check_dkim_result result; } says[] = {
		{ DNS_NODATA, CHECK_DKIM_PERMERROR }, { DNS_NXDOMAIN, CHECK_DKIM_PERMERROR },
		{ DNS_TEMPORARY, CHECK_DKIM_TEMPERROR },
	};
	const char *reason;
	struct buf text, big;

	(void)state;
	sign_good(&text);
	for (size_t i = 0; i < ROWS(says); i++) {
		world_clear();
		world_status("sel._domainkey.example.com", says[i].status);
		row_true(i, world_result(buf_str(&text), &reason) == says[i].result && reason[0]);
	}
	world_clear();
	buf_init(&big, 1 << 20);
	buf_addf(&big, "v=DKIM1; p=%s; n=", world_public(WORLD_RSA));
	while (big.n < 60000)
		buf_add_char(&big, 'x');
	world_record("sel._domainkey.example.com", buf_str(&big));
	assert_int_equal(world_result(buf_str(&text), &reason), CHECK_DKIM_PERMERROR);
	assert_string_equal(reason, "the key record is too long");
	buf_finish(&big);
	buf_finish(&text);
}

/* RSAPublicKey, as RFC 6376 has it, instead of SubjectPublicKeyInfo, as all have it. */
static void both_forms_of_rsa_keys(void **state)
{
	/* rsaEncryption, NULL, and a BIT STRING: 24 bytes in front of a key of 2048 bits */
	size_t front = 24 / 3 * 4;
	char record[1024];
	const char *reason;
	struct buf text;

	(void)state;
	sign_good(&text);
	for (int i = 0; i < 2; i++) {
		world_clear();
		snprintf(record, sizeof record, "k=rsa; p=%s", world_public(WORLD_RSA) + (i ? front : 0));
		world_record("sel._domainkey.example.com", str_of(record));
		assert_int_equal(world_result(buf_str(&text), &reason), CHECK_DKIM_PASS);
	}
	buf_finish(&text);
}

/* ---- several signatures ---- */

static const char hopeless[][200] = {
	"DKIM-Signature: rubbish\r\n",
	"DKIM-Signature:\r\n",
	"DKIM-Signature: v=1; a=rsa-sha256; d=gone.example; s=s; h=from; bh=AAAA; b=AAAA\r\n",
	"DKIM-Signature: v=1; a=rsa-sha256; d=slow.example; s=s; h=from; bh=AAAA; b=AAAA\r\n",
	"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=AAAA; b=AAAA\r\n",
	"dkim-signature : v=1; a=ed25519-sha256; d=example.com; s=sel; h=from; c=relaxed/simple; bh=AAAA; b=AAAA\r\n",
};

static void none_stops_another(void **state)
{
	static const enum check_dkim_result want[] = {
		CHECK_DKIM_NEUTRAL, CHECK_DKIM_NEUTRAL, CHECK_DKIM_PERMERROR, CHECK_DKIM_TEMPERROR, CHECK_DKIM_FAIL,
		CHECK_DKIM_PERMERROR, CHECK_DKIM_PASS, CHECK_DKIM_PASS,
	};
	static const struct world_signature other = { .tags = "v=1; a=ed25519-sha256; d=example.com; s=ed; "
		"c=simple/simple; l=5;" NAMES END, .length = 5, .key = WORLD_ED25519 };
	struct buf one, two, all;
	struct message *m;
	struct check_dkim_verdict verdict;
	char record[200];

	(void)state;
	make_world(NULL);
	world_status("s._domainkey.slow.example", DNS_TEMPORARY);
	snprintf(record, sizeof record, "k=ed25519; p=%s", world_public(WORLD_ED25519));
	world_record("ed._domainkey.example.com", str_of(record));
	sign_good(&one);
	buf_init(&two, ROOM);
	world_sign(&two, &other, buf_str(&one));
	buf_init(&all, ROOM);
	for (size_t i = 0; i < ROWS(hopeless); i++)
		buf_addf(&all, "%s", hopeless[i]);
	buf_add_str(&all, buf_str(&two));
	m = world_message(buf_str(&all), true);
	verdict = world_check(m);
	assert_int_equal(verdict.n, ROWS(want));
	for (size_t i = 0; i < ROWS(want); i++)
		row_true(i, verdict.v[i].result == want[i]);
	assert_true(verdict.v[6].partial);
	assert_false(verdict.v[7].partial);
	assert_int_equal(world_asked_at_once(), 6);
	message_release(&m);
	buf_finish(&one);
	buf_finish(&two);
	buf_finish(&all);
}

static void only_so_many(void **state)
{
	struct buf good_text, all;
	struct message *m;
	struct check_dkim_verdict verdict;

	(void)state;
	make_world(NULL);
	sign_good(&good_text);
	buf_init(&all, ROOM);
	for (int i = 0; i < 1000; i++)
		buf_addf(&all, "DKIM-Signature: v=1; a=rsa-sha256; d=d%d.example; s=s; h=from; bh=AAAA; b=AAAA\r\n", i);
	buf_add_str(&all, buf_str(&good_text));
	m = world_message(buf_str(&all), false);
	verdict = world_check(m);
	assert_int_equal(verdict.n, LIMIT_DKIM_SIGNATURES);
	assert_int_equal(verdict.ignored, 1000 + 1 - LIMIT_DKIM_SIGNATURES);
	assert_int_equal(world_asked(), LIMIT_DKIM_SIGNATURES);
	message_release(&m);
	buf_finish(&all);
	buf_finish(&good_text);
}

static void no_signature(void **state)
{
	struct message *m = world_message(STR(MESSAGE), false);
	struct check_dkim_verdict verdict;

	(void)state;
	world_clear();
	verdict = world_check(m);
	assert_int_equal(verdict.n, 0);
	assert_int_equal(world_asked(), 0);
	message_release(&m);
}

/* U-labels, as an internationalised message may have them, are asked for as A-labels (RFC 8616 section 5). */
static void an_international_domain(void **state)
{
	static const struct world_signature signature = { .tags = "v=1; a=rsa-sha256; d=M\xc3\xbcller.example; s=s\xc3\xa4l;"
		" i=j\xc3\xb6@post.M\xc3\xbcller.example;" NAMES END };
	char record[1000];
	const char *reason;
	struct buf text;

	(void)state;
	world_clear();
	snprintf(record, sizeof record, "p=%s", world_public(WORLD_RSA));
	world_record("xn--sl-via._domainkey.xn--mller-kva.example", str_of(record));
	buf_init(&text, ROOM);
	world_sign(&text, &signature, STR(MESSAGE));
	assert_int_equal(world_result(buf_str(&text), &reason), CHECK_DKIM_PASS);
	buf_finish(&text);
}

/* ---- giving up ---- */

static void add_many(struct buf *out, struct str piece, size_t bytes)
{
	for (; bytes >= piece.n; bytes -= piece.n)
		buf_add_str(out, piece);
}

struct waiting {
	struct job *job;
	bool cancelled;
	int answers;
};

static void came(void *arg, const struct check_dkim_verdict *verdict)
{
	struct waiting *w = arg;

	(void)verdict;
	assert_false(w->cancelled);
	w->job = NULL;
	w->answers++;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void run_for(int64_t ms)
{
	struct timer *t = timer_new(world_loop(), stop, world_loop());

	timer_set(t, ms);
	loop_run(world_loop());
	timer_destroy(&t);
}

/* Before the keys came, while a worker is at it (a body this long takes it a while), and after. */
static void cancelled_at_any_time(void **state)
{
	struct buf plain, text;
	int early = 0, late = 0;

	(void)state;
	make_world(NULL);
	buf_init(&plain, ROOM);
	buf_init(&text, ROOM);
	buf_addf(&plain, HEADER "\r\n");
	add_many(&plain, STR("All work  and no play\r\n"), 4 << 20);
	world_sign(&text, &good, buf_str(&plain));
	for (int64_t ms = -1; late == 0 && ms < SECONDS(60); ms = ms < 1 ? ms + 1 : 2 * ms) {
		struct message *m = world_message(buf_str(&text), true);
		struct waiting w = { .answers = 0 };

		w.job = check_dkim(world_loop(), NULL, m, came, &w);
		message_release(&m);
		if (ms >= 0)
			run_for(ms);
		early += w.job != NULL;
		late += w.job == NULL;
		job_cancel(&w.job);
		w.cancelled = true;
		run_for(1);
		assert_true(w.answers <= 1);
	}
	assert_true(early > 0 && late > 0);
	run_for(100);
	buf_finish(&plain);
	buf_finish(&text);
}

/* ---- hostile ---- */

/* Each byte that a signature covers is changed: never a pass. Each other byte: never a crash. */
static void no_altered_byte_passes(void **state)
{
	const char *reason;
	struct buf text;
	size_t header;

	(void)state;
	make_world(NULL);
	buf_init(&text, ROOM);
	world_sign(&text, &(struct world_signature){ .tags = START " c=simple/simple;"
		" h=received:from:to:subject:date:x-twice:x-twice; bh=BH;" END,
		.names = "received:from:to:subject:date:x-twice:x-twice" },
		STR(HEADER "\r\nHi.\r\n\r\nJoe.\r\n"));
	header = (size_t)content_find_header_end(buf_str(&text));
	for (size_t i = 0; i < text.n; i++) {
		char was = text.p[i];

		if (i == header || i == header + 1)
			continue;                       /* the empty line: then there is another header */
		text.p[i] = (char)(was ^ (1 << random_below(8)));
		struct message *m = world_message(buf_str(&text), false);
		struct check_dkim_verdict verdict = world_check(m);

		if (verdict.n > 0 && verdict.v[0].result == CHECK_DKIM_PASS)
			fail_msg("byte %zu was %02x, is %02x and passes", i, was, text.p[i]);
		text.p[i] = was;
		message_release(&m);
	}
	assert_int_equal(world_result(buf_str(&text), &reason), CHECK_DKIM_PASS);
	buf_finish(&text);
}

static void rubbish_in_fields_and_keys(void **state)
{
	struct buf text, record;
	const char *reason;

	(void)state;
	buf_init(&text, ROOM);
	buf_init(&record, ROOM);
	for (int round = 0; round < 400; round++) {
		buf_clear(&text);
		buf_clear(&record);
		world_sign(&text, &good, STR(MESSAGE));
		buf_addf(&record, "v=DKIM1; h=sha256; k=rsa; s=email; p=%s; t=s", world_public(WORLD_RSA));
		for (unsigned n = random_below(4); n > 0; n--)
			text.p[15 + random_below(500)] = (char)random_below(256);
		for (unsigned n = random_below(4); n > 0; n--)
			record.p[random_below((uint32_t)record.n)] = (char)random_below(256);
		world_clear();
		world_record("sel._domainkey.example.com", buf_str(&record));
		struct message *m = world_message(buf_str(&text), round % 2);

		world_check(m);
		message_release(&m);
	}
	make_world(NULL);
	buf_clear(&text);
	world_sign(&text, &good, STR(MESSAGE));
	assert_int_equal(world_result(buf_str(&text), &reason), CHECK_DKIM_PASS);
	buf_finish(&text);
	buf_finish(&record);
}

/* Each in a message that is well signed below. */
static void huge_things(void **state)
{
	static const struct { const char *before, *piece, *after; size_t bytes; } huge[] = {
		{ "", "X", ": a name of 20,000 bytes\r\n", 20000 },
		{ "X: ", "y", "\r\n", 200000 },
		{ "", "a:\r\n", "", 200000 },
		{ "X: ", "y\r\n ", "z\r\n", 200000 },
		{ "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=sel; bh=AAAA; b=AAAA; h=from", ":a", "\r\na: b\r\n", 200000 },
		{ "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=sel; bh=AAAA; b=AAAA; h=from", ":from", "\r\n", 200000 },
		{ "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=AAAA; b=", "AAAA", "\r\n", 200000 },
		{ "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=sel; h=from; b=AAAA; bh=", "A ", "\r\n", 200000 },
		{ "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=sel; h=from; b=AAAA; bh=AAAA; i=", "x", "@example.com\r\n",
		  200000 },
		{ "DKIM-Signature: v=1; s=sel; d=", "a.", "com\r\n", 200000 },
		{ "DKIM-Signature: v=1; d=example.com; s=", "a", "\r\n", 20000 },
		{ "DKIM-Signature: ", "\r\n \r\n\t", "v=1\r\n", 200000 },
		{ "DKIM-Signature: ", ";", "\r\n", 200000 },
		{ "DKIM-Signature: ", "x=1;", "\r\n", 200000 },
		{ "DKIM-Signature: ", "x", "=1\r\n", 200000 },
		{ "DKIM-Signature: v=1; l=", "9", "\r\n", 20000 },
	};

	(void)state;
	make_world(NULL);
	for (size_t i = 0; i < ROWS(huge); i++) {
		struct buf signed_text, text;
		int64_t began;

		sign_good(&signed_text);
		buf_init(&text, ROOM);
		buf_addf(&text, "%s", huge[i].before);
		add_many(&text, str_of(huge[i].piece), huge[i].bytes);
		buf_addf(&text, "%s", huge[i].after);
		buf_add_str(&text, buf_str(&signed_text));
		struct message *m = world_message(buf_str(&text), false);

		began = clock_mono();
		struct check_dkim_verdict verdict = world_check(m);

		row_true(i, verdict.n == (strncmp(huge[i].before, "DKIM", 4) == 0 ? 2 : 1));
		row_true(i, verdict.v[verdict.n - 1].result == CHECK_DKIM_PASS);
		row_true(i, verdict.n == 1 || verdict.v[0].result != CHECK_DKIM_PASS);
		row_true(i, clock_mono() - began < SECONDS(5));
		message_release(&m);
		buf_finish(&text);
		buf_finish(&signed_text);
	}
}

/* Memory of this process now, in kB. */
static long resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all = 0, pages = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &all, &pages), 2);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

struct watch {
	struct timer *timer;
	long most;
	int looks;
};

static void look(void *arg)
{
	struct watch *w = arg;
	long now = resident();

	w->looks++;
	if (now > w->most)
		w->most = now;
	timer_set(w->timer, 1);
}

/* A body that is one line, and one of many, in both forms; memory may not grow with it. */
static void a_large_body(void **state)
{
	static const struct { const char *piece; size_t mb; } bodies[] = { { "x y ", 50 }, { "\r\n", 10 }, { "All work  \r\n", 10 } };

	(void)state;
	make_world(NULL);
	for (size_t i = 0; i < ROWS(bodies); i++) {
		struct watch w = { .most = 0 };
		struct buf text, twice;

		buf_init(&text, ROOM);
		buf_init(&twice, ROOM);
		buf_addf(&text, HEADER "\r\n");
		add_many(&text, str_of(bodies[i].piece), bodies[i].mb << 20);
		buf_addf(&text, "end\r\n");
		world_sign(&twice, &good, buf_str(&text));
		buf_clear(&text);
		world_sign(&text, &(struct world_signature){ .tags = START NAMES END }, buf_str(&twice));
		struct message *m = world_message(buf_str(&text), true);

		buf_finish(&text);
		buf_finish(&twice);
		long before = resident();

		w.timer = timer_new(world_loop(), look, &w);
		timer_set(w.timer, 0);
		struct check_dkim_verdict verdict = world_check(m);

		timer_destroy(&w.timer);
		row_true(i, verdict.n == 2);
		row_true(i, verdict.v[0].result == CHECK_DKIM_PASS && verdict.v[1].result == CHECK_DKIM_PASS);
		row_true(i, w.looks > 0 && w.most - before < 6 << 10 /* kB */);
		message_release(&m);
	}
}

static void a_file_that_ends_early(void **state)
{
	struct buf text;
	struct message *m;
	struct check_dkim_verdict verdict;

	(void)state;
	make_world(NULL);
	sign_good(&text);
	m = world_message(buf_str(&text), true);
	m->content.size += 100;
	verdict = world_check(m);
	assert_int_equal(verdict.n, 1);
	assert_int_equal(verdict.v[0].result, CHECK_DKIM_TEMPERROR);
	assert_string_equal(verdict.v[0].reason, "the message could not be read");
	message_release(&m);
	buf_finish(&text);
}

static void names_of_results(void **state)
{
	(void)state;
	assert_string_equal(check_dkim_result_text(CHECK_DKIM_PASS), "pass");
	assert_string_equal(check_dkim_result_text(CHECK_DKIM_FAIL), "fail");
	assert_string_equal(check_dkim_result_text(CHECK_DKIM_NEUTRAL), "neutral");
	assert_string_equal(check_dkim_result_text(CHECK_DKIM_POLICY), "policy");
	assert_string_equal(check_dkim_result_text(CHECK_DKIM_TEMPERROR), "temperror");
	assert_string_equal(check_dkim_result_text(CHECK_DKIM_PERMERROR), "permerror");
}

static int tear_down(void **state)
{
	(void)state;
	world_finish();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_message_of_rfc8463),
		cmocka_unit_test(rules),
		cmocka_unit_test(what_is_told),
		cmocka_unit_test(several_records),
		cmocka_unit_test(what_the_dns_says),
		cmocka_unit_test(both_forms_of_rsa_keys),
		cmocka_unit_test(none_stops_another),
		cmocka_unit_test(only_so_many),
		cmocka_unit_test(no_signature),
		cmocka_unit_test(an_international_domain),
		cmocka_unit_test(cancelled_at_any_time),
		cmocka_unit_test(no_altered_byte_passes),
		cmocka_unit_test(rubbish_in_fields_and_keys),
		cmocka_unit_test(huge_things),
		cmocka_unit_test(a_large_body),
		cmocka_unit_test(a_file_that_ends_early),
		cmocka_unit_test(names_of_results),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
