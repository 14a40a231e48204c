/*
 * A wait. The callback given to the function that returned the job comes exactly once, from the loop, never
 * from inside that function; when it comes the job is already gone (forget the pointer first thing). After
 * job_cancel it never comes.
 */
#ifndef NET_JOB_H
#define NET_JOB_H

/* To make a new kind of wait, embed this as the first member; cancel frees the whole. */
struct job {
	void (*cancel)(struct job *job);
};

void job_cancel(struct job **job);           /* &NULL is fine; leaves NULL */

#endif
