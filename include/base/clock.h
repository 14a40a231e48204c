/* Time in milliseconds unless the name says otherwise. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall(void);            /* ms since 1970; may jump */
int64_t clock_wall_us(void);
int64_t clock_mono(void);            /* ms since some start; never jumps: for waits and deadlines */
int64_t clock_mono_us(void);

#define SECONDS(n) ((int64_t)(n) * 1000)
#define MINUTES(n) SECONDS((n) * 60)
#define HOURS(n)   MINUTES((n) * 60)
#define DAYS(n)    HOURS((n) * 24)

#endif
