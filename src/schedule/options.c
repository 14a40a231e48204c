/*
 * options.c - the keys of the section deliver: that say when and how many at once
 */
#include "base/clock.h"
#include "schedule/schedule.h"

#define FIELD(name) offsetof(struct schedule_options, name)

const struct config_row schedule_rows[] = {
	{ .key = "deliver.max_age", .type = CONFIG_DURATION, .fallback = "5d", .min = SECONDS(1), .max = DAYS(30),
		.offset = FIELD(max_age),
		.text = "How long a message is tried before it is given up and its sender told." },
	{ .key = "deliver.delay_notice", .type = CONFIG_DURATION, .fallback = "4h", .min = SECONDS(1),
		.max = DAYS(30), .offset = FIELD(delay_notice),
		.text = "When our own users are told that a message of theirs is still waiting." },
	{ .key = "deliver.min_backoff", .type = CONFIG_DURATION, .fallback = "1m", .min = 100, .max = HOURS(4),
		.offset = FIELD(min_backoff), .text = "The shortest time between two attempts." },
	{ .key = "deliver.max_backoff", .type = CONFIG_DURATION, .fallback = "4h", .min = 100, .max = HOURS(4),
		.offset = FIELD(max_backoff),
		.text = "The longest time between two attempts; it doubles from min_backoff up to this." },
	{ .key = "deliver.concurrency", .type = CONFIG_NUMBER, .fallback = "200", .min = 1, .max = 10000,
		.offset = FIELD(concurrency), .text = "Deliveries under way at once, to all destinations." },
	{ .key = "deliver.lane_concurrency", .type = CONFIG_NUMBER, .fallback = "20", .min = 1, .max = 1000,
		.offset = FIELD(lane_concurrency), .text = "Deliveries under way at once to one destination." },
	{ .key = NULL },
};
