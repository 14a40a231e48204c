/*
 * dns.c - waypost dns: the records to publish for this config, in zone-file format
 *
 * Never    looks anything up: `waypost doctor` compares with what is published.
 * See      RFC 1035 section 5.1 (the format), RFC 7208, RFC 6376 section 3.6.2, RFC 7489.
 */
#include "dns.h"
#include "admin/settings.h"
#include "commands.h"
#include "mail/address.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

enum { STRING = 255 };                     /* of a TXT record: its length is one byte */

static const char usage[] =
	"Usage: waypost dns [-c FILE]\n"
	"\n"
	"Prints the DNS records to publish for this configuration, as a zone file has them. Lines\n"
	"that begin with ; say what you have to fill in or to consider.\n";

static void add_string(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c > 126)
			buf_addf(out, "\\%03u", c);
		else
			buf_addf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	buf_add_char(out, '"');
}

void cli_dns_add_txt(struct buf *out, const char *name, struct str value)
{
	bool several = value.n > STRING;

	buf_addf(out, "%s. IN TXT %s", name, several ? "( " : "");
	add_string(out, str_head(value, STRING));
	for (value = str_skip(value, STRING); value.n > 0; value = str_skip(value, STRING)) {
		buf_addf(out, "\n\t");
		add_string(out, str_head(value, STRING));
	}
	buf_addf(out, several ? " )\n" : "\n");
}

void cli_dns_add_dkim(struct buf *out, const char *domain, const char *selector, struct str value)
{
	struct buf name;

	buf_init(&name, CLI_DNS_MAX);
	buf_addf(&name, "%s._domainkey.%s", selector, domain);
	cli_dns_add_txt(out, buf_text(&name), value);
	buf_finish(&name);
}

static bool is_literal(const char *hostname)
{
	return hostname[0] == '[';
}

static void add_host(struct buf *out, const char *hostname)
{
	if (is_literal(hostname)) {
		buf_addf(out, "; ptr_hostname is an address, %s: give this server a name, or no MX can point here.\n\n", hostname);
		return;
	}
	buf_addf(out,
		"; This server. Put in its public addresses; the reverse DNS (PTR) of each, which whoever gave\n"
		"; you the address sets, must be %s too.\n"
		";%s. IN A 192.0.2.1\n"
		";%s. IN AAAA 2001:db8::1\n", hostname, hostname, hostname);
	cli_dns_add_txt(out, hostname, STR("v=spf1 a -all"));
	buf_addf(out, "\n");
}

static void add_mx(struct buf *out, const char *domain, const char *hostname)
{
	buf_addf(out, "%s%s. IN MX 10 %s.\n", is_literal(hostname) ? ";" : "", domain,
		is_literal(hostname) ? "mail.example.com" : hostname);
}

static bool add_keys(struct buf *out, const struct sign_options *sign, const char *domain, struct why *why)
{
	bool ok = true, any = false;

	for (size_t i = 0; i < sign->key_count && sign->enable && ok; i++) {
		const struct sign_key *key = &sign->keys[i];
		struct buf value;

		if (!str_ieq(str_of(key->domain), str_of(domain)))
			continue;
		buf_init(&value, CLI_DNS_MAX);
		ok = sign_key_record_of(key, &value, why);
		if (ok)
			cli_dns_add_dkim(out, domain, key->selector, buf_str(&value));
		buf_finish(&value);
		any = true;
	}
	if (!sign->enable)
		buf_addf(out, "; dkim.enable is false: mail is not signed.\n");
	else if (!any)
		buf_addf(out, "; No DKIM key: `waypost keygen -d %s -s mail` makes one.\n", domain);
	return ok;
}

static void add_dmarc(struct buf *out, const char *domain, bool has_users)
{
	struct buf name, value;

	buf_init(&name, CLI_DNS_MAX);
	buf_init(&value, CLI_DNS_MAX);
	buf_addf(&name, "_dmarc.%s", domain);
	if (has_users) {
		buf_addf(out, "; A beginning: reports only. Once all your mail passes, p=quarantine, then p=reject.\n");
		buf_addf(&value, "v=DMARC1; p=none; rua=mailto:postmaster@%s", domain);
	} else {
		buf_addf(&value, "v=DMARC1; p=reject");
	}
	cli_dns_add_txt(out, buf_text(&name), buf_str(&value));
	buf_finish(&name);
	buf_finish(&value);
}

/* has_users: it stands in From; srs_domain stands in envelopes only. */
static bool add_domain(struct buf *out, const struct settings *s, const char *domain, bool has_users, struct why *why)
{
	bool ok;

	add_mx(out, domain, s->hostname);
	if (!str_ieq(str_of(domain), str_of(s->hostname)))
		cli_dns_add_txt(out, domain, has_users ? STR("v=spf1 mx ~all") : STR("v=spf1 mx -all"));
	ok = add_keys(out, &s->sign, domain, why);
	add_dmarc(out, domain, has_users);
	buf_addf(out, "\n");
	return ok;
}

static bool add_all(struct buf *out, const struct settings *s, struct why *why)
{
	const struct config_node *domains = config_get(config_root(s->config), "virtual_domains");
	bool srs = s->srs.enable && s->srs.domain != NULL, ok = true;
	struct arena *arena = arena_create();

	add_host(out, s->hostname);
	if (s->deliver.relay != NULL)
		buf_addf(out, "; Mail leaves through %s: add to each v=spf1 what its operator says.\n\n", s->deliver.relay->host);
	for (size_t i = 0; i < config_count(domains) && ok; i++) {
		struct str name;

		if (!address_parse_domain(&name, config_text(config_key(domains, i)), arena))
			continue;          /* the config would not have been right */
		srs = srs && !str_ieq(name, str_of(s->srs.domain));
		ok = add_domain(out, s, name.p, true, why);
	}
	if (srs && ok) {
		buf_addf(out, "; The senders of forwarded mail: bounces come back here.\n");
		ok = add_domain(out, s, s->srs.domain, false, why);
	}
	arena_destroy(&arena);
	return ok;
}

static int print_records(const struct settings *s)
{
	struct why why = { 0 };
	int status = CLI_DONE;
	struct buf out;

	buf_init(&out, CLI_DNS_MAX);
	if (!add_all(&out, s, &why)) {
		fprintf(stderr, "waypost dns: %s\n", why.text);
		status = EX_CONFIG;
	} else if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0) {
		status = EX_IOERR;
	}
	buf_finish(&out);
	return status;
}

int cli_dns(int argc, char **argv)
{
	const char *file = cli_config_default;
	struct settings *settings;
	int status;

	if (!cli_options(argc, argv, usage, &file, &status))
		return status;
	if (optind != argc) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	settings = settings_load_or_explain(file);
	if (settings == NULL)
		return EX_CONFIG;
	status = print_records(settings);
	settings_destroy(&settings);
	return status;
}
