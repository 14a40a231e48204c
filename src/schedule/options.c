/*
 * options.c - the keys of the section deliver: that say when and how many at once
 */
#include "base/clock.h"
#include "schedule/schedule.h"

#define FIELD(name) offsetof(struct schedule_options, name)
#define TIME(name, text_) \
	.key = "deliver." #name, .type = CONFIG_DURATION, .offset = FIELD(name), .text = text_
#define NUMBER(name, text_) \
	.key = "deliver." #name, .type = CONFIG_NUMBER, .offset = FIELD(name), .text = text_

const struct config_row schedule_rows[] = {
	{ TIME(max_age, "How long a message is tried before it is given up and its sender told."),
		.fallback = "5d", .min = SECONDS(1), .max = DAYS(30) },
	{ TIME(delay_notice,
		"When our own users are told that a message of theirs is still waiting."),
		.fallback = "4h", .min = SECONDS(1), .max = DAYS(30) },
	{ TIME(min_backoff, "The shortest time between two attempts."),
		.fallback = "1m", .min = 100, .max = HOURS(4) },
	/* no more than 4 hours: a time further ahead than SCHEDULE_TOO_FAR is not believed */
	{ TIME(max_backoff,
		"The longest time between two attempts; it doubles from min_backoff up to this."),
		.fallback = "4h", .min = 100, .max = HOURS(4) },
	{ NUMBER(concurrency, "Deliveries under way at once, to all destinations."),
		.fallback = "200", .min = 1, .max = 10000 },
	{ NUMBER(lane_concurrency, "Deliveries under way at once to one destination."),
		.fallback = "20", .min = 1, .max = 1000 },
	{ .key = NULL },
};
