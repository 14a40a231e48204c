/*
 * job.c - giving up a wait
 */
#include "net/job.h"

#include <stddef.h>

void job_cancel(struct job **job)
{
	struct job *j = *job;

	*job = NULL;
	if (j)
		j->cancel(j);
}
