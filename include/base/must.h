/* Our own faults: log what was thought impossible and abort. Never for input, disk or network. */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#define must(condition) \
	((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__, __func__))

_Noreturn void must_failed(const char *what, const char *file, int line, const char *function);

#endif
