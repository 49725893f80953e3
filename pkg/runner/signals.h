// Signal dispositions of a process that runs a guest.

// signals_catch makes SIGTERM, SIGINT, SIGHUP and SIGQUIT end the process at once with 128 + their number, and takes all
// others back from Go's runtime: a container's init has no handlers, so the kernel drops them for pid 1 of a pid namespace and
// does its default elsewhere.
void signals_catch(void);

// signals_release gives SIGTERM and SIGINT back to Go's runtime.
void signals_release(void);

// signals_interrupts has SIGINT add to an eventfd in place of ending the process.
void signals_interrupts(int event);
