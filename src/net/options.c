/* options.c - the sections dns: and tls: of the config */
#include "base/clock.h"
#include "net/dns.h"
#include "net/tls.h"

const struct config_row dns_rows[] = {
	{ .key = "dns.servers", .type = CONFIG_ENDPOINTS, .min = 53, .max = 53,
		.offset = offsetof(struct dns_options, servers),
		.text = "Resolvers to ask, each as address or address:port; none: those of "
			"/etc/resolv.conf." },
	{ .key = "dns.trust_ad", .type = CONFIG_BOOL, .fallback = "false",
		.offset = offsetof(struct dns_options, trust_ad),
		.text = "Whether the resolvers validate DNSSEC and the way to them is safe, so that "
			"their AD bit counts; it always counts when all of them are on this machine." },
	{ .key = "dns.timeout", .type = CONFIG_DURATION, .fallback = "5s",
		.min = SECONDS(1), .max = MINUTES(1),
		.offset = offsetof(struct dns_options, timeout),
		.text = "How long one look-up may take with all its tries." },
	{ .key = NULL }
};

const struct config_row tls_rows[] = {
	{ .key = "tls.certificate", .type = CONFIG_PATH,
		.offset = offsetof(struct tls_options, certificate),
		.text = "PEM file with the server's certificate first and its chain after it; none: a "
			"self-signed one is made once." },
	{ .key = "tls.key", .type = CONFIG_PATH, .offset = offsetof(struct tls_options, key),
		.text = "PEM file with the private key; none: it stands in the certificate's file." },
	{ .key = NULL }
};
